// SPDX-License-Identifier: MIT
// A small sound qcow2 image in memory, whose fields tests then spoil.
#pragma once

#include <kvmig/model/qcow2.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace kvmig::test {

/// Version 3, clusters of 4 KiB, 1 MiB for the guest: header, refcount table, refcount block, L1
/// table, one L2 table, one cluster of data, in this order.
class qcow2_image {
public:
    static constexpr std::uint64_t cluster = 4096;
    static constexpr std::uint64_t refcount_table = 1 * cluster;
    static constexpr std::uint64_t refcount_block = 2 * cluster;
    static constexpr std::uint64_t l1 = 3 * cluster;
    static constexpr std::uint64_t l2 = 4 * cluster;
    static constexpr std::uint64_t data = 5 * cluster;
    static constexpr std::uint64_t size = 6 * cluster;
    static constexpr std::uint64_t copied = std::uint64_t{1} << 63U;

    qcow2_image() : bytes(size) {
        put32(0, 0x514649FB).put32(4, 3).put32(20, 12).put64(24, 1U << 20U);
        put32(36, 1).put64(40, l1).put64(48, refcount_table).put32(56, 1);
        put32(96, 4).put32(100, 104);
        put64(refcount_table, refcount_block).put64(l1, l2 | copied).put64(l2, data | copied);
    }

    qcow2_image &put32(std::uint64_t at, std::uint64_t value) { return put(at, value, 4); }
    qcow2_image &put64(std::uint64_t at, std::uint64_t value) { return put(at, value, 8); }

    /// A header extension; gives where the next one goes.
    std::uint64_t extension(std::uint64_t at, std::uint32_t type, std::string_view text) {
        put32(at, type).put32(at + 4, text.size());
        std::transform(text.begin(), text.end(),
                       bytes.begin() + static_cast<std::ptrdiff_t>(at + 8),
                       [](char c) { return static_cast<std::byte>(c); });
        return (at + 8 + text.size() + 7) / 8 * 8;
    }

    [[nodiscard]] expected<model::qcow2::header> header() const {
        return model::qcow2::parse_header(bytes);
    }
    [[nodiscard]] expected<model::qcow2::map> map() const {
        return model::qcow2::map_of(
            [this](std::uint64_t offset, std::uint64_t length) -> expected<std::vector<std::byte>> {
                const std::uint64_t end = std::min<std::uint64_t>(offset + length, bytes.size());
                if (offset >= end) return std::vector<std::byte>{};
                return std::vector(bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                                   bytes.begin() + static_cast<std::ptrdiff_t>(end));
            },
            bytes.size());
    }

    std::vector<std::byte> bytes;

private:
    qcow2_image &put(std::uint64_t at, std::uint64_t value, std::uint64_t width) {
        if (at + width > bytes.size()) bytes.resize((at + width + cluster - 1) / cluster * cluster);
        for (std::uint64_t i = width; i > 0; --i, value >>= 8U) {
            bytes[at + i - 1] = static_cast<std::byte>(value & 0xFFU);
        }
        return *this;
    }
};

} // namespace kvmig::test
