// SPDX-License-Identifier: MIT
#include <convergence/series.hpp>
#include <kvmig/convergence/forecast.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

using namespace kvmig;
using namespace kvmig::convergence;
using namespace kvmig::convergence::testing;
using std::chrono::milliseconds;
using std::chrono::minutes;

namespace {

/// All verdicts on a series, and the first moment of each.
struct verdicts {
    std::vector<verdict> each;
    std::optional<milliseconds> first_no;
    std::optional<milliseconds> first_yes;
    forecast last;

    [[nodiscard]] bool ever(verdict v) const {
        for (const verdict seen : each) {
            if (seen == v) return true;
        }
        return false;
    }
};

verdicts judge(const std::vector<sample> &samples, window_settings settings = {},
               const forecast_settings &how = {}) {
    verdicts out;
    window w(settings);
    for (const sample &s : samples) {
        w.add(s);
        out.last = foretell(w, how);
        out.each.push_back(out.last.ends);
        if (out.last.ends == verdict::no && !out.first_no) out.first_no = s.at;
        if (out.last.ends == verdict::yes && !out.first_yes) out.first_yes = s.at;
    }
    return out;
}

} // namespace

TEST_CASE("a guest that dirties less than the link carries is told to end, and when") {
    // As in the lab: 256 MiB over 20 MiB/s, 2,000 pages/s.
    course c;
    c.working_set = 100.0 * 1024 * 1024;
    c.dirty = steady(7.8);
    const told t = run(c, minutes(10));
    REQUIRE(t.ended);
    const verdicts v = judge(t.samples);
    CHECK_FALSE(v.ever(verdict::no));
    REQUIRE(v.first_yes);
    // Told in the second pass, when the dirty rate is known.
    CHECK(*v.first_yes < milliseconds(256 * 1000 / 20 + 2000));

    // The time foretold then is about the time it took.
    window w;
    for (const sample &s : t.samples) {
        if (s.at <= *v.first_yes) w.add(s);
    }
    const forecast f = foretell(w);
    REQUIRE(f.total_time);
    const seconds left = t.at - *v.first_yes;
    CHECK(f.total_time->count() == Approx(left.count()).epsilon(0.5));
    CHECK(f.rests_on(observed::rate_above_dirty));
    CHECK(*f.bandwidth == byte_rate::mib(20));
}

TEST_CASE("a guest that dirties far more than the link carries is told to be hopeless in time") {
    // As in the lab: 40,000 pages/s over 20 MiB/s, not done after 60 s.
    course c;
    c.working_set = 100.0 * 1024 * 1024;
    c.dirty = steady(156);
    const told t = run(c, minutes(2));
    REQUIRE_FALSE(t.ended);
    const verdicts v = judge(t.samples);
    REQUIRE(v.first_no);
    // First pass 12.8 s, then four of 5 s each.
    CHECK(*v.first_no < std::chrono::seconds(40));
    CHECK_FALSE(v.ever(verdict::yes));
    CHECK(v.last.ends == verdict::no);
    CHECK(v.last.rests_on(observed::dirty_above_rate));
    CHECK(v.last.rests_on(observed::passes_not_shrink));
    const std::string text = describe(v.last.because);
    INFO(text);
    CHECK(text.find("156.0 MiB/s are dirtied and 20.0 MiB/s sent") != std::string::npos);
}

TEST_CASE("a working set that fits in the pause ends, however fast it is dirtied") {
    course c;
    c.working_set = 4.0 * 1024 * 1024; // 20 MiB/s × 300 ms = 6 MiB
    c.dirty = steady(500);
    const told t = run(c, minutes(5));
    REQUIRE(t.ended);
    CHECK_FALSE(judge(t.samples).ever(verdict::no));
}

TEST_CASE("a guest whose load comes and goes is not given up while it gets on") {
    // Ten seconds at three times the rate, then thirty in which it gets on.
    course c;
    c.working_set = 200.0 * 1024 * 1024;
    c.dirty = [](double t) { return (std::fmod(t, 40) < 10 ? 60.0 : 2.0) * 1024 * 1024; };
    const told t = run(c, minutes(10));
    REQUIRE(t.ended);
    CHECK_FALSE(judge(t.samples).ever(verdict::no));
}

TEST_CASE("a guest that swings but never gets on is hopeless") {
    course c;
    c.working_set = 120.0 * 1024 * 1024;
    c.dirty = [](double t) { return (std::fmod(t, 4) < 2 ? 120.0 : 10.0) * 1024 * 1024; };
    const told t = run(c, minutes(3));
    REQUIRE_FALSE(t.ended);
    const verdicts v = judge(t.samples);
    REQUIRE(v.first_no);
    CHECK(*v.first_no < std::chrono::seconds(60));
    CHECK_FALSE(v.ever(verdict::yes));
}

