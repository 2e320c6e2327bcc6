// SPDX-License-Identifier: MIT
/// Rules: releases, architectures, machine types and firmware.
#pragma once

#include <kvmig/precheck/rule.hpp>

#include <range/v3/algorithm/any_of.hpp>
#include <range/v3/algorithm/contains.hpp>
#include <string>
#include <tuple>
#include <vector>

namespace kvmig::precheck::rules {

/// What a host says of guests of the domain's architecture.
[[nodiscard]] inline std::vector<const model::guest_support *>
support_for(const model::domain &domain, const model::capabilities &host) {
    std::vector<const model::guest_support *> out;
    for (const model::guest_support &each : host.guests) {
        if (each.arch == domain.arch) out.push_back(&each);
    }
    return out;
}

/// The domain's machine type in a host's list; null when it is not there.
[[nodiscard]] inline const model::machine_type *find_machine(const model::domain &domain,
                                                             const model::capabilities &host) {
    for (const model::guest_support *guest : support_for(domain, host)) {
        for (const model::machine_type &each : guest->machines) {
            if (each.name == domain.machine) return &each;
        }
    }
    return nullptr;
}

/// Prevents a move to a host that cannot run the architecture, 64-bit guests on 32-bit hosts among
/// them, or has no such hypervisor. That KVM alone is missing is told by `no_kvm`.
inline observations look_architecture(const facts &f) {
    const auto &told = f.destination.capabilities;
    if (!told.known()) return {missing(f.destination, "what the destination can run", told)};
    if (f.domain.arch.empty()) {
        return {{severity::unknown, f.source.name,
                 "the guest's architecture is not known: the XML does not name it"}};
    }
    const auto guests = support_for(f.domain, *told);
    const std::vector<std::string> remedy = {virsh(f.destination, {"capabilities"}) +
                                             " | grep '<arch name='"};
    if (guests.empty()) {
        return {{severity::blocks, f.destination.name,
                 "the destination runs no guests of the architecture " + f.domain.arch, remedy}};
    }
    const bool type = ranges::any_of(
        guests, [&](const auto *each) { return ranges::contains(each->types, f.domain.type); });
    if (type || f.domain.type == "kvm") return {};
    return {
        {severity::blocks, f.destination.name,
         "the destination runs no " + f.domain.arch + " guests of the type '" + f.domain.type + "'",
         remedy}};
}

inline constexpr rule architecture{
    "KVM-VER-007", "The destination does not know the processor architecture or guest type",
    "A running guest needs the same architecture and hypervisor there; a 64-bit guest needs a "
    "64-bit host.",
    "libvirt: 'could not find capabilities for arch=… domaintype=…'", look_architecture};

/// Prevents a move to a QEMU that does not have the machine type. Silent while the architecture is
/// missing there: `architecture` tells.
inline observations look_machine_missing(const facts &f) {
    const auto &told = f.destination.capabilities;
    if (!told.known()) return {missing(f.destination, "the destination's machine types", told)};
    if (f.domain.machine.empty()) {
        return {{severity::unknown, f.source.name,
                 "the guest's machine type is not known: the XML does not name it"}};
    }
    const auto guests = support_for(f.domain, *told);
    if (guests.empty() || find_machine(f.domain, *told) != nullptr) return {};
    return {{severity::blocks,
             f.destination.name,
             "the destination has no machine type '" + f.domain.machine + "'",
             {virsh(f.destination, {"capabilities"}) + " | grep '<machine '",
              virsh(f.source, {"edit", f.domain.name}) +
                  " # an older machine type, from the next start on"}}};
}

inline constexpr rule machine_missing{
    "KVM-VER-001", "The destination's QEMU does not know the machine type",
    "The guest was started with a versioned machine type, and the destination must start the same.",
    "libvirt: \"Emulator does not support machine type\"; QEMU: 'unsupported machine type'",
    look_machine_missing};

/// Whether `there` is of an older series; releases within one series do not count.
[[nodiscard]] inline bool older_series(const model::version &there, const model::version &here) {
    return std::tie(there.major_number, there.minor_number) <
           std::tie(here.major_number, here.minor_number);
}

/// What comparing a version of both hosts gives.
inline observations look_older(const facts &f, const std::string &what,
                               fact<model::version> host_facts::*which) {
    const fact<model::version> &here = f.source.*which;
    const fact<model::version> &there = f.destination.*which;
    if (!here.known()) return {missing(f.source, "the version of " + what, here)};
    if (!there.known()) return {missing(f.destination, "the version of " + what, there)};
    if (!older_series(*there, *here)) return {};
    return {{severity::warns,
             f.destination.name,
             what + " is " + there->text() + " there and " + here->text() + " at the source",
             {virsh(f.destination, {"version", "--daemon"})}}};
}

/// Warns of a move to an older QEMU.
inline observations look_older_qemu(const facts &f) {
    return look_older(f, "the hypervisor", &host_facts::hypervisor);
}

inline constexpr rule older_qemu{
    "KVM-VER-003", "A device's state is newer than the destination understands",
    "QEMU promises that a versioned machine type moves to newer releases. Back to an older one it "
    "often works, and fails where a device's state has gained a section.",
    "QEMU, docs/devel/migration: backwards compatibility", look_older_qemu};

/// Warns of a move to an older libvirt.
inline observations look_older_libvirt(const facts &f) {
    return look_older(f, "libvirt", &host_facts::libvirt);
}

inline constexpr rule older_libvirt{
    "KVM-VER-006", "The two libvirts do not understand each other's migration data",
    "The definition and the migration's own data may hold elements that an older libvirt does not "
    "know.",
    "libvirt: 'migration data has unknown or unsupported features'", look_older_libvirt};

/// Prevents a start without the firmware image. libvirt lists the images it knows and finds;
/// others may be there too, so this never blocks. Silent without a `<loader>`.
inline observations look_firmware(const facts &f) {
    if (f.domain.loader.empty()) return {};
    const auto &told = f.destination.domain_capabilities;
    const std::vector<std::string> remedy = {
        ssh(f.source, "sha256sum " + shell_word(f.domain.loader)),
        ssh(f.destination, "sha256sum " + shell_word(f.domain.loader))};
    if (!told.known()) {
        return {missing(f.destination, "which firmware images are there", told, remedy)};
    }
    if (ranges::contains(told->loaders, f.domain.loader)) return {};
    return {{severity::unknown, f.destination.name,
             "whether '" + f.domain.loader + "' is there is not known: libvirt does not list it",
             remedy}};
}

inline constexpr rule firmware{
    "KVM-VER-008", "A firmware image is missing or differs on the destination",
    "The destination starts QEMU with the same firmware file, and it must have the same size.",
    "QEMU: \"Could not open 'LOADER': No such file or directory\"", look_firmware};

} // namespace kvmig::precheck::rules
