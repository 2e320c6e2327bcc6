// SPDX-License-Identifier: MIT
#include <lab/report/environments.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kvmig::lab {

std::vector<nlohmann::json> environments_of(const run_result &run) {
    const auto several = run.environment.find("machines");
    if (several == run.environment.end() || !several->is_array()) return {run.environment};
    return std::vector<nlohmann::json>(several->begin(), several->end());
}

std::vector<std::string> differences(std::span<const nlohmann::json> environments,
                                     std::span<const char *const> places) {
    std::vector<std::string> out;
    for (const char *place : places) {
        const nlohmann::json::json_pointer at(place);
        std::vector<std::string> seen;
        for (const nlohmann::json &each : environments) {
            std::string told = each.contains(at) ? each.at(at).dump() : std::string("not told");
            if (std::find(seen.begin(), seen.end(), told) == seen.end()) {
                seen.push_back(std::move(told));
            }
        }
        if (seen.size() < 2) continue;
        out.push_back(fmt::format("{}: {}", place + 1, fmt::join(seen, ", ")));
    }
    return out;
}

} // namespace kvmig::lab
