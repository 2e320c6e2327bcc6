// SPDX-License-Identifier: MIT
#include <lab/report/history.hpp>

#include <lab/report/compare.hpp>
#include <lab/report/median.hpp>

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>
#include <map>
#include <optional>
#include <set>

namespace kvmig::lab {

namespace {

/// Every id in the runs: those that this program has in its order, then those that it no longer
/// has.
std::vector<std::string> ids_in(std::span<const kept_run> runs) {
    std::set<std::string> there;
    for (const kept_run &each : runs) {
        for (const scenario_result &one : each.run.scenarios) there.insert(one.id);
    }
    std::vector<std::string> out;
    for (const scenario &each : all_scenarios()) {
        if (auto node = there.extract(std::string{each.id})) out.push_back(node.value());
    }
    out.insert(out.end(), there.begin(), there.end());
    return out;
}

void add_entry(scenario_history &to, const std::string &run, const scenario_result &one,
               bool alike) {
    const bool counts = alike && one.result == outcome::passed;
    to.entries.push_back({run, one.result, one.seconds, counts});
    if (!counts) return;
    for (const figure &each : one.figures) {
        if (!std::isfinite(each.value)) continue;
        auto at = std::find_if(to.figures.begin(), to.figures.end(), [&](const auto &known) {
            return known.name == each.name && known.unit == each.unit;
        });
        if (at == to.figures.end()) at = to.figures.insert(at, {each.name, each.unit, {}});
        at->samples.push_back(each.value);
    }
}

scenario_history history_of(std::span<const kept_run> runs, const std::string &id) {
    scenario_history out;
    out.id = id;
    const run_result *newest = nullptr;
    for (const kept_run &each : runs) {
        std::optional<bool> alike; // found out once for each run that has the scenario
        for (const scenario_result &one : each.run.scenarios) {
            if (one.id != id) continue;
            if (newest == nullptr) newest = &each.run;
            if (!alike) alike = unlike({newest, 1}, {&each.run, 1}).empty();
            add_entry(out, each.name, one, *alike);
        }
    }
    return out;
}

std::string word(const run_result &run, const char *name) {
    const auto found = run.environment.find(name);
    return found != run.environment.end() && found->is_string() ? found->get<std::string>() : "-";
}

nlohmann::json told_or_null(const run_result &run, const char *name) {
    return run.environment.contains(name) ? run.environment.at(name) : nlohmann::json();
}

std::vector<double> seconds_of(const scenario_history &one) {
    std::vector<double> out;
    for (const auto &each : one.entries) {
        if (each.counts) out.push_back(each.seconds);
    }
    return out;
}

std::string summary(const std::string &name, const std::vector<double> &samples,
                    std::string_view unit) {
    const auto [least, most] = std::minmax_element(samples.begin(), samples.end());
    return fmt::format("  {:<44} {:>10.5g} {} ({:.5g} to {:.5g})\n", name, median(samples), unit,
                       *least, *most);
}

} // namespace

expected<std::vector<scenario_history>> histories_of(std::span<const kept_run> runs,
                                                     std::span<const std::string> globs) {
    const auto ids = ids_in(runs);
    std::set<std::string> wanted;
    for (const std::string &glob : globs) {
        bool found = false;
        for (const std::string &id : ids) {
            if (::fnmatch(glob.c_str(), id.c_str(), 0) != 0) continue;
            found = true;
            wanted.insert(id);
        }
        if (found) continue;
        error none = make_error(error_kind::invalid_argument,
                                fmt::format("no kept run has a scenario '{}'", glob));
        return fail(ids.empty() ? std::move(none)
                                : std::move(none).advise(
                                      fmt::format("use one of {}, or a pattern such as 'live-*'",
                                                  fmt::join(ids, ", "))));
    }
    std::vector<scenario_history> out;
    for (const std::string &id : ids) {
        if (wanted.contains(id)) out.push_back(history_of(runs, id));
    }
    return out;
}

std::string history_table(std::span<const kept_run> runs) {
    std::string out;
    for (const kept_run &each : runs) {
        out += fmt::format("{:<26} {:<20} {:<7} {:<4} {:>3} passed {:>2} failed {:>2} skipped{}\n",
                           each.name, word(each.run, "time"), word(each.run, "kvmig"),
                           word(each.run, "acceleration"), each.run.count(outcome::passed),
                           each.run.count(outcome::failed), each.run.count(outcome::skipped),
                           each.run.part ? ", shard " + to_string(*each.run.part) : "");
    }
    return out;
}

std::string history_table(const scenario_history &one) {
    std::string out = one.id + '\n';
    for (const auto &each : one.entries) {
        const bool unlike = each.result == outcome::passed && !each.counts;
        out += fmt::format("  {:<28} {:<8} {:>9.1f} s{}\n", each.run, to_string(each.result),
                           each.seconds, unlike ? ", in an unlike environment" : "");
    }
    const auto seconds = seconds_of(one);
    if (seconds.empty()) return out;
    out += fmt::format("  median of {} that passed in environments like the newest:\n",
                       seconds.size());
    out += summary("wall time of the scenario", seconds, "s");
    for (const auto &each : one.figures) out += summary(each.name, each.samples, each.unit);
    return out;
}

nlohmann::json history_json(const kept_runs &kept, std::span<const scenario_history> scenarios) {
    nlohmann::json out{{"schema", "kvmig.history/1"},
                       {"runs", nlohmann::json::array()},
                       {"scenarios", nlohmann::json::array()},
                       {"broken", nlohmann::json::array()}};
    for (const kept_run &each : kept.runs) {
        out["runs"].push_back({{"name", each.name},
                               {"time", told_or_null(each.run, "time")},
                               {"kvmig", told_or_null(each.run, "kvmig")},
                               {"acceleration", told_or_null(each.run, "acceleration")},
                               {"passed", each.run.count(outcome::passed)},
                               {"failed", each.run.count(outcome::failed)},
                               {"skipped", each.run.count(outcome::skipped)}});
    }
    for (const scenario_history &one : scenarios) {
        nlohmann::json told{{"id", one.id},
                            {"entries", nlohmann::json::array()},
                            {"seconds", nullptr},
                            {"figures", nlohmann::json::array()}};
        for (const auto &each : one.entries) {
            told["entries"].push_back({{"run", each.run},
                                       {"outcome", to_string(each.result)},
                                       {"seconds", each.seconds},
                                       {"counts", each.counts}});
        }
        if (const auto seconds = seconds_of(one); !seconds.empty()) {
            told["seconds"] = median(seconds);
        }
        for (const auto &each : one.figures) {
            told["figures"].push_back({{"name", each.name},
                                       {"unit", each.unit},
                                       {"samples", each.samples},
                                       {"median", median(each.samples)}});
        }
        out["scenarios"].push_back(std::move(told));
    }
    for (const error &each : kept.broken) out["broken"].push_back(describe(each));
    return out;
}

} // namespace kvmig::lab
