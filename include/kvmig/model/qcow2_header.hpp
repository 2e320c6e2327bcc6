// SPDX-License-Identifier: MIT
/// What the header of a qcow2 image says, in the words of QEMU's docs/interop/qcow2.rst.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kvmig::model::qcow2 {

/// How guest data is encrypted.
enum class encryption : std::uint8_t { none, aes, luks };
/// How compressed clusters are compressed.
enum class compression : std::uint8_t { deflate, zstd };

/// Types of header extensions.
enum class extension_type : std::uint32_t {
    end = 0,
    backing_format = 0xE2792ACA,
    feature_names = 0x6803F857,
    bitmaps = 0x23852875,
    encryption_header = 0x0537BE77,
    data_file = 0x44415441,
};

/// Where a header extension stands in the file; `type` may be one that is unknown here.
struct extension {
    std::uint32_t type = 0;   ///< one of `extension_type`, or a number unknown here
    std::uint64_t offset = 0; ///< of its data, in bytes
    std::uint32_t length = 0; ///< of its data, without padding

    friend bool operator==(const extension &, const extension &) = default;
};

/// An entry of the feature name table.
struct feature_name {
    std::uint8_t kind = 0; ///< 0 incompatible, 1 compatible, 2 autoclear
    std::uint8_t bit = 0;  ///< its place in the field of that kind, 0 to 63
    std::string name;      ///< for people; at most 46 bytes

    friend bool operator==(const feature_name &, const feature_name &) = default;
};

/// The bitmaps extension: where the directory of persistent bitmaps stands.
struct bitmaps_extension {
    std::uint32_t count = 0;            ///< bitmaps in the directory, at least 1
    std::uint64_t directory_size = 0;   ///< bytes
    std::uint64_t directory_offset = 0; ///< bytes from the beginning of the file

    friend bool operator==(const bitmaps_extension &, const bitmaps_extension &) = default;
};

/// Where the LUKS header stands; it takes up whole clusters.
struct encryption_extension {
    std::uint64_t offset = 0; ///< bytes from the beginning of the file
    std::uint64_t length = 0; ///< bytes

    friend bool operator==(const encryption_extension &, const encryption_extension &) = default;
};

/// Bits of `header::incompatible`, `compatible` and `autoclear`.
namespace feature {
/// Incompatible: reference counts may be wrong, for it was not closed.
inline constexpr std::uint64_t dirty = 1U << 0U;
/// Incompatible: it may only be opened to be repaired.
inline constexpr std::uint64_t corrupt = 1U << 1U;
/// Incompatible: guest data is in another file.
inline constexpr std::uint64_t external_data = 1U << 2U;
/// Incompatible: the header names how clusters are compressed.
inline constexpr std::uint64_t compression_type = 1U << 3U;
/// Incompatible: entries of L2 tables tell of parts of a cluster.
inline constexpr std::uint64_t extended_l2 = 1U << 4U;
/// Compatible: reference counts are written late.
inline constexpr std::uint64_t lazy_refcounts = 1U << 0U;
inline constexpr std::uint64_t bitmaps = 1U << 0U; ///< Autoclear: the bitmaps agree with the data.
/// Autoclear: the data file is a raw image of the whole.
inline constexpr std::uint64_t raw_external = 1U << 1U;
} // namespace feature

/// Limits of the format, and QEMU's own: no host could open what goes beyond those.
namespace limit {
inline constexpr unsigned least_cluster_bits = 9; ///< 512 bytes: the specification's least.
inline constexpr unsigned most_cluster_bits = 21; ///< 2 MiB: QEMU's most.
/// 16 KiB: QEMU's least with extended L2 entries.
inline constexpr unsigned least_cluster_bits_extended_l2 = 14;
/// The most that QEMU reads of an L1 table.
inline constexpr std::uint64_t l1_bytes = std::uint64_t{32} << 20U;
/// The most that QEMU reads of a reference count table.
inline constexpr std::uint64_t refcount_table_bytes = std::uint64_t{8} << 20U;
inline constexpr std::uint32_t refcount_order = 6; ///< 64 bits a count: the specification's most.
inline constexpr std::uint32_t snapshots = 65536;  ///< QEMU's most.
inline constexpr std::uint32_t bitmaps = 65535;    ///< QEMU's most.
/// Of 1 KiB for each bitmap.
inline constexpr std::uint64_t bitmap_directory_bytes = std::uint64_t{bitmaps} * 1024;
inline constexpr std::uint32_t backing_file_bytes = 1023; ///< The specification's most for a name.
inline constexpr std::uint32_t format_bytes = 15;         ///< QEMU's most for the name of a format.
} // namespace limit

