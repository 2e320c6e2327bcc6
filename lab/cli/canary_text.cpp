// SPDX-License-Identifier: MIT
#include <lab/cli/canary_text.hpp>

#include <chrono>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace kvmig::lab::cli {

namespace {

double seconds(const precheck::canary_facts &told) {
    return std::chrono::duration<double>(told.took).count();
}

nlohmann::json causes_json(const precheck::canary_facts &told) {
    nlohmann::json out = nlohmann::json::array();
    for (const precheck::canary_cause &each : told.causes) {
        out.push_back({{"id", each.id},
                       {"title", each.title},
                       {"confidence", each.confidence},
                       {"remedy", each.remedy}});
    }
    return out;
}

} // namespace

nlohmann::json canary_json(const precheck::canary_facts &told) {
    return {{"outcome", to_string(told.fate)}, {"host", told.host},         {"said", told.said},
            {"causes", causes_json(told)},     {"left_out", told.left_out}, {"swept", told.swept},
            {"remains", told.remains},         {"seconds", seconds(told)}};
}

std::string canary_text(const precheck::canary_facts &told) {
    using precheck::canary_fate;
    std::string out = fmt::format("Canary: {}, after {:.1f} s\n",
                                  told.fate == canary_fate::arrived ? "it arrived, and was removed"
                                  : told.fate == canary_fate::lost  ? "it did not arrive"
                                                                    : "it could not be tried",
                                  seconds(told));
    if (!told.left_out.empty()) {
        out += fmt::format("  without  {}\n", fmt::join(told.left_out, ", "));
    }
    for (const std::string &each : told.swept) out += fmt::format("  swept    {}\n", each);
    return out + '\n';
}

} // namespace kvmig::lab::cli
