// SPDX-License-Identifier: MIT
#include <kvmig/model/qcow2.hpp>
#include <model/qcow2_image.hpp>
#include <support/catch.hpp>

#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

using namespace kvmig;
namespace qcow2 = model::qcow2;
using test::qcow2_image;

namespace {

constexpr std::uint32_t backing_format = 0xE2792ACA;
constexpr std::uint32_t feature_names = 0x6803F857;
constexpr std::uint32_t bitmaps = 0x23852875;
constexpr std::uint32_t encryption_header = 0x0537BE77;
constexpr std::uint32_t data_file = 0x44415441;

/// `text` as the bytes of a string, zeros included.
template <std::size_t Size> std::string raw(const char (&text)[Size]) {
    return std::string(text, Size - 1);
}

std::string be(std::uint64_t value, int width) {
    std::string out;
    for (int i = width - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xFFU);
    return out;
}

/// A bitmaps extension, with its bit in autoclear_features.
void add_bitmaps(qcow2_image &image, std::uint32_t count, std::uint32_t reserved,
                 std::uint64_t size, std::uint64_t offset) {
    image.put64(88, 1);
    image.extension(104, bitmaps, be(count, 4) + be(reserved, 4) + be(size, 8) + be(offset, 8));
}

} // namespace

TEST_CASE("qcow2 header: every field of version 3") {
    qcow2_image image;
    image.put64(72, 0x1).put64(80, 0x1).put32(96, 6).put32(100, 112);
    image.put64(24, 123456);
    image.put32(60, 2).put64(64, 6 * 4096);
    auto next = image.extension(112, backing_format, "raw");
    CHECK(next == 128);
    next = image.extension(next, 0xABCD1234, "unknown!!");
    next = image.extension(next, feature_names,
                           raw("\0\0") + "dirty bit" + std::string(37, '\0') + raw("\1\0") +
                               std::string(46, 'n'));
    next += 8; // the end mark
    image.put64(8, next).put32(16, 7);
    image.put32(next, 0x2F746D70).put32(next + 4, 0x2F612E00);
    const auto head = image.header();
    REQUIRE(head);
    CHECK(head->version == 3);
    CHECK(head->cluster_bits == 12);
    CHECK(head->cluster_size() == 4096);
    CHECK(head->l2_entries() == 512);
    CHECK(head->virtual_size == 123456);
    CHECK(head->crypt == qcow2::encryption::none);
    CHECK(head->l1_entries == 1);
    CHECK(head->l1_offset == qcow2_image::l1);
    CHECK(head->refcount_table_offset == qcow2_image::refcount_table);
    CHECK(head->refcount_table_clusters == 1);
    CHECK(head->refcount_order == 6);
    CHECK(head->snapshots == 2);
    CHECK(head->snapshots_offset == 6 * 4096);
    CHECK(head->dirty());
    CHECK_FALSE(head->corrupt());
    CHECK_FALSE(head->external_data());
    CHECK_FALSE(head->extended_l2());
    CHECK(head->lazy_refcounts());
    CHECK(head->header_length == 112);
    CHECK(head->backing_file == "/tmp/a.");
    CHECK(head->backing_format == "raw");
    CHECK(head->extensions == std::vector<qcow2::extension>{{backing_format, 120, 3},
                                                            {0xABCD1234, 136, 9},
                                                            {feature_names, 160, 96}});
    CHECK(head->feature_names ==
          std::vector<qcow2::feature_name>{{0, 0, "dirty bit"}, {1, 0, std::string(46, 'n')}});
}

TEST_CASE("qcow2 header: version 2 ends after 72 bytes") {
    qcow2_image image;
    image.put32(4, 2);
    for (std::uint64_t at = 72; at < 104; at += 8) image.put64(at, 0);
    image.extension(72, backing_format, "qcow2");
    const auto head = image.header();
    REQUIRE(head);
    CHECK(head->version == 2);
    CHECK(head->header_length == 72);
    CHECK(head->refcount_order == 4);
    CHECK(head->backing_format == "qcow2");
    CHECK_FALSE(head->backing_file);
}