TEST_CASE("a link that carries nothing is told apart from a guest that dirties too much") {
    course c;
    c.dirty = steady(2);
    c.rate = [](double t) { return t < 6 ? 20.0 * 1024 * 1024 : 0.0; };
    const told t = run(c, minutes(1));
    REQUIRE_FALSE(t.ended);
    const verdicts v = judge(t.samples);
    REQUIRE(v.first_no);
    CHECK(*v.first_no >= std::chrono::seconds(6 + 10)); // a quarter of the window
    CHECK(*v.first_no <= std::chrono::seconds(6 + 11));
    CHECK(v.last.rests_on(observed::link_stalled));
    CHECK_FALSE(v.last.rests_on(observed::dirty_above_rate));
}

TEST_CASE("a pass counter that carries over from a cancelled migration changes no verdict") {
    for (const double mib : {7.8, 156.0}) {
        course c;
        c.working_set = 100.0 * 1024 * 1024;
        c.dirty = steady(mib);
        const auto fresh = judge(run(c, minutes(2)).samples);
        c.counter_begins_at = 17;
        const told t = run(c, minutes(2));
        const auto carried = judge(t.samples);
        CHECK(carried.each == fresh.each);
        CHECK(carried.last.rests_on(observed::counter_carried));
    }
}

TEST_CASE("figures of a migration before are forgotten when the counter begins anew") {
    course c;
    c.dirty = steady(156);
    std::vector<sample> before = run(c, minutes(2)).samples;
    c.dirty = steady(5);
    const std::vector<sample> after = run(c, minutes(2)).samples;
    for (sample &s : before) s.iteration = *s.iteration + 40;
    REQUIRE(judge(before).last.ends == verdict::no);
    const milliseconds shift = before.back().at;
    for (sample s : after) {
        s.at += shift;
        before.push_back(s);
    }
    window w;
    for (const sample &s : before) w.add(s);
    CHECK(w.first_iteration() == std::uint64_t{1});
    CHECK(foretell(w).ends == verdict::yes);
}

TEST_CASE("without some figures the others are used, and without all nothing is claimed") {
    course hopeless;
    hopeless.working_set = 100.0 * 1024 * 1024;
    hopeless.dirty = steady(156);
    const auto samples = run(hopeless, minutes(3)).samples;

    SECTION("no dirty rate: passes that do not shrink tell") {
        auto some = samples;
        for (sample &s : some) s.dirty.reset();
        const verdicts v = judge(some);
        CHECK(v.last.ends == verdict::no);
        CHECK(v.last.rests_on(observed::no_dirty_rate));
    }
    SECTION("no counter and no dirty rate: what remains tells") {
        auto some = samples;
        for (sample &s : some) {
            s.dirty.reset();
            s.iteration.reset();
        }
        const verdicts v = judge(some);
        CHECK(v.last.ends == verdict::no);
        CHECK(v.last.rests_on(observed::remaining_stalled));
    }
    SECTION("no rate: it is reckoned from what was sent") {
        auto some = samples;
        for (sample &s : some) s.rate.reset();
        const verdicts v = judge(some);
        CHECK(v.last.ends == verdict::no);
        REQUIRE(v.last.bandwidth);
        CHECK(v.last.bandwidth->as_mib() == Approx(20).epsilon(0.05));
    }
    SECTION("neither rate nor what was sent") {
        auto some = samples;
        for (sample &s : some) {
            s.rate.reset();
            s.memory_processed.reset();
        }
        const verdicts v = judge(some);
        CHECK_FALSE(v.ever(verdict::no));
        CHECK_FALSE(v.ever(verdict::yes));
        CHECK(v.last.rests_on(observed::no_rate));
        CHECK(v.last.to_move.has_value());
    }
    SECTION("not even what remains") {
        auto some = samples;
        for (sample &s : some) s.memory_remaining.reset();
        const verdicts v = judge(some);
        CHECK(v.last.ends == verdict::unknown);
        CHECK(v.last.rests_on(observed::too_few_samples));
    }
    SECTION("no limit told: QEMU's own") {
        auto some = samples;
        for (sample &s : some) s.downtime_limit.reset();
        CHECK(judge(some).last.downtime_limit == milliseconds(300));
    }
}

