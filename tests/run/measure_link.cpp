// SPDX-License-Identifier: MIT
// The link's rate: what dd says of it, and a pipe of this machine in its place.
#include <kvmig/run/measure_link.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <string>

using namespace kvmig;

TEST_CASE("what dd says is read, and nothing else") {
    const auto told = run::detail::parse_dd("1024+0 records in\n1024+0 records out\n67108864 bytes "
                                            "(67 MB, 64 MiB) copied, 1.25 s, 53.7 MB/s\n");
    REQUIRE(told);
    CHECK(told->moved == bytes::mib(64));
    CHECK(told->over == std::chrono::milliseconds(1250));
    CHECK(told->rate == byte_rate{53'687'091});
    CHECK(run::detail::parse_dd("512 bytes copied, 5e-01 s, 1 kB/s")->rate == byte_rate{1024});
    for (const char *other :
         {"", "dd: failed to open", "67108864 bytes (67 MB, 64 MiB)", "bytes copied, 1 s",
          "0 bytes copied, 1 s, 0 kB/s", "5 bytes copied, 0 s, Infinity B/s",
          "5 bytes copied, -1 s", "5 bytes copied, nan s", "5 bytes copied, 1e9 s",
          "5 bytes copied, 1 h", "5 words copied, 1 s"}) {
        INFO(other);
        const auto bad = run::detail::parse_dd(other);
        REQUIRE_FALSE(bad);
        CHECK(bad.error().kind == error_kind::protocol);
    }
}

TEST_CASE("a link is measured by what came at its other end, within bounds") {
    const run::link_bounds few{.most = bytes::mib(2), .longest = std::chrono::seconds(60)};
    const auto told =
        run::detail::measure_into("test:///default", run::detail::receiver(few), few, {});
    if (!told) FAIL(describe(told.error()));
    CHECK(told->moved == bytes::mib(2));
    CHECK(told->rate.per_second() > 0);
}

TEST_CASE("a link that is too slow is measured by what came in time") {
    const run::link_bounds endless{.most = bytes::gib(1024 * 1024),
                                   .longest = std::chrono::seconds(1)};
    const auto told =
        run::detail::measure_into("test:///default", run::detail::receiver(endless), endless, {});
    if (!told) FAIL(describe(told.error()));
    CHECK(told->moved < endless.most);
}

TEST_CASE("a link that cannot be measured says why") {
    const auto broken = run::detail::measure_into("test:///default", {"false"}, {}, {});
    REQUIRE_FALSE(broken);
    CHECK_THAT(broken.error().what, Catch::Contains("ended with status 1"));
    const auto nowhere = run::measure_link("test:///default", "test:///default");
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().kind == error_kind::unsupported);
    CHECK(run::measure_link("test:///default", "qemu+ssh://-oX/system").error().kind ==
          error_kind::invalid_argument);
}
