// SPDX-License-Identifier: MIT
#include <kvmig/model/qcow2.hpp>
#include <model/qcow2_image.hpp>
#include <support/catch.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

using namespace kvmig;
namespace qcow2 = model::qcow2;
using qcow2::range;
using test::qcow2_image;
using ranges = std::vector<range>;

namespace {

constexpr std::uint64_t cluster = qcow2_image::cluster;
constexpr std::uint64_t copied = qcow2_image::copied;
constexpr std::uint64_t compressed = std::uint64_t{1} << 62U;
/// Where the number of sectors starts in the entry of a compressed cluster of 4 KiB.
constexpr unsigned sectors_at = 62 - (12 - 8);

/// An image with a snapshot, whose L1 table, L2 table and data follow the snapshot table.
qcow2_image with_snapshot() {
    qcow2_image image;
    image.put32(60, 1).put64(64, 6 * cluster);
    image.put64(6 * cluster, 7 * cluster).put32(6 * cluster + 8, 1); // L1 table, one entry
    image.put32(6 * cluster + 12, 0x00010004);                       // lengths of id and name
    image.put32(6 * cluster + 36, 16);                               // extra data
    image.put64(7 * cluster, 8 * cluster).put64(8 * cluster + 8, 9 * cluster);
    image.put64(9 * cluster, 1);
    return image;
}

/// An image with a bitmap of two entries, the second without a cluster.
qcow2_image with_bitmap() {
    qcow2_image image;
    image.put64(88, 1).put32(104, 0x23852875).put32(108, 24);
    image.put32(112, 1).put64(120, 32).put64(128, 6 * cluster);
    image.put64(6 * cluster, 7 * cluster).put32(6 * cluster + 8, 2);
    image.put32(6 * cluster + 16, 0x01100005); // type, granularity, length of the name
    image.put64(7 * cluster, 8 * cluster).put64(7 * cluster + 8, 1);
    image.put64(8 * cluster, 1);
    return image;
}

/// The same with extended L2 entries, in clusters of 16 KiB.
qcow2_image extended() {
    qcow2_image image;
    constexpr std::uint64_t size = 16384;
    image.bytes.assign(6 * size, {});
    image.put32(0, 0x514649FB).put32(4, 3).put32(20, 14).put64(24, 1U << 20U);
    image.put32(36, 1).put64(40, 3 * size).put64(48, size).put32(56, 1);
    image.put64(72, 16).put32(96, 4).put32(100, 104);
    image.put64(size, 2 * size).put64(3 * size, 4 * size | copied);
    image.put64(4 * size, 5 * size | copied).put64(4 * size + 8, 0xFFFF00000000000F);
    return image;
}

} // namespace

TEST_CASE("qcow2 map: header, tables and data, and nothing else") {
    qcow2_image image;
    image.put64(8 * cluster, 1); // two clusters behind the data that nothing refers to
    const auto found = image.map();
    REQUIRE(found);
    CHECK(found->used == ranges{{0, 6 * cluster}});
    CHECK(found->allocated == cluster);
    CHECK(found->header == *image.header());
    CHECK_FALSE(found->dirty);
    CHECK_FALSE(found->corrupt);
    CHECK_FALSE(found->data_file);
}

