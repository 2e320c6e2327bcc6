// SPDX-License-Identifier: MIT
/// Live migration of a domain between two libvirt connections.
#pragma once

#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/hypervisor.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/ports/journal.hpp>
#include <kvmig/run/memory_journal.hpp>
#include <kvmig/run/migrate_between.hpp>
#include <kvmig/run/migration_result.hpp>
#include <kvmig/run/plan_migration.hpp>

#include <stop_token>
#include <utility>

namespace kvmig::run {

/// Migrates `source` to the host of `destination`, and returns when it has ended.
///
/// - Refused before anything starts (`invalid_argument`, `conflict`, `not_found`): options that
///   contradict each other, all of them named; the same host; a domain that does not run, has a
///   job already, or is active at the destination.
/// - `progress` is called on this thread for every sample (`how.interval`, and on libvirt's
///   events while a `libvirt::event_loop` runs).
/// - `stop` aborts the job, again and again until libvirt's call returns; then the error is
///   `cancelled`, and the guest was seen running at the source. In post-copy nothing can be
///   aborted: the migration goes on, and a success says `cancelled_too_late`.
/// - Disks that are to be copied (`non_shared_disk`, `non_shared_inc`) are compared with what the
///   destination has, and images that are missing are made there, all before anything starts;
///   after a failure those that were made are removed again.
/// - With `host_devices.set_aside`, PCI devices of the host are detached last before the move, and
///   attached where the guest is after it; what it lacks at the destination then is a gap. A wish
///   that names a device that is not there is refused before anything starts.
/// - When libvirt's call ends in an error, what it left is put right as far as both hosts leave no
///   doubt: see settle.hpp.
/// - Any failure tells where the guest is, asked of both hosts, with libvirt's error as its
///   cause. So does success.
///
/// Only a connection that is watched (see `libvirt::connection::watched`) notices a daemon that
/// died without a word; over others the call may block as long as TCP does.
///
/// Every step is recorded in `journal` before it is taken: `recover` takes the migration up when
/// this process is killed, or when the error or a gap says that it is left open. Fails with
/// `conflict` while the guest has an earlier migration that has not ended.
template <ports::journal J>
[[nodiscard]] expected<migration_result>
migrate(const libvirt::domain &source, const libvirt::connection &destination, J &journal,
        const migration::options &options = {}, const progress_callback &progress = {},
        const std::stop_token &stop = {}, const sampling &how = {}) {
    libvirt::hypervisor from(source.on());
    libvirt::hypervisor to(destination);
    auto plan = plan_migration(source, destination, options, how.steer);
    if (!plan) return fail(std::move(plan).error());
    return carry_out(from, to, journal, plan->move, progress, stop, how,
                     target_images_of(*plan, destination));
}

/// The same with a journal that ends with the call: nobody can take the migration up after this
/// process.
[[nodiscard]] inline expected<migration_result>
migrate(const libvirt::domain &source, const libvirt::connection &destination,
        const migration::options &options = {}, const progress_callback &progress = {},
        const std::stop_token &stop = {}, const sampling &how = {}) {
    memory_journal journal;
    return migrate(source, destination, journal, options, progress, stop, how);
}

} // namespace kvmig::run
