// SPDX-License-Identifier: MIT
// How the clocks of two hosts are compared.
#include <kvmig/run/check_clock.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <string>

using namespace kvmig;
using namespace std::chrono_literals;

TEST_CASE("a clock is read as date prints it, and nothing else is") {
    CHECK(run::detail::parse_clock("1732290000.000000001\n") == 1732290000s + 1ns);
    CHECK(run::detail::parse_clock("0.999999999") == 999999999ns);
    for (const char *text :
         {"", "\n", "1732290000", "1732290000.", "1732290000.5", "1732290000.0000000001",
          "1732290000.%N", "-1.000000000", "9999999999999.000000000", "Sun Nov 22 15:00:00 2026",
          "1732290000.00000000x", "1732290000.-00000001"}) {
        INFO(text);
        const auto read = run::detail::parse_clock(text);
        REQUIRE_FALSE(read);
        CHECK(read.error().kind == error_kind::protocol);
    }
}

TEST_CASE("what asking took is what the difference can be off") {
    const ports::steady_time start{1000s};
    // Read at some moment of 100 ms; then 40 ms, three seconds later, of a clock 7 s ahead.
    const run::clock_reading first{500s, start, start + 100ms};
    const run::clock_reading second{510s, start + 3s, start + 3040ms};
    const auto offset = run::detail::offset_of(first, second);
    CHECK(offset.ahead == 7030ms); // 10 s less the 2970 ms between the middles
    CHECK(offset.within == 71ms);
    const auto back = run::detail::offset_of(second, first);
    CHECK(back.ahead == -offset.ahead);
    CHECK(back.within == offset.within);
}

TEST_CASE("a host's clock agrees with itself") {
    const auto offset = run::compare_clocks(run::read_clock_at("test:///default"),
                                            run::read_clock_at("test:///default"));
    REQUIRE(offset);
    CHECK(offset->ahead <= offset->within);
    CHECK(-offset->ahead <= offset->within);
}

TEST_CASE("a host that is not reached over SSH does not tell its clock") {
    const auto offset = run::compare_clocks(run::read_clock_at("test:///default"),
                                            run::read_clock_at("qemu+tls://kvm02/system"));
    REQUIRE_FALSE(offset);
    CHECK(offset.error().kind == error_kind::unsupported);
}
