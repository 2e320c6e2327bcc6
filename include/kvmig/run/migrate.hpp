// SPDX-License-Identifier: MIT
/// Live migration of a domain between two libvirt connections.
#pragma once

#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/hypervisor.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/ports/journal.hpp>
#include <kvmig/run/migrate_between.hpp>
#include <kvmig/run/migration_result.hpp>
#include <kvmig/run/storage_targets.hpp>

#include <stop_token>
#include <utility>
#include <vector>

namespace kvmig::run {

namespace detail {

/// After a failure: the targets are removed where the destination surely has no use for them.
inline void discard_targets(libvirt::hypervisor &destination, const uuid &id,
                            const std::vector<storage_target> &targets, error &problem) {
    auto there = destination.status(id);
    if (there && *there && (**there).active) return; // the guest may live on them
    auto gone = there ? remove_storage_targets(destination.on(), targets)
                      : expected<void>(fail(std::move(there).error()));
    if (gone) return;
    error left = make_error(error_kind::failed, "images made for the migration are left behind")
                     .on(destination.on().hostname());
    for (const storage_target &each : targets) {
        if (each.created) left.object += (left.object.empty() ? "" : ", ") + each.path;
    }
    if (left.object.empty()) return;
    problem.causes.push_back(std::move(left).because(std::move(gone).error()));
}

/// Does `move` upon targets made ready for it.
template <class Move>
[[nodiscard]] expected<migration_result>
with_targets(libvirt::hypervisor &from, const libvirt::domain &source, libvirt::hypervisor &to,
             const migration::options &options, Move move) {
    if (!options.flags.has_any(
            {migration::flag::non_shared_disk, migration::flag::non_shared_inc})) {
        return move();
    }
    // What needs no look at the disks is told first.
    if (auto able = check_before_migration(from, source.id(), source.name(), to, options); !able) {
        return fail(std::move(able).error());
    }
    auto targets = prepare_storage_targets(source, to.on(), options);
    if (!targets) return fail(std::move(targets).error());
    expected<migration_result> result = move();
    if (!result) discard_targets(to, source.id(), *targets, result.error());
    return result;
}

} // namespace detail

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
/// - When libvirt's call ends in an error, what it left is put right as far as both hosts leave no
///   doubt: see settle.hpp.
/// - Any failure tells where the guest is, asked of both hosts, with libvirt's error as its
///   cause. So does success.
///
/// Only a connection that is watched (see `libvirt::connection::watched`) notices a daemon that
/// died without a word; over others the call may block as long as TCP does.
[[nodiscard]] inline expected<migration_result>
migrate(const libvirt::domain &source, const libvirt::connection &destination,
        const migration::options &options = {}, const progress_callback &progress = {},
        const std::stop_token &stop = {}, const sampling &how = {}) {
    libvirt::hypervisor from(source.on());
    libvirt::hypervisor to(destination);
    return detail::with_targets(from, source, to, options, [&] {
        return migrate_between(from, source.id(), source.name(), to, options, progress, stop, how);
    });
}

/// The same, recorded in `journal` step by step: `recover` takes it up when this process is killed,
/// or when the error or a gap says that it is left open. Fails with `conflict` while the guest has
/// an earlier migration that has not ended.
template <ports::journal J>
[[nodiscard]] expected<migration_result>
migrate(const libvirt::domain &source, const libvirt::connection &destination, J &journal,
        const migration::options &options = {}, const progress_callback &progress = {},
        const std::stop_token &stop = {}, const sampling &how = {}) {
    libvirt::hypervisor from(source.on());
    libvirt::hypervisor to(destination);
    return detail::with_targets(from, source, to, options, [&] {
        return migrate_journaled(from, source.id(), source.name(), to, journal, options, progress,
                                 stop, how);
    });
}

} // namespace kvmig::run
