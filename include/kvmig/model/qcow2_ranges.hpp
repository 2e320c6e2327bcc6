// SPDX-License-Identifier: MIT
/// A set of parts of a file, which stays small however many parts it has.
#pragma once

#include <kvmig/model/byte_range.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace kvmig::model::qcow2 {

using range = byte_range; ///< In bytes of the file.

/// Which granules of a file are in use: one bit each, kept only for parts of the file where there
/// are any. At most 2^31 granules, so 256 MiB of bits: a file with more of them has larger ones
/// than was asked for, which makes the set coarser, never wrong.
class granules {
public:
    /// Bound of the bits kept: 256 MiB of them.
    static constexpr std::uint64_t most_granules = std::uint64_t{1} << 31U;
    /// Bound of the list that `ranges` gives: 64 MiB of it.
    static constexpr std::size_t most_ranges = std::size_t{1} << 22U;

    /// For a file of `file_size` bytes, in granules of 1 << `bits`, or the next size above of which
    /// there are at most `most`.
    explicit granules(std::uint64_t file_size, unsigned bits, std::uint64_t most = most_granules)
        : file_size_(file_size), bits_(bits) {
        while (count() > most) ++bits_;
        chunks_.resize(static_cast<std::size_t>((count() + chunk_bits - 1) / chunk_bits));
    }

    /// Bytes in one.
    [[nodiscard]] std::uint64_t granule() const noexcept { return std::uint64_t{1} << bits_; }

    /// Puts every granule in that holds a byte of the range; what lies beyond the end of the file
    /// is left out. Gives the bytes that were not in before.
    std::uint64_t add(range part) {
        if (part.length == 0 || part.offset >= file_size_) return 0;
        const std::uint64_t length = std::min(part.length, file_size_ - part.offset);
        const std::uint64_t last = (part.offset + length - 1) >> bits_;
        std::uint64_t added = 0;
        for (std::uint64_t at = part.offset >> bits_; at <= last;) {
            const std::uint64_t in_word = at % 64;
            const std::uint64_t here = std::min(64 - in_word, last - at + 1);
            const std::uint64_t mask = (all >> (64 - here)) << in_word;
            auto &chunk = chunks_[static_cast<std::size_t>(at / chunk_bits)];
            if (!chunk) chunk = std::make_unique<words>();
            auto &word = (*chunk)[static_cast<std::size_t>(at % chunk_bits / 64)];
            added += static_cast<std::uint64_t>(std::popcount(mask & ~word)) << bits_;
            // The last granule of the file may be a part of one.
            if (const std::uint64_t end = (at + here) << bits_;
                end > file_size_ && (mask & ~word) >> (in_word + here - 1) != 0)
                added -= end - file_size_;
            word |= mask;
            at += here;
        }
        return added;
    }

    /// The set, sorted, with no two that touch. Where there would be more than `most`, the smallest
    /// gaps are closed: what stands in those is then in the ranges too.
    [[nodiscard]] std::vector<range> ranges(std::size_t most = most_ranges) const {
        std::uint64_t gap = 0;
        std::size_t found = walk(gap, [](range) {});
        while (found > std::max<std::size_t>(most, 1)) {
            gap = gap == 0 ? granule() : gap * 2;
            found = walk(gap, [](range) {});
        }
        std::vector<range> out;
        out.reserve(found);
        walk(gap, [&out](range one) { out.push_back(one); });
        return out;
    }

private:
    static constexpr std::uint64_t chunk_bits = 32768;
    static constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
    using words = std::array<std::uint64_t, chunk_bits / 64>;

    [[nodiscard]] std::uint64_t count() const noexcept {
        return (file_size_ >> bits_) + ((file_size_ & (granule() - 1)) == 0 ? 0 : 1);
    }

    /// Tells `sink` the ranges with gaps of up to `gap` bytes closed; gives their number.
    template <class Sink>
    // NOLINTNEXTLINE(modernize-use-nodiscard): also called for what it tells the sink
    std::size_t walk(std::uint64_t gap, const Sink &sink) const {
        std::size_t found = 0;
        range open;
        const auto meet = [&](std::uint64_t granule_at, std::uint64_t granule_count) {
            const std::uint64_t offset = granule_at << bits_;
            const std::uint64_t length = std::min(granule_count << bits_, file_size_ - offset);
            if (open.length > 0 && offset - (open.offset + open.length) <= gap) {
                open.length = offset + length - open.offset;
                return;
            }
            if (open.length > 0) sink(open);
            ++found;
            open = {offset, length};
        };
        for (std::size_t i = 0; i < chunks_.size(); ++i) {
            if (!chunks_[i]) continue;
            for (std::size_t j = 0; j < chunks_[i]->size(); ++j) {
                std::uint64_t word = (*chunks_[i])[j];
                const std::uint64_t base = i * chunk_bits + j * 64;
                while (word != 0) {
                    const auto first = static_cast<unsigned>(std::countr_zero(word));
                    const auto length = static_cast<unsigned>(std::countr_one(word >> first));
                    meet(base + first, length);
                    if (first + length == 64) break;
                    word &= all << (first + length);
                }
            }
        }
        if (open.length > 0) sink(open);
        return found;
    }

    std::uint64_t file_size_;
    unsigned bits_;
    std::vector<std::unique_ptr<words>> chunks_;
};

} // namespace kvmig::model::qcow2
