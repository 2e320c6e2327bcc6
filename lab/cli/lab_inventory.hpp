// SPDX-License-Identifier: MIT
/// The subcommand `lab inventory`, and what it shares with `lab run --inventory`.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/cli/cli.hpp>
#include <lab/topology/lock.hpp>
#include <lab/topology/site.hpp>

#include <string>

namespace kvmig::lab::cli {

/// The hosts of an inventory, examined, nobody else of this user at work on them.
struct claimed_hosts {
    site where;
    file_lock lock;
};

/// Reads the inventory, waits for whoever works by one, and examines the hosts: notes are told on
/// stderr, and all that stands in the way comes back as the causes of an `environment` error.
[[nodiscard]] expected<claimed_hosts> claim_hosts(const std::string &file, context &ctx);

/// Adds it to the group `lab`.
void add_lab_inventory(CLI::App &lab, context &ctx);

} // namespace kvmig::lab::cli
