// SPDX-License-Identifier: MIT
#include <convergence/series.hpp>
#include <kvmig/convergence/steering.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

using namespace kvmig;
using namespace kvmig::convergence;
using namespace kvmig::convergence::testing;
using std::chrono::milliseconds;
using std::chrono::minutes;

namespace {

struct taken {
    milliseconds at{0};
    decision what;
};

/// What was decided on a series of samples, without the waiting.
std::vector<taken> decide_on(const policy &how, allowed_aids aids,
                             const std::vector<sample> &samples) {
    std::vector<taken> out;
    steering s(how, aids);
    for (const sample &each : samples) {
        decision d = s.next(each);
        if (d.what != action::wait) out.push_back({each.at, std::move(d)});
    }
    return out;
}

std::vector<milliseconds> pauses(const std::vector<taken> &all) {
    std::vector<milliseconds> out;
    for (const taken &t : all) {
        REQUIRE(t.what.what == action::set_downtime);
        REQUIRE(t.what.downtime);
        out.push_back(*t.what.downtime);
    }
    return out;
}

std::vector<milliseconds> ms(std::initializer_list<int> values) {
    std::vector<milliseconds> out;
    for (const int value : values) out.emplace_back(value);
    return out;
}

course hopeless_course() {
    course c;
    c.working_set = 100.0 * 1024 * 1024;
    c.dirty = steady(156);
    return c;
}

constexpr allowed_aids none{};
constexpr allowed_aids all_aids{true, true, true};

} // namespace

TEST_CASE("a migration that gets on is left alone") {
    course c;
    c.working_set = 100.0 * 1024 * 1024;
    c.dirty = steady(5);
    const told t = run(c, minutes(5));
    REQUIRE(t.ended);
    CHECK(decide_on(policies::gentle, all_aids, t.samples).empty());
    CHECK(decide_on(policies::stall_window, all_aids, t.samples).empty());
    CHECK(decide_on(policies::watch, all_aids, run(hopeless_course(), minutes(5)).samples).empty());
}

TEST_CASE("a hopeless migration goes to post-copy, once, when little remains") {
    const told t = run(hopeless_course(), minutes(3));
    const auto made = decide_on(policies::gentle, all_aids, t.samples);
    REQUIRE(made.size() == 1);
    CHECK(made[0].what.what == action::start_post_copy);
    CHECK(made[0].at < std::chrono::seconds(90));
    // Within 4 % of the least that remained in the window.
    window w;
    for (const sample &s : t.samples) {
        if (s.at <= made[0].at) w.add(s);
    }
    const double now = static_cast<double>(w.samples().back().memory_remaining->count());
    CHECK(now <= 1.04 * static_cast<double>(w.least_within()->count()));
    CHECK(made[0].what.reason.find("will not end by itself") != std::string::npos);
    CHECK(made[0].what.reason.find("dirtied") != std::string::npos);
}

TEST_CASE("an aid that is not allowed is not decided on") {
    const auto samples = run(hopeless_course(), minutes(5)).samples;
    CHECK(decide_on(policies::gentle, none, samples).empty());
    const auto only_abort = decide_on(policies::stall_window, {false, true, true}, samples);
    REQUIRE(only_abort.size() == 1);
    CHECK(only_abort[0].what.what == action::abort_job);
}

TEST_CASE("a pause that is little longer is preferred to post-copy, and ends it") {
    // Passes leave 8 MiB: 400 ms at 20 MiB/s, where 300 are allowed.
    course c;
    c.working_set = 8.0 * 1024 * 1024;
    c.dirty = steady(100);
    REQUIRE_FALSE(run(c, minutes(5)).ended);
    // The model tells a sample at a time, and what is decided takes effect at the next.
    steering s(policies::gentle, all_aids);
    std::vector<milliseconds> set;
    c.steer = [&](course &now, const sample &last) {
        const decision d = s.next(last);
        if (d.what == action::wait) return;
        REQUIRE(d.what == action::set_downtime);
        set.push_back(*d.downtime);
        now.limit = *d.downtime;
    };
    REQUIRE(run(c, minutes(5)).ended);
    REQUIRE_FALSE(set.empty());
    CHECK(set.size() <= 2); // what a pass leaves may first be seen as too little
    CHECK(set.front() > milliseconds(300));
    CHECK(set.back() <= milliseconds(450)); // half as much again
}

TEST_CASE("a pause far longer than the one allowed is not taken for little longer") {
    const auto made = decide_on(policies::gentle, {false, true, true},
                                run(hopeless_course(), minutes(5)).samples);
    CHECK(made.empty()); // 100 MiB at 20 MiB/s are 5 s
}

TEST_CASE("the pause follows the passes, and never falls") {
    std::vector<sample> samples;
    for (int i = 0; i < 40; ++i) {
        sample s;
        s.at = milliseconds(500 * (i + 1));
        s.memory_total = bytes::mib(256);
        s.memory_remaining = bytes::mib(200);
        s.rate = byte_rate::mib(20);
        s.iteration = 5 + static_cast<std::uint64_t>(i / 4); // carried over from 5
        s.downtime_limit = milliseconds(300);
        samples.push_back(s);
    }
    policy how = policies::by_passes;
    how.when_hopeless = {};
    CHECK(pauses(decide_on(how, none, samples)) == ms({100, 150, 200, 300, 400, 500}));
}

