// SPDX-License-Identifier: MIT
/// A run as OpenMetrics text, for what collects figures over time.
#pragma once

#include <lab/scenario/runner.hpp>

#include <string>

namespace kvmig::lab {

/// Gauges with their unit as suffix: `kvmig_scenario_passed`, `kvmig_scenario_seconds`,
/// `kvmig_scenario_proofs` with the label `outcome`, and each figure as
/// `kvmig_figure_seconds|bytes|bytes_per_second|ratio|items{scenario, figure}`: times are seconds,
/// whatever they were measured in. A figure of another unit is `kvmig_figure_other` with the label
/// `unit`; a value that is no number is left out. What a run repeated has the label `repetition`,
/// from 1.
[[nodiscard]] std::string openmetrics_of(const run_result &run);

} // namespace kvmig::lab
