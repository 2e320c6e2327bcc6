// SPDX-License-Identifier: MIT
/// Rules: device models that QEMU or libvirt does not move.
#pragma once

#include <kvmig/precheck/rule.hpp>

#include <range/v3/algorithm/contains.hpp>
#include <string>

namespace kvmig::precheck::rules {

/// Prevents the refusal of 3D graphics.
inline observations look_3d(const facts &f) {
    observations out;
    for (const model::video &each : f.domain.videos) {
        if (each.model != "virtio" || !each.accel3d) continue;
        out.push_back({severity::blocks,
                       f.source.name,
                       "the video card is accelerated by the host (virtio, accel3d)",
                       {virsh(f.source, {"edit", f.domain.name}) +
                        " # accel3d='no'; then restart the guest"}});
    }
    return out;
}

inline constexpr rule graphics_3d{"KVM-DEV-006", "3D graphics keep the guest on this host",
                                  "What is drawn is kept in the host's graphics driver.",
                                  "QEMU: 'virgl is not yet migratable'", look_3d};

/// Prevents the refusal of shared memory that does not move along. Only the old kind, and roles
/// other than master, are refused.
inline observations look_shmem(const facts &f) {
    observations out;
    for (const model::shared_memory &each : f.domain.shared_memories) {
        if (each.model != "ivshmem" && each.role == "master") continue;
        const std::string how = each.model == "ivshmem" ? "is of the old kind 'ivshmem'"
                                : each.role.empty()     ? "has no role"
                                                        : "has the role '" + each.role + "'";
        out.push_back({severity::blocks,
                       f.source.name,
                       "the shared memory '" + each.name + "' " + how,
                       {virsh(f.source, {"detach-device", f.domain.name}) + " shmem.xml --live"}});
    }
    return out;
}

inline constexpr rule shmem{
    "KVM-DEV-007", "A shared-memory device cannot move in this role",
    "Only the master carries its memory along; a peer's belongs to others.",
    "libvirt: \"shmem device 'NAME' cannot be migrated, only shmem with role='master' can be "
    "migrated\"",
    look_shmem};

/// Tells of TPMs that are not emulated: what they keep is outside QEMU.
inline observations look_tpm_kind(const facts &f) {
    observations out;
    for (const model::tpm &each : f.domain.tpms) {
        if (each.backend == "emulator") continue;
        out.push_back({severity::unknown,
                       f.source.name,
                       "whether the TPM can move is not known: its backend is '" + each.backend +
                           "', whose keys libvirt does not hold",
                       {virsh(f.source, {"dumpxml", f.domain.name, "--xpath", "//tpm"})}});
    }
    return out;
}

inline constexpr rule tpm_kind{
    "KVM-DEV-010", "The TPM keeps the guest on this host",
    "Keys in the host's chip do not leave it, and what the guest sealed with them cannot be opened "
    "elsewhere.",
    "libvirt, docs/formatdomain: TPM device; QEMU, docs/specs/tpm", look_tpm_kind};

/// Prevents a start without swtpm. Silent without an emulated TPM.
inline observations look_swtpm(const facts &f) {
    if (!ranges::contains(f.domain.tpms, "emulator", &model::tpm::backend)) return {};
    const auto &told = f.destination.domain_capabilities;
    if (!told.known()) return {missing(f.destination, "whether swtpm is there", told)};
    if (ranges::contains(told->tpm_backends, "emulator")) return {};
    return {{severity::blocks,
             f.destination.name,
             "the destination offers no emulated TPM",
             {ssh(f.destination, "apt-get install swtpm swtpm-tools"),
              ssh(f.destination, "systemctl restart libvirtd.service")}}};
}

inline constexpr rule swtpm{"KVM-DEV-012", "swtpm is missing or cannot start on the destination",
                            "The guest's TPM is a program, which the destination must have too.",
                            "libvirt: \"Unable to find 'swtpm' binary in $PATH\"", look_swtpm};

/// Prevents the refusal of encrypted memory.
inline observations look_encrypted(const facts &f) {
    if (f.domain.launch_security.empty()) return {};
    return {{severity::blocks,
             f.source.name,
             "the guest's memory is protected by " + f.domain.launch_security,
             {virsh(f.source, {"shutdown", f.domain.name}) + " # and move it cold"}}};
}

inline constexpr rule encrypted{
    "KVM-DEV-014", "A memory-encrypted guest cannot be migrated",
    "The key is in the host's processor, and QEMU has no way to hand the memory over.",
    "QEMU: 'SEV: Migration is not implemented'", look_encrypted};

/// Prevents the refusal of Hyper-V features taken from the host as they are.
inline observations look_hyperv(const facts &f) {
    if (f.domain.hyperv_mode != "passthrough") return {};
    return {{severity::blocks,
             f.source.name,
             "the Hyper-V features are in the mode 'passthrough'",
             {virsh(f.source, {"edit", f.domain.name}) +
              " # <hyperv mode='custom'> with each feature; then restart the guest"}}};
}

inline constexpr rule hyperv{
    "KVM-DEV-015", "A Hyper-V passthrough setting keeps the guest on this host",
    "The guest has whatever this host's KVM offers, and the destination may offer other.",
    "QEMU: \"'hv-passthrough' CPU flag prevents migration\"", look_hyperv};

/// Prevents the refusal of QEMU's own vdagent. QEMU 7.2 to 10.0 refuse it; later ones are not
/// known here.
inline observations look_vdagent(const facts &f) {
    if (!ranges::contains(f.domain.channels, "qemu-vdagent")) return {};
    const auto &qemu = f.source.hypervisor;
    const std::vector<std::string> remedy = {virsh(f.source, {"detach-device", f.domain.name}) +
                                             " channel.xml --live"};
    if (!qemu.known()) {
        return {missing(f.source, "whether QEMU moves its vdagent: its version", qemu, remedy)};
    }
    if (*qemu < model::version{10, 1, 0}) {
        return {{severity::blocks, f.source.name,
                 "a channel is QEMU's own vdagent, which QEMU " + qemu->text() + " does not move",
                 remedy}};
    }
    return {{severity::unknown, f.source.name,
             "whether QEMU " + qemu->text() +
                 " moves its vdagent is not known: it was read in releases up to 10.0",
             remedy}};
}

inline constexpr rule vdagent{"KVM-DEV-016", "A channel of the guest blocks migration",
                              "The clipboard's state lives in QEMU's character device.",
                              "QEMU: \"The vdagent chardev doesn't yet support migration\"",
                              look_vdagent};

} // namespace kvmig::precheck::rules
