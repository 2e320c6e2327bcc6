// SPDX-License-Identifier: MIT
/// Which parts of a qcow2 file are in use, for a copy that leaves all else out.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/qcow2_bytes.hpp>
#include <kvmig/model/qcow2_file.hpp>
#include <kvmig/model/qcow2_header.hpp>
#include <kvmig/model/qcow2_parse.hpp>
#include <kvmig/model/qcow2_ranges.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace kvmig::model::qcow2 {

/// What `map_of` found.
struct map {
    qcow2::header header;        ///< as `parse_header` read it
    std::vector<range> used;     ///< of the file: sorted, apart from one another, within the file
    std::uint64_t allocated = 0; ///< bytes of `used` that hold the guest's data or a VM's state
    bool dirty = false;          ///< not closed properly: refcounts may be wrong, `used` is right
    bool corrupt = false;        ///< QEMU found damage: to be read only
    /// Set when the guest's data are in another file, which has to be copied too; empty when the
    /// header does not name it.
    std::optional<std::string> data_file;
};

namespace detail {

/// Where the field cluster_bits ends.
inline constexpr std::uint64_t cluster_bits_end = 24;
/// Tables are read in pieces of this many bytes, or of a cluster where that is more.
inline constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 20U;
/// Bound on the L2 tables of all snapshots together, which are remembered: a shared one is read
/// once. With clusters of 4 KiB it is reached at 32 TiB, with 64 KiB at 8 EiB.
inline constexpr std::size_t most_l2_tables = std::size_t{1} << 24U;
/// QEMU's limits on the extra data of a snapshot, on the snapshot table, on a bitmap table.
inline constexpr std::uint32_t most_snapshot_extra = 1024;
inline constexpr std::uint64_t most_snapshot_table = std::uint64_t{64} << 20U;
inline constexpr std::uint32_t most_bitmap_entries = 0x8000000;

inline constexpr std::uint64_t offset_bits = 0x00FFFFFFFFFFFE00; ///< 9 to 55
inline constexpr std::uint64_t compressed_bit = std::uint64_t{1} << 62U;
inline constexpr std::uint64_t copied_bit = std::uint64_t{1} << 63U;

class map_builder {
public:
    map_builder(const reader &read, std::uint64_t file_size, header head)
        : file_(read, file_size, head.cluster_bits), head_(std::move(head)),
          used_(file_size, head_.cluster_bits - (head_.extended_l2() ? 5U : 0U)) {}

    [[nodiscard]] expected<map> build() {
        used_.add({0, head_.cluster_size()});
        using step = expected<void> (map_builder::*)();
        for (const step next :
             {&map_builder::refcounts, &map_builder::encryption_header, &map_builder::bitmaps,
              &map_builder::snapshots, &map_builder::l1_tables}) {
            if (auto done = (this->*next)(); !done) return fail(std::move(done).error());
        }
        map out;
        out.used = used_.ranges();
        out.allocated = allocated_;
        out.dirty = head_.dirty();
        out.corrupt = head_.corrupt();
        if (head_.external_data()) out.data_file = head_.data_file.value_or("");
        out.header = std::move(head_);
        return out;
    }

private:
    /// An L1 table: the active one, or that of a snapshot, counted from 0.
    struct l1_table {
        std::uint64_t offset = 0;
        std::uint32_t entries = 0;
        std::optional<std::uint32_t> snapshot;

        [[nodiscard]] std::string name() const {
            return snapshot ? fmt::format("the L1 table of snapshot {}", *snapshot)
                            : "the active L1 table";
        }
    };
    struct l2_table {
        std::uint64_t offset = 0;
        std::uint64_t index = 0; ///< in the L1 table
    };

    /// Marks a table and hands its 8-byte entries to `each(first index, entries' bytes)`, a piece
    /// at a time.
    template <class Each>
    [[nodiscard]] expected<void> table(const std::string &name, std::uint64_t offset,
                                       std::uint64_t entries, const Each &each) {
        if (entries == 0) return {};
        if (auto ok = file_.inside([&] { return name; }, offset, entries * 8); !ok) return ok;
        // Tables of a sound image stand beside one another: this bounds what is read of one
        // that lays a thousand tables over each other.
        table_bytes_ += entries * 8;
        if (table_bytes_ > file_.size()) {
            return refuse("the size of all tables, up to " + name + ",", table_bytes_,
                          fmt::format("at most {}, the size of the file", file_.size()));
        }
        used_.add({offset, round_up(entries * 8, head_.cluster_bits)});
        for (std::uint64_t at = 0; at < entries; at += piece_bytes / 8) {
            const std::uint64_t count = std::min(piece_bytes / 8, entries - at);
            auto bytes = file_.fetch(offset + at * 8, count * 8);
            if (!bytes) return fail(std::move(bytes).error());
            if (auto done = each(at, std::span<const std::byte>{*bytes}); !done) return done;
        }
        return {};
    }