TEST_CASE("qcow2 map: what kinds of entries use") {
    qcow2_image image;
    SECTION("one that reads zeros keeps its place, which is left out") {
        image.put64(qcow2_image::l2, qcow2_image::data | copied | 1);
        CHECK(image.map()->used == ranges{{0, 5 * cluster}});
        CHECK(image.map()->allocated == 0);
    }
    SECTION("one that reads zeros and has no place") {
        image.put64(qcow2_image::l2, 1);
        CHECK(image.map()->used == ranges{{0, 5 * cluster}});
    }
    SECTION("the last cluster may be there in part") {
        image.bytes.resize(5 * cluster + 1);
        CHECK(image.map()->used == ranges{{0, 5 * cluster + 1}});
        CHECK(image.map()->allocated == 1);
    }
    SECTION("a table may be there in part, if it stands last") {
        image.put64(40, 6 * cluster).put64(6 * cluster, qcow2_image::l2);
        image.put64(qcow2_image::l1, 0);
        image.bytes.resize(6 * cluster + 7); // the last byte of the entry is 0 too
        CHECK(image.map()->used == ranges{{0, 3 * cluster}, {4 * cluster, 2 * cluster + 7}});
    }
    SECTION("compressed data within a cluster, and over the edge of one") {
        image.put64(9 * cluster, 1);
        image.put64(qcow2_image::l2, compressed | (6 * cluster + 100));
        image.put64(qcow2_image::l2 + 8,
                    compressed | std::uint64_t{1} << sectors_at | (8 * cluster - 512));
        CHECK(image.map()->used == ranges{{0, 5 * cluster}, {6 * cluster, 3 * cluster}});
        CHECK(image.map()->allocated == 3 * cluster);
    }
    SECTION("compressed data up to a file's end that is not that of a sector") {
        image.bytes.resize(5 * cluster + 1000);
        image.put64(qcow2_image::l2,
                    compressed | std::uint64_t{1} << sectors_at | qcow2_image::data);
        CHECK(image.map()->used == ranges{{0, 5 * cluster + 1000}});
    }
    SECTION("a snapshot: its table, its L1 and L2 tables, its data") {
        image = with_snapshot();
        CHECK(image.map()->used == ranges{{0, 10 * cluster}});
        CHECK(image.map()->allocated == 2 * cluster);
    }
    SECTION("a snapshot that shares its L2 table: the data count once") {
        image = with_snapshot();
        image.put64(7 * cluster, qcow2_image::l2);
        CHECK(image.map()->used == ranges{{0, 8 * cluster}});
        CHECK(image.map()->allocated == cluster);
    }
    SECTION("the state of a machine stands behind the disk, in the same tables") {
        image.put32(36, 2).put64(qcow2_image::l1 + 8, 6 * cluster);
        image.put64(6 * cluster, 8 * cluster).put64(8 * cluster, 1);
        CHECK(image.map()->used == ranges{{0, 7 * cluster}, {8 * cluster, cluster}});
        CHECK(image.map()->allocated == 2 * cluster);
    }
    SECTION("a bitmap: directory, table, clusters") {
        image = with_bitmap();
        CHECK(image.map()->used == ranges{{0, 9 * cluster}});
        CHECK(image.map()->allocated == cluster);
    }
    SECTION("stale bitmaps are nobody's") {
        image = with_bitmap();
        image.put64(88, 0);
        CHECK(image.map()->used == ranges{{0, 6 * cluster}});
    }
    SECTION("the encryption header, in whole clusters") {
        image.put32(32, 2).put32(104, 0x0537BE77).put32(108, 16);
        image.put64(112, 7 * cluster).put64(120, cluster + 1).put64(9 * cluster, 1);
        CHECK(image.map()->used == ranges{{0, 6 * cluster}, {7 * cluster, 2 * cluster}});
    }
    SECTION("subclusters 0 to 3 of 32") {
        image = extended();
        CHECK(image.map()->used == ranges{{0, 5 * 16384 + 4 * 512}});
        CHECK(image.map()->allocated == 4 * 512);
    }
    SECTION("an external data file holds the data") {
        image.put64(72, 4 | 3).put64(qcow2_image::l2, copied);
        image.put64(qcow2_image::l2 + 8, 4096 | copied);
        CHECK(image.map()->used == ranges{{0, 5 * cluster}});
        CHECK(image.map()->data_file == "");
        CHECK(image.map()->dirty);
        CHECK(image.map()->corrupt);
    }
}

