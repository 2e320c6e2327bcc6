// SPDX-License-Identifier: MIT
/// A run as text that fits 80 columns.
#pragma once

#include <lab/scenario/runner.hpp>

#include <string>

namespace kvmig::lab {

/// One block a scenario: its outcome and figures; the proofs that did not pass; the reason. Then
/// the closing line `N passed, N failed, N skipped`, and how many of them needed more than one
/// attempt, where one did.
[[nodiscard]] std::string table_of(const run_result &run);

} // namespace kvmig::lab
