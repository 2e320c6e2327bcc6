// SPDX-License-Identifier: MIT
/// The subcommands `completion` and `manual`, which tell the command line to shells and to man.
#pragma once

#include <lab/cli/cli.hpp>

namespace kvmig::lab::usage {

/// Both tell of `app` as it is when they work, with all that was added to it.
void add_completion(CLI::App &app, cli::context &ctx);
void add_manual(CLI::App &app, cli::context &ctx);

} // namespace kvmig::lab::usage
