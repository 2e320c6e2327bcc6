// SPDX-License-Identifier: MIT
/// Canaries: tiny guests that are migrated in a guest's place. They carry their age in their name,
/// so that one who was left behind is found and known for what it is.
#pragma once

#include <kvmig/model/probe_token.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kvmig::model {

/// What the names of all canaries and of their images begin with; a token's time and digits follow.
inline constexpr std::string_view canary_prefix = "kvmig-canary-";
/// A canary lives for a minute or two: one this old has lost its owner.
inline constexpr std::chrono::seconds canary_old{600};
/// How many digits set one apart.
inline constexpr std::size_t canary_digits = 32;

/// The name of the canary of this token.
[[nodiscard]] inline std::string canary_name(const token_id &of) {
    return token_name(of, canary_prefix);
}

/// Which canary a domain or an image of this name belongs to; nothing when to none. An image's name
/// is the canary's, then `.` or `-` and more.
[[nodiscard]] inline std::optional<token_id> parse_canary_name(std::string_view name) {
    constexpr std::size_t whole = canary_prefix.size() + 16 + 1 + canary_digits;
    if (name.size() > whole && name[whole] != '.' && name[whole] != '-') return std::nullopt;
    if (name.size() < whole) return std::nullopt;
    return parse_token_name(name.substr(0, whole), canary_prefix);
}

/// Where a canary's image stands: in a folder, or in a pool that the guest's disk names.
struct canary_place {
    std::string folder; ///< absolute; empty: see `pool`
    std::string pool;   ///< libvirt's pool, by its name; empty: see `folder`

    friend bool operator==(const canary_place &, const canary_place &) = default;
};

/// An image of a canary.
struct canary_image {
    canary_place place; ///< the same on both hosts
    std::string name;   ///< of the file or volume
    std::string format; ///< `raw` or `qcow2`

    friend bool operator==(const canary_image &, const canary_image &) = default;
};

} // namespace kvmig::model
