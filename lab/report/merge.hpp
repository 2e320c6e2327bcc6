// SPDX-License-Identifier: MIT
/// One run from several that were made beside each other.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/scenario/runner.hpp>

#include <string>
#include <utility>
#include <vector>

namespace kvmig::lab {

/// A run, and what to call it in errors.
using named_run = std::pair<std::string, run_result>;

/// The run that one machine would have made: its scenarios in the order of `all_scenarios`, round
/// by round. Its environment has what the machines have in common, the earliest time, and as
/// `machines` the environment of each with the `scenarios` that it ran.
///
/// Other machines are what shards are for, so CPU, kernel, QEMU and acceleration of the machines
/// may differ (`unlike` of compare.hpp then refuses the merged run); the software under test may
/// not. A scenario that is in two runs is refused, for what two machines measured would look like
/// repetitions on one; who wants those has `lab run --repeat`, and `lab compare` takes several
/// runs. Of shards all must be there. Fails with `invalid_argument`, or with `refused` where the
/// software differs; the error names the runs.
[[nodiscard]] expected<run_result> merge_runs(const std::vector<named_run> &runs);

} // namespace kvmig::lab
