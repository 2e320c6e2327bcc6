// SPDX-License-Identifier: MIT
#include <lab/cli/forecast_text.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>

namespace kvmig::lab::cli {

namespace {

nlohmann::json rate_json(const std::optional<byte_rate> &rate) {
    return rate ? nlohmann::json(rate->per_second()) : nlohmann::json();
}

nlohmann::json seconds_json(const std::optional<convergence::seconds> &time) {
    return time ? nlohmann::json(time->count()) : nlohmann::json();
}

/// What comes of it, in a sentence.
std::string foretold(const convergence::prospect &what) {
    using convergence::verdict;
    if (what.ends == verdict::yes) {
        return fmt::format("it ends after {:.1f} s, with a pause of at most {:.2f} s",
                           what.total_time->count(), what.downtime->count());
    }
    std::string out = what.ends == verdict::no ? "it does not end" : "whether it ends is not known";
    if (what.ends == verdict::unknown && what.total_time) {
        out += fmt::format("; at the least it takes {:.1f} s", what.total_time->count());
    }
    return out;
}

} // namespace

nlohmann::json forecast_json(const run::forecast_answer &of) {
    return {{"ends", to_string(of.prospect.ends)},
            {"bytes", {{"memory", of.plan.memory.count()}, {"disks", of.plan.disks.count()}}},
            {"bytes_per_second",
             {{"rate", rate_json(of.plan.rate)}, {"dirty", rate_json(of.plan.dirty)}}},
            {"seconds",
             {{"total", seconds_json(of.prospect.total_time)},
              {"downtime", seconds_json(of.prospect.downtime)}}},
            {"because", describe(of.prospect.because)},
            {"assumed", of.assumed},
            {"unknown", of.unknown}};
}

std::string forecast_text(const run::forecast_answer &of) {
    std::string out = fmt::format("Forecast: {}\n", foretold(of.prospect));
    out += fmt::format("  moves    {:.0f} MiB of memory", of.plan.memory.as_mib());
    if (of.plan.disks.count() != 0) {
        out += fmt::format(", {:.0f} MiB of disks", of.plan.disks.as_mib());
    }
    out += '\n';
    if (!of.prospect.because.empty()) {
        out += fmt::format("  because  {}\n", describe(of.prospect.because));
    }
    for (const std::string &each : of.assumed) out += fmt::format("  assumed  {}\n", each);
    for (const std::string &each : of.unknown) out += fmt::format("  unknown  {}\n", each);
    return out + '\n';
}

} // namespace kvmig::lab::cli
