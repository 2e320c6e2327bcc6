// SPDX-License-Identifier: MIT
/// A run as JUnit XML, for the pages of a CI server.
#pragma once

#include <lab/scenario/runner.hpp>

#include <string>

namespace kvmig::lab {

/// One test suite with a test case for each scenario: `failure` with the reason and the proofs that
/// did not pass, `skipped` with the reason; every proof, and the figures, as its `system-out`.
/// Repetitions have names of their own (`live-shared [2]`): readers hold two of one name for one.
/// Characters that XML cannot hold are replaced.
[[nodiscard]] std::string junit_of(const run_result &run);

} // namespace kvmig::lab
