// SPDX-License-Identifier: MIT
/// The states of a migration, and who owns the guest in each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kvmig::migration {

/// Whose copy of the guest counts: the only side on which it may run.
enum class owner : std::uint8_t {
    source,
    destination,
    split,     ///< post-copy: it runs at the destination, and part of its memory is at the source
    unsettled, ///< may have changed hands unseen: both sides are asked before anything is done
    none,      ///< on neither side, or not known to this program any more
};

/// As the table of the documents says it.
[[nodiscard]] constexpr std::string_view to_string(owner who) noexcept {
    switch (who) {
    case owner::source: return "source";
    case owner::destination: return "destination";
    case owner::split: return "split";
    case owner::unsettled: return "unsettled";
    case owner::none: return "none";
    }
    return "unknown";
}

/// Where a migration stands. What the words mean is in `states`.
enum class state : std::uint8_t {
    planned,
    preparing,
    // A cold migration's steps.
    stopping,
    copying,
    verifying,
    defining,
    starting,
    // What libvirt's job goes through while the guest runs.
    beginning,
    copying_disks,
    pre_copy,
    pre_copy_suspended,
    cancelling,
    post_copy_starting,
    switching_over,
    post_copy,
    post_copy_paused,
    post_copy_recovering,
    // Nobody knows, and both hosts are asked.
    reconciling,
    reconciling_forward,
    // The way back, and the way home.
    clearing,
    restoring,
    cleaning,
    releasing,
    // Ends.
    completed,
    cancelled,
    failed,
    lost,
    taken_over,
};

/// What is to be known of a state.
struct state_facts {
    state which;              ///< its row is at the place of its number
    std::string_view name;    ///< the enumerator's, as journals and messages have it
    owner owns;               ///< which host has the guest while the migration stands here
    bool end;                 ///< nothing leads out of it
    std::string_view meaning; ///< a clause
};

/// All states, in the order of the enum.
inline constexpr std::array<state_facts, 28> states = {{
    {state::planned, "planned", owner::source, false, "nothing has been touched"},
    {state::preparing, "preparing", owner::source, false,
     "storage and networks are made ready at the destination; the guest is left alone"},
    {state::stopping, "stopping", owner::source, false,
     "the guest is being shut down or its state saved"},
    {state::copying, "copying", owner::source, false, "images and saved state are being copied"},
    {state::verifying, "verifying", owner::source, false,
     "the destination proves that its copy is equal"},
    {state::defining, "defining", owner::source, false,
     "the destination is given the guest's definition"},
    {state::starting, "starting", owner::unsettled, false,
     "the guest is being started at the destination"},
    {state::beginning, "beginning", owner::source, false,
     "libvirt has the migration in hand (Begin, Prepare); no phase has been seen"},
    {state::copying_disks, "copying_disks", owner::source, false,
     "disks are being mirrored to the destination"},
    {state::pre_copy, "pre_copy", owner::source, false,
     "memory moves while the guest runs at the source"},
    {state::pre_copy_suspended, "pre_copy_suspended", owner::source, false,
     "the guest was suspended at the source so that its memory stands still"},
    {state::cancelling, "cancelling", owner::source, false,
     "the job has been asked to end; it may still win the race"},
    {state::post_copy_starting, "post_copy_starting", owner::unsettled, false,
     "post-copy has been asked for; the destination has not been seen running"},
    {state::switching_over, "switching_over", owner::unsettled, false,
     "the guest has stopped at the source (Finish, Confirm)"},
    {state::post_copy, "post_copy", owner::split, false,
     "the guest runs at the destination and fetches the rest of its memory"},
    {state::post_copy_paused, "post_copy_paused", owner::split, false,
     "post-copy is broken: the guest waits for pages that cannot come"},
    {state::post_copy_recovering, "post_copy_recovering", owner::split, false,
     "a broken post-copy is being taken up again"},
    {state::reconciling, "reconciling", owner::unsettled, false,
     "both hosts are asked where the guest is"},
    {state::reconciling_forward, "reconciling_forward", owner::unsettled, false,
     "both hosts are asked; the source can no longer be the answer"},
    {state::clearing, "clearing", owner::source, false,
     "a process at the destination that never took over is removed"},
    {state::restoring, "restoring", owner::source, false,
     "the guest is brought back at the source as it was before"},
    {state::cleaning, "cleaning", owner::source, false,
     "what was made at the destination is removed"},
    {state::releasing, "releasing", owner::destination, false,
     "the source lets go: what is left of the guest there is removed, as far as asked"},
    {state::completed, "completed", owner::destination, true, "the destination has the guest"},
    {state::cancelled, "cancelled", owner::source, true,
     "called off; the source has the guest as before"},
    {state::failed, "failed", owner::source, true, "undone; the source has the guest as before"},
    {state::lost, "lost", owner::none, true, "neither side has the guest"},
    {state::taken_over, "taken_over", owner::none, true,
     "a person has settled it; this program no longer watches"},
}};

inline constexpr std::size_t state_count = states.size(); ///< How many there are.

/// Its row.
[[nodiscard]] constexpr const state_facts &facts_of(state s) noexcept {
    return states[static_cast<std::size_t>(s)];
}
/// The word of the journal.
[[nodiscard]] constexpr std::string_view to_string(state s) noexcept { return facts_of(s).name; }
/// Who has the guest in this state.
[[nodiscard]] constexpr owner owner_in(state s) noexcept { return facts_of(s).owns; }
/// Whether nothing follows.
[[nodiscard]] constexpr bool is_end(state s) noexcept { return facts_of(s).end; }

/// The state of that name, or nothing.
[[nodiscard]] constexpr std::optional<state> state_named(std::string_view name) noexcept {
    for (const state_facts &facts : states) {
        if (facts.name == name) return facts.which;
    }
    return std::nullopt;
}

} // namespace kvmig::migration
