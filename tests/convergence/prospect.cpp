// SPDX-License-Identifier: MIT
// The forecast before a migration begins.
#include <kvmig/convergence/prospect.hpp>
#include <support/catch.hpp>

#include <chrono>

using namespace kvmig;
using namespace kvmig::convergence;
using namespace std::chrono_literals;

namespace {

planned_move plan_of(std::uint64_t memory, std::uint64_t rate, std::uint64_t dirty) {
    planned_move out;
    out.memory = bytes::mib(memory);
    out.rate = byte_rate::mib(rate);
    out.dirty = byte_rate::mib(dirty);
    return out;
}

/// Pass after pass, as QEMU sends them: what is left when it fits in the pause, and the time.
struct passes {
    double seconds = 0;
    double left = 0; ///< MiB
};
passes send(double memory, double rate, double dirty, double limit) {
    passes out{0, memory};
    const double step = 0.001;
    // In small steps: sent at one rate, dirtied at the other.
    while (out.left > rate * limit) {
        out.left += (dirty - rate) * step;
        out.seconds += step;
        REQUIRE(out.seconds < 1e5);
    }
    out.seconds += out.left / rate;
    return out;
}

} // namespace

TEST_CASE("while less is dirtied than sent, it ends when the series says") {
    struct {
        std::uint64_t memory, rate, dirty;
    } static const table[] = {{1024, 100, 0}, {1024, 100, 10}, {4096, 110, 90}, {512, 1000, 500}};
    for (const auto &[memory, rate, dirty] : table) {
        INFO(memory << " MiB at " << rate << " against " << dirty);
        const auto out = foretell(plan_of(memory, rate, dirty));
        CHECK(out.ends == verdict::yes);
        CHECK(out.rests_on(observed::rate_above_dirty));
        const auto seen = send(static_cast<double>(memory), static_cast<double>(rate),
                               static_cast<double>(dirty), 0.3);
        REQUIRE(out.total_time);
        CHECK(out.total_time->count() == Approx(seen.seconds).epsilon(0.01));
        REQUIRE(out.downtime);
        CHECK(out.downtime->count() == Approx(0.3));
        CHECK(out.to_move == bytes::mib(memory));
    }
}

TEST_CASE("disks are copied before the memory") {
    auto plan = plan_of(100, 100, 0);
    plan.disks = bytes::mib(1000);
    const auto out = foretell(plan);
    CHECK(out.to_move == bytes::mib(1100));
    REQUIRE(out.total_time);
    CHECK(out.total_time->count() == Approx(11));
}

TEST_CASE("what fits in the pause moves however much is dirtied") {
    auto plan = plan_of(100, 100, 5000);
    plan.downtime_limit = 2s;
    const auto out = foretell(plan);
    CHECK(out.ends == verdict::yes);
    CHECK(out.rests_on(observed::fits_in_pause));
    CHECK(out.downtime->count() == Approx(1));
    CHECK(out.total_time->count() == Approx(1));
}

TEST_CASE("as much dirtied as sent does not end, unless a long pause may hold it all") {
    auto plan = plan_of(1024, 100, 100);
    CHECK(foretell(plan).ends == verdict::no);
    CHECK(foretell(plan).rests_on(observed::dirty_above_rate));
    CHECK_FALSE(foretell(plan).downtime);
    plan.downtime_limit = 1s; // it was looked at for one second
    CHECK(foretell(plan).ends == verdict::unknown);
    plan.dirty_over = 5s;
    CHECK(foretell(plan).ends == verdict::no);
    plan.dirty = byte_rate::mib(97); // too close to tell
    CHECK(foretell(plan).ends == verdict::unknown);
    REQUIRE(foretell(plan).total_time);
    CHECK(foretell(plan).total_time->count() == Approx(10.24)); // at the least
}

TEST_CASE("without a rate, or without knowing what is dirtied, nothing is foretold") {
    auto plan = plan_of(1024, 100, 10);
    plan.dirty.reset();
    auto out = foretell(plan);
    CHECK(out.ends == verdict::unknown);
    CHECK(out.because.empty());
    CHECK(out.total_time->count() == Approx(10.24));
    plan.rate.reset();
    out = foretell(plan);
    CHECK(out.ends == verdict::unknown);
    CHECK_FALSE(out.total_time);
    plan.rate = byte_rate{0};
    CHECK_FALSE(foretell(plan).total_time);
}
