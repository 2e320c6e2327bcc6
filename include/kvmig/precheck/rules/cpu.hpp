// SPDX-License-Identifier: MIT
/// Rules: processors.
#pragma once

#include <kvmig/precheck/rule.hpp>
#include <kvmig/precheck/rules/versions.hpp>

#include <range/v3/algorithm/any_of.hpp>
#include <range/v3/algorithm/contains.hpp>
#include <string>

namespace kvmig::precheck::rules {

/// Prevents the start of a KVM guest where KVM cannot be used. Silent for other guests, and where
/// the architecture is missing altogether (`architecture` tells).
inline observations look_no_kvm(const facts &f) {
    if (f.domain.type != "kvm") return {};
    const auto &told = f.destination.capabilities;
    if (!told.known()) return {missing(f.destination, "whether KVM can be used there", told)};
    const auto guests = support_for(f.domain, *told);
    const bool kvm = ranges::any_of(
        guests, [](const auto *each) { return ranges::contains(each->types, "kvm"); });
    if (guests.empty() || kvm) return {};
    return {
        {severity::blocks,
         f.destination.name,
         "the destination offers " + f.domain.arch + " guests without KVM only",
         {ssh(f.destination, "ls -l /dev/kvm"), ssh(f.destination, "virt-host-validate qemu")}}};
}

inline constexpr rule no_kvm{"KVM-CPU-010", "KVM is not usable on this host",
                             "The guest runs under KVM and can go on only under KVM.",
                             "libvirt: 'Domain requires KVM, but it is not available'",
                             look_no_kvm};

/// Prevents a move between vendors. Silent for guests whose processor is emulated.
inline observations look_vendor(const facts &f) {
    if (f.domain.type != "kvm") return {};
    observations out;
    for (const host_facts *host : {static_cast<const host_facts *>(&f.source),
                                   static_cast<const host_facts *>(&f.destination)}) {
        if (!host->capabilities.known()) {
            out.push_back(missing(*host, "the processor's vendor", host->capabilities));
        } else if (host->capabilities->cpu_vendor.empty()) {
            out.push_back({severity::unknown, host->name,
                           "the processor's vendor is not known: the capabilities do not name it"});
        }
    }
    if (!out.empty()) return out;
    const std::string &here = f.source.capabilities->cpu_vendor;
    const std::string &there = f.destination.capabilities->cpu_vendor;
    if (here == there) return {};
    return {{severity::blocks,
             f.destination.name,
             "the source's processor is " + here + "'s, the destination's " + there + "'s",
             {virsh(f.source, {"shutdown", f.domain.name}) +
              " # and move it cold, with a CPU that the destination has"}}};
}

inline constexpr rule vendor{
    "KVM-CPU-009", "The processors are of different vendors",
    "A running guest uses instructions, and workarounds, of the vendor under which it booted.",
    "libvirt: 'CPU vendors do not match'", look_vendor};

/// Prevents the refusal of a guest with the invariant TSC. QEMU refuses it unless the frequency is
/// fixed, and libvirt asks for the same beforehand.
inline observations look_invtsc(const facts &f) {
    if (f.domain.tsc_frequency) return {};
    const bool wanted = ranges::any_of(f.domain.cpu_features, [](const auto &each) {
        return each.name == "invtsc" && (each.policy == "require" || each.policy.empty());
    });
    if (!wanted) return {};
    return {{severity::blocks,
             f.source.name,
             "the CPU has invtsc, and the TSC no frequency",
             {virsh(f.source, {"edit", f.domain.name}) +
              " # <timer name='tsc' frequency='HZ'/> in <clock>, or take invtsc away; then "
              "restart the guest"}}};
}

inline constexpr rule invtsc{
    "KVM-CPU-008", "invtsc keeps the guest on this host",
    "The guest relies on a TSC that never changes its rate; without a frequency in the definition "
    "the destination could not promise the same.",
    "libvirt: \"domain has 'invtsc' CPU feature but TSC frequency is not specified\"", look_invtsc};

/// Prevents a start with a CPU mode that the destination does not offer. Silent without a mode.
inline observations look_cpu_mode(const facts &f) {
    if (f.domain.cpu_mode.empty()) return {};
    const auto &told = f.destination.domain_capabilities;
    if (!told.known()) return {missing(f.destination, "which CPU modes the destination has", told)};
    const auto &modes = told->cpu_modes;
    if (ranges::contains(modes, f.domain.cpu_mode)) return {};
    return {{severity::blocks,
             f.destination.name,
             "the CPU mode '" + f.domain.cpu_mode + "' is not offered there, but: " + joined(modes),
             {virsh(f.destination, {"domcapabilities"}) + " | grep '<mode name='"}}};
}

inline constexpr rule cpu_mode{
    "KVM-CPU-006", "The destination cannot run this CPU mode",
    "The guest's CPU is made there in the same mode; host-passthrough and host-model need KVM.",
    "libvirt: \"CPU mode 'MODE' for ARCH TYPE domain on ARCH host is not supported by "
    "hypervisor\"",
    look_cpu_mode};

/// Prevents a start on a processor that lacks what the guest uses. Silent without a `<cpu>`: the
/// hypervisor's default fits everywhere.
inline observations look_cpu_fits(const facts &f) {
    if (f.domain.cpu_mode.empty() && f.domain.cpu_model.empty()) return {};
    const auto &told = f.destination.cpu;
    if (!told.known()) {
        return {missing(f.destination, "whether the guest's CPU fits the destination", told)};
    }
    if (told->fits) return {};
    const std::string lacks = told->lacks.empty() ? "" : ": " + told->lacks;
    return {{severity::blocks,
             f.destination.name,
             "the destination cannot give the guest its CPU" + lacks,
             {virsh(f.source, {"dumpxml", f.domain.name}) + " >guest.xml",
              virsh(f.destination, {"hypervisor-cpu-compare", "guest.xml", "--error"}),
              virsh(f.destination, {"hypervisor-cpu-baseline", "hosts.xml", "--migratable"}) +
                  " # hosts.xml: domcapabilities of both; a CPU for the next start"}}};
}

inline constexpr rule cpu_fits{"KVM-CPU-016", "The guest's processor does not fit the destination",
                               "A running guest cannot give back features of its CPU.",
                               "libvirt: \"guest CPU doesn't match specification: missing "
                               "features\", 'the CPU is incompatible "
                               "with host CPU'; virConnectCompareHypervisorCPU",
                               look_cpu_fits};

/// Warns of host-passthrough between hosts whose processors are described differently; libvirt
/// cannot compare them further. Silent in the other modes and for emulated processors.
inline observations look_passthrough(const facts &f) {
    if (f.domain.cpu_mode != "host-passthrough" || f.domain.type != "kvm") return {};
    const auto &here = f.source.capabilities;
    const auto &there = f.destination.capabilities;
    if (!here.known()) return {missing(f.source, "the processor's model", here)};
    if (!there.known()) return {missing(f.destination, "the processor's model", there)};
    if (!here->cpu_model.empty() && here->cpu_model == there->cpu_model) return {};
    return {{severity::warns,
             f.destination.name,
             "the guest has the source's own CPU (" + here->cpu_model + "); the destination's is " +
                 there->cpu_model,
             {virsh(f.source, {"edit", f.domain.name}) +
              " # mode='custom' with a model that both have, from the next start on"}}};
}

inline constexpr rule passthrough{
    "KVM-CPU-101", "host-passthrough moves only between hosts that are alike",
    "The guest sees the host's processor as it is, and libvirt cannot tell beforehand what is "
    "missing: it needs the same model, microcode and kernel on both.",
    "libvirt, docs/formatdomain: CPU mode host-passthrough", look_passthrough};

/// Prevents a start with more vCPUs than the machine type takes there. Silent where the machine
/// type is missing (`machine_missing` tells) or names no limit.
inline observations look_vcpus(const facts &f) {
    const auto &told = f.destination.capabilities;
    if (!told.known()) return {missing(f.destination, "how many vCPUs are possible there", told)};
    const model::machine_type *machine = find_machine(f.domain, *told);
    if (machine == nullptr || machine->max_vcpus == 0) return {};
    if (f.domain.vcpus <= machine->max_vcpus) return {};
    return {{severity::blocks,
             f.destination.name,
             "the guest has up to " + std::to_string(f.domain.vcpus) + " vCPUs, and '" +
                 machine->name + "' takes " + std::to_string(machine->max_vcpus) + " there",
             {virsh(f.source, {"setvcpus", f.domain.name, std::to_string(machine->max_vcpus)}) +
              " --maximum --config # from the next start on"}}};
}

inline constexpr rule vcpus{
    "KVM-CPU-014", "The destination cannot give that many processors",
    "QEMU starts with the maximum of vCPUs, and refuses more than the machine type has.",
    "QEMU: 'Invalid SMP CPUs'; libvirt: 'Maximum CPUs greater than specified machine type limit'",
    look_vcpus};

} // namespace kvmig::precheck::rules
