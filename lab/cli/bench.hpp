// SPDX-License-Identifier: MIT
/// `kvmig lab bench`: how long the lab itself takes, and what it costs.
#pragma once

#include <lab/cli/cli.hpp>
#include <lab/scenario/scenario.hpp>
#include <lab/topology/paths.hpp>

#include <string>

namespace kvmig::lab::cli {

/// What `bench startup` may reach on two cores without hardware virtualization; told beside each
/// figure, never asserted.
struct startup_goal {
    std::string_view figure;
    double most;
};

/// Makes a lab of its own from nothing (its own empty cache too), and measures: from nothing to the
/// first migrated guest, `up` and `reset` from the snapshot, live-shared there and back, disk used,
/// and the peak of resident memory. The lab and its cache are removed afterwards.
[[nodiscard]] expected<scenario_result> bench_startup(const std::string &release,
                                                      const std::string &accel, context &ctx);

/// The figures, each beside its goal.
[[nodiscard]] std::string startup_table(const scenario_result &result);

} // namespace kvmig::lab::cli