TEST_CASE("qcow2 header: features that come with more") {
    qcow2_image image;
    SECTION("zstd") {
        image.put64(72, 8).put32(100, 112).put32(104, 0x01000000);
        REQUIRE(image.header());
        CHECK(image.header()->compressed_by == qcow2::compression::zstd);
    }
    SECTION("a raw external data file") {
        image.put64(72, 4).put64(88, 2);
        image.extension(104, data_file, "other.raw");
        REQUIRE(image.header());
        CHECK(image.header()->external_data());
        CHECK(image.header()->raw_external());
        CHECK(image.header()->data_file == "other.raw");
    }
    SECTION("extended L2 entries") {
        image.put64(72, 16).put32(20, 14).put64(40, 3U << 14U).put64(48, 1U << 14U);
        REQUIRE(image.header());
        CHECK(image.header()->l2_entries() == 1024);
    }
    SECTION("LUKS") {
        image.put32(32, 2);
        image.extension(104, encryption_header, be(8192, 8) + be(1052672, 8));
        REQUIRE(image.header());
        CHECK(image.header()->encryption_header == qcow2::encryption_extension{8192, 1052672});
    }
    SECTION("bitmaps") {
        add_bitmaps(image, 3, 0, 96, 8192);
        REQUIRE(image.header());
        CHECK(image.header()->bitmaps == qcow2::bitmaps_extension{3, 96, 8192});
    }
    SECTION("bitmaps that a program which did not know them left stale") {
        add_bitmaps(image, 0, 7, 1, 1);
        image.put64(88, 0);
        REQUIRE(image.header());
        CHECK_FALSE(image.header()->bitmaps);
    }
}