inline constexpr std::uint64_t header_bytes_v2 = 72;  ///< All of version 2.
inline constexpr std::uint64_t header_bytes_v3 = 104; ///< the least of version 3

/// The fields of a header that was found sound, in the words of the specification. Offsets are
/// bytes of the file.
struct header {
    std::uint32_t version = 3;               ///< 2 or 3
    unsigned cluster_bits = 16;              ///< 9 to 21: a cluster has 2 to the power of it bytes
    std::uint64_t virtual_size = 0;          ///< bytes that the guest sees
    encryption crypt = encryption::none;     ///< of the guest's data
    std::uint32_t l1_entries = 0;            ///< of 8 bytes each
    std::uint64_t l1_offset = 0;             ///< of the L1 table
    std::uint64_t refcount_table_offset = 0; ///< of the table of the first level
    std::uint32_t refcount_table_clusters = 0; ///< its length in clusters, at least 1
    std::uint32_t refcount_order = 4;   ///< 0 to 6: a reference count has 2 to the power of it bits
    std::uint32_t snapshots = 0;        ///< internal ones
    std::uint64_t snapshots_offset = 0; ///< of their table; nothing where there are none
    std::uint64_t incompatible = 0;     ///< bits of `feature`; none that is unknown here
    std::uint64_t compatible = 0;       ///< with bits that are unknown here, which may be ignored
    std::uint64_t autoclear = 0;        ///< with bits that are unknown here
    std::uint32_t header_length = 104;  ///< bytes: 72 of version 2, at least 104 of version 3
    /// How compressed clusters are, if there are any.
    compression compressed_by = compression::deflate;

    std::vector<extension> extensions;        ///< in the order of the file, without the end
    std::optional<std::string> backing_file;  ///< as it is written: perhaps relative, perhaps a URI
    std::string backing_format;               ///< empty: not told
    std::optional<std::string> data_file;     ///< the name; it may lack though there is such a file
    std::vector<feature_name> feature_names;  ///< what bits are called, for messages; often empty
    std::optional<bitmaps_extension> bitmaps; ///< to be believed only with `bitmaps_consistent()`
    std::optional<encryption_extension> encryption_header; ///< present with LUKS alone

    /// In bytes.
    [[nodiscard]] std::uint64_t cluster_size() const noexcept {
        return std::uint64_t{1} << cluster_bits;
    }
    /// Reference counts may be wrong.
    [[nodiscard]] bool dirty() const noexcept { return (incompatible & feature::dirty) != 0; }
    /// It may only be repaired.
    [[nodiscard]] bool corrupt() const noexcept { return (incompatible & feature::corrupt) != 0; }
    /// Guest data is in another file.
    [[nodiscard]] bool external_data() const noexcept {
        return (incompatible & feature::external_data) != 0;
    }
    /// Entries of L2 tables tell of parts of a cluster.
    [[nodiscard]] bool extended_l2() const noexcept {
        return (incompatible & feature::extended_l2) != 0;
    }
    /// Reference counts are written late.
    [[nodiscard]] bool lazy_refcounts() const noexcept {
        return (compatible & feature::lazy_refcounts) != 0;
    }
    /// The bitmaps agree with the data.
    [[nodiscard]] bool bitmaps_consistent() const noexcept {
        return (autoclear & feature::bitmaps) != 0;
    }
    /// The data file is a raw image of the whole.
    [[nodiscard]] bool raw_external() const noexcept {
        return (autoclear & feature::raw_external) != 0;
    }
    /// Entries of an L2 table, which is one cluster.
    [[nodiscard]] std::uint64_t l2_entries() const noexcept {
        return cluster_size() / (extended_l2() ? 16 : 8);
    }

    friend bool operator==(const header &, const header &) = default;
};

} // namespace kvmig::model::qcow2
