// SPDX-License-Identifier: MIT
/// A part of a file.
#pragma once

#include <cstdint>

namespace kvmig::model {

/// Bytes of a file: `offset` up to, and without, `offset + length`.
struct byte_range {
    std::uint64_t offset = 0; ///< of its first byte, from the beginning of the file
    std::uint64_t length = 0; ///< in bytes

    /// The offset behind its last byte.
    [[nodiscard]] constexpr std::uint64_t end() const noexcept { return offset + length; }
    friend bool operator==(const byte_range &, const byte_range &) = default;
};

} // namespace kvmig::model
