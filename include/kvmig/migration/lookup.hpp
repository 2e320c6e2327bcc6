// SPDX-License-Identifier: MIT
/// Which edge belongs to a state and an event.
#pragma once

#include <kvmig/migration/event.hpp>
#include <kvmig/migration/kind.hpp>
#include <kvmig/migration/state.hpp>
#include <kvmig/migration/transitions.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kvmig::migration {

namespace detail {

/// Place of the edge in `edges` plus one; zero: none.
using edge_places = std::array<std::array<std::uint8_t, event_count>, state_count>;

[[nodiscard]] consteval edge_places index_edges() {
    static_assert(edges.size() < 255);
    edge_places places{};
    for (std::size_t i = 0; i < edges.size(); ++i) {
        places[static_cast<std::size_t>(edges[i].from)][static_cast<std::size_t>(edges[i].on)] =
            static_cast<std::uint8_t>(i + 1);
    }
    return places;
}

inline constexpr edge_places places = index_edges();

} // namespace detail

/// The edge for `e` in state `s` of a migration of kind `k`, or a null pointer.
[[nodiscard]] constexpr const edge *find_edge(kind k, state s, event e) noexcept {
    const std::uint8_t place =
        detail::places[static_cast<std::size_t>(s)][static_cast<std::size_t>(e)];
    if (place == 0) return nullptr;
    const edge &found = edges[place - 1U];
    return found.in.has(k) ? &found : nullptr;
}

/// The events that state `s` accepts, in the order of the enum.
[[nodiscard]] inline std::vector<event> accepted(kind k, state s) {
    std::vector<event> out;
    for (const event_facts &e : events) {
        if (find_edge(k, s, e.which) != nullptr) out.push_back(e.which);
    }
    return out;
}

} // namespace kvmig::migration
