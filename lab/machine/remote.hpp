// SPDX-License-Identifier: MIT
/// Commands on the lab's machines over SSH, from inside the lab's namespace, where the system's
/// SSH configuration is the lab's.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/command.hpp>
#include <lab/topology/topology.hpp>

#include <stop_token>
#include <string>
#include <vector>

namespace kvmig::lab {

/// The local command that runs `argv` on `machine`. sshd hands words to a shell: each is quoted.
/// An empty `argv` is an interactive login.
[[nodiscard]] host::command remote_command(const machine_spec &machine,
                                           const std::vector<std::string> &argv);

/// What `argv` says on `machine`; an error that names the machine when it fails.
[[nodiscard]] expected<std::string> remote_output(const machine_spec &machine,
                                                  const std::vector<std::string> &argv,
                                                  const std::stop_token &stop);

/// What a shell on `machine` says, which ends at the first command that fails.
[[nodiscard]] expected<std::string>
remote_shell(const machine_spec &machine, const std::string &text, const std::stop_token &stop);

} // namespace kvmig::lab
