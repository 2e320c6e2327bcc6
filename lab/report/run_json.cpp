// SPDX-License-Identifier: MIT
#include <lab/report/run_json.hpp>

namespace kvmig::lab {

nlohmann::json to_json(const run_result &run) {
    nlohmann::json scenarios = nlohmann::json::array();
    for (const scenario_result &each : run.scenarios) {
        nlohmann::json proofs = nlohmann::json::array();
        for (const proof &one : each.proofs) {
            proofs.push_back({{"name", one.name}, {"passed", one.passed}, {"seen", one.seen}});
        }
        nlohmann::json figures = nlohmann::json::array();
        for (const figure &one : each.figures) {
            figures.push_back({{"name", one.name}, {"value", one.value}, {"unit", one.unit}});
            if (!one.distorted.empty()) figures.back()["distorted"] = one.distorted;
        }
        scenarios.push_back({{"id", each.id},
                             {"outcome", to_string(each.result)},
                             {"reason", each.reason},
                             {"failed_before", each.failed_before},
                             {"seconds", each.seconds},
                             {"proofs", std::move(proofs)},
                             {"figures", std::move(figures)},
                             {"samples", each.samples}});
    }
    nlohmann::json out{{"schema", "kvmig.run/1"},
                       {"environment", run.environment},
                       {"scenarios", std::move(scenarios)}};
    if (run.part) out["shard"] = {{"index", run.part->index}, {"count", run.part->count}};
    return out;
}

} // namespace kvmig::lab
