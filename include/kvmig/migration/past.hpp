// SPDX-License-Identifier: MIT
/// What the journal of one migration tells: how far it came, and what was asked for on the way.
#pragma once

#include <kvmig/migration/event.hpp>
#include <kvmig/migration/kind.hpp>
#include <kvmig/migration/lookup.hpp>
#include <kvmig/migration/machine.hpp>
#include <kvmig/migration/state.hpp>

#include <span>

namespace kvmig::migration {

/// The sum of a migration's transitions.
struct past {
    /// The last state that was not about asking the hosts: how far the world may have come.
    state position = state::planned;
    bool cancel_requested = false; ///< by a person or a policy, however it ended
    bool suspended = false;        ///< the guest was suspended at the source so that it could move

    friend constexpr bool operator==(const past &, const past &) noexcept = default;
};

/// Whether both hosts are being asked where the guest is.
[[nodiscard]] constexpr bool is_reconciling(state s) noexcept {
    return s == state::reconciling || s == state::reconciling_forward;
}

/// Sums up transitions in the order in which they were written.
[[nodiscard]] constexpr past past_of(std::span<const transition> history) noexcept {
    past out;
    for (const transition &t : history) {
        if (!is_reconciling(t.to)) out.position = t.to;
        out.cancel_requested = out.cancel_requested || t.on == event::cancel_requested;
        out.suspended = out.suspended || t.on == event::suspend_requested;
    }
    return out;
}

/// Whether the source can no longer be the answer when hosts are asked after `position`.
[[nodiscard]] constexpr bool forward_only(kind k, state position) noexcept {
    const edge *found = find_edge(k, position, event::controller_restarted);
    return found != nullptr && found->to == state::reconciling_forward;
}

/// Whether it was decided, with the destination known not to run the guest, that the source has
/// it.
[[nodiscard]] constexpr bool decided_for_source(state position) noexcept {
    return position == state::clearing || position == state::restoring ||
           position == state::cleaning;
}

/// Whether the guest may have run at the destination by the work that `position`, and what can
/// follow it unseen, announces.
[[nodiscard]] constexpr bool may_have_left(kind k, state position) noexcept {
    if (decided_for_source(position) || is_end(position)) return false;
    if (k == kind::cold) return position == state::starting || position == state::releasing;
    return position != state::planned && position != state::preparing;
}

} // namespace kvmig::migration
