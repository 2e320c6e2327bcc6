// SPDX-License-Identifier: MIT
#include <kvmig/model/json_leaves.hpp>
#include <kvmig/model/query_migrate.hpp>
#include <support/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

using namespace kvmig;
using namespace kvmig::model;
using namespace std::chrono_literals;

namespace {

std::vector<json_leaf> leaves(std::string_view text) {
    const auto read = json_leaves(text);
    INFO(text);
    REQUIRE(read);
    return *read;
}

} // namespace

TEST_CASE("JSON is its leaves, each with the names that lead to it") {
    CHECK(leaves(R"( {"a": {"b": 1, "c": [true, {"d": "x"}, []]}, "e": null, "f": -1.5e+3} )") ==
          std::vector<json_leaf>{{"a.b", "1"},
                                 {"a.c.0", "true"},
                                 {"a.c.1.d", "x", true},
                                 {"e", "null"},
                                 {"f", "-1.5e+3"}});
    CHECK(leaves("{}").empty());
    CHECK(leaves("7") == std::vector<json_leaf>{{"", "7"}});
    CHECK(leaves(R"("a\"\\\/\n\u0041\u00e9\u20ac\ud83d\ude00")") ==
          std::vector<json_leaf>{{"", "a\"\\/\nA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", true}});
}

TEST_CASE("What is no JSON is told with its place") {
    for (const std::string_view text :
         {"",       " ",       "{",         "}",           "[1",
          "[1,]",   "{1:2}",   "{\"a\" 1}", "{\"a\":}",    "tru",
          "01",     "1.",      "-",         "1e",          "\"",
          "\"\\",   "\"\\x\"", "\"\\u12\"", "\"\\ud83d\"", "\"\\ude00\"",
          "\"\n\"", "1 2",     "{} {}",     "{\"a\":1,}",  "+1",
          ".5",     "nan"}) {
        INFO(text);
        const auto read = json_leaves(text);
        REQUIRE_FALSE(read);
        CHECK(read.error().kind == error_kind::protocol);
        CHECK(read.error().what.find("character") != std::string::npos);
    }
    CHECK_FALSE(json_leaves(std::string(100'000, '[')));
    CHECK(json_leaves(std::string(60, '[') + std::string(60, ']')));
}

TEST_CASE("A migration that has not begun tells nothing") {
    for (const std::string_view text : {R"({"return": {}})", "{}"}) {
        const auto told = parse_query_migrate(text);
        REQUIRE(told);
        CHECK(told->status == "none");
        CHECK_FALSE(told->ended());
        CHECK(told->statistics == job_statistics{});
    }
}

// Answers of QEMU 7.2.
TEST_CASE("Memory and disks of a migration with its disks, on the way") {
    const auto told = parse_query_migrate(R"({"return": {"expected-downtime": 300,
        "status": "active", "setup-time": 12, "total-time": 4321, "ram": {"total": 286072832,
        "postcopy-requests": 0, "dirty-sync-count": 1, "multifd-bytes": 0, "pages-per-second": 630,
        "downtime-bytes": 0, "page-size": 4096, "remaining": 250085376, "postcopy-bytes": 0,
        "mbps": 8.1919999999999998, "transferred": 21217542, "dirty-sync-missed-zero-copy": 0,
        "precopy-bytes": 20999111, "duplicate": 3705, "dirty-pages-rate": 17, "skipped": 0,
        "normal-bytes": 20832256, "normal": 5086},
        "disk": {"total": 67108864, "postcopy-requests": 0, "dirty-sync-count": 0,
        "multifd-bytes": 0, "pages-per-second": 0, "downtime-bytes": 0, "page-size": 0,
        "remaining": 50331648, "postcopy-bytes": 0, "mbps": 0, "transferred": 16777216,
        "dirty-sync-missed-zero-copy": 0, "precopy-bytes": 0, "duplicate": 0,
        "dirty-pages-rate": 0, "skipped": 0, "normal-bytes": 0, "normal": 0}}})");
    REQUIRE(told);
    CHECK(told->status == "active");
    CHECK_FALSE(told->ended());
    const job_statistics &s = told->statistics;
    CHECK(s.type == job_type::unbounded);
    CHECK(s.time_elapsed == 4321ms);
    CHECK(s.setup_time == 12ms);
    CHECK(s.downtime == 300ms);
    CHECK(s.memory_total == bytes{286072832});
    CHECK(s.memory_processed == bytes{21217542});
    CHECK(s.memory_remaining == bytes{250085376});
    CHECK(s.memory_constant == pages{3705});
    CHECK(s.memory_normal == pages{5086});
    CHECK(s.memory_normal_bytes == bytes{20832256});
    CHECK(s.memory_dirty_rate == page_rate{17});
    CHECK(s.memory_page_size == bytes{4096});
    CHECK(s.memory_iteration == 1);
    CHECK(s.memory_bps == byte_rate{1024000});
    CHECK(s.disk_total == bytes{67108864});
    CHECK(s.disk_processed == bytes{16777216});
    CHECK(s.disk_remaining == bytes{50331648});
    CHECK(s.data_total == bytes{286072832 + 67108864});
    CHECK(s.data_remaining == bytes{250085376 + 50331648});
    job_progress progress;
    progress.statistics = s;
    REQUIRE(progress.fraction());
    CHECK(*progress.fraction() > 0.14);
    CHECK(*progress.fraction() < 0.16);
}

TEST_CASE("A migration that has ended tells its own downtime, whatever was expected") {
    for (const std::string_view text :
         {R"({"status": "completed", "downtime": 86, "expected-downtime": 300})",
          R"({"status": "completed", "expected-downtime": 300, "downtime": 86})"}) {
        const auto told = parse_query_migrate(text);
        REQUIRE(told);
        CHECK(told->ended());
        CHECK(told->statistics.type == job_type::completed);
        CHECK(told->statistics.downtime == 86ms);
    }
}

TEST_CASE("A failed migration tells why, a destination little") {
    const auto failed =
        parse_query_migrate(R"({"status": "failed", "error-desc": "Connection refused"})");
    REQUIRE(failed);
    CHECK(failed->ended());
    CHECK(failed->error_text == "Connection refused");
    CHECK(failed->statistics.type == job_type::failed);
    const auto there = parse_query_migrate(R"({"return": {"status": "active", "socket-address":
        [{"port": "6666", "ipv4": true, "host": "0.0.0.0", "type": "inet"}]}})");
    REQUIRE(there);
    CHECK(there->status == "active");
    CHECK_FALSE(there->statistics.memory_total);
    CHECK_FALSE(there->statistics.data_total);
}

TEST_CASE("A count that is no whole number, or a text, is left out") {
    const auto told = parse_query_migrate(
        R"({"status": "active", "ram": {"total": -1, "remaining": "7", "transferred": 1e3,
            "normal": 18446744073709551616, "mbps": -2}})");
    REQUIRE(told);
    job_statistics nothing;
    nothing.type = job_type::unbounded;
    CHECK(told->statistics == nothing);
}
