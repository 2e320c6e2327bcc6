// SPDX-License-Identifier: MIT
/// The ends of a migration, as they are named on the command line.
#pragma once

#include <lab/cli/cli.hpp>

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/connection.hpp>

#include <optional>
#include <string>
#include <utility>

namespace kvmig::lab::cli {

/// Where a command acts whose ends are `from` and `to`. Lab hosts are reached from inside the lab
/// only: where one is named, this same command runs again there, and its exit status is returned.
/// Otherwise none, and lab hosts' names have become the URIs by which they are reached inside.
/// @param lab the lab whose hosts are meant
[[nodiscard]] std::optional<exit_status> moved_inside(std::string &from, std::string &to,
                                                      const std::string &lab, const context &ctx);

/// Opens the connections, so that Ctrl-C does not end the `ssh` behind them.
[[nodiscard]] expected<std::pair<libvirt::connection, libvirt::connection>>
open_both(const std::string &from, const std::string &to);

} // namespace kvmig::lab::cli
