// SPDX-License-Identifier: MIT
/// Numbers as qcow2 stores them, and how a field that is wrong is told.
#pragma once

#include <kvmig/core/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <span>
#include <string_view>

namespace kvmig::model::qcow2::detail {

/// The big-endian number of `Width` bytes at `offset`, all of which are there.
template <std::size_t Width>
[[nodiscard]] constexpr std::uint64_t big_endian(std::span<const std::byte> from,
                                                 std::uint64_t offset) noexcept {
    std::uint64_t value = 0;
    for (const std::byte b : from.subspan(static_cast<std::size_t>(offset), Width)) {
        value = value << 8U | std::to_integer<std::uint64_t>(b);
    }
    return value;
}

[[nodiscard]] constexpr std::uint32_t be32(std::span<const std::byte> from,
                                           std::uint64_t offset) noexcept {
    return static_cast<std::uint32_t>(big_endian<4>(from, offset));
}
[[nodiscard]] constexpr std::uint64_t be64(std::span<const std::byte> from,
                                           std::uint64_t offset) noexcept {
    return big_endian<8>(from, offset);
}

/// `count` rounded up to a multiple of 1 << `bits`; no multiple may lie beyond 64 bits.
[[nodiscard]] constexpr std::uint64_t round_up(std::uint64_t count, unsigned bits) noexcept {
    const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
    return (count + mask) & ~mask;
}

[[nodiscard]] inline unexpected refuse(std::string_view field, std::string_view value,
                                       std::string_view right,
                                       error_kind kind = error_kind::invalid_argument) {
    return fail(kind, fmt::format("qcow2: {} is {}; right is {}", field, value, right));
}

[[nodiscard]] inline unexpected refuse(std::string_view field, std::uint64_t value,
                                       std::string_view right,
                                       error_kind kind = error_kind::invalid_argument) {
    return refuse(field, fmt::format("{} (0x{:x})", value, value), right, kind);
}

} // namespace kvmig::model::qcow2::detail
