// SPDX-License-Identifier: MIT
/// Runs scenarios one after another, each from the lab's clean state.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/scenario/scenario.hpp>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <vector>

namespace kvmig::lab {

struct run_result {
    nlohmann::json environment;
    std::vector<scenario_result> scenarios;
    /// Where the run's files are: `run.json`, and a folder for each scenario that failed.
    std::filesystem::path folder;

    [[nodiscard]] std::size_t count(outcome what) const noexcept;
};

/// Called when a scenario begins and (with its result) when it has ended.
using scenario_watcher = std::function<void(const scenario &, const scenario_result *)>;

/// Runs `chosen`, inside the lab's namespace. The lab is reset before each, and once more after one
/// that failed, so that nothing of it stays. A scenario that fails has the logs of all machines
/// collected into its folder, `ID`, and is run again up to `retries` times, into `ID.2` and so on;
/// its result tells why it failed before. A stop request ends the run after the scenario under way
/// has tidied up; those that did not run are not in the result, and the error says so.
[[nodiscard]] expected<run_result>
run_scenarios(const lab_paths &paths, const std::vector<const scenario *> &chosen,
              const std::filesystem::path &folder, unsigned retries, const progress &tell,
              const scenario_watcher &watch, const std::stop_token &stop);

/// A new folder for the results of a run, below the state directory.
[[nodiscard]] expected<std::filesystem::path> make_results_folder(const lab_paths &paths);

} // namespace kvmig::lab