TEST_CASE("qcow2 header: each refusal names the field, its value and what is right") {
    using change = std::function<void(qcow2_image &)>;
    const auto put32 = [](std::uint64_t at, std::uint64_t value) {
        return change{[=](qcow2_image &image) { image.put32(at, value); }};
    };
    const auto put64 = [](std::uint64_t at, std::uint64_t value) {
        return change{[=](qcow2_image &image) { image.put64(at, value); }};
    };
    const auto both = [](const change &a, const change &b) {
        return change{[=](qcow2_image &image) { a(image), b(image); }};
    };
    const auto extension = [](std::uint32_t type, const std::string &text) {
        return change{[=](qcow2_image &image) { image.extension(104, type, text); }};
    };
    const auto bitmap = [](std::uint32_t count, std::uint32_t reserved, std::uint64_t size,
                           std::uint64_t offset) {
        return change{[=](qcow2_image &i) { add_bitmaps(i, count, reserved, size, offset); }};
    };
    constexpr auto malformed = error_kind::invalid_argument;
    constexpr auto unknown = error_kind::unsupported;
    constexpr std::uint64_t high = std::uint64_t{1} << 63U;
    const std::vector<std::tuple<change, error_kind, std::string>> cases = {
        {put32(0, 0x514649FA), malformed, "magic is 0x514649fa; right is 0x514649fb"},
        {put32(4, 1), unknown, "version is 1 (0x1); right is 2 or 3"},
        {put32(4, 4), unknown, "version is 4"},
        {put32(20, 8), malformed, "cluster_bits is 8 (0x8); right is at least 9"},
        {put32(20, 22), unknown, "cluster_bits is 22 (0x16); right is at most 21"},
        {put32(20, 0xFFFFFFFF), unknown, "cluster_bits is 4294967295"},
        {put32(32, 3), unknown, "crypt_method is 3"},
        {put32(96, 7), malformed, "refcount_order is 7 (0x7); right is at most 6"},
        {put32(100, 96), malformed, "header_length is 96"},
        {put32(100, 108), malformed, "header_length is 108"},
        {put32(100, 4104), malformed, "header_length is 4104 (0x1008); right is a multiple of 8"},
        {put64(72, 32), unknown, "incompatible_features is 32 (0x20); right is bits 0 to 4"},
        {put64(72, high), unknown, "incompatible_features is 9223372036854775808"},
        {put64(72, 16), malformed, "cluster_bits is 12 (0xc); right is at least 14"},
        {put64(72, 8), malformed, "compression_type is 0 (0x0); right is other than 0"},
        {both(put32(100, 112), put32(104, 0x01000000)), malformed,
         "compression_type is 1 (0x1); right is 0 where"},
        {both(put64(72, 8), both(put32(100, 112), put32(104, 0x02000000))), unknown,
         "compression_type is 2"},
        {put64(88, 2), malformed, "autoclear_features is 2 (0x2); right is without bit 1"},
        {put64(88, 1), malformed, "autoclear_features is 1 (0x1); right is without bit 0"},
        {put32(36, 4194305), unknown, "l1_size is 4194305 (0x400001); right is at most 4194304"},
        {put32(36, 0), malformed, "l1_size is 0 (0x0); right is at least 1 for the 1048576"},
        {put64(24, (2U << 20U) + 1), malformed, "l1_size is 1 (0x1); right is at least 2"},
        {put64(24, ~std::uint64_t{0}), malformed, "l1_size is 1 (0x1); right is at least 87960"},
        {put64(40, 0), malformed, "l1_table_offset is 0 (0x0); right is behind the first"},
        {put64(40, 4100), malformed, "l1_table_offset is 4100 (0x1004); right is a multiple"},
        {put64(40, high), malformed, "l1_table_offset is 9223372036854775808"},
        {put64(48, 0), malformed, "refcount_table_offset is 0"},
        {put64(48, 512), malformed, "refcount_table_offset is 512"},
        {put64(48, high - 4096), malformed, "refcount_table_offset is 9223372036854771712"},
        {put32(56, 0), malformed, "refcount_table_clusters is 0 (0x0); right is 1 to 2048"},
        {put32(56, 2049), malformed, "refcount_table_clusters is 2049"},
        {put32(60, 65537), unknown, "nb_snapshots is 65537"},
        {put32(60, 1), malformed, "snapshots_offset is 0"},
        {both(put32(60, 1), put64(64, 4097)), malformed, "snapshots_offset is 4097"},
        {both(put32(60, 1), put64(72, 4)), malformed, "nb_snapshots is 1 (0x1); right is 0 with"},
        {put64(8, 96), malformed, "backing_file_offset is 96 (0x60); right is 0, or from 104"},
        {put64(8, 4097), malformed, "backing_file_offset is 4097"},
        {both(put64(8, 200), put32(16, 1024)), malformed, "backing_file_size is 1024"},
        {both(put64(8, 4090), put32(16, 7)), malformed,
         "backing_file_size is 7 (0x7); right is at "
         "most 1023 and within the first cluster: 6"},
        {both(both(put64(72, 4), put64(88, 2)), both(put64(8, 200), put32(16, 3))), malformed,
         "backing_file_offset is 200 (0xc8); right is 0 with a raw external data file"},
        {both(extension(1, "x"), put32(108, 4096)), malformed,
         "the length of header extension 0x00000001 is 4096 (0x1000); right is at most 3984"},
        {both(extension(1, "x"), put32(108, 0xFFFFFFFF)), malformed,
         "the length of header extension 0x00000001 is 4294967295"},
        {[](qcow2_image &image) {
             image.extension(image.extension(104, backing_format, "raw"), backing_format, "raw");
         },
         malformed, "the number of header extensions 0xe2792aca is 2"},
        {extension(backing_format, std::string(16, 'x')), malformed,
         "the length of the backing file format is 16"},
        {both(extension(bitmaps, std::string(23, '\1')), put64(88, 1)), malformed,
         "the length of the bitmaps extension is 23"},
        {bitmap(0, 0, 32, 8192), malformed, "nb_bitmaps is 0"},
        {bitmap(65536, 0, 32, 8192), unknown, "nb_bitmaps is 65536"},
        {bitmap(1, 5, 32, 8192), malformed, "the reserved field of the bitmaps extension is 5"},
        {bitmap(2, 0, 63, 8192), malformed, "bitmap_directory_size is 63 (0x3f); right is 64 to"},
        {bitmap(2, 0, 65535 * 1024 + 1, 8192), malformed, "bitmap_directory_size is 67107841"},
        {bitmap(2, 0, 64, 8200), malformed, "bitmap_directory_offset is 8200"},
        {bitmap(2, 0, 64, 0), malformed, "bitmap_directory_offset is 0"},
        {put32(32, 2), malformed, "crypt_method is 2 (0x2); right is 2 (LUKS) only with"},
        {extension(encryption_header, be(8192, 8) + be(1, 8)), malformed,
         "crypt_method is 0 (0x0); right is 2 (LUKS) where"},
        {extension(encryption_header, "x"), malformed,
         "the length of the encryption header pointer is 1"},
        {extension(encryption_header, be(8192, 8) + be(0, 8)), malformed,
         "the encryption header's length is 0"},
        {extension(encryption_header, be(8192, 8) + be(high, 8)), malformed,
         "the encryption header's offset is 8192"},
        {extension(encryption_header, be(8193, 8) + be(1, 8)), malformed,
         "the encryption header's offset is 8193"},
    };
    for (const auto &[spoil, kind, text] : cases) {
        INFO(text);
        qcow2_image image;
        REQUIRE(image.header());
        spoil(image);
        const auto head = image.header();
        REQUIRE_FALSE(head);
        CHECK(head.error().kind == kind);
        CHECK(head.error().what.find("qcow2: " + text) == 0);
        CHECK(head.error().what.find("; right is ") != std::string::npos);
    }
}