TEST_CASE("qcow2 map: each refusal names table and entry") {
    using change = std::function<void(qcow2_image &)>;
    const auto put32 = [](std::uint64_t at, std::uint64_t value) {
        return change{[=](qcow2_image &image) { image.put32(at, value); }};
    };
    const auto put64 = [](std::uint64_t at, std::uint64_t value) {
        return change{[=](qcow2_image &image) { image.put64(at, value); }};
    };
    const auto l2_second = [](std::uint64_t value) {
        return change{[=](qcow2_image &image) { image.put64(qcow2_image::l2 + 8, value); }};
    };
    constexpr std::uint64_t beyond = std::uint64_t{1} << 40U;
    constexpr std::uint64_t snapshot = 6 * cluster;
    const std::vector<std::tuple<qcow2_image, change, std::string>> cases = {
        {{},
         put64(40, beyond),
         "the active L1 table is 1099511627776 (0x10000000000); right is 8 "
         "bytes within the file, which ends at 24576"},
        {{}, put64(48, beyond), "the refcount table is 1099511627776"},
        {{}, put32(56, 6), "the refcount table is 4096 (0x1000); right is 24576 bytes within"},
        {{}, put64(qcow2_image::refcount_table + 8, beyond), "entry 1 of the refcount table is"},
        {{}, put64(qcow2_image::refcount_table + 8, 4097), "entry 1 of the refcount table is 4097"},
        {{}, put64(qcow2_image::l1, 6 * cluster), "entry 0 of the active L1 table is 24576"},
        {{},
         put64(qcow2_image::l1, 4608),
         "entry 0 of the active L1 table is 4608 (0x1200); right "
         "is a multiple of 4096"},
        {{},
         put64(qcow2_image::l1, 4096 | 1),
         "entry 0 of the active L1 table is 4097 (0x1001); "
         "right is without its reserved bits"},
        {{}, put64(qcow2_image::l1, compressed | 4096), "entry 0 of the active L1 table is"},
        {{}, l2_second(6 * cluster), "entry 1 of L2 table 0 of the active L1 table is 24576"},
        {{}, l2_second(4608), "entry 1 of L2 table 0 of the active L1 table is 4608"},
        {{},
         l2_second(4096 | 2),
         "entry 1 of L2 table 0 of the active L1 table is 4098 (0x1002); "
         "right is without its reserved bits"},
        {{}, l2_second(std::uint64_t{1} << 56U), "entry 1 of L2 table 0 of the active L1 table is"},
        {{},
         l2_second(compressed | 100),
         "entry 1 of L2 table 0 of the active L1 table is 100 "
         "(0x64); right is compressed data from 4096 on"},
        {{},
         l2_second(compressed | 6 * cluster),
         "entry 1 of L2 table 0 of the active L1 table "
         "is 24576 (0x6000); right is compressed data"},
        {{},
         l2_second(compressed | std::uint64_t{1} << sectors_at | (6 * cluster - 1)),
         "entry 1 of L2 table 0 of the active L1 table is 24575"},
        {{},
         l2_second(compressed | std::uint64_t{1} << 56U | 4096),
         "entry 1 of L2 table 0 of the active L1 table is"},
        {{},
         [](qcow2_image &i) { i.put32(4, 2).put64(72, 0).put64(96, 0).put64(qcow2_image::l2, 1); },
         "entry 0 of L2 table 0 of the active L1 table is 1 (0x1); right is without its reserved"},
        {{},
         [](qcow2_image &i) { i.put64(72, 4); },
         "entry 0 of L2 table 0 of the active L1 table is 20480 (0x5000); right is 0, the guest's"},
        {{},
         [](qcow2_image &i) { i.put64(72, 4).put64(qcow2_image::l2, compressed | 20480); },
         "entry 0 of L2 table 0 of the active L1 table is 4611686018427408384"},
        {extended(), put64(4 * 16384 + 8, 0x0000000100000001),
         "the subcluster bitmap of entry 0 of L2 table 0 of the active L1 table is 4294967297"},
        {extended(), put64(4 * 16384 + 24, 8),
         "the subcluster bitmap of entry 1 of L2 table 0 of the active L1 table is 8"},
        {extended(), put64(4 * 16384, compressed | 5 * 16384),
         "the subcluster bitmap of entry 0 of L2 table 0 of the active L1 table is"},
        {extended(), put64(4 * 16384, 5 * 16384 | 1), "entry 0 of L2 table 0 of the active L1"},
        {with_snapshot(), put64(64, 10 * cluster), "the snapshot table is 40960"},
        {with_snapshot(), [](qcow2_image &i) { i.put32(60, 200).put64(64, 9 * cluster); },
         "the snapshot table is 36864 (0x9000); right is"},
        {with_snapshot(), put64(snapshot, 10 * cluster), "the L1 table of snapshot 0 is 40960"},
        {with_snapshot(), put64(snapshot, 7 * cluster + 512),
         "the L1 table of snapshot 0 is 29184"},
        {with_snapshot(), put32(snapshot + 8, 4194305), "the L1 size of snapshot 0 is 4194305"},
        {with_snapshot(), put32(snapshot + 36, 1025), "the extra data size of snapshot 0 is 1025"},
        {with_snapshot(), put64(7 * cluster, 10 * cluster),
         "entry 0 of the L1 table of snapshot 0 is 40960"},
        {with_snapshot(), put64(8 * cluster + 8, 10 * cluster),
         "entry 1 of L2 table 0 of the L1 table of snapshot 0 is 40960"},
        {with_bitmap(), put64(128, 9 * cluster), "the bitmap directory is 36864"},
        {with_bitmap(), put64(6 * cluster, 9 * cluster), "the table of bitmap 0 is 36864"},
        {with_bitmap(), put32(6 * cluster + 8, 0x8000001), "the table size of bitmap 0 is"},
        {with_bitmap(), put32(6 * cluster + 20, 0xFFFFFFFF),
         "the length of entry 0 of the bitmap directory is 4294967328"},
        {with_bitmap(),
         [](qcow2_image &i) { i.put32(112, 2).put64(120, 64).put32(6 * cluster + 20, 32); },
         "bitmap_directory_size is 64 (0x40); right is enough for the 2 bitmaps"},
        {with_bitmap(), put64(7 * cluster + 8, 9 * cluster),
         "entry 1 of the table of bitmap 0 is 36864"},
        {with_bitmap(), put64(7 * cluster + 8, 4096 | 1),
         "entry 1 of the table of bitmap 0 is 4097 (0x1001); right is without its reserved"},
        {{},
         [](qcow2_image &i) {
             i.put32(32, 2)
                 .put32(104, 0x0537BE77)
                 .put32(108, 16)
                 .put64(112, 4096)
                 .put64(120, beyond);
         },
         "the encryption header is 4096"},
    };
    for (const auto &[sound, spoil, text] : cases) {
        INFO(text);
        REQUIRE(sound.map());
        auto image = sound;
        spoil(image);
        const auto found = image.map();
        REQUIRE_FALSE(found);
        CHECK_THAT(found.error().what, Catch::StartsWith("qcow2: " + text));
    }
}

