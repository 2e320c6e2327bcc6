// SPDX-License-Identifier: MIT
// kvmig nfs: storage on NFS servers.
#include <lab/cli/nfs_probe.hpp>
#include <lab/cli/subcommands.hpp>

#include <CLI/CLI.hpp>

namespace kvmig::lab::cli {

void add_nfs(CLI::App &app, context &ctx) {
    CLI::App *group = app.add_subcommand("nfs", "Look at storage on NFS servers");
    group->require_subcommand(1);
    add_nfs_probe(*group, ctx);
}

} // namespace kvmig::lab::cli
