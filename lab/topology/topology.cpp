// SPDX-License-Identifier: MIT
#include <lab/topology/topology.hpp>

#include <fmt/format.h>

namespace kvmig::lab {

const machine_spec *find_machine(std::string_view name) noexcept {
    for (const machine_spec &machine : machines) {
        if (machine.name == name) return &machine;
        if (name.size() == machine.name.size() + 1 + domain_name.size() &&
            name.starts_with(machine.name) && name[machine.name.size()] == '.' &&
            name.ends_with(domain_name)) {
            return &machine;
        }
    }
    return nullptr;
}

std::string fqdn(const machine_spec &machine) {
    return fmt::format("{}.{}", machine.name, domain_name);
}

std::string libvirt_uri(const machine_spec &machine) {
    return fmt::format("qemu+ssh://root@{}/system", fqdn(machine));
}

std::string tap_name(const machine_spec &machine) { return fmt::format("tap-{}", machine.name); }

std::string card_tap_name(const machine_spec &machine) {
    return fmt::format("card-{}", machine.name);
}

std::string hosts_file() {
    std::string text = "127.0.0.1 localhost\n";
    text += fmt::format("{} probe.{} probe\n", probe_address, domain_name);
    for (const machine_spec &machine : machines) {
        text += fmt::format("{} {} {}\n", machine.address, fqdn(machine), machine.name);
    }
    return text;
}

std::string guest_address(unsigned index) { return fmt::format("192.0.2.{}", 101 + index); }

std::string guest_mac(unsigned index) { return fmt::format("52:54:00:6b:77:{:02x}", index + 1); }

} // namespace kvmig::lab