    [[nodiscard]] expected<void> refcounts() {
        const std::uint64_t size = std::uint64_t{head_.refcount_table_clusters}
                                   << head_.cluster_bits;
        const auto each = [this](std::uint64_t first, auto bytes) -> expected<void> {
            for (std::uint64_t i = 0; i < bytes.size() / 8; ++i) {
                const std::uint64_t entry = be64(bytes, i * 8);
                if (entry == 0) continue;
                const auto name = [&] {
                    return fmt::format("entry {} of the refcount table", first + i);
                };
                if (auto ok = file_.inside(name, entry, head_.cluster_size()); !ok) return ok;
                used_.add({entry, head_.cluster_size()});
            }
            return {};
        };
        return table("the refcount table", head_.refcount_table_offset, size / 8, each);
    }

    [[nodiscard]] expected<void> encryption_header() {
        if (!head_.encryption_header) return {};
        const auto &[offset, length] = *head_.encryption_header;
        const auto name = [] { return "the encryption header"; };
        if (auto ok = file_.inside(name, offset, length); !ok) return ok;
        used_.add({offset, round_up(length, head_.cluster_bits)});
        return {};
    }

    [[nodiscard]] expected<void> bitmaps() {
        if (!head_.bitmaps) return {};
        const auto &[count, size, offset] = *head_.bitmaps;
        const auto directory = [] { return "the bitmap directory"; };
        if (auto ok = file_.inside(directory, offset, size); !ok) return ok;
        used_.add({offset, round_up(size, head_.cluster_bits)});
        std::uint64_t at = 0;
        for (std::uint32_t i = 0; i < count; ++i) {
            if (size - at < 24) {
                return refuse("bitmap_directory_size", size,
                              fmt::format("enough for the {} bitmaps it has", count));
            }
            auto entry = file_.part(offset + at, 24);
            if (!entry) return fail(std::move(entry).error());
            const std::uint64_t table_offset = be64(*entry, 0);
            const std::uint32_t entries = be32(*entry, 8);
            const std::uint64_t length =
                round_up(24 + big_endian<2>(*entry, 18) + be32(*entry, 20), 3);
            if (length > size - at) {
                return refuse(fmt::format("the length of entry {} of the bitmap directory", i),
                              length, fmt::format("at most {}", size - at));
            }
            if (entries > most_bitmap_entries) {
                return refuse(fmt::format("the table size of bitmap {}", i), entries,
                              fmt::format("at most {}, QEMU's limit", most_bitmap_entries),
                              error_kind::unsupported);
            }
            if (auto ok = bitmap_table(i, table_offset, entries); !ok) return ok;
            at += length;
        }
        return {};
    }

    [[nodiscard]] expected<void> bitmap_table(std::uint32_t bitmap, std::uint64_t offset,
                                              std::uint32_t entries) {
        const auto each = [&](std::uint64_t first, auto bytes) -> expected<void> {
            for (std::uint64_t i = 0; i < bytes.size() / 8; ++i) {
                const std::uint64_t entry = be64(bytes, i * 8);
                if (entry <= 1) continue; // no cluster: all bits are 0, or all are 1
                const auto name = [&] {
                    return fmt::format("entry {} of the table of bitmap {}", first + i, bitmap);
                };
                if ((entry & ~offset_bits) != 0)
                    return refuse(name(), entry, "without its reserved bits");
                if (auto ok = file_.inside(name, entry, head_.cluster_size()); !ok) return ok;
                used_.add({entry, head_.cluster_size()});
            }
            return {};
        };
        return table(fmt::format("the table of bitmap {}", bitmap), offset, entries, each);
    }

    [[nodiscard]] expected<void> snapshots() {
        if (head_.snapshots == 0) return {};
        std::uint64_t size = 0;
        for (std::uint32_t i = 0; i < head_.snapshots; ++i) {
            const auto name = [&] { return "the snapshot table"; };
            if (auto ok = file_.inside(name, head_.snapshots_offset, size + 40); !ok) return ok;
            auto entry = file_.part(head_.snapshots_offset + size, 40);
            if (!entry) return fail(std::move(entry).error());
            const std::uint32_t extra = be32(*entry, 36);
            if (extra > most_snapshot_extra) {
                return refuse(fmt::format("the extra data size of snapshot {}", i), extra,
                              "at most 1024, QEMU's limit", error_kind::unsupported);
            }
            const l1_table l1{be64(*entry, 0), be32(*entry, 8), i};
            if (std::uint64_t{l1.entries} * 8 > limit::l1_bytes) {
                return refuse(fmt::format("the L1 size of snapshot {}", i), l1.entries,
                              fmt::format("at most {} (32 MiB), QEMU's limit", limit::l1_bytes / 8),
                              error_kind::unsupported);
            }
            l1_tables_.push_back(l1);
            size += round_up(40 + extra + big_endian<2>(*entry, 12) + big_endian<2>(*entry, 14), 3);
            if (size > most_snapshot_table) {
                return refuse("the size of the snapshot table", size,
                              "at most 64 MiB, QEMU's limit", error_kind::unsupported);
            }
        }
        const auto whole = [] { return "the snapshot table"; };
        if (auto ok = file_.inside(whole, head_.snapshots_offset, size); !ok) return ok;
        used_.add({head_.snapshots_offset, round_up(size, head_.cluster_bits)});
        return {};
    }

