// SPDX-License-Identifier: MIT
#include <lab/machine/remote.hpp>

#include <fmt/format.h>

namespace kvmig::lab {

host::command remote_command(const machine_spec &machine, const std::vector<std::string> &argv) {
    host::command cmd;
    cmd.argv = {"ssh"};
    if (argv.empty()) {
        cmd.argv.push_back(fqdn(machine));
        return cmd;
    }
    cmd.argv.insert(cmd.argv.end(), {fqdn(machine), "--"});
    for (const std::string &word : argv) cmd.argv.push_back(host::quoted(word));
    return cmd;
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

} // namespace kvmig::lab
