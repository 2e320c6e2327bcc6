// SPDX-License-Identifier: MIT
#include <convergence/series.hpp>
#include <kvmig/convergence/promise.hpp>
#include <kvmig/convergence/steering.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace kvmig;
using namespace kvmig::convergence;
using namespace kvmig::convergence::testing;
using std::chrono::milliseconds;
using std::chrono::minutes;

namespace {

/// What a promise leads to on a course, after the promised pause was set.
std::optional<decision> end_of_promise(milliseconds most, double dirty_mib, double set_mib,
                                       allowed_aids aids) {
    course c;
    c.limit = most;
    c.working_set = set_mib * 1024 * 1024;
    c.dirty = steady(dirty_mib);
    steering s(policies::promise(most), aids);
    bool first = true;
    for (const sample &each : run(c, minutes{10}).samples) {
        decision d = s.next(each);
        if (d.what == action::wait) continue;
        if (std::exchange(first, false)) {
            CHECK(d.what == action::set_downtime);
            CHECK(d.downtime == most);
            continue;
        }
        return d;
    }
    return std::nullopt;
}

} // namespace

TEST_CASE(
    "a promise allows its own pause and no longer one, and is given up when it cannot be held") {
    struct row {
        milliseconds most;
        double dirty_mib; ///< a second; 20 MiB/s are sent
        double set_mib;   ///< the working set
        allowed_aids aids;
        action then; ///< wait: it ends within the promise
    };
    const allowed_aids give_up{.post_copy = false, .suspend = false, .abort = true};
    const allowed_aids follow{.post_copy = true, .suspend = false, .abort = true};
    const std::vector<row> table = {
        {milliseconds{300}, 0, 256, give_up, action::wait},
        {milliseconds{300}, 10, 256, give_up, action::wait},
        {milliseconds{50}, 10, 256, give_up, action::wait},
        {milliseconds{300}, 40, 100, give_up, action::abort_job},
        {milliseconds{300}, 40, 100, follow, action::start_post_copy},
        // The whole working set fits.
        {milliseconds{6000}, 40, 100, give_up, action::wait},
    };
    for (const row &each : table) {
        CAPTURE(each.most.count(), each.dirty_mib, each.set_mib, each.aids.post_copy);
        const auto end = end_of_promise(each.most, each.dirty_mib, each.set_mib, each.aids);
        CHECK((end ? end->what : action::wait) == each.then);
    }
}

TEST_CASE("what could have been promised would have been held") {
    const allowed_aids give_up{.post_copy = false, .suspend = false, .abort = true};
    const auto end = end_of_promise(milliseconds{300}, 40, 100, give_up);
    REQUIRE(end);
    const auto possible = possible_promise(end->seen);
    REQUIRE(possible);
    CHECK(*possible > milliseconds{300});
    CHECK_FALSE(end_of_promise(*possible, 40, 100, give_up));
}

TEST_CASE("why a promise is not held is told in figures") {
    forecast seen;
    CHECK(
        describe_unheld(milliseconds{50}, bytes::mib(3), seen) ==
        "the promised downtime of 50 ms cannot be held: 3.0 MiB of memory remain, an unknown rate "
        "are sent and an unknown rate dirtied; which promise could have been held is not known");
    seen.bandwidth = byte_rate::mib(20);
    seen.dirty = byte_rate::mib(40);
    seen.pause_needed = seconds(1.0);
    CHECK(describe_unheld(milliseconds{50}, bytes::mib(100), seen) ==
          "the promised downtime of 50 ms cannot be held: 100.0 MiB of memory remain, 20.0 MiB/s "
          "are sent and 40.0 MiB/s dirtied; a promise of 1100 ms could have been held");
    // Where the figures contradict each other, they are no advice.
    seen.pause_needed = seconds(0.01);
    CHECK_THAT(describe_unheld(milliseconds{50}, bytes::mib(100), seen),
               Catch::EndsWith("is not known"));
}

TEST_CASE("a promise is broken by what was measured alone") {
    const promise_outcome unknown{milliseconds{50}, std::nullopt};
    const promise_outcome kept{milliseconds{50}, milliseconds{50}};
    const promise_outcome broken{milliseconds{50}, milliseconds{51}};
    CHECK_FALSE(unknown.broken());
    CHECK_FALSE(kept.broken());
    CHECK(broken.broken());
    CHECK_THAT(describe(unknown), Catch::Contains("does not tell"));
    CHECK_THAT(describe(kept), Catch::EndsWith("was kept"));
    CHECK_THAT(describe(broken), Catch::Contains("51 ms") && Catch::Contains("was broken") &&
                                     Catch::EndsWith("the guest has moved"));
}