    [[nodiscard]] expected<void> l1_tables() {
        l1_tables_.insert(l1_tables_.begin(), {head_.l1_offset, head_.l1_entries, {}});
        for (const l1_table &l1 : l1_tables_) {
            const auto each = [&](std::uint64_t first, auto bytes) {
                return l2_tables(l1, first, bytes);
            };
            if (auto done = table(l1.name(), l1.offset, l1.entries, each); !done) return done;
        }
        return {};
    }

    /// Follows a piece of an L1 table: its L2 tables in the order of the file, neighbours at once.
    [[nodiscard]] expected<void> l2_tables(const l1_table &l1, std::uint64_t first,
                                           std::span<const std::byte> bytes) {
        std::vector<l2_table> found;
        for (std::uint64_t i = 0; i < bytes.size() / 8; ++i) {
            const std::uint64_t entry = be64(bytes, i * 8) & ~copied_bit;
            if (entry == 0) continue;
            const auto name = [&] { return fmt::format("entry {} of {}", first + i, l1.name()); };
            if ((entry & ~offset_bits) != 0)
                return refuse(name(), entry, "without its reserved bits");
            if (auto ok = file_.inside(name, entry, head_.cluster_size()); !ok) return ok;
            if (!seen_.insert(entry).second) continue;
            if (seen_.size() > most_l2_tables) {
                return refuse("the number of L2 tables", seen_.size(),
                              fmt::format("at most {}", most_l2_tables), error_kind::unsupported);
            }
            found.push_back({entry, first + i});
        }
        std::sort(found.begin(), found.end(),
                  [](const l2_table &a, const l2_table &b) { return a.offset < b.offset; });
        const std::uint64_t size = head_.cluster_size();
        for (std::size_t i = 0; i < found.size();) {
            std::size_t end = i + 1;
            while (end < found.size() && found[end].offset == found[end - 1].offset + size &&
                   (end - i + 1) * size <= piece_bytes)
                ++end;
            auto tables = file_.fetch(found[i].offset, (end - i) * size);
            if (!tables) return fail(std::move(tables).error());
            used_.add({found[i].offset, tables->size()});
            for (std::size_t j = 0; i < end; ++i, ++j) {
                const auto one = std::span<const std::byte>{*tables}.subspan(
                    static_cast<std::size_t>(j * size), static_cast<std::size_t>(size));
                if (auto done = l2_entries(l1, found[i], one); !done) return done;
            }
        }
        return {};
    }

    [[nodiscard]] expected<void> l2_entries(const l1_table &l1, const l2_table &l2,
                                            std::span<const std::byte> bytes) {
        const bool extended = head_.extended_l2();
        for (std::uint64_t i = 0; i < head_.l2_entries(); ++i) {
            const std::uint64_t entry = be64(bytes, i * (extended ? 16 : 8));
            const std::uint64_t subclusters = extended ? be64(bytes, i * 16 + 8) : 0;
            if (entry == 0 && subclusters == 0) continue;
            const auto name = [&] {
                return fmt::format("entry {} of L2 table {} of {}", i, l2.index, l1.name());
            };
            const std::uint64_t guest = (l2.index * head_.l2_entries() + i) << head_.cluster_bits;
            auto done = (entry & compressed_bit) != 0 ? compressed(name, entry, subclusters)
                                                      : standard(name, entry, subclusters, guest);
            if (!done) return done;
        }
        return {};
    }

