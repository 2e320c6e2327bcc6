// SPDX-License-Identifier: MIT
/// The file that holds a qcow2 image, read through a function that the caller gives.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/qcow2_bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <functional>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace kvmig::model::qcow2 {

/// Reads `length` bytes of the file at `offset`; fewer only at the end of the file. An error ends
/// the reading and is handed on: that is also how to cancel it.
using reader =
    std::function<expected<std::vector<std::byte>>(std::uint64_t offset, std::uint64_t length)>;

namespace detail {

/// A file whose size is known, and whose clusters are: what is read is what is there. `read`
/// outlives it.
class bounded_file {
public:
    /// `size` is from 1 to 2^63 - 1.
    bounded_file(const reader &read, std::uint64_t size, unsigned cluster_bits) noexcept
        : read_(read), size_(size), cluster_bits_(cluster_bits) {}

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

    /// Fails unless the cluster-aligned `offset` and the size name something within the file, whose
    /// last cluster may be there in part: writers do not pad it.
    template <class Name>
    [[nodiscard]] expected<void> inside(const Name &name, std::uint64_t offset,
                                        std::uint64_t size) const {
        if (offset % cluster_size() != 0) {
            return refuse(name(), offset, fmt::format("a multiple of {}", cluster_size()));
        }
        const std::uint64_t last_cluster = (size_ - 1) >> cluster_bits_;
        constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
        if (size > most || offset > most - size ||
            (offset + std::max<std::uint64_t>(size, 1) - 1) >> cluster_bits_ > last_cluster) {
            return refuse(name(), offset,
                          fmt::format("{} bytes within the file, which ends at {}", size, size_));
        }
        return {};
    }

    /// The bytes there; zeros for what is behind the end of the file.
    [[nodiscard]] expected<std::vector<std::byte>> fetch(std::uint64_t offset,
                                                         std::uint64_t length) const {
        const std::uint64_t there = offset < size_ ? std::min(length, size_ - offset) : 0;
        if (there == 0) return std::vector<std::byte>(static_cast<std::size_t>(length));
        auto bytes = read_(offset, there);
        if (!bytes) return bytes;
        if (bytes->size() != there) {
            return fail(error_kind::io,
                        fmt::format("qcow2: {} bytes at {} were asked for, {} came; "
                                    "the file is said to have {}",
                                    there, offset, bytes->size(), size_));
        }
        bytes->resize(static_cast<std::size_t>(length));
        return bytes;
    }

    /// `length` bytes, at most a piece, read with what follows them: entries stand close together.
    [[nodiscard]] expected<std::span<const std::byte>> part(std::uint64_t offset,
                                                            std::uint64_t length) {
        if (offset < part_offset_ || offset + length > part_offset_ + part_.size()) {
            auto bytes = fetch(offset, std::max(length, std::uint64_t{65536}));
            if (!bytes) return fail(std::move(bytes).error());
            part_ = std::move(*bytes);
            part_offset_ = offset;
        }
        return std::span<const std::byte>{part_}.subspan(
            static_cast<std::size_t>(offset - part_offset_), static_cast<std::size_t>(length));
    }

private:
    [[nodiscard]] std::uint64_t cluster_size() const noexcept {
        return std::uint64_t{1} << cluster_bits_;
    }

    const reader &read_;
    std::uint64_t size_;
    unsigned cluster_bits_;
    std::vector<std::byte> part_; ///< what `part` read last, and from where
    std::uint64_t part_offset_ = 0;
};

} // namespace detail

} // namespace kvmig::model::qcow2
