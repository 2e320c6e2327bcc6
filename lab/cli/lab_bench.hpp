// SPDX-License-Identifier: MIT
/// The subcommand `lab bench`.
#pragma once

#include <lab/cli/cli.hpp>

namespace kvmig::lab::cli {

/// Adds it to the group `lab`.
void add_lab_bench(CLI::App &lab, context &ctx);

} // namespace kvmig::lab::cli
