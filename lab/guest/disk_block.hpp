// SPDX-License-Identifier: MIT
/// One block of the guest's disk: it says itself what it is, so that it can be checked after a
/// reboot and on another host.
#pragma once

#include <kvmig/core/uuid.hpp>
#include <lab/guest/pattern.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace kvmig::lab::guest {

static_assert(std::endian::native == std::endian::little, "the guest's disk is little-endian");

/// Who wrote a block, which one, and how often it had been written in that boot (from 1).
struct block_stamp {
    std::uint64_t index = 0;
    std::uint64_t generation = 0;
    uuid boot_id;
    friend bool operator==(const block_stamp &, const block_stamp &) = default;
};

enum class block_state : std::uint8_t {
    blank,   ///< zeroes from end to end
    foreign, ///< something that no agent wrote
    damaged, ///< an agent's mark, and a content that does not fit its checksum
    intact,
};

struct block_reading {
    block_state state = block_state::blank;
    block_stamp stamp; ///< of an intact one
};

/// A block as 64-bit words: magic, index, generation, boot id (2), checksum of all others, pattern.
using block_words = std::span<std::uint64_t, page_words>;
using const_block_words = std::span<const std::uint64_t, page_words>;

inline constexpr std::uint64_t block_magic = 0x6B6C6267696D766BULL; // "kvmigblk"
inline constexpr std::size_t block_head_words = 6;

/// The checksum of a block: over every word but the one that holds it.
[[nodiscard]] inline std::uint64_t block_checksum(const_block_words block) noexcept {
    std::uint64_t sum = block_magic;
    for (std::size_t word = 0; word < page_words; ++word) {
        if (word == 5) continue;
        sum = std::rotl(sum ^ block[word], 27) * 0x9E3779B97F4A7C15ULL + word;
    }
    return mix(sum);
}

/// What a block's words start from; the same for both halves of a boot id.
[[nodiscard]] inline std::array<std::uint64_t, 2> words_of(const uuid &id) noexcept {
    std::array<std::uint64_t, 2> words{};
    std::memcpy(words.data(), id.raw().data(), sizeof words);
    return words;
}

inline void encode_block(const block_stamp &stamp, block_words out) noexcept {
    const auto boot = words_of(stamp.boot_id);
    const std::uint64_t base = pattern_base(boot[0] ^ boot[1], stamp.index, stamp.generation);
    out[0] = block_magic;
    out[1] = stamp.index;
    out[2] = stamp.generation;
    out[3] = boot[0];
    out[4] = boot[1];
    for (std::size_t word = block_head_words; word < page_words; ++word) {
        out[word] = pattern_word(base, word);
    }
    out[5] = block_checksum(out);
}

[[nodiscard]] inline block_reading decode_block(const_block_words in) noexcept {
    if (in[0] != block_magic) {
        for (const std::uint64_t word : in) {
            if (word != 0) return {block_state::foreign, {}};
        }
        return {block_state::blank, {}};
    }
    if (in[5] != block_checksum(in)) return {block_state::damaged, {}};
    std::array<std::uint8_t, 16> boot{};
    std::memcpy(boot.data(), &in[3], boot.size());
    return {block_state::intact, {in[1], in[2], uuid{boot}}};
}

} // namespace kvmig::lab::guest
