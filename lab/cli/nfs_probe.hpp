// SPDX-License-Identifier: MIT
/// The subcommand `nfs probe`: is a folder shared?
#pragma once

#include <lab/cli/cli.hpp>

namespace kvmig::lab::cli {

/// Adds it to the group `nfs`.
void add_nfs_probe(CLI::App &nfs, context &ctx);

} // namespace kvmig::lab::cli
