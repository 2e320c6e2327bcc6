// SPDX-License-Identifier: MIT
/// The kinds of migration that one table of states serves, and sets of them.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace kvmig::migration {

/// What moves, and while the guest does what.
enum class kind : std::uint8_t {
    cold,        ///< the guest is shut off, or its state saved; images and definition move
    live,        ///< memory moves while the guest runs; storage is shared
    block,       ///< as `live`, and the disks move whole (`--copy-storage-all`)
    incremental, ///< as `live`, and only the overlays move (`--copy-storage-inc`)
};

/// All of them.
inline constexpr std::array<kind, 4> kinds = {kind::cold, kind::live, kind::block,
                                              kind::incremental};

/// The word of the command line and the journal.
[[nodiscard]] constexpr std::string_view to_string(kind k) noexcept {
    switch (k) {
    case kind::cold: return "cold";
    case kind::live: return "live";
    case kind::block: return "block";
    case kind::incremental: return "incremental";
    }
    return "unknown";
}

/// The kind of that name, or nothing.
[[nodiscard]] constexpr std::optional<kind> kind_named(std::string_view name) noexcept {
    for (const kind k : kinds) {
        if (to_string(k) == name) return k;
    }
    return std::nullopt;
}

/// A set of kinds.
class kind_set {
public:
    /// Of those named.
    constexpr kind_set(std::initializer_list<kind> members) noexcept {
        for (const kind k : members) bits_ = static_cast<std::uint8_t>(bits_ | bit(k));
    }

    /// Whether `k` is in it.
    [[nodiscard]] constexpr bool has(kind k) const noexcept { return (bits_ & bit(k)) != 0; }

    /// `every kind`, or the names joined: `live, block`.
    [[nodiscard]] std::string text() const {
        if (static_cast<std::size_t>(std::popcount(bits_)) == kinds.size()) return "every kind";
        std::string out;
        for (const kind k : kinds) {
            if (!has(k)) continue;
            if (!out.empty()) out += ", ";
            out += to_string(k);
        }
        return out;
    }

    friend constexpr bool operator==(const kind_set &, const kind_set &) noexcept = default;

private:
    [[nodiscard]] static constexpr std::uint8_t bit(kind k) noexcept {
        return static_cast<std::uint8_t>(1U << static_cast<unsigned>(k));
    }

    std::uint8_t bits_ = 0;
};

/// Of edges that every migration has.
inline constexpr kind_set every_kind = {kind::cold, kind::live, kind::block, kind::incremental};
/// Of edges that only a shut-down guest's move has.
inline constexpr kind_set only_cold = {kind::cold};
/// libvirt moves a running guest.
inline constexpr kind_set any_live = {kind::live, kind::block, kind::incremental};
/// libvirt moves a running guest and its disks.
inline constexpr kind_set with_disks = {kind::block, kind::incremental};

} // namespace kvmig::migration
