// SPDX-License-Identifier: MIT
/// Reads the header of a qcow2 image, by QEMU's docs/interop/qcow2.rst; where that page names a
/// limit of QEMU's own, the limit holds here too.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/qcow2_bytes.hpp>
#include <kvmig/model/qcow2_header.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::model::qcow2 {

namespace detail {

/// Reads the fields into `out`, each check under the name of its field.
class header_parser {
public:
    explicit header_parser(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

    [[nodiscard]] expected<header> parse() {
        using step = expected<void> (header_parser::*)();
        for (const step next :
             {&header_parser::fixed_fields, &header_parser::features, &header_parser::tables,
              &header_parser::snapshots, &header_parser::backing_file,
              &header_parser::read_extensions, &header_parser::agreement}) {
            if (auto done = (this->*next)(); !done) return fail(std::move(done).error());
        }
        return std::move(out_);
    }

private:
    /// Fails unless the first `count` bytes of the file were given.
    [[nodiscard]] expected<void> need(std::uint64_t count, std::string_view what) const {
        if (count <= bytes_.size()) return {};
        return refuse(fmt::format("the beginning given, which must hold {},", what),
                      fmt::format("{} bytes", bytes_.size()), fmt::format("at least {}", count));
    }

    /// Fails unless a table may stand at `offset`: it is aligned, is not the header, and its end
    /// is a number that QEMU's signed offsets can hold.
    [[nodiscard]] expected<void> table(std::string_view name, std::uint64_t offset,
                                       std::uint64_t size) const {
        if (offset % out_.cluster_size() != 0) {
            return refuse(name, offset, fmt::format("a multiple of {}", out_.cluster_size()));
        }
        if (offset == 0) return refuse(name, offset, "behind the first cluster, the header's");
        constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
        if (size > most || offset > most - size) {
            return refuse(name, offset, fmt::format("at most {}", most - std::min(size, most)));
        }
        return {};
    }

    [[nodiscard]] std::string text(std::uint64_t offset, std::uint64_t length) const {
        const auto part =
            bytes_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
        std::string out(part.size(), '\0');
        std::transform(part.begin(), part.end(), out.begin(),
                       [](std::byte b) { return static_cast<char>(b); });
        return out;
    }

    [[nodiscard]] expected<void> fixed_fields() {
        if (auto enough = need(8, "magic and version"); !enough) return enough;
        if (be32(bytes_, 0) != 0x514649FB) {
            return refuse("magic", fmt::format("0x{:08x}", be32(bytes_, 0)),
                          "0x514649fb (QFI\\xfb): this is no qcow2 image");
        }
        out_.version = be32(bytes_, 4);
        if (out_.version != 2 && out_.version != 3)
            return refuse("version", out_.version, "2 or 3", error_kind::unsupported);
        if (auto enough = need(out_.version == 2 ? header_bytes_v2 : header_bytes_v3, "the header");
            !enough)
            return enough;
        const std::uint32_t cluster_bits = be32(bytes_, 20);
        if (cluster_bits < limit::least_cluster_bits) {
            return refuse("cluster_bits", cluster_bits, "at least 9 (512 bytes)");
        }
        if (cluster_bits > limit::most_cluster_bits) {
            return refuse("cluster_bits", cluster_bits, "at most 21 (2 MiB), QEMU's limit",
                          error_kind::unsupported);
        }
        out_.cluster_bits = cluster_bits;
        out_.virtual_size = be64(bytes_, 24);
        const std::uint32_t crypt = be32(bytes_, 32);
        if (crypt > 2) {
            return refuse("crypt_method", crypt, "0 (none), 1 (AES) or 2 (LUKS)",
                          error_kind::unsupported);
        }
        out_.crypt = static_cast<encryption>(crypt);
        if (out_.version == 2) {
            out_.header_length = header_bytes_v2;
            return {};
        }
        out_.incompatible = be64(bytes_, 72);
        out_.compatible = be64(bytes_, 80);
        out_.autoclear = be64(bytes_, 88);
        out_.refcount_order = be32(bytes_, 96);
        if (out_.refcount_order > limit::refcount_order) {
            return refuse("refcount_order", out_.refcount_order, "at most 6 (64 bits)");
        }
        out_.header_length = be32(bytes_, 100);
        if (out_.header_length < header_bytes_v3 || out_.header_length % 8 != 0 ||
            out_.header_length > out_.cluster_size()) {
            return refuse("header_length", out_.header_length,
                          fmt::format("a multiple of 8 from 104 to {}, the size of a cluster",
                                      out_.cluster_size()));
        }
        return need(out_.header_length, "the header");
    }

    [[nodiscard]] expected<void> features() {
        if (const auto unknown = out_.incompatible >> 5U; unknown != 0) {
            return refuse("incompatible_features", out_.incompatible, "bits 0 to 4 alone",
                          error_kind::unsupported);
        }
        if (out_.extended_l2() && out_.cluster_bits < limit::least_cluster_bits_extended_l2) {
            return refuse("cluster_bits", out_.cluster_bits,
                          "at least 14 (16 KiB) with extended L2 entries");
        }
        const std::uint64_t type =
            out_.header_length > 104 ? std::to_integer<std::uint64_t>(bytes_[104]) : 0;
        const bool announced = (out_.incompatible & feature::compression_type) != 0;
        if (announced != (type != 0)) {
            return refuse("compression_type", type,
                          announced ? "other than 0 where incompatible_features has bit 3"
                                    : "0 where incompatible_features lacks bit 3");
        }
        if (type > 1) {
            return refuse("compression_type", type, "0 (deflate) or 1 (zstd)",
                          error_kind::unsupported);
        }
        out_.compressed_by = static_cast<compression>(type);
        if (out_.raw_external() && !out_.external_data()) {
            return refuse("autoclear_features", out_.autoclear,
                          "without bit 1 where incompatible_features lacks bit 2");
        }
        return {};
    }

    [[nodiscard]] expected<void> tables() {
        out_.l1_entries = be32(bytes_, 36);
        out_.l1_offset = be64(bytes_, 40);
        const std::uint64_t l1_bytes = std::uint64_t{out_.l1_entries} * 8;
        if (l1_bytes > limit::l1_bytes) {
            return refuse("l1_size", out_.l1_entries,
                          fmt::format("at most {} (32 MiB), QEMU's limit", limit::l1_bytes / 8),
                          error_kind::unsupported);
        }
        const std::uint64_t covered = out_.cluster_size() * out_.l2_entries();
        const std::uint64_t needed =
            out_.virtual_size / covered + (out_.virtual_size % covered == 0 ? 0 : 1);
        if (out_.l1_entries < needed) {
            return refuse("l1_size", out_.l1_entries,
                          fmt::format("at least {} for the {} bytes of the field size", needed,
                                      out_.virtual_size));
        }
        if (out_.l1_entries > 0) {
            if (auto at = table("l1_table_offset", out_.l1_offset, l1_bytes); !at) return at;
        }
        out_.refcount_table_offset = be64(bytes_, 48);
        out_.refcount_table_clusters = be32(bytes_, 56);
        const std::uint64_t most = limit::refcount_table_bytes >> out_.cluster_bits;
        if (out_.refcount_table_clusters == 0 || out_.refcount_table_clusters > most) {
            return refuse("refcount_table_clusters", out_.refcount_table_clusters,
                          fmt::format("1 to {} (8 MiB), QEMU's limit", most));
        }
        return table("refcount_table_offset", out_.refcount_table_offset,
                     std::uint64_t{out_.refcount_table_clusters} << out_.cluster_bits);
    }

    [[nodiscard]] expected<void> snapshots() {
        out_.snapshots = be32(bytes_, 60);
        out_.snapshots_offset = be64(bytes_, 64);
        if (out_.snapshots > limit::snapshots) {
            return refuse("nb_snapshots", out_.snapshots, "at most 65536, QEMU's limit",
                          error_kind::unsupported);
        }
        if (out_.snapshots == 0) return {};
        if (out_.external_data()) {
            return refuse("nb_snapshots", out_.snapshots, "0 with an external data file");
        }
        return table("snapshots_offset", out_.snapshots_offset, std::uint64_t{out_.snapshots} * 40);
    }

    [[nodiscard]] expected<void> backing_file() {
        const std::uint64_t offset = be64(bytes_, 8);
        const std::uint32_t length = be32(bytes_, 16);
        extensions_end_ = out_.cluster_size();
        if (offset == 0) return {};
        if (offset < out_.header_length || offset > out_.cluster_size()) {
            return refuse("backing_file_offset", offset,
                          fmt::format("0, or from {} to {}: behind the header, in its cluster",
                                      out_.header_length, out_.cluster_size()));
        }
        if (const auto most =
                std::min<std::uint64_t>(limit::backing_file_bytes, out_.cluster_size() - offset);
            length > most) {
            return refuse("backing_file_size", length,
                          fmt::format("at most 1023 and within the first cluster: {}", most));
        }
        if (out_.raw_external()) {
            return refuse("backing_file_offset", offset, "0 with a raw external data file");
        }
        if (auto enough = need(offset + length, "the backing file's name"); !enough) return enough;
        // QEMU takes an empty name for none.
        if (length > 0) out_.backing_file = text(offset, length);
        extensions_end_ = offset;
        return {};
    }

    /// The area ends at its end mark, or where the backing file's name or the cluster's end is.
    [[nodiscard]] expected<void> read_extensions() {
        std::uint64_t offset = out_.header_length;
        while (extensions_end_ - offset >= 8) {
            if (auto enough = need(offset + 8, "all header extensions"); !enough) return enough;
            const extension found{be32(bytes_, offset), offset + 8, be32(bytes_, offset + 4)};
            if (found.type == static_cast<std::uint32_t>(extension_type::end)) return {};
            if (found.length > extensions_end_ - found.offset) {
                return refuse(fmt::format("the length of header extension 0x{:08x}", found.type),
                              found.length,
                              fmt::format("at most {}, up to the end of the extensions",
                                          extensions_end_ - found.offset));
            }
            const std::uint64_t end = found.offset + found.length;
            if (auto enough = need(end, "all header extensions"); !enough) return enough;
            if (auto read = read_extension(found); !read) return read;
            out_.extensions.push_back(found);
            offset = std::min(round_up(end, 3), extensions_end_);
        }
        return {};
    }

    [[nodiscard]] expected<void> read_extension(const extension &one) {
        const auto type = static_cast<extension_type>(one.type);
        switch (type) {
        case extension_type::backing_format:
        case extension_type::feature_names:
        case extension_type::bitmaps:
        case extension_type::encryption_header:
        case extension_type::data_file: break;
        case extension_type::end:
        default: return {}; // unknown ones can be ignored
        }
        if (std::any_of(out_.extensions.begin(), out_.extensions.end(),
                        [&](const extension &e) { return e.type == one.type; })) {
            return refuse(fmt::format("the number of header extensions 0x{:08x}", one.type), 2,
                          "1");
        }
        if (type == extension_type::backing_format) {
            if (one.length > limit::format_bytes) {
                return refuse("the length of the backing file format", one.length, "at most 15");
            }
            out_.backing_format = text(one.offset, one.length);
        } else if (type == extension_type::data_file) {
            out_.data_file = text(one.offset, one.length);
        } else if (type == extension_type::feature_names) {
            read_feature_names(one);
        } else if (type == extension_type::bitmaps) {
            return read_bitmaps(one);
        } else {
            return read_encryption_header(one);
        }
        return {};
    }

    /// Only names: an entry that makes no sense is left out, and stops nobody.
    void read_feature_names(const extension &one) {
        constexpr std::uint32_t entry = 48;
        for (std::uint32_t at = 0; at + entry <= one.length; at += entry) {
            const auto kind = std::to_integer<std::uint8_t>(bytes_[one.offset + at]);
            const auto bit = std::to_integer<std::uint8_t>(bytes_[one.offset + at + 1]);
            std::string name = text(one.offset + at + 2, entry - 2);
            name.resize(std::min(name.find('\0'), name.size()));
            if (kind <= 2 && bit < 64) out_.feature_names.push_back({kind, bit, std::move(name)});
        }
    }

    /// Without its bit in autoclear_features the extension is stale and may say anything.
    [[nodiscard]] expected<void> read_bitmaps(const extension &one) {
        if (!out_.bitmaps_consistent()) return {};
        if (one.length != 24)
            return refuse("the length of the bitmaps extension", one.length, "24");
        const bitmaps_extension found{be32(bytes_, one.offset), be64(bytes_, one.offset + 8),
                                      be64(bytes_, one.offset + 16)};
        if (found.count == 0) return refuse("nb_bitmaps", 0, "at least 1");
        if (found.count > limit::bitmaps) {
            return refuse("nb_bitmaps", found.count, "at most 65535, QEMU's limit",
                          error_kind::unsupported);
        }
        if (const auto reserved = be32(bytes_, one.offset + 4); reserved != 0)
            return refuse("the reserved field of the bitmaps extension", reserved, "0");
        // An entry has 24 bytes and a name of at least one, in multiples of 8.
        const std::uint64_t least = std::uint64_t{found.count} * 32;
        if (found.directory_size < least || found.directory_size > limit::bitmap_directory_bytes) {
            return refuse("bitmap_directory_size", found.directory_size,
                          fmt::format("{} to {} for {} bitmaps", least,
                                      limit::bitmap_directory_bytes, found.count));
        }
        out_.bitmaps = found;
        return table("bitmap_directory_offset", found.directory_offset, found.directory_size);
    }

    [[nodiscard]] expected<void> read_encryption_header(const extension &one) {
        if (one.length != 16) {
            return refuse("the length of the encryption header pointer", one.length, "16");
        }
        const encryption_extension found{be64(bytes_, one.offset), be64(bytes_, one.offset + 8)};
        if (found.length == 0) return refuse("the encryption header's length", 0, "at least 1");
        out_.encryption_header = found;
        return table("the encryption header's offset", found.offset, found.length);
    }

    /// What one part says of another.
    [[nodiscard]] expected<void> agreement() {
        if (out_.bitmaps_consistent() && !out_.bitmaps) {
            return refuse("autoclear_features", out_.autoclear,
                          "without bit 0 where the bitmaps extension is missing");
        }
        const bool luks = out_.crypt == encryption::luks;
        if (luks != out_.encryption_header.has_value()) {
            return refuse("crypt_method", static_cast<std::uint64_t>(out_.crypt),
                          luks ? "2 (LUKS) only with an encryption header"
                               : "2 (LUKS) where there is an encryption header");
        }
        return {};
    }

    std::span<const std::byte> bytes_;
    header out_;
    std::uint64_t extensions_end_ = 0;
};

} // namespace detail

/// The header at the start of an image. `beginning` is its first cluster, or so much of it that the
/// header extensions and the backing file's name are in it; more does no harm. Fails with
/// `invalid_argument` for what the format forbids or what was not given, and `unsupported` for what
/// neither this library nor QEMU 7.2 knows; the text names the field, its value and what is right.
[[nodiscard]] inline expected<header> parse_header(std::span<const std::byte> beginning) {
    return detail::header_parser{beginning}.parse();
}

} // namespace kvmig::model::qcow2