TEST_CASE("qcow2 map: a thousand snapshots that lay one L1 table over another are refused") {
    auto image = with_snapshot();
    // Each entry takes 64 bytes; all name the same L1 table of 512 entries.
    image.put32(60, 60);
    for (std::uint64_t i = 0; i < 60; ++i) {
        const std::uint64_t at = 6 * cluster + i * 64;
        image.put64(at, 7 * cluster).put32(at + 8, 512).put32(at + 12, 0x00010004);
        image.put32(at + 36, 16);
    }
    const auto found = image.map();
    REQUIRE_FALSE(found);
    CHECK_THAT(found.error().what, Catch::StartsWith("qcow2: the size of all tables, up to the L1 "
                                                     "table of snapshot "));
}

TEST_CASE("qcow2 map: what the reader says, and what it fails to say") {
    const qcow2_image image;
    const auto serve = [&image](std::uint64_t offset, std::uint64_t length) {
        const auto from = image.bytes.begin() + static_cast<std::ptrdiff_t>(offset);
        return std::vector(from, from + static_cast<std::ptrdiff_t>(length));
    };
    int calls = 0;
    const auto cancelled = qcow2::map_of(
        [&](std::uint64_t offset, std::uint64_t length) -> expected<std::vector<std::byte>> {
            if (++calls == 3) return fail(error_kind::cancelled, "enough");
            return serve(offset, length);
        },
        image.bytes.size());
    REQUIRE_FALSE(cancelled);
    CHECK(cancelled.error() == make_error(error_kind::cancelled, "enough"));
    CHECK(calls == 3);

    const auto shorter = qcow2::map_of(
        [&](std::uint64_t offset, std::uint64_t length) -> expected<std::vector<std::byte>> {
            return serve(offset, offset == qcow2_image::l2 ? length - 1 : length);
        },
        image.bytes.size());
    REQUIRE_FALSE(shorter);
    CHECK(shorter.error().kind == error_kind::io);
    CHECK_THAT(shorter.error().what, Catch::Contains("4096 bytes at 16384 were asked for, 4095"));

    const auto nothing = qcow2::map_of(
        [](std::uint64_t, std::uint64_t) -> expected<std::vector<std::byte>> {
            return std::vector<std::byte>{};
        },
        0);
    REQUIRE_FALSE(nothing);
    CHECK_THAT(nothing.error().what, Catch::Contains("the beginning given"));
    CHECK_FALSE(qcow2::map_of(
        [&](std::uint64_t offset, std::uint64_t length) -> expected<std::vector<std::byte>> {
            return serve(offset, length);
        },
        std::uint64_t{1} << 63U));
}

