// SPDX-License-Identifier: MIT
/// The runs that are kept with the results, all of them.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/scenario/runner.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace kvmig::lab {

/// A run as `lab history` needs it: without proofs and samples.
struct kept_run {
    std::string name; ///< of its folder
    run_result run;
};

struct kept_runs {
    std::vector<kept_run> runs; ///< the newest first
    std::vector<error> broken;  ///< of each run.json that cannot be read, why
};

/// The runs in the folders below `state`/results. Those folders alone are what is kept:
/// `state`/history.sqlite holds what was read of each run.json of some size and time of change, so
/// that it need not be read again, for with its samples it is large. Whatever is wrong with that
/// file, it is made anew, or gone without. A folder without a run.json is a run that has not come
/// to its first result, and is none. Fails when the folders cannot be listed.
[[nodiscard]] expected<kept_runs> read_kept_runs(const std::filesystem::path &state);

} // namespace kvmig::lab
