// SPDX-License-Identifier: MIT
/// The rules of recovery for a guest that was moved while it ran.
#pragma once

#include <kvmig/migration/origin.hpp>
#include <kvmig/migration/past.hpp>
#include <kvmig/migration/recovery_policy.hpp>
#include <kvmig/migration/ruling.hpp>
#include <kvmig/migration/sighting.hpp>

namespace kvmig::migration::detail {

/// The source stopped the guest for post-copy; both have a process.
[[nodiscard]] constexpr finding both_in_post_copy(bool forward, const sighting &s,
                                                  const sighting &d, recovery_policy policy) {
    const bool failed = s.why == seen_reason::postcopy_failed;
    if (d.seen == presence::running) {
        switch (d.why) {
        case seen_reason::postcopy: return failed ? finding::split_broken : finding::split_runs;
        case seen_reason::postcopy_failed: return finding::split_broken;
        // Set when all memory has come (`qemuMigrationDstComplete`); the source is told next.
        case seen_reason::migrated:
            return policy.patient ? finding::under_way : finding::arrived_unconfirmed;
        default: return finding::both_claim;
        }
    }
    if (d.why == seen_reason::migration) {
        return policy.patient ? finding::under_way : finding::both_claim;
    }
    // Paused for a reason of its own, such as an I/O error, which hides that it is in post-copy.
    if (forward && d.why == seen_reason::other) {
        return failed ? finding::split_broken : finding::split_runs;
    }
    return finding::both_claim;
}

/// Both have a process.
[[nodiscard]] constexpr finding both_active(const origin &o, const past &p, const sighting &s,
                                            const sighting &d, recovery_policy policy) {
    const bool forward = forward_only(o.kind, p.position);
    if (in_post_copy(s)) {
        // Running in post-copy, the source is the destination of somebody else's migration.
        return s.seen == presence::paused ? both_in_post_copy(forward, s, d, policy)
                                          : finding::both_claim;
    }
    const bool incoming = d.seen == presence::paused && d.why == seen_reason::migration;
    if (incoming || (s.job && d.is(presence::paused, seen_reason::starting_up))) {
        if (forward || s.why == seen_reason::starting_up) return finding::both_claim;
        if (s.job) return finding::job_runs;
        return policy.patient ? finding::under_way : finding::incoming_left_over;
    }
    // Its controller died while libvirt was preparing: it will be as above, or gone.
    if (d.is(presence::paused, seen_reason::starting_up) && d.job && policy.patient && !forward &&
        s.why != seen_reason::starting_up) {
        return finding::under_way;
    }
    if (s.seen != presence::paused) return finding::both_claim;
    // Finish was done and Confirm was not. The source may have stopped the guest itself, or this
    // migration may have suspended it before.
    const bool stopped =
        s.why == seen_reason::migration || (s.why == seen_reason::user && p.suspended);
    const bool runs_there = d.is(presence::running, seen_reason::migrated);
    const bool paused_there = d.is(presence::paused, seen_reason::user) &&
                              (!o.start_at_destination || o.source_was == activity::paused);
    if (!stopped || (!runs_there && !paused_there)) return finding::both_claim;
    return s.job ? finding::under_way : finding::arrived_unconfirmed;
}

/// Only the source has a process.
[[nodiscard]] constexpr finding source_active(const origin &o, const past &p, const sighting &s,
                                              const sighting &d, recovery_policy policy) {
    const bool forward = forward_only(o.kind, p.position);
    if (in_post_copy(s)) {
        if (s.seen == presence::running) return finding::unexplained;
        const bool libvirt_may_undo = s.job && s.why == seen_reason::postcopy && !forward;
        return libvirt_may_undo && policy.patient ? finding::under_way
                                                  : finding::split_without_destination;
    }
    if (forward) return finding::unexplained;
    if (s.job) return finding::job_runs;
    if (s.seen == presence::running) {
        // Had both run, each would have disks or a history of its own.
        return ran_there(o, d) == tri::yes ? finding::unexplained : finding::at_source;
    }
    if (!surely_not_there(o, p, d)) return finding::may_have_run_elsewhere;
    const bool ours =
        p.position != state::preparing &&
        (s.why == seen_reason::migration || (s.why == seen_reason::user && p.suspended));
    return ours ? finding::stopped_at_source : finding::paused_at_source;
}

/// Only the destination has a process.
[[nodiscard]] constexpr finding destination_active(const origin &o, const past &p,
                                                   const sighting &s, const sighting &d,
                                                   recovery_policy policy) {
    if (!may_have_left(o.kind, p.position)) return finding::unexplained;
    // Confirm ended the source's process, and perhaps its definition.
    const bool confirmed =
        s.seen == presence::absent || s.is(presence::shut_off, seen_reason::migrated);
    if (in_post_copy(d)) {
        return confirmed && policy.patient ? finding::under_way : finding::split_without_source;
    }
    if (d.is(presence::running, seen_reason::migrated)) return finding::arrived;
    if (d.seen == presence::running) return confirmed ? finding::arrived : finding::unexplained;
    if (d.why == seen_reason::migration || d.why == seen_reason::starting_up) {
        return policy.patient ? finding::under_way : finding::arrival_without_source;
    }
    return confirmed ? finding::arrived : finding::unexplained;
}

/// Neither has a process, after the source could no longer be the answer.
[[nodiscard]] constexpr finding none_active_forward(const past &p, const sighting &s,
                                                    const sighting &d, tri ran,
                                                    recovery_policy policy) {
    if (p.position == state::releasing || s.is(presence::shut_off, seen_reason::migrated)) {
        return d.seen == presence::shut_off || ran == tri::yes ? finding::arrived_and_ended
                                                               : finding::unexplained;
    }
    if (ran == tri::yes) return finding::arrived_and_ended;
    return policy.patient ? finding::under_way : finding::gone;
}

/// Neither has a process, and the source not even a definition.
[[nodiscard]] constexpr finding none_active_source_absent(const origin &o, const past &p,
                                                          const sighting &d, tri ran,
                                                          recovery_policy policy) {
    const bool defined_there = d.seen == presence::shut_off;
    const bool undefined_by_confirm =
        o.source_persistent && o.undefine_source && may_have_left(o.kind, p.position);
    if (ran == tri::yes || (defined_there && undefined_by_confirm)) {
        return finding::arrived_and_ended;
    }
    if (defined_there) return finding::unexplained;
    return policy.patient ? finding::under_way : finding::gone;
}

/// Neither has a process.
[[nodiscard]] constexpr finding none_active(const origin &o, const past &p, const sighting &s,
                                            const sighting &d, recovery_policy policy) {
    const tri ran = ran_there(o, d);
    if (forward_only(o.kind, p.position)) return none_active_forward(p, s, d, ran, policy);
    if (s.seen == presence::absent) return none_active_source_absent(o, p, d, ran, policy);
    if (s.why == seen_reason::migrated) {
        if (!may_have_left(o.kind, p.position)) return finding::unexplained;
        return d.seen == presence::shut_off || ran == tri::yes ? finding::arrived_and_ended
                                                               : finding::may_have_run_elsewhere;
    }
    if (!surely_not_there(o, p, d)) return finding::may_have_run_elsewhere;
    switch (s.why) {
    case seen_reason::shutdown:
    case seen_reason::destroyed:
    case seen_reason::saved: return finding::shut_off_at_source;
    default:
        // Before anything was begun, it did not go down for the migration.
        return p.position == state::preparing ? finding::shut_off_at_source
                                              : finding::went_down_at_source;
    }
}

[[nodiscard]] constexpr finding find_live(const origin &o, const past &p, const sighting &s,
                                          const sighting &d, recovery_policy policy) {
    // Before libvirt was called, and after it was found to have given up, a job or a post-copy is
    // somebody else's.
    if (p.position == state::preparing && (s.job || in_post_copy(s) || d.active())) {
        return finding::unexplained;
    }
    if (decided_for_source(p.position)) {
        if (in_post_copy(s) || in_post_copy(d)) return finding::unexplained;
        if (s.job) return finding::under_way;
    }
    if (s.active() && d.active()) return both_active(o, p, s, d, policy);
    if (s.active()) return source_active(o, p, s, d, policy);
    if (d.active()) return destination_active(o, p, s, d, policy);
    return none_active(o, p, s, d, policy);
}

} // namespace kvmig::migration::detail
