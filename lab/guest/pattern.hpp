// SPDX-License-Identifier: MIT
/// The pattern that the guest's agent writes to memory and disk: every 64-bit word follows from
/// where it stands and how often it was written, so that each can be checked without a copy.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kvmig::lab::guest {

/// Bytes of a page and of a disk block, and how many 64-bit words that is.
inline constexpr std::size_t page_bytes = 4096;
inline constexpr std::size_t page_words = page_bytes / sizeof(std::uint64_t);

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): one bit more or less in `x` changes
/// about half of the bits of the result.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) noexcept {
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31U);
}

/// What the words of one page or block start from. `seed` sets one boot apart from another.
[[nodiscard]] constexpr std::uint64_t pattern_base(std::uint64_t seed, std::uint64_t index,
                                                   std::uint64_t generation) noexcept {
    return mix(seed ^ mix(index + 0x9E3779B97F4A7C15ULL * (generation + 1)));
}

/// Word `word` of what starts from `base`. One multiplication a word, since the guest may be
/// emulated; not a progression either, so that compressors find little in it.
[[nodiscard]] constexpr std::uint64_t pattern_word(std::uint64_t base, std::size_t word) noexcept {
    std::uint64_t x = base + 0x9E3779B97F4A7C15ULL * word;
    x = (x ^ (x >> 32U)) * 0xD6E8FEB86659FD93ULL;
    return x ^ (x >> 32U);
}

} // namespace kvmig::lab::guest