TEST_CASE("qcow2 header: the greatest values that are right") {
    qcow2_image image;
    const std::vector<std::tuple<std::string, std::function<void()>>> cases = {
        {"clusters of 2 MiB",
         [&] { image.put32(20, 21).put64(40, 3U << 21U).put64(48, 1U << 21U).put32(56, 4); }},
        {"an L1 table of 32 MiB", [&] { image.put32(36, 4194304); }},
        {"a refcount table of 8 MiB", [&] { image.put32(56, 2048); }},
        {"65536 snapshots", [&] { image.put32(60, 65536).put64(64, 1U << 20U); }},
        {"a backing file's name to the last byte of the cluster",
         [&] { image.put64(8, 4096 - 1023).put32(16, 1023); }},
        {"an extension to the last byte", [&] { image.extension(104, 9, std::string(3984, 'x')); }},
        {"a table at the last offset", [&] { image.put64(40, (std::uint64_t{1} << 63U) - 4096); }},
    };
    for (const auto &[name, set] : cases) {
        INFO(name);
        image = {};
        set();
        const auto head = image.header();
        if (!head) FAIL(describe(head.error()));
        SUCCEED();
    }
}

TEST_CASE("qcow2 header: any beginning that is too short is told, none is read beyond") {
    qcow2_image image;
    image.put32(100, 112);
    image.extension(112, backing_format, "raw"); // 112 to 128, end mark to 136
    image.put64(8, 136).put32(16, 5);
    for (std::size_t length = 0; length <= 141; ++length) {
        INFO(length);
        // A copy of just that length, so that a sanitizer sees a read behind it.
        const std::vector<std::byte> part(
            image.bytes.begin(), image.bytes.begin() + static_cast<std::ptrdiff_t>(length));
        const auto head = qcow2::parse_header(part);
        CHECK(head.has_value() == (length == 141));
        if (head) continue;
        CHECK(head.error().what.find("the beginning given") != std::string::npos);
        CHECK(head.error().what.find(std::to_string(length) + " bytes") != std::string::npos);
    }
}

