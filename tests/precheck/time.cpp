// SPDX-License-Identifier: MIT
// The rule about clocks: clear, violated, unknown.
#include <precheck/healthy.hpp>

#include <chrono>
#include <limits>

using namespace kvmig;
using namespace kvmig::test;
using std::chrono::milliseconds;

TEST_CASE("clocks that are apart by more than asking took are told") {
    constexpr auto longest = milliseconds::max();
    constexpr auto earliest = milliseconds::min();
    struct {
        milliseconds ahead;
        milliseconds within;
        std::optional<precheck::severity> said;
    } static const table[] = {
        {milliseconds{0}, milliseconds{0}, {}},
        {milliseconds{1000}, milliseconds{0}, {}},
        {milliseconds{1001}, milliseconds{0}, warns},
        {milliseconds{-1001}, milliseconds{0}, warns},
        {milliseconds{4000}, milliseconds{3000}, {}}, // they may be apart by one second only
        {milliseconds{4001}, milliseconds{3000}, warns},
        {milliseconds{-400'000}, milliseconds{20}, warns},
        {milliseconds{0}, milliseconds{300'000}, {}},
        {milliseconds{0}, milliseconds{300'001}, unknown},
        {milliseconds{-200'000}, milliseconds{200'000}, unknown},
        {longest, milliseconds{0}, warns},
        {earliest, milliseconds{0}, warns},
        {earliest, longest, unknown},
    };
    for (const auto &[ahead, within, said] : table) {
        INFO(ahead.count() << " ms within " << within.count());
        auto f = healthy();
        f.destination.clock = precheck::clock_offset{ahead, within};
        CHECK(told(f, "KVM-TIM-001") == said);
        CHECK(test::check(f).findings.size() == (said ? 1 : 0));
    }
}

TEST_CASE("what is told of clocks") {
    auto f = healthy();
    f.destination.clock = precheck::clock_offset{milliseconds{-7250}, milliseconds{140}};
    auto found = findings_of(f, "KVM-TIM-001");
    REQUIRE(found.size() == 1);
    CHECK(found[0].seen == "its clock is 7.3 s behind the source's, give or take 0.1 s");
    CHECK(found[0].remedy.front() == "ssh kvm01 'timedatectl set-ntp true'");
    f.destination.clock = precheck::clock_offset{milliseconds{90'000}, milliseconds{0}};
    found = findings_of(f, "KVM-TIM-001");
    REQUIRE(found.size() == 1);
    CHECK(found[0].seen == "its clock is 90.0 s ahead of the source's, give or take 0.0 s");
    forget(f.destination.clock);
    CHECK(told(f, "KVM-TIM-001") == unknown);
}
