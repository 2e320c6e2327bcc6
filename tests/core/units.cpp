// SPDX-License-Identifier: MIT
#include <kvmig/core/units.hpp>
#include <support/catch.hpp>

#include <type_traits>

using namespace kvmig;

// A count of bytes is not a count of pages, and neither comes from a bare number by accident.
static_assert(!std::is_convertible_v<std::uint64_t, bytes>);
static_assert(!std::is_convertible_v<bytes, pages>);
static_assert(!std::is_convertible_v<page_rate, byte_rate>);

TEST_CASE("pages hold bytes, the last one in part") {
    constexpr bytes page = bytes::kib(4);
    CHECK(pages::holding(bytes{0}, page) == pages{0});
    CHECK(pages::holding(bytes{1}, page) == pages{1});
    CHECK(pages::holding(bytes{4096}, page) == pages{1});
    CHECK(pages::holding(bytes{4097}, page) == pages{2});
    CHECK(pages{512}.size(page) == bytes::mib(2));
}

TEST_CASE("a difference of bytes stops at zero") {
    CHECK(bytes{5} - bytes{7} == bytes{0});
    CHECK(bytes{7} - bytes{5} == bytes{2});
}

TEST_CASE("a rate tells how long an amount takes") {
    CHECK(byte_rate::mib(10).time_for(bytes::mib(25)).count() == Approx(2.5));
    CHECK(byte_rate{0}.time_for(bytes{1}) == std::chrono::duration<double>::max());
    CHECK(page_rate{1000}.of(bytes::kib(4)) == byte_rate{4096000});
}
