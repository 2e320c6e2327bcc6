// SPDX-License-Identifier: MIT
/// The subcommand `lab run`.
#pragma once

#include <lab/cli/cli.hpp>

namespace kvmig::lab::cli {

/// Adds it to the group `lab`.
void add_lab_run(CLI::App &lab, context &ctx);

} // namespace kvmig::lab::cli
