// SPDX-License-Identifier: MIT
/// The ends of a migration, as they are named on the command line.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/connection.hpp>

#include <string>
#include <utility>

namespace kvmig::lab::cli {

/// Whether the name is that of a machine of the lab.
[[nodiscard]] bool is_lab_machine(const std::string &end);

/// A lab host's name becomes the URI by which it is reached inside the lab; a URI stays. Fails for
/// a machine of the lab that runs no libvirt.
[[nodiscard]] expected<void> resolve_lab_host(std::string &end);

/// Opens the connections, so that Ctrl-C does not end the `ssh` behind them.
[[nodiscard]] expected<std::pair<libvirt::connection, libvirt::connection>>
open_both(const std::string &from, const std::string &to);

} // namespace kvmig::lab::cli
