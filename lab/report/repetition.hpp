// SPDX-License-Identifier: MIT
/// How the repetitions of a scenario in one run are told apart.
#pragma once

#include <lab/scenario/runner.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace kvmig::lab {

/// For each entry of the run, the how manieth of its id it is, from 1; 0 where it is the only one.
[[nodiscard]] std::vector<std::size_t> repetitions_of(const run_result &run);

/// For each entry its id, with its repetition in brackets where there are several:
/// `live-shared [2]`.
[[nodiscard]] std::vector<std::string> names_of(const run_result &run);

} // namespace kvmig::lab
