// SPDX-License-Identifier: MIT
#include <kvmig/tuning/memory_facts.hpp>
#include <kvmig/tuning/value.hpp>
#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace kvmig;
using namespace kvmig::tuning;

TEST_CASE("the memory of a host is read from meminfo, on old kernels too") {
    const std::string old = "MemTotal:       24682416 kB\nMemFree:        17640704 kB\n"
                            "Buffers:          110148 kB\nCached:          6373164 kB\n"
                            "SwapCached:            7 kB\n";
    const auto before = parse_meminfo(old);
    REQUIRE(before);
    CHECK(before->total == bytes::kib(24'682'416));
    CHECK(before->cached == bytes::kib(6'373'164)); // not SwapCached
    CHECK_FALSE(before->available);
    CHECK(before->to_be_had() == bytes::kib(24'124'016)); // free + buffers + cached
    const auto now = parse_meminfo(old + "MemAvailable:   23987692 kB\n");
    REQUIRE(now);
    CHECK(now->to_be_had() == bytes::kib(23'987'692));
}

TEST_CASE("meminfo that lacks a figure, or has a wrong one, is an error that names it") {
    CHECK(parse_meminfo("MemFree: 1 kB\n").error().object == "MemTotal");
    CHECK(parse_meminfo("MemTotal: 1 kB\n").error().object == "MemFree");
    CHECK(parse_meminfo("MemTotal: 1 kB\nMemFree: many kB\n").error().object == "MemFree");
    CHECK(parse_meminfo("").error().kind == error_kind::protocol);
}

TEST_CASE("memory pressure is read") {
    const auto read = parse_pressure("some avg10=12.50 avg60=3.25 avg300=0.00 total=123\n"
                                     "full avg10=1.00 avg60=0.50 avg300=0.00 total=45\n");
    REQUIRE(read);
    CHECK(*read == memory_pressure{12.5, 3.25, 1.0, 0.5});
    CHECK_FALSE(parse_pressure("some avg10=12.50 avg60=3.25 avg300=0.00 total=123\n"));
    CHECK_FALSE(parse_pressure("some avg10=x avg60=0\nfull avg10=0 avg60=0\n"));
    CHECK_FALSE(parse_pressure(""));
}

TEST_CASE("the chosen word, and the choices") {
    CHECK(chosen("always [madvise] never\n") == "madvise");
    CHECK(chosen("[none] scan-time\n") == "none");
    CHECK(chosen(" 17 \n") == "17");
    CHECK(chosen("\n").empty());
    CHECK(choices("always [madvise] never\n") ==
          std::vector<std::string>{"always", "madvise", "never"});
    CHECK(choices("performance powersave\n") ==
          std::vector<std::string>{"performance", "powersave"});
    CHECK(choices("").empty());
}
