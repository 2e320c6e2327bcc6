// SPDX-License-Identifier: MIT
/// Rules: what the domain is doing.
#pragma once

#include <kvmig/precheck/rule.hpp>

#include <string>

namespace kvmig::precheck::rules {

/// Prevents a live migration of a guest that does not run.
inline observations look_shut_off(const facts &f) {
    const auto &told = f.source.status;
    if (!told.known()) return {missing(f.source, "whether the guest runs", told)};
    if (told->active) return {};
    return {{severity::blocks,
             f.source.name,
             "the guest is " + std::string(model::to_string(told->state)),
             {virsh(f.source, {"start", f.domain.name}),
              virsh(f.source,
                    {"migrate", "--offline", "--persistent", f.domain.name, f.destination.uri}) +
                  " # moves the definition alone"}}};
}

inline constexpr rule shut_off{
    "KVM-LIF-001", "The domain is shut off",
    "A live migration moves memory, and a guest that does not run has none.",
    "libvirt: 'domain is not running'", look_shut_off};

/// Warns of a guest that stands still because of its storage. Silent while the state is not known
/// (`shut_off` tells).
inline observations look_io_error(const facts &f) {
    const auto &told = f.source.status;
    if (!told.known() || told->state != model::domain_state::paused) return {};
    if (told->reason_text != "I/O error") return {};
    return {{severity::warns,
             f.source.name,
             "the guest is paused by an I/O error",
             {virsh(f.source, {"domblkerror", f.domain.name}),
              virsh(f.source, {"resume", f.domain.name}) + " # once its storage is well"}}};
}

inline constexpr rule io_error{
    "KVM-LIF-101", "The guest is paused by an I/O error",
    "It moves as it is, paused, and with --abort-on-error libvirt refuses to move it.",
    "libvirt: 'cannot migrate domain with I/O error'", look_io_error};

/// Prevents the refusal of a domain with snapshots.
inline observations look_snapshots(const facts &f) {
    const auto &told = f.source.snapshots;
    if (!told.known()) return {missing(f.source, "whether the domain has snapshots", told)};
    if (*told == 0) return {};
    return {{severity::blocks,
             f.source.name,
             "the domain has " + std::to_string(*told) + (*told == 1 ? " snapshot" : " snapshots"),
             {virsh(f.source, {"snapshot-list", f.domain.name, "--tree"}),
              virsh(f.source, {"snapshot-dumpxml", f.domain.name}) + " SNAPSHOT >snapshot.xml",
              virsh(f.source, {"snapshot-delete", f.domain.name}) + " SNAPSHOT --metadata",
              virsh(f.destination, {"snapshot-create", f.domain.name}) +
                  " snapshot.xml --redefine # after the move"}}};
}

inline constexpr rule snapshots{
    "KVM-LIF-002", "The domain has snapshots",
    "What libvirt knows of snapshots lives on the source only, and it does not leave it behind.",
    "libvirt: 'cannot migrate domain with N snapshots'", look_snapshots};

/// Prevents the refusal while a disk is being copied, committed, pulled or backed up.
inline observations look_block_jobs(const facts &f) {
    const auto &told = f.source.block_jobs;
    if (!told.known()) return {missing(f.source, "whether a block job runs", told)};
    observations out;
    for (const std::string &disk : *told) {
        out.push_back({severity::blocks,
                       f.source.name,
                       "a block job runs on the disk " + disk,
                       {virsh(f.source, {"blockjob", f.domain.name, disk, "--info"}),
                        virsh(f.source, {"blockjob", f.domain.name, disk, "--abort"})}});
    }
    return out;
}

inline constexpr rule block_jobs{"KVM-LIF-003", "A block job is running",
                                 "libvirt does not move a domain while QEMU works on its images.",
                                 "libvirt: 'domain has active block job'", look_block_jobs};

/// Whether a job has to do with a migration.
[[nodiscard]] inline bool is_migration(const current_job &job) {
    return job.operation == model::job_operation::migration_in ||
           job.operation == model::job_operation::migration_out;
}

/// Whether a job goes on.
[[nodiscard]] inline bool is_running(const current_job &job) {
    return job.type == model::job_type::bounded || job.type == model::job_type::unbounded;
}

/// Prevents a second migration of a domain that is being migrated.
inline observations look_migrating(const facts &f) {
    const auto &job = f.source.job;
    if (!job.known()) return {missing(f.source, "whether the domain has a job", job)};
    if (!is_running(*job) || !is_migration(*job)) return {};
    return {{severity::blocks,
             f.source.name,
             "a migration of the domain is under way",
             {virsh(f.source, {"domjobinfo", f.domain.name}),
              virsh(f.source, {"domjobabort", f.domain.name}) + " # unless it is in post-copy"}}};
}

inline constexpr rule migrating{
    "KVM-LIF-005", "Another migration of this domain is under way",
    "A domain has one migration at a time.",
    "libvirt: \"another migration job is already running for domain 'NAME'\"", look_migrating};

/// Prevents waiting for another job of the domain, such as a save or a backup. Silent while that is
/// not known: see `migrating`.
inline observations look_busy(const facts &f) {
    const auto &job = f.source.job;
    if (!job.known() || !is_running(*job) || is_migration(*job)) return {};
    const std::string which =
        job->operation ? " (" + std::string(model::to_string(*job->operation)) + ")" : "";
    return {{severity::blocks,
             f.source.name,
             "the domain has an active job" + which,
             {virsh(f.source, {"domjobinfo", f.domain.name}),
              virsh(f.source, {"domjobabort", f.domain.name})}}};
}

inline constexpr rule busy{
    "KVM-LIF-006", "Another operation holds the domain",
    "libvirt lets one job at a time change a domain, and gives up after 30 seconds.",
    "libvirt: 'cannot acquire state change lock'", look_busy};

/// Warns of a saved state that stays behind.
inline observations look_saved(const facts &f) {
    const auto &told = f.source.managed_save;
    if (!told.known()) return {missing(f.source, "whether the domain has a saved state", told)};
    if (!*told) return {};
    return {{severity::warns,
             f.source.name,
             "the domain has a managed save image",
             {virsh(f.source, {"start", f.domain.name}) + " # goes on from it",
              virsh(f.source, {"managedsave-remove", f.domain.name}) + " # gives it up"}}};
}

inline constexpr rule saved{
    "KVM-LIF-010", "The domain has a saved state",
    "It stays on this host, and a later start here would go on from a past the guest has left.",
    "libvirt: 'Refusing to undefine while domain managed save image exists'", look_saved};

/// Tells that the destination does not start the guest by itself.
inline observations look_autostart(const facts &f) {
    const auto &told = f.source.autostart;
    if (!told.known()) {
        return {missing(f.source, "whether the domain is started with its host", told)};
    }
    if (!*told) return {};
    return {{severity::warns,
             f.source.name,
             "the domain is started with this host",
             {virsh(f.destination, {"autostart", f.domain.name}) + " # after the move",
              virsh(f.source, {"autostart", f.domain.name, "--disable"})}}};
}

inline constexpr rule autostart{"KVM-LIF-102", "Autostart is not carried over",
                                "It is a setting of the host, not of the definition: after a "
                                "restart the destination leaves the "
                                "guest off, and the source may start a second one.",
                                "libvirt, virDomainSetAutostart", look_autostart};

} // namespace kvmig::precheck::rules