TEST_CASE("qcow2 map: 64 TiB are read in large pieces, table by table") {
    // Clusters of 64 KiB, so 131,072 L2 tables; every 1,000th is there, at an offset of its own,
    // and maps one cluster in eight. All that is not said here is zero.
    constexpr std::uint64_t size = 65536;
    constexpr std::uint64_t file_size = std::uint64_t{64} << 40U;
    std::map<std::uint64_t, std::vector<std::byte>> there;
    qcow2_image head;
    head.put32(20, 16).put64(24, std::uint64_t{64} << 40U).put32(36, 131072);
    head.put64(40, 3 * size).put64(48, size).put64(56, std::uint64_t{1} << 32U);
    head.bytes.resize(size);
    there[0] = head.bytes;
    qcow2_image l1;
    l1.bytes.assign(131072 * 8, {});
    const auto table_at = [](std::uint64_t i) { return (i + 1) * 8192 * size; };
    for (std::uint64_t i = 0; i < 131072; i += 1000) {
        l1.put64(i * 8, table_at(i));
        qcow2_image l2;
        l2.bytes.assign(size, {});
        for (std::uint64_t j = 0; j < 8192; j += 8) l2.put64(j * 8, table_at(i) + (j + 8) * size);
        there[table_at(i)] = l2.bytes;
    }
    there[3 * size] = l1.bytes;
    std::uint64_t least = file_size;
    std::uint64_t most = 0;
    std::size_t calls = 0;
    const auto found = qcow2::map_of(
        [&](std::uint64_t offset, std::uint64_t length) -> expected<std::vector<std::byte>> {
            ++calls;
            least = std::min(least, length);
            most = std::max(most, length);
            std::vector<std::byte> out(length);
            if (const auto part = there.find(offset); part != there.end())
                std::copy_n(part->second.begin(),
                            std::min<std::uint64_t>(length, part->second.size()), out.begin());
            return out;
        },
        file_size);
    if (!found) FAIL(describe(found.error()));
    CHECK(found->allocated == 132 * 1024 * size);
    CHECK(calls == 1 + 1 + 1 + 132); // header, refcount table, L1 table, each L2 table
    CHECK(least == size);
    CHECK(most == 1U << 20U);
    // Header and refcount table; the L1 table of 16 clusters; then tables and clusters, alone.
    REQUIRE(found->used.size() == 2 + 132 * 1025);
    CHECK(found->used[0] == range{0, 2 * size});
    CHECK(found->used[1] == range{3 * size, 16 * size});
    CHECK(found->used[2] == range{8192 * size, size});
    CHECK(found->used[3] == range{8200 * size, size});
}

TEST_CASE("qcow2 map: L2 tables that are neighbours are read at once, shared ones once") {
    // 300 tables of 4 KiB one after another, named in the reverse order, by a snapshot too.
    auto image = with_snapshot();
    constexpr std::uint64_t first = 10;
    constexpr std::uint64_t count = 300;
    image.put32(36, count).put32(6 * cluster + 8, count);
    for (std::uint64_t i = 0; i < count; ++i) {
        for (const std::uint64_t table : {3 * cluster, 7 * cluster})
            image.put64(table + i * 8, (first + count - 1 - i) * cluster);
    }
    image.put64((first + count) * cluster - 8, 0);
    ranges seen;
    const auto found = qcow2::map_of(
        [&](std::uint64_t offset, std::uint64_t length) -> expected<std::vector<std::byte>> {
            if (offset >= first * cluster) seen.push_back({offset, length});
            const auto from = image.bytes.begin() + static_cast<std::ptrdiff_t>(offset);
            return std::vector(from, from + static_cast<std::ptrdiff_t>(length));
        },
        image.bytes.size());
    REQUIRE(found);
    CHECK(seen ==
          ranges{{first * cluster, 256 * cluster}, {(first + 256) * cluster, 44 * cluster}});
}