TEST_CASE("a large memory over a slow link is not taken for one that does not get on") {
    // 64 GiB at 50 MiB/s: in 40 s what remains falls by 3 %.
    course c;
    c.memory = 64.0 * 1024 * 1024 * 1024;
    c.rate = steady(50);
    c.every = milliseconds(2000);
    auto samples = run(c, minutes(5)).samples;
    for (sample &s : samples) {
        s.iteration.reset();
        s.dirty.reset();
    }
    CHECK_FALSE(judge(samples).ever(verdict::no));
    for (sample &s : samples) s.memory_processed.reset();
    CHECK_FALSE(judge(samples).ever(verdict::no));
}

TEST_CASE("disks that are still being mirrored are counted, and say nothing of memory") {
    std::vector<sample> samples;
    for (int i = 1; i <= 10; ++i) {
        sample s;
        s.at = milliseconds(500 * i);
        s.memory_total = bytes{0};
        s.memory_remaining = bytes{0};
        s.disk_remaining = bytes::mib(100);
        samples.push_back(s);
    }
    CHECK(judge(samples).last.ends == verdict::unknown);
    sample s;
    s.at = milliseconds(6000);
    s.memory_total = bytes::mib(256);
    s.memory_remaining = bytes::mib(256);
    s.disk_remaining = bytes::mib(3);
    s.rate = byte_rate::mib(10);
    window w;
    for (const sample &each : samples) CHECK_FALSE(w.add(each));
    CHECK(w.add(s));
    CHECK(foretell(w).to_move == bytes::mib(259));
}

TEST_CASE("the downtime foretold is what remains over the rate") {
    window w;
    for (int i = 1; i <= 3; ++i) {
        sample s;
        s.at = milliseconds(500 * i);
        s.memory_total = bytes::mib(256);
        s.memory_remaining = bytes::mib(50);
        s.rate = byte_rate::mib(100);
        s.iteration = 1;
        w.add(s);
    }
    CHECK(foretell(w).downtime->count() == Approx(0.5));
    CHECK(foretell(w).rests_on(observed::first_pass));
}

TEST_CASE("the rate is a moving average, in which the newest weighs two fifths") {
    window w;
    const auto add = [&](int at, std::uint64_t mib) {
        sample s;
        s.at = milliseconds(at);
        s.memory_remaining = bytes::mib(100);
        s.rate = byte_rate::mib(mib);
        w.add(s);
    };
    add(500, 0); // nothing sent yet: not a rate
    CHECK_FALSE(w.bandwidth());
    add(1000, 100);
    CHECK(*w.bandwidth() == byte_rate::mib(100));
    add(1500, 50);
    CHECK(*w.bandwidth() == byte_rate::mib(80));
}

TEST_CASE("a sample out of order changes nothing") {
    window w;
    sample s;
    s.at = milliseconds(1000);
    s.memory_remaining = bytes::mib(1);
    CHECK(w.add(s));
    CHECK_FALSE(w.add(s));
    s.at = milliseconds(900);
    CHECK_FALSE(w.add(s));
    CHECK(w.samples().size() == 1);
}

TEST_CASE("post-copy always comes to an end, but not over a dead link") {
    course c;
    c.dirty = steady(156);
    auto samples = run(c, minutes(2)).samples;
    REQUIRE(judge(samples).last.ends == verdict::no);
    for (sample &s : samples) s.post_copy = true;
    const forecast f = judge(samples).last;
    CHECK(f.ends == verdict::yes);
    CHECK(f.rests_on(observed::post_copy));
    CHECK_FALSE(f.downtime);
    sample last = samples.back();
    for (int i = 0; i < 40; ++i) {
        last.at += milliseconds(500);
        samples.push_back(last);
    }
    CHECK(judge(samples).last.rests_on(observed::link_stalled));
}

TEST_CASE("as long as auto-converge slows the guest more and more, it is not given up") {
    course c;
    c.working_set = 100.0 * 1024 * 1024;
    c.dirty = steady(156);
    auto samples = run(c, minutes(2)).samples;
    std::uint64_t throttle = 20;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        if (i % 16 == 0 && i > 30 && throttle < 99)
            throttle = std::min<std::uint64_t>(99, throttle + 10);
        samples[i].throttle = throttle;
    }
    window w;
    bool no_while_rising = false;
    for (const sample &s : samples) {
        w.add(s);
        if (*s.throttle < 99 && *s.throttle > 20) {
            no_while_rising = no_while_rising || foretell(w).ends == verdict::no;
        }
    }
    CHECK_FALSE(no_while_rising);
    CHECK(foretell(w).ends == verdict::no); // at its end, and it does not help
}