TEST_CASE("qcow2 header: sound headers with a byte or two changed at random are read or refused") {
    std::mt19937 random{7}; // NOLINT(cert-msc51-cpp): the same run each time
    qcow2_image sound;
    sound.put32(100, 112).put64(88, 1);
    sound.extension(sound.extension(112, backing_format, "raw"), bitmaps,
                    be(1, 4) + be(0, 4) + be(32, 8) + be(8192, 8));
    REQUIRE(sound.header());
    int read = 0;
    int refused = 0;
    for (int i = 0; i < 20000; ++i) {
        auto image = sound;
        for (int j = 0; j < 2; ++j) image.bytes[random() % 180] = static_cast<std::byte>(random());
        const auto head = image.header();
        ++(head ? read : refused);
        if (!head) CHECK(head.error().what.find("qcow2: ") == 0);
    }
    CHECK(read > 100);
    CHECK(refused > 100);
}

TEST_CASE("qcow2 with_backing: keeps what it does not know, refuses what does not fit") {
    qcow2_image image;
    image.put32(100, 112);
    auto next = image.extension(112, 0xABCD1234, "unknown!!");
    next = image.extension(next, backing_format, "raw");
    image.put64(8, next + 8).put32(16, 3);
    const auto first = std::span{image.bytes}.first<qcow2_image::cluster>();
    const auto made = qcow2::with_backing(first, "dir/new.qcow2", "qcow2");
    REQUIRE(made);
    REQUIRE(made->size() == qcow2_image::cluster);
    const auto head = qcow2::parse_header(*made);
    REQUIRE(head);
    CHECK(head->backing_file == "dir/new.qcow2");
    CHECK(head->backing_format == "qcow2");
    CHECK(head->header_length == 112);
    REQUIRE(head->extensions.size() == 2);
    const auto kept = head->extensions.at(1);
    CHECK(kept.type == 0xABCD1234);
    CHECK(std::to_integer<char>((*made)[kept.offset + 8]) == '!');

    const auto refusal = [&first](std::string_view name, std::string_view format) {
        const auto tried = qcow2::with_backing(first, name, format);
        return tried ? "" : tried.error().what;
    };
    using Catch::Contains;
    CHECK_THAT(refusal(std::string(1024, 'x'), ""), Contains("name is 1024"));
    CHECK_THAT(refusal("x", std::string(16, 'x')), Contains("format is 16"));
    CHECK_THAT(refusal(std::string_view{"a\0b", 3}, ""), Contains("zero byte"));
    CHECK_THAT(refusal("", "raw"), Contains("empty without a backing file"));
    CHECK(refusal(std::string(1023, 'x'), std::string(15, 'x')).empty());

    CHECK_FALSE(qcow2::with_backing(first.first(4095), "x", ""));
    CHECK_FALSE(qcow2::with_backing(image.bytes, "x", ""));

    qcow2_image raw_data;
    raw_data.put64(72, 4).put64(88, 2);
    const auto refused =
        qcow2::with_backing(std::span{raw_data.bytes}.first<qcow2_image::cluster>(), "x", "raw");
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().what, Contains("raw external data file"));
}

TEST_CASE("qcow2 with_backing: a name fits to the last byte of the cluster, and no further") {
    qcow2_image image;
    image.extension(104, 9, std::string(3900, 'x')); // ends at 4016, so the end mark at 4024
    const auto first = std::span{image.bytes}.first<qcow2_image::cluster>();
    CHECK(qcow2::with_backing(first, std::string(72, 'n'), ""));
    const auto refused = qcow2::with_backing(first, std::string(73, 'n'), "");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what.find("is 4097 (0x1001); right is at most 4096") !=
          std::string::npos);
    CHECK_FALSE(qcow2::with_backing(first, std::string(72, 'n'), "raw"));
}