TEST_CASE("the pause grows with time, by the size of memory") {
    const auto samples = [](std::uint64_t gib) {
        std::vector<sample> out;
        for (int i = 0; i < 2000; ++i) {
            sample s;
            s.at = std::chrono::seconds(i + 1);
            s.memory_total = bytes::gib(gib);
            s.memory_remaining = bytes::gib(gib);
            s.rate = byte_rate::mib(20);
            s.downtime_limit = milliseconds(300);
            out.push_back(s);
        }
        return out;
    };
    policy how = policies::linear;
    how.time_per_gib.reset();
    const auto one = decide_on(how, none, samples(1));
    CHECK(pauses(one) == ms({50, 95, 140, 185, 230, 275, 320, 365, 410, 455, 500}));
    CHECK(one[1].at == std::chrono::seconds(75));
    CHECK(one[10].at == std::chrono::seconds(750));
    const auto two = decide_on(how, none, samples(2));
    CHECK(two[1].at == std::chrono::seconds(150));
}

TEST_CASE("out of time, the guest is moved at any price, or given up") {
    std::vector<sample> samples;
    for (int i = 0; i < 1000; ++i) {
        sample s;
        s.at = std::chrono::seconds(i + 1);
        s.memory_total = bytes::gib(1);
        s.memory_remaining = bytes::gib(1) - bytes::kib(512 * static_cast<std::uint64_t>(i));
        s.rate = byte_rate{512 * 1024};
        samples.push_back(s);
    }
    const auto last = [&](const policy &how, allowed_aids aids) {
        const auto made = decide_on(how, aids, samples);
        REQUIRE_FALSE(made.empty());
        return made.back();
    };
    CHECK(last(policies::linear, all_aids).what.what == action::start_post_copy);
    CHECK(last(policies::linear, {false, true, true}).what.what == action::suspend_guest);
    CHECK(last(policies::linear, {false, true, true}).at == std::chrono::seconds(800));
    CHECK(last(policies::stall_window, {false, true, true}).what.what == action::abort_job);
    CHECK(last(policies::stall_window, {false, true, true})
              .what.reason.find("800 s, the time allowed, are over") != std::string::npos);
}

TEST_CASE("the pause doubles when what remains has risen more than five times") {
    course c = hopeless_course();
    const auto made = pauses(decide_on(policies::doubling, none, run(c, minutes(4)).samples));
    REQUIRE(made.size() > 3);
    CHECK(made[0] == milliseconds(100));
    for (std::size_t i = 1; i < made.size(); ++i) CHECK(made[i] >= 2 * made[i - 1]);
}

TEST_CASE("a dead link is no reason for post-copy") {
    course c;
    c.dirty = steady(2);
    c.rate = [](double t) { return t < 6 ? 20.0 * 1024 * 1024 : 0.0; };
    const auto made = decide_on(policies::gentle, all_aids, run(c, minutes(3)).samples);
    CHECK(made.empty());
}

TEST_CASE("nothing is decided in post-copy") {
    auto samples = run(hopeless_course(), minutes(5)).samples;
    for (std::size_t i = 40; i < samples.size(); ++i) samples[i].post_copy = true;
    for (const policy &how : policies::all) {
        steering s(how, all_aids);
        for (std::size_t i = 0; i < samples.size(); ++i) {
            const decision d = s.next(samples[i]);
            INFO(how.name << " at " << samples[i].at.count() << " ms");
            if (i >= 40) REQUIRE(d.what == action::wait);
        }
    }
}

TEST_CASE("nothing is decided before memory is sent") {
    sample s;
    s.at = milliseconds(500);
    s.disk_remaining = bytes::gib(10);
    for (const policy &how : policies::all) {
        CHECK(steering(how, all_aids).next(s).what == action::wait);
    }
}

TEST_CASE("the last resort comes after the longest pause was given its time") {
    const auto made = decide_on(policies::by_passes, {false, false, true},
                                run(hopeless_course(), minutes(6)).samples);
    REQUIRE(made.size() >= 2);
    const taken &last = made.back();
    const taken &before = made[made.size() - 2];
    CHECK(last.what.what == action::abort_job);
    CHECK(before.what.downtime == milliseconds(5000));
    CHECK(last.at - before.at >= std::chrono::seconds(20)); // half a window
}

TEST_CASE("policies are found by their names") {
    for (const policy &how : policies::all) {
        REQUIRE(policies::named(how.name));
        CHECK(policies::named(how.name)->name == how.name);
    }
    CHECK_FALSE(policies::named("hasty"));
}

TEST_CASE("no policy lowers the pause once it has begun to raise it") {
    for (const policy &how : policies::all) {
        for (const double dirty : {10.0, 19.9, 30.0, 156.0}) {
            course c = hopeless_course();
            c.dirty = steady(dirty);
            milliseconds longest{0};
            for (const taken &t : decide_on(how, all_aids, run(c, minutes(10)).samples)) {
                if (!t.what.downtime) continue;
                INFO(how.name << " at " << t.at.count() << " ms");
                CHECK(*t.what.downtime > longest);
                longest = *t.what.downtime;
            }
        }
    }
}
