// SPDX-License-Identifier: MIT
#include <lab/machine/remote.hpp>

#include <kvmig/host/remote_command.hpp>

namespace kvmig::lab {

host::command remote_command(const machine_spec &machine, const std::vector<std::string> &argv) {
    return host::remote_command({"ssh"}, fqdn(machine), argv);
}

expected<std::string> remote_output(const machine_spec &machine,
                                    const std::vector<std::string> &argv,
                                    const std::stop_token &stop) {
    host::command cmd = remote_command(machine, argv);
    cmd.timeout = std::chrono::minutes{5};
    auto said = host::output_of(cmd, stop);
    if (!said) return fail(std::move(said).error().on(std::string{machine.name}));
    return said;
}

expected<std::string> remote_shell(const machine_spec &machine, const std::string &text,
                                   const std::stop_token &stop) {
    return remote_output(machine, {"sh", "-c", "set -e; " + text}, stop);
}

} // namespace kvmig::lab
