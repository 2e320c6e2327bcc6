// SPDX-License-Identifier: MIT
/// The lab's network: a namespace with a bridge and a tap for each machine, and no way out.
///
/// The namespace has no name. A process of the lab holds it open; when that process and the
/// machines have ended, the kernel takes namespace, bridge and taps away. Nothing of it is ever
/// seen in the machine's own network.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/topology/paths.hpp>

#include <stop_token>
#include <string>
#include <sys/types.h>
#include <vector>

namespace kvmig::lab {

/// The role of the process that holds the namespaces.
inline constexpr std::string_view network_role = "network";

/// The holder's process id; started when there is none. It is ready when this returns.
[[nodiscard]] expected<pid_t> ensure_network(const lab_paths &paths, const std::stop_token &stop);

/// What the holder does: makes the namespaces, binds the lab's `hosts`, `nsswitch.conf` and
/// `ssh_config` over the system's for those who enter, sets up bridge and taps, says `ready` on
/// standard output, and waits for the signal that ends it. Returns only on failure.
[[nodiscard]] expected<void> hold_network(const lab_paths &paths);

/// Runs `argv` inside the lab's namespaces with this process's terminal, and returns its exit
/// status. A stop request is passed on as SIGTERM.
[[nodiscard]] expected<int> run_inside(const lab_paths &paths, std::vector<std::string> argv,
                                       const std::stop_token &stop);

} // namespace kvmig::lab
