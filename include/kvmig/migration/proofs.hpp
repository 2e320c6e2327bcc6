// SPDX-License-Identifier: MIT
/// What holds of the transitions, proven when this header is compiled.
///
/// Each proof is a function of any array of edges, so that a test can hand it a wrong one.
#pragma once

#include <kvmig/migration/event.hpp>
#include <kvmig/migration/kind.hpp>
#include <kvmig/migration/state.hpp>
#include <kvmig/migration/transitions.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace kvmig::migration::proofs {

/// A set of states, one bit each.
using state_set = std::uint64_t;
static_assert(state_count <= 64);

/// The set of `s` alone.
[[nodiscard]] constexpr state_set only(state s) noexcept {
    return state_set{1} << static_cast<unsigned>(s);
}

/// The states for which `wanted` holds.
template <class Predicate> [[nodiscard]] constexpr state_set states_where(Predicate wanted) {
    state_set found = 0;
    for (const state_facts &facts : states) {
        if (wanted(facts)) found |= only(facts.which);
    }
    return found;
}

/// Each state's neighbours along edges of one kind of migration.
struct neighbours {
    std::array<state_set, state_count> next{}; ///< by the number of a state: those that it leads to
    /// By the number of a state: those that lead to it.
    std::array<state_set, state_count> previous{};
    state_set used = 0; ///< begin or end of an edge

    /// Along those of `all` that a migration of kind `k` has.
    constexpr neighbours(std::span<const edge> all, kind k) {
        for (const edge &e : all) {
            if (!e.in.has(k)) continue;
            next[static_cast<std::size_t>(e.from)] |= only(e.to);
            previous[static_cast<std::size_t>(e.to)] |= only(e.from);
            used |= only(e.from) | only(e.to);
        }
    }

    /// Everything that can be reached from `start` by steps of `along`, `start` included.
    [[nodiscard]] static constexpr state_set
    closure(const std::array<state_set, state_count> &along, state_set start) {
        for (state_set open = start; open != 0;) {
            const auto place = static_cast<std::size_t>(std::countr_zero(open));
            const state_set more = along[place] & ~start;
            start |= more;
            open = (open & (open - 1)) | more;
        }
        return start;
    }
};

/// 1. A state and an event have one target.
[[nodiscard]] constexpr bool one_target(std::span<const edge> all) {
    std::array<std::uint64_t, state_count> taken{};
    static_assert(event_count <= 64);
    for (const edge &e : all) {
        const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(e.on);
        std::uint64_t &events_of = taken[static_cast<std::size_t>(e.from)];
        if ((events_of & bit) != 0) return false;
        events_of |= bit;
    }
    return true;
}

/// 2. Every state is reached from `planned`, in each kind of migration that uses it.
[[nodiscard]] constexpr bool all_reachable(std::span<const edge> all) {
    state_set used = 0;
    for (const kind k : kinds) {
        const neighbours near(all, k);
        used |= near.used;
        if (neighbours::closure(near.next, only(state::planned)) != near.used) return false;
    }
    return used == states_where([](const state_facts &) { return true; });
}

/// 3. Every state reaches an end, in each kind of migration that uses it; an end has no edge.
[[nodiscard]] constexpr bool all_end(std::span<const edge> all) {
    const state_set ends = states_where([](const state_facts &s) { return s.end; });
    for (const edge &e : all) {
        if ((ends & only(e.from)) != 0) return false;
    }
    return std::all_of(kinds.begin(), kinds.end(), [&](kind k) {
        const neighbours near(all, k);
        return (near.used & ~neighbours::closure(near.previous, ends)) == 0;
    });
}

/// 4. No edge, nor any path, leads from a guest that is split over both hosts, or at the
/// destination, to one at the source: post-copy is never aborted.
[[nodiscard]] constexpr bool no_way_back(std::span<const edge> all) {
    const state_set left = states_where([](const state_facts &s) {
        return s.owns == owner::split || s.owns == owner::destination;
    });
    const state_set source =
        states_where([](const state_facts &s) { return s.owns == owner::source; });
    return std::all_of(kinds.begin(), kinds.end(), [&](kind k) {
        return (neighbours::closure(neighbours(all, k).next, left) & source) == 0;
    });
}

/// 5. In every state it is decided who owns the guest: each is listed once and in its place, an
/// end is never left unsettled or split, and a state that is not settled can be: one event leads
/// from it to where both hosts are asked.
[[nodiscard]] constexpr bool owner_decided(std::span<const edge> all) {
    state_set asks = 0;
    for (const edge &e : all) {
        if (e.then == act::ask_both_hosts) asks |= only(e.from);
    }
    for (std::size_t i = 0; i < states.size(); ++i) {
        const state_facts &facts = states[i];
        if (static_cast<std::size_t>(facts.which) != i) return false;
        if (facts.owns == owner::none && !facts.end) return false;
        if (facts.owns != owner::unsettled && facts.owns != owner::split) continue;
        if (facts.end || (asks & only(facts.which)) == 0) return false;
    }
    return true;
}

/// 6. A controller may be killed at any moment: every state but an end says what its successor
/// does, in each kind of migration that uses it, and where something may have been done, it is to
/// ask both hosts.
[[nodiscard]] constexpr bool survives_the_controller(std::span<const edge> all) {
    const state_set ends = states_where([](const state_facts &s) { return s.end; });
    return std::all_of(kinds.begin(), kinds.end(), [&](kind k) {
        state_set survives = ends;
        for (const edge &e : all) {
            const bool right = e.then == act::ask_both_hosts || e.from == state::planned;
            if (e.on == event::controller_restarted && e.in.has(k) && right) {
                survives |= only(e.from);
            }
        }
        return (neighbours(all, k).used & ~survives) == 0;
    });
}

/// The words are listed in the order of their enums.
[[nodiscard]] constexpr bool words_in_order() {
    for (std::size_t i = 0; i < events.size(); ++i) {
        if (static_cast<std::size_t>(events[i].which) != i) return false;
    }
    return true;
}

static_assert(one_target(edges), "a state and an event have two targets");
static_assert(all_reachable(edges), "a state cannot be reached");
static_assert(all_end(edges), "a state cannot come to an end, or an end goes on");
static_assert(no_way_back(edges), "a path leads out of post-copy back to the source");
static_assert(owner_decided(edges), "a state leaves open who owns the guest");
static_assert(survives_the_controller(edges), "a state has no successor for a killed controller");
static_assert(words_in_order(), "the words of events are out of order");

} // namespace kvmig::migration::proofs
