// SPDX-License-Identifier: MIT
/// The rules of recovery for a guest that was moved shut off.
#pragma once

#include <kvmig/migration/origin.hpp>
#include <kvmig/migration/past.hpp>
#include <kvmig/migration/recovery_policy.hpp>
#include <kvmig/migration/ruling.hpp>
#include <kvmig/migration/sighting.hpp>

namespace kvmig::migration::detail {

/// Whether the guest went off in the way in which it was stopped.
[[nodiscard]] constexpr bool stopped_as_asked(stop_method how, seen_reason why) noexcept {
    switch (how) {
    case stop_method::none: return true;
    case stop_method::shutdown:
        return why == seen_reason::shutdown || why == seen_reason::destroyed;
    case stop_method::save: return why == seen_reason::saved;
    case stop_method::snapshot:
        return why == seen_reason::shutdown || why == seen_reason::destroyed;
    }
    return false;
}

/// Only the source has a process: whatever was copied of it is old.
[[nodiscard]] constexpr finding cold_source_active(const origin &o, const past &p,
                                                   const sighting &s, const sighting &d,
                                                   recovery_policy policy) {
    if (p.position == state::releasing || in_post_copy(s) || ran_there(o, d) == tri::yes) {
        return finding::unexplained;
    }
    // Somebody started it here; what the destination may have written is not thrown away.
    if (p.position == state::starting && ran_there(o, d) != tri::no) return finding::unexplained;
    if (p.position == state::stopping && !policy.undo) return finding::stop_goes_on;
    if (s.job) return finding::under_way;
    if (s.seen == presence::running) return finding::at_source;
    // Left so by a save that did not come to an end.
    const bool ours = (p.position == state::stopping || p.position == state::restoring) &&
                      (s.why == seen_reason::saving || s.why == seen_reason::migration);
    return ours ? finding::stopped_at_source : finding::paused_at_source;
}

/// Only the destination has a process.
[[nodiscard]] constexpr finding cold_destination_active(const past &p, const sighting &d) {
    if (p.position != state::starting && p.position != state::releasing) {
        return finding::unexplained;
    }
    if (in_post_copy(d)) return finding::unexplained;
    const bool being_started = d.seen == presence::paused && (d.why == seen_reason::starting_up ||
                                                              d.why == seen_reason::migration);
    return being_started ? finding::under_way : finding::arrived;
}

/// Neither has a process, and the destination was told to start the guest.
[[nodiscard]] constexpr finding cold_start_cut_short(const origin &o, const sighting &s,
                                                     const sighting &d, recovery_policy policy) {
    if (s.seen != presence::shut_off || d.seen != presence::shut_off) {
        return finding::unexplained;
    }
    if (ran_there(o, d) == tri::yes) return finding::arrived_and_ended;
    if (!policy.undo) return finding::start_goes_on;
    return ran_there(o, d) == tri::no ? finding::stopped_for_the_copy
                                      : finding::may_have_run_elsewhere;
}

/// Neither has a process.
[[nodiscard]] constexpr finding cold_none_active(const origin &o, const past &p, const sighting &s,
                                                 const sighting &d, recovery_policy policy) {
    if (p.position == state::releasing) {
        if (d.seen == presence::shut_off) return finding::arrived_and_ended;
        return s.seen == presence::absent ? finding::gone : finding::unexplained;
    }
    if (p.position == state::starting) return cold_start_cut_short(o, s, d, policy);
    if (s.seen == presence::absent) {
        return d.seen == presence::absent ? finding::gone : finding::unexplained;
    }
    if (ran_there(o, d) == tri::yes) return finding::may_have_run_elsewhere;
    switch (p.position) {
    case state::stopping:
        if (s.why == seen_reason::migrated) return finding::unexplained;
        if (!stopped_as_asked(o.stop, s.why)) return finding::went_down_at_source;
        [[fallthrough]];
    case state::copying:
    case state::verifying:
    case state::defining:
        return policy.undo ? finding::stopped_for_the_copy : finding::copy_goes_on;
    case state::clearing:
    case state::restoring: return finding::stopped_for_the_copy;
    default: return finding::shut_off_at_source;
    }
}

[[nodiscard]] constexpr finding find_cold(const origin &o, const past &p, const sighting &s,
                                          const sighting &d, recovery_policy policy) {
    if (s.active() && d.active()) return finding::both_claim;
    if (s.active()) return cold_source_active(o, p, s, d, policy);
    if (d.active()) return cold_destination_active(p, d);
    return cold_none_active(o, p, s, d, policy);
}

} // namespace kvmig::migration::detail
