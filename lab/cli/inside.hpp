// SPDX-License-Identifier: MIT
/// Commands that work inside the lab's namespaces: they start outside, and go on inside.
#pragma once

#include <lab/cli/cli.hpp>
#include <lab/topology/paths.hpp>

namespace kvmig::lab::cli {

/// Whether this process is the half that runs inside.
[[nodiscard]] bool is_inside();

/// Runs this same command again inside the lab's namespaces, and returns its exit status.
[[nodiscard]] exit_status again_inside(const lab_paths &paths, const context &ctx);

} // namespace kvmig::lab::cli