    template <class Name>
    [[nodiscard]] expected<void> standard(const Name &name, std::uint64_t entry,
                                          std::uint64_t subclusters, std::uint64_t guest) {
        const bool zero_flag = head_.version > 2 && !head_.extended_l2();
        const std::uint64_t known = offset_bits | copied_bit | (zero_flag ? 1U : 0U);
        if ((entry & ~known) != 0) return refuse(name(), entry, "without its reserved bits");
        const std::uint64_t offset = entry & offset_bits;
        const std::uint64_t allocated = subclusters & 0xFFFFFFFF;
        if ((allocated & subclusters >> 32U) != 0) {
            return refuse("the subcluster bitmap of " + name(), subclusters,
                          "without subclusters that are both allocated and zero");
        }
        if (head_.external_data()) {
            if ((offset == 0 && (entry & copied_bit) == 0) || offset == guest) return {};
            return refuse(name(), offset,
                          fmt::format("{}, the guest's offset, with an external data file", guest));
        }
        if (offset == 0) {
            if (allocated == 0) return {};
            return refuse("the subcluster bitmap of " + name(), subclusters,
                          "without allocated subclusters where the cluster has no place");
        }
        if (auto ok = file_.inside(name, offset, head_.cluster_size()); !ok) return ok;
        if (head_.extended_l2()) {
            const std::uint64_t size = head_.cluster_size() / 32;
            for (std::uint64_t i = 0; i < 32; ++i) {
                if ((allocated >> i & 1U) != 0) allocated_ += used_.add({offset + i * size, size});
            }
        } else if ((entry & 1U) == 0) {
            allocated_ += used_.add({offset, head_.cluster_size()});
        }
        return {};
    }

    /// All clusters that the sectors touch: other compressed clusters share them.
    template <class Name>
    [[nodiscard]] expected<void> compressed(const Name &name, std::uint64_t entry,
                                            std::uint64_t subclusters) {
        if (head_.external_data())
            return refuse(name(), entry, "not compressed, with an external data file");
        if (subclusters != 0)
            return refuse("the subcluster bitmap of " + name(), subclusters, "0 when compressed");
        const unsigned width = 62 - (head_.cluster_bits - 8);
        const std::uint64_t offset = entry & ((std::uint64_t{1} << width) - 1);
        const std::uint64_t sectors = (entry & (compressed_bit - 1)) >> width;
        const std::uint64_t last_sector = (offset / 512 + sectors) * 512;
        if (offset >> 56U != 0) return refuse(name(), entry, "without its reserved bits");
        if (offset < head_.cluster_size() || last_sector >= file_.size()) {
            return refuse(
                name(), offset,
                fmt::format("compressed data from {} on, within the file, which ends at {}",
                            head_.cluster_size(), file_.size()));
        }
        allocated_ += used_.add({offset, last_sector + 512 - offset});
        return {};
    }

    bounded_file file_;
    header head_;
    granules used_;
    std::uint64_t allocated_ = 0;
    std::uint64_t table_bytes_ = 0;
    std::vector<l1_table> l1_tables_;
    std::unordered_set<std::uint64_t> seen_; ///< L2 tables, by their offsets
};

} // namespace detail

/// Reads the tables of the image of `file_size` bytes and tells which ranges of the file they refer
/// to: header, L1 and L2 tables of the image and of all its snapshots, snapshot table, refcounts,
/// consistent bitmaps, encryption header, and the clusters of data. A copy that has the same bytes
/// in these ranges and zeros elsewhere, in a file of the same size, is the same image.
///
/// Left out are clusters that nothing refers to (leaked, or of stale bitmaps); clusters that are
/// marked as reading zeros though they have a place in the file, and subclusters that are not
/// allocated: nobody reads what stands there. With an external data file the guest's data are not
/// in this file: see `map::data_file`.
///
/// Memory stays below 2 GiB for any input, and is in proportion to the file for sound ones: 128 MiB
/// at most for 64 TiB in clusters of 64 KiB, besides the result. L2 tables are read one by one, or
/// some that are neighbours at once.
///
/// Fails with what `read` failed with; with `io` where the file ends early; with `invalid_argument`
/// for what the format forbids, such as a reference beyond the end of the file, naming table and
/// entry; with `unsupported` beyond QEMU's limits. An image that nobody can read so can still be
/// copied whole.
[[nodiscard]] inline expected<map> map_of(const reader &read, std::uint64_t file_size) {
    if (file_size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return detail::refuse("the size of the file", file_size, "less than 2^63");
    std::uint64_t length = std::min(file_size, std::uint64_t{65536});
    auto beginning = read(0, length);
    if (!beginning) return fail(std::move(beginning).error());
    // The whole first cluster, where that is larger; a wrong size is for parse_header to tell.
    if (beginning->size() == length && length >= detail::cluster_bits_end) {
        const std::uint32_t bits = detail::be32(*beginning, detail::cluster_bits_end - 4);
        if (bits > 16 && bits <= limit::most_cluster_bits && file_size > length) {
            length = std::min(file_size, std::uint64_t{1} << bits);
            beginning = read(0, length);
            if (!beginning) return fail(std::move(beginning).error());
        }
    }
    if (beginning->size() != length) {
        return fail(error_kind::io, fmt::format("qcow2: {} bytes at 0 were asked for, {} came",
                                                length, beginning->size()));
    }
    auto head = parse_header(*beginning);
    if (!head) return fail(std::move(head).error());
    return detail::map_builder{read, file_size, std::move(*head)}.build();
}

} // namespace kvmig::model::qcow2
