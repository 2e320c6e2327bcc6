// SPDX-License-Identifier: MIT
/// Versions as libvirt counts them.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace kvmig::model {

/// A version in libvirt's number, `major * 1,000,000 + minor * 1,000 + release`
/// (`virConnectGetLibVersion`, `virConnectGetVersion`).
struct version {
    std::uint32_t major_number = 0; ///< not `major`, which is a macro of the C library
    std::uint32_t minor_number = 0; ///< below 1,000
    std::uint32_t release = 0;      ///< below 1,000

    /// From libvirt's one number: major * 1,000,000 + minor * 1,000 + release.
    [[nodiscard]] static constexpr version from_number(std::uint64_t number) noexcept {
        return {static_cast<std::uint32_t>(number / 1'000'000),
                static_cast<std::uint32_t>(number / 1'000 % 1'000),
                static_cast<std::uint32_t>(number % 1'000)};
    }
    /// The three numbers, joined by dots.
    [[nodiscard]] std::string text() const {
        return std::to_string(major_number) + '.' + std::to_string(minor_number) + '.' +
               std::to_string(release);
    }
    friend constexpr auto operator<=>(const version &, const version &) noexcept = default;
};

} // namespace kvmig::model
