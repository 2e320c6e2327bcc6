// SPDX-License-Identifier: MIT
/// From what both hosts are seen to have of the guest, and how far the journal says the migration
/// came, to what is to be done: by rules that act only where one answer is certain.
///
/// What libvirt leaves behind was read in its sources (9.0: `virDomainMigrateVersion3Full`,
/// `qemuMigrationSrcConfirmPhase`, `qemuMigrationDstFinishActive`, `qemuMigrationDstComplete`,
/// `qemuMigrationAnyConnectionClosed`, `qemuProcessRecoverMigrationOut`).
#pragma once

#include <kvmig/migration/kind.hpp>
#include <kvmig/migration/origin.hpp>
#include <kvmig/migration/past.hpp>
#include <kvmig/migration/recovery_cold.hpp>
#include <kvmig/migration/recovery_live.hpp>
#include <kvmig/migration/recovery_policy.hpp>
#include <kvmig/migration/ruling.hpp>
#include <kvmig/migration/sighting.hpp>

namespace kvmig::migration {

/// What follows from a look at both hosts. Feed `feed` to the machine, which is in `reconciling`
/// or `reconciling_forward`, and do `steps` within the states it comes to; both are empty for
/// `ended` and `untouched`. After `under_way`, ask again.
[[nodiscard]] constexpr ruling decide(const origin &o, const past &p, const sighting &source,
                                      const sighting &destination, recovery_policy policy) {
    finding found = finding::unexplained;
    if (is_end(p.position)) {
        found = finding::ended;
    } else if (p.position == state::planned) {
        found = finding::untouched;
    } else if (!source.reachable() || !destination.reachable()) {
        found = finding::host_unreachable;
    } else if (o.kind == kind::cold) {
        found = detail::find_cold(o, p, source, destination, policy);
    } else {
        found = detail::find_live(o, p, source, destination, policy);
    }

    ruling out;
    out.found = found;
    if (const auto e = facts_of(found).leads_to) out.feed.push_back(*e);
    switch (facts_of(found).leads_to.value_or(event::not_settled)) {
    case event::incoming_left_over: out.steps.push_back(host_step::destroy_destination); break;
    case event::job_still_runs:
        if (policy.undo || p.cancel_requested) out.feed.push_back(event::cancel_requested);
        break;
    case event::guest_split_broken: out.feed.push_back(event::resume_requested); break;
    case event::guest_at_source:
        if (detail::wants_running(o, p, source, found)) {
            out.steps.push_back(source.active() ? host_step::resume_source
                                                : host_step::start_source);
        }
        if (destination.persistent && !o.destination_defined) {
            out.steps.push_back(host_step::undefine_destination);
        }
        if (!o.shared_storage) out.steps.push_back(host_step::remove_targets);
        break;
    case event::guest_at_destination:
        if (source.active()) out.steps.push_back(host_step::destroy_source);
        // Never the last definition there is.
        if (o.undefine_source && source.persistent && destination.seen != presence::absent) {
            out.steps.push_back(host_step::undefine_source);
        }
        break;
    default: break;
    }
    return out;
}

} // namespace kvmig::migration
