// SPDX-License-Identifier: MIT
/// Runs scenarios one after another, each from a clean state.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/scenario/scenario.hpp>
#include <lab/scenario/shard.hpp>
#include <lab/scenario/venue.hpp>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <vector>

namespace kvmig::lab {

struct run_result {
    nlohmann::json environment;
    std::vector<scenario_result> scenarios; ///< an id may be there several times, as repetitions
    std::optional<shard> part;              ///< of what was to be run; none: it is the whole
    /// Where the run's files are: `run.json`, and a folder for each scenario that failed.
    std::filesystem::path folder;

    [[nodiscard]] std::size_t count(outcome what) const noexcept;
};

/// What is to be run.
struct run_plan {
    std::vector<const scenario *> scenarios; ///< in this order; one may be there several times
    std::optional<shard> part;               ///< what they are of all that is to be run
    unsigned retries = 0;                    ///< of each time that a scenario fails
};

/// Called when a scenario begins and (with its result) when it has ended.
using scenario_watcher = std::function<void(const scenario &, const scenario_result *)>;

/// Runs what is planned. The venue is made clean before each, and once more after one that failed,
/// so that nothing of it stays. What needs the lab's own machines is skipped elsewhere, and says
/// why. A scenario that fails has the logs of all
/// machines collected into its folder, `ID` (`ID.2` at its second time in this run, and so on), and
/// is run again up to `retries` times; its result tells why it failed before. A stop request ends
/// the run after the scenario under way has tidied up; those that did not run are not in the
/// result, and the error says so.
[[nodiscard]] expected<run_result>
run_scenarios(const venue &at, const run_plan &plan, const std::filesystem::path &folder,
              const progress &tell, const scenario_watcher &watch, const std::stop_token &stop);

/// A new folder for the results of a run, below the state directory.
[[nodiscard]] expected<std::filesystem::path> make_results_folder(const std::string &venue_name);

} // namespace kvmig::lab
