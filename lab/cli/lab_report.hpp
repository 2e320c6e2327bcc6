// SPDX-License-Identifier: MIT
/// The subcommand `lab report`: a run that was kept, told in other forms.
#pragma once

#include <lab/cli/cli.hpp>

namespace kvmig::lab::cli {

/// Adds it to the group `lab`.
void add_lab_report(CLI::App &lab, context &ctx);

} // namespace kvmig::lab::cli
