// SPDX-License-Identifier: MIT
#include <lab/report/repetition.hpp>

#include <fmt/format.h>
#include <map>
#include <string_view>

namespace kvmig::lab {

std::vector<std::size_t> repetitions_of(const run_result &run) {
    std::map<std::string_view, std::size_t> all;
    for (const scenario_result &each : run.scenarios) ++all[each.id];
    std::map<std::string_view, std::size_t> seen;
    std::vector<std::size_t> out;
    for (const scenario_result &each : run.scenarios) {
        out.push_back(all[each.id] == 1 ? 0 : ++seen[each.id]);
    }
    return out;
}

std::vector<std::string> names_of(const run_result &run) {
    const auto repetitions = repetitions_of(run);
    std::vector<std::string> out;
    for (std::size_t i = 0; i < run.scenarios.size(); ++i) {
        const std::string &id = run.scenarios[i].id;
        out.push_back(repetitions[i] == 0 ? id : fmt::format("{} [{}]", id, repetitions[i]));
    }
    return out;
}

} // namespace kvmig::lab