TEST_CASE("qcow2 map: a snapshot table of up to 64 MiB") {
    // Entries with the longest id and name there can be, so of 131,112 bytes: 511 are less.
    constexpr std::uint64_t entry = 131112;
    constexpr std::uint64_t table = 6 * cluster;
    const auto tried = [&](std::uint32_t snapshots) {
        qcow2_image image;
        image.put32(60, snapshots).put64(64, table);
        return qcow2::map_of(
            [&](std::uint64_t offset, std::uint64_t length) -> expected<std::vector<std::byte>> {
                std::vector<std::byte> out(length);
                for (std::uint64_t i = 0; i < length; ++i) {
                    const std::uint64_t at = offset + i;
                    if (at < table)
                        out[i] = image.bytes[at];
                    else if (const auto field = (at - table) % entry; field >= 12 && field < 16)
                        out[i] = std::byte{0xFF};
                }
                return out;
            },
            std::uint64_t{128} << 20U);
    };
    const auto found = tried(511);
    if (!found) FAIL(describe(found.error()));
    CHECK(found->used == ranges{{0, table + (511 * entry + cluster - 1) / cluster * cluster}});
    const auto refused = tried(512);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().what,
               Catch::Contains("the size of the snapshot table is 67129344 (0x4005000); right is "
                               "at most 64 MiB"));
}

TEST_CASE("qcow2 granules: added ranges come back merged, and cut at the end of the file") {
    qcow2::granules set{10'000'000, 12};
    CHECK(set.ranges().empty());
    CHECK(set.add({4096, 4096}) == 4096);
    CHECK(set.add({4096, 4096}) == 0);
    CHECK(set.add({8192, 1}) == 4096);
    CHECK(set.add({8000, 5000}) == 4096);
    CHECK(set.add({1'000'000, 0}) == 0);
    CHECK(set.add({10'000'000, 1}) == 0);
    CHECK(set.add({9'999'999, 4096}) == 10'000'000 % 4096);
    CHECK(set.add({9'999'999, 1}) == 0);
    CHECK(set.ranges() == ranges{{4096, 3 * 4096}, {10'000'000 / 4096 * 4096, 10'000'000 % 4096}});
    // Over the edges of words and of the chunks of 32,768 bits.
    qcow2::granules wide{std::uint64_t{1} << 30U, 9};
    CHECK(wide.add({512 * 60, 512 * 40000}) == 512 * 40000);
    CHECK(wide.ranges() == ranges{{512 * 60, 512 * 40000}});
    CHECK(wide.add({0, std::uint64_t{1} << 30U}) == (std::uint64_t{1} << 30U) - 512 * 40000);
    CHECK(wide.ranges() == ranges{{0, std::uint64_t{1} << 30U}});
}

TEST_CASE("qcow2 granules: bounded for any file, by being coarser") {
    qcow2::granules few{1000 * 512, 9, 100};
    CHECK(few.granule() == 8192); // 63 of them
    CHECK(few.add({0, 512}) == 8192);
    CHECK(few.ranges() == ranges{{0, 8192}});
    CHECK(qcow2::granules{std::uint64_t{64} << 40U, 16}.granule() == 65536);
    qcow2::granules huge{(std::uint64_t{1} << 63U) - 1, 9};
    CHECK(huge.granule() == std::uint64_t{1} << 32U);
    CHECK(huge.add({(std::uint64_t{1} << 63U) - 2, 1}) == (std::uint64_t{1} << 32U) - 1);
}

TEST_CASE("qcow2 granules: too many ranges become fewer, the smallest gaps first") {
    qcow2::granules set{1U << 20U, 9};
    for (const std::uint64_t at : {0U, 1024U, 2048U, 100U * 512, 110U * 512}) set.add({at, 512});
    CHECK(set.ranges(5).size() == 5);
    CHECK(set.ranges(4) == ranges{{0, 2560}, {100 * 512, 512}, {110 * 512, 512}});
    CHECK(set.ranges(2) == ranges{{0, 2560}, {100 * 512, 11 * 512}});
    CHECK(set.ranges(1) == ranges{{0, 111 * 512}});
}
