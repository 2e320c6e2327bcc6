// SPDX-License-Identifier: MIT
/// The lab as data: its machines, their names and addresses, and how large they are.
///
/// Addresses are of the documentation range 192.0.2.0/24 (RFC 5737) and names of the domain
/// `kvmig.test` (RFC 6761): neither exists anywhere else, and each lab has a network namespace of
/// its own, so all labs use the same ones.
#pragma once

#include <kvmig/core/units.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace kvmig::lab {

enum class machine_role : std::uint8_t {
    host, ///< runs libvirtd and guests
    nfs,  ///< serves the shared storage
};

struct machine_spec {
    std::string_view name;
    machine_role role = machine_role::host;
    std::string_view address;
    std::string_view mac; ///< of its network card on the lab's bridge
    bytes memory;
    unsigned cpus = 2; ///< with hardware virtualization; an emulated machine has one
};

inline constexpr std::string_view domain_name = "kvmig.test";
inline constexpr std::string_view bridge_name = "kvmig0"; ///< in the lab's namespace
inline constexpr std::string_view probe_address = "192.0.2.1";
inline constexpr std::string_view guest_bridge = "br0"; ///< inside the hosts

/// The store: exported by `nfs`, and mounted by both hosts' libvirt pool at the same path.
inline constexpr std::string_view export_path = "/srv/images";
inline constexpr std::string_view pool_path = "/srv/images";
inline constexpr std::string_view pool_name = "images";

/// A pool on each host's own disk: what lies there is not shared.
inline constexpr std::string_view local_pool_name = "local";
inline constexpr std::string_view local_pool_path = "/var/lib/libvirt/images";

inline constexpr std::array<machine_spec, 3> machines{{
    {"nfs", machine_role::nfs, "192.0.2.10", "52:54:00:6b:76:10", bytes::mib(768)},
    {"kvm01", machine_role::host, "192.0.2.11", "52:54:00:6b:76:11", bytes::mib(2048)},
    {"kvm02", machine_role::host, "192.0.2.12", "52:54:00:6b:76:12", bytes::mib(2048)},
}};

/// The machine of this name (`kvm01` or `kvm01.kvmig.test`); null when there is none.
[[nodiscard]] const machine_spec *find_machine(std::string_view name) noexcept;

/// `kvm01` → `kvm01.kvmig.test`.
[[nodiscard]] std::string fqdn(const machine_spec &machine);

/// The libvirt URI by which the controller and the hosts reach a host.
[[nodiscard]] std::string libvirt_uri(const machine_spec &machine);

/// The tap device of a machine, in the lab's namespace.
[[nodiscard]] std::string tap_name(const machine_spec &machine);
/// That of its second network card, which a host has only with hardware to hand to guests.
[[nodiscard]] std::string card_tap_name(const machine_spec &machine);
/// The MAC address of that card, on every host the same: a guest's network interface stands in for
/// the card only when it has its address, and finds another such card where it goes.
inline constexpr std::string_view card_mac = "52:54:00:6b:78:01";

/// `/etc/hosts` as the controller and every machine of the lab have it.
[[nodiscard]] std::string hosts_file();

/// The name a guest's address is given by: guests are `192.0.2.101` and up.
[[nodiscard]] std::string guest_address(unsigned index);
[[nodiscard]] std::string guest_mac(unsigned index);

} // namespace kvmig::lab
