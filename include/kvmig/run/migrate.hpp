// SPDX-License-Identifier: MIT
/// Live migration of a domain between two libvirt connections.
#pragma once

#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/hypervisor.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/run/migrate_between.hpp>
#include <kvmig/run/migration_result.hpp>

#include <stop_token>

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
    return migrate_between(from, source.id(), source.name(), to, options, progress, stop, how);
}

} // namespace kvmig::run
