// SPDX-License-Identifier: MIT
/// The whole command line.
#pragma once

#include <lab/cli/cli.hpp>

namespace kvmig::lab::cli {

/// Makes `app` the program `kvmig`: its options, and all subcommands, which work on `ctx`.
void make_program(CLI::App &app, context &ctx);

} // namespace kvmig::lab::cli
