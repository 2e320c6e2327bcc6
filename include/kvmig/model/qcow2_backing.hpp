// SPDX-License-Identifier: MIT
/// Another backing file for a qcow2 image: its first cluster, rewritten.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/qcow2_bytes.hpp>
#include <kvmig/model/qcow2_header.hpp>
#include <kvmig/model/qcow2_parse.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::model::qcow2 {

namespace detail {

template <std::size_t Width>
void put_big_endian(std::span<std::byte, Width> to, std::uint64_t value) noexcept {
    for (std::size_t i = Width; i > 0; --i, value >>= 8U) {
        to[i - 1] = static_cast<std::byte>(value & 0xFFU);
    }
}

/// Adds a header extension, padded to a multiple of 8.
inline void append_extension(std::vector<std::byte> &out, std::uint32_t type,
                             std::span<const std::byte> data) {
    const std::size_t at = out.size();
    out.resize(at + 8);
    put_big_endian<4>(std::span{out}.subspan(at).first<4>(), type);
    put_big_endian<4>(std::span{out}.subspan(at + 4).first<4>(), data.size());
    out.insert(out.end(), data.begin(), data.end());
    out.resize(static_cast<std::size_t>(round_up(out.size(), 3)));
}

} // namespace detail

/// The first cluster of an image with `new_backing_file` and its `format` in place of what it had,
/// or without a backing file when both are empty: what `qemu-img rebase -u` writes. All other
/// fields and header extensions, known or not, are kept; the guest's data are not touched, so that
/// the new file must have the same content as the old one. `format` may be empty, but QEMU then
/// warns, or refuses.
///
/// Fails as `parse_header` does; with `invalid_argument` when `first_cluster` is not exactly that,
/// when name (1,023 bytes) or format (15) are too long or hold a zero byte, when a format comes
/// without a file, when the image has a raw external data file, or when the cluster cannot hold it
/// all.
[[nodiscard]] inline expected<std::vector<std::byte>>
with_backing(std::span<const std::byte> first_cluster, std::string_view new_backing_file,
             std::string_view format) {
    auto head = parse_header(first_cluster);
    if (!head) return fail(std::move(head).error());
    const std::uint64_t size = head->cluster_size();
    if (first_cluster.size() != size)
        return detail::refuse("the size of the first cluster", first_cluster.size(),
                              fmt::format("{}", size));
    if (new_backing_file.size() > limit::backing_file_bytes)
        return detail::refuse("the length of the backing file's name", new_backing_file.size(),
                              "at most 1023");
    if (format.size() > limit::format_bytes)
        return detail::refuse("the length of the backing file's format", format.size(),
                              "at most 15");
    for (const std::string_view word : {new_backing_file, format}) {
        if (word.find('\0') != std::string_view::npos)
            return detail::refuse("the backing file's name or format", "one with a zero byte",
                                  "without");
    }
    if (new_backing_file.empty() && !format.empty())
        return detail::refuse("the backing file's format", format, "empty without a backing file");
    if (!new_backing_file.empty() && head->raw_external())
        return detail::refuse("the backing file's name", new_backing_file,
                              "empty with a raw external data file");

    const auto bytes_of = [](std::string_view word) { return std::as_bytes(std::span{word}); };
    const auto header_part = first_cluster.first(head->header_length);
    std::vector<std::byte> out(header_part.begin(), header_part.end());
    // The format comes first, where QEMU writes it too.
    constexpr auto format_type = static_cast<std::uint32_t>(extension_type::backing_format);
    if (!format.empty()) detail::append_extension(out, format_type, bytes_of(format));
    for (const extension &one : head->extensions) {
        if (one.type == format_type) continue;
        detail::append_extension(
            out, one.type, first_cluster.subspan(static_cast<std::size_t>(one.offset), one.length));
    }
    detail::append_extension(out, static_cast<std::uint32_t>(extension_type::end), {});
    const std::size_t name_offset = out.size();
    const auto name = bytes_of(new_backing_file);
    out.insert(out.end(), name.begin(), name.end());
    if (out.size() > size) {
        return detail::refuse("the size of header, extensions and the backing file's name",
                              out.size(),
                              fmt::format("at most {}, a cluster: a shorter name", size));
    }
    out.resize(static_cast<std::size_t>(size));
    detail::put_big_endian<8>(std::span{out}.subspan<8, 8>(), name.empty() ? 0 : name_offset);
    detail::put_big_endian<4>(std::span{out}.subspan<16, 4>(), name.size());
    return out;
}

} // namespace kvmig::model::qcow2
