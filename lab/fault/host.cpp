// SPDX-License-Identifier: MIT
/// Failures of what the destination has to offer: bridges, memory, processors.
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

guest_domain guest_on_network() {
    guest_domain guest = usual_guest();
    guest.second_network = "lan";
    return guest;
}

guest_domain guest_with_guests() {
    guest_domain guest = usual_guest();
    guest.nesting = true;
    return guest;
}

guest_domain large_guest() {
    guest_domain guest = usual_guest();
    guest.memory = bytes::mib(512);
    return guest;
}

constexpr std::string_view make_network =
    "printf '%s' '<network><name>lan</name><forward mode=\"bridge\"/><bridge "
    "name=\"br0\"/></network>' >/run/lan.xml && virsh -q net-define /run/lan.xml && "
    "virsh -q net-start lan";

/// KVM offers its guests a processor without svm, or vmx, then.
constexpr std::string_view load_without_nesting =
    "kvm=$(lsmod | grep -o '^kvm_[a-z]*') && modprobe -r $kvm && modprobe $kvm nested=0";
constexpr std::string_view load_with_nesting =
    "kvm=$(lsmod | grep -o '^kvm_[a-z]*') && grep -q '[1Y]' /sys/module/$kvm/parameters/nested || "
    "{ modprobe -r $kvm && modprobe $kvm nested=1; }";

/// A QEMU as another distribution builds it: the same, but for the name of its newest machine type.
constexpr std::string_view other_machine_types =
    "cd /usr/bin && newest=$(qemu-system-x86_64 -machine help | "
    "sed -n 's/^q35 .*alias of \\(pc-q35-[0-9.]*\\).*/\\1/p') && test -n \"$newest\" && "
    "sed \"s/$newest-machine/${newest%.*}.x-machine/\" qemu-system-x86_64 >/run/qemu && "
    "chmod 755 /run/qemu && mv qemu-system-x86_64 qemu-system-x86_64.newer && "
    "mv /run/qemu qemu-system-x86_64";
constexpr std::string_view newer_qemu = "cd /usr/bin && { test ! -e qemu-system-x86_64.newer || "
                                        "mv qemu-system-x86_64.newer qemu-system-x86_64; }";

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
        .id = "fail-no-network",
        .title = "a virtual network of the guest is not defined on the destination",
        .guest = guest_on_network,
        .prepare = {{"kvm01", make_network}},
        .undo = {{"kvm02", "virsh -q net-info lan >/dev/null 2>&1 || { "
                           "ssh root@kvm01.kvmig.test virsh net-dumpxml lan >/run/lan.xml && "
                           "virsh -q net-define /run/lan.xml && virsh -q net-start lan; }"}},
        .diagnosed = "KVM-NIC-003",
        .foreseen = "KVM-NIC-003",
        .remedy = {"net-define /dev/stdin", "net-start"},
    });
    out.push_back({
        .id = "fail-network-stopped",
        .title = "a virtual network of the guest is stopped on the destination",
        .guest = guest_on_network,
        .prepare = {{"kvm01", make_network}, {"kvm02", make_network}},
        .breaks = {{"kvm02", "virsh -q net-destroy lan"}},
        .undo = {{"kvm02", "virsh -q net-start lan; true"}},
        .diagnosed = "KVM-NIC-002",
        .foreseen = "KVM-NIC-002",
        .remedy = {"net-start"},
    });
    out.push_back({
        .id = "fail-memory",
        .title = "the destination's kernel promises no more memory",
        .guest = large_guest,
        // libvirt's own helpers must start yet.
        .breaks = {{"kvm02", "sysctl -qw vm.overcommit_kbytes=$(( $(sed -n 's/^Committed_AS: "
                             "*\\([0-9]*\\).*/\\1/p' /proc/meminfo) + 409600 )) && "
                             "sysctl -qw vm.overcommit_memory=2"}},
        .undo = {{"kvm02", "sysctl -qw vm.overcommit_memory=0"}},
        .diagnosed = "KVM-MEM-001",
        .unforeseen = "libvirt tells how much memory is free, not how much the kernel promises",
        .remedy = {"sysctl -w vm.overcommit_memory=1"},
    });
    out.push_back({
        .id = "fail-no-kvm",
        .title = "KVM's module is not loaded on the destination",
        .breaks = {{"kvm02", "modprobe -r $(lsmod | grep -o '^kvm_[a-z]*')"}},
        .undo = {{"kvm02", "modprobe kvm_amd 2>/dev/null || modprobe kvm_intel"}},
        .diagnosed = "KVM-CPU-010",
        .foreseen = "KVM-CPU-010",
        .remedy = {"modprobe kvm_intel || modprobe kvm_amd"},
    });
    out.push_back({
        .id = "fail-cpu",
        .title = "the destination's KVM offers no nested virtualization, which the guest's CPU has",
        .guest = guest_with_guests,
        .breaks = {{"kvm02", load_without_nesting}},
        .undo = {{"kvm02", load_with_nesting}},
        .diagnosed = "KVM-CPU-002",
        .foreseen = "KVM-CPU-016",
        .remedy = {"parameters/nested", "nested=1"},
    });
    out.push_back({
        .id = "fail-machine-type",
        .title = "the destination's QEMU does not know the guest's machine type",
        .breaks = {{"kvm02", other_machine_types}},
        .undo = {{"kvm02", newer_qemu}},
        .diagnosed = "KVM-VER-001",
        .foreseen = "KVM-VER-001",
        .remedy = {"-machine help"},
        // The hosts reach no archive.
        .by_hand = {{"kvm02", newer_qemu}},
    });
    out.push_back({
        .id = "fail-qemu-killed",
        .title = "the destination's QEMU is killed while memory is copied",
        .breaks = {{"kvm02", "pkill -KILL -x qemu-system-x86"}},
        .tried = attempt::library,
        // The source sees its stream break, now with these words, now with those.
        .look_into_logs = true,
        .diagnosed = "KVM-DMN-004",
        .unforeseen = "it breaks later",
        .remedy = {"tail -n 40 /var/log/libvirt/qemu/vm1.log"},
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
