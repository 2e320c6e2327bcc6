// SPDX-License-Identifier: MIT
/// Failures of what the destination has to offer: bridges, huge pages.
#include <lab/fault/fault.hpp>

namespace kvmig::lab {

namespace {

guest_domain guest_on_second_bridge() {
    guest_domain guest = usual_guest();
    guest.second_bridge = "br9";
    return guest;
}

guest_domain guest_on_huge_pages() {
    guest_domain guest = usual_guest();
    guest.huge_pages = true;
    return guest;
}

} // namespace

std::vector<fault> host_faults() {
    std::vector<fault> out;
    out.push_back({
        .id = "fail-no-bridge",
        .title = "the destination lacks a bridge of the guest",
        .guest = guest_on_second_bridge,
        .prepare = {{"kvm01", "ip link add br9 type bridge && ip link set br9 up"}},
        .undo = {{"kvm02", "ip link add br9 type bridge; ip link set br9 up"}},
        .diagnosed = "KVM-NIC-001",
        .foreseen = "KVM-NIC-001",
        .remedy = {"ip link add", "ip link set"},
    });
    out.push_back({
        .id = "fail-hugepages",
        .title = "the destination has no huge pages for the guest",
        .guest = guest_on_huge_pages,
        .prepare = {{"kvm01", "sysctl -qw vm.nr_hugepages=140"}},
        .undo = {{"kvm02", "sysctl -qw vm.nr_hugepages=140"}},
        .diagnosed = "KVM-MEM-002",
        .foreseen = "KVM-MEM-002",
        .remedy = {"freepages --all", "allocpages 2048"},
        .fill = {{"COUNT", "140"}},
    });
    return out;
}

} // namespace kvmig::lab
