// SPDX-License-Identifier: MIT
/// What of a file travels, cut into pieces; and which part of a piece is worth writing.
#pragma once

#include <kvmig/model/byte_range.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace kvmig::run {

/// The most that one request carries, and how finely holes are kept.
inline constexpr std::uint64_t copy_piece = 1U << 20U;
inline constexpr std::size_t copy_grain = 1U << 16U; ///< How finely holes are kept, in bytes.

/// Whether all bytes are 0; so for none.
[[nodiscard]] inline bool is_zero(std::span<const std::byte> data) {
    return data.empty() || (data[0] == std::byte{0} &&
                            std::memcmp(data.data(), data.data() + 1, data.size() - 1) == 0);
}

/// The parts of `data` that are not zero, in grains of `copy_grain` bytes aligned in the file,
/// which `data` has at `offset`; offsets are those of the file.
[[nodiscard]] inline std::vector<model::byte_range> nonzero_parts(std::uint64_t offset,
                                                                  std::span<const std::byte> data) {
    std::vector<model::byte_range> out;
    for (std::size_t at = 0; at < data.size();) {
        const std::size_t to_boundary = copy_grain - (offset + at) % copy_grain;
        const auto grain = data.subspan(at, std::min(to_boundary, data.size() - at));
        if (!is_zero(grain)) {
            if (!out.empty() && out.back().end() == offset + at) {
                out.back().length += grain.size();
            } else {
                out.push_back({offset + at, grain.size()});
            }
        }
        at += grain.size();
    }
    return out;
}

/// Pieces of the ranges, one after another; none crosses a multiple of `copy_piece`.
class copy_pieces {
public:
    /// `ranges`: sorted, none touching another; what lies below `from` is left out.
    explicit copy_pieces(std::vector<model::byte_range> ranges, std::uint64_t from = 0)
        : ranges_(std::move(ranges)), at_(from) {
        for (const model::byte_range &one : ranges_) {
            total_ += one.length;
            if (one.offset < from) skipped_ += std::min(one.end(), from) - one.offset;
        }
    }

    /// The bytes of all ranges, and of those left out.
    [[nodiscard]] std::uint64_t total() const noexcept { return total_; }
    /// The bytes left out.
    [[nodiscard]] std::uint64_t skipped() const noexcept { return skipped_; }

    /// The next piece; nothing after the last.
    [[nodiscard]] std::optional<model::byte_range> next() {
        while (index_ < ranges_.size() && ranges_[index_].end() <= at_) ++index_;
        if (index_ == ranges_.size()) return std::nullopt;
        const std::uint64_t begin = std::max(at_, ranges_[index_].offset);
        const std::uint64_t boundary = (begin / copy_piece + 1) * copy_piece;
        at_ = std::min(boundary, ranges_[index_].end());
        return model::byte_range{begin, at_ - begin};
    }

private:
    std::vector<model::byte_range> ranges_;
    std::size_t index_ = 0;
    std::uint64_t at_;
    std::uint64_t total_ = 0;
    std::uint64_t skipped_ = 0;
};

} // namespace kvmig::run