TEST_CASE("a rate above the dirty rate is never called hopeless") {
    std::mt19937 random(7); // NOLINT(cert-msc51-cpp): the same each time
    for (int i = 0; i < 300; ++i) {
        const double rate = 1 + static_cast<double>(random() % 1000);
        course c;
        c.memory = static_cast<double>(1 + random() % 4096) * 1024 * 1024;
        c.working_set = c.memory * static_cast<double>(random() % 101) / 100;
        c.rate = steady(rate);
        c.dirty = steady(rate * static_cast<double>(random() % 100) / 100);
        c.limit = milliseconds(1 + random() % 1000);
        c.every = milliseconds(100 + 10 * (random() % 200));
        const told t = run(c, minutes(3));
        INFO("rate " << rate << " MiB/s, dirty " << c.dirty(0) / 1048576 << " MiB/s, memory "
                     << c.memory / 1048576 << " MiB");
        REQUIRE_FALSE(judge(t.samples).ever(verdict::no));
    }
}

TEST_CASE("what is told to be hopeless does not end, and what is told to end does") {
    std::mt19937 random(11); // NOLINT(cert-msc51-cpp): the same each time
    int hopeless = 0;
    for (int i = 0; i < 200; ++i) {
        course c;
        c.memory = static_cast<double>(64 + random() % 1024) * 1024 * 1024;
        c.working_set = c.memory * static_cast<double>(random() % 101) / 100;
        const double rate = 5 + static_cast<double>(random() % 200);
        c.rate = steady(rate);
        c.dirty = steady(rate * static_cast<double>(random() % 400) / 100);
        const told t = run(c, minutes(5));
        const verdicts v = judge(t.samples);
        INFO("rate " << rate << " MiB/s, dirty " << c.dirty(0) / 1048576 << " MiB/s, memory "
                     << c.memory / 1048576 << " MiB, working set " << c.working_set / 1048576);
        if (v.ever(verdict::no)) {
            REQUIRE_FALSE(t.ended);
            ++hopeless;
        }
        // Steady courses: a "yes" by the rates is kept.
        if (v.last.rests_on(observed::rate_above_dirty) && v.last.ends == verdict::yes) {
            c.every = minutes(200);
            REQUIRE(run(c, minutes(120)).ended);
        }
    }
    CHECK(hopeless > 20);
}

TEST_CASE("a different unit of time changes no verdict and scales the times") {
    for (const double dirty : {3.0, 15.0, 18.5, 19.6, 30.0, 156.0}) {
        for (const int factor : {2, 5, 10}) {
            course c;
            c.working_set = 100.0 * 1024 * 1024;
            c.dirty = steady(dirty);
            const auto samples = run(c, minutes(2)).samples;
            auto slow = samples;
            for (sample &s : slow) {
                s.at *= factor;
                *s.downtime_limit *= factor;
                s.rate = byte_rate{s.rate->per_second() / static_cast<std::uint64_t>(factor)};
                s.dirty = byte_rate{s.dirty->per_second() / static_cast<std::uint64_t>(factor)};
            }
            window_settings longer;
            longer.length *= factor;
            const verdicts a = judge(samples);
            const verdicts b = judge(slow, longer);
            INFO(dirty << " MiB/s, times " << factor);
            REQUIRE(a.each == b.each);
            CHECK(a.last.total_time.has_value() == b.last.total_time.has_value());
            if (a.last.total_time) {
                CHECK(b.last.total_time->count() / a.last.total_time->count() ==
                      Approx(factor).epsilon(0.001));
            }
            CHECK(b.last.downtime->count() / a.last.downtime->count() ==
                  Approx(factor).epsilon(0.001));
        }
    }
}

TEST_CASE("every observation can be said") {
    for (const observed what :
         {observed::too_few_samples, observed::no_rate, observed::no_dirty_rate,
          observed::first_pass, observed::counter_carried, observed::post_copy,
          observed::fits_in_pause, observed::rate_above_dirty, observed::dirty_above_rate,
          observed::passes_not_shrink, observed::passes_shrink, observed::remaining_stalled,
          observed::remaining_falls, observed::link_stalled, observed::throttle_rising}) {
        CHECK_FALSE(describe(observation{what, 1, 2}).empty());
    }
    CHECK(describe(observation{observed::fits_in_pause, 512, 1536}) ==
          "a pass leaves 512 B, and 1.5 KiB fit in the pause that is allowed");
}
