// SPDX-License-Identifier: MIT
#include <kvmig/ports/subscription.hpp>
#include <support/catch.hpp>

#include <type_traits>
#include <utility>

using kvmig::ports::subscription;

static_assert(!std::is_copy_constructible_v<subscription>);

TEST_CASE("a subscription ends once, when it is destroyed") {
    int ends = 0;
    {
        const subscription one([&] { ++ends; });
        CHECK(one);
        CHECK(ends == 0);
    }
    CHECK(ends == 1);
}

TEST_CASE("a subscription that was moved from ends nothing") {
    int ends = 0;
    {
        subscription one([&] { ++ends; });
        subscription two(std::move(one));
        CHECK(two);
        subscription three;
        CHECK_FALSE(three);
        three = std::move(two);
        CHECK(ends == 0);
    }
    CHECK(ends == 1);
}

TEST_CASE("assigning over a subscription ends the old one") {
    int first = 0;
    int second = 0;
    subscription one([&] { ++first; });
    one = subscription([&] { ++second; });
    CHECK(first == 1);
    CHECK(second == 0);
    one.reset();
    CHECK_FALSE(one);
    CHECK(second == 1);
    one.reset();
    CHECK(second == 1);
}

TEST_CASE("what ends a subscription may look at it") {
    subscription one;
    bool was_empty = false;
    one = subscription([&] { was_empty = !one; });
    one.reset();
    CHECK(was_empty);
}
