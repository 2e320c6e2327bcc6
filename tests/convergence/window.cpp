// SPDX-License-Identifier: MIT
#include <convergence/series.hpp>
#include <kvmig/convergence/window.hpp>
#include <kvmig/model/job.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

using namespace kvmig;
using namespace kvmig::convergence;
using namespace kvmig::convergence::testing;

namespace {

sample at(int ms, std::uint64_t remaining_mib, std::uint64_t iteration) {
    sample s;
    s.at = milliseconds(ms);
    s.memory_total = bytes::mib(256);
    s.memory_remaining = bytes::mib(remaining_mib);
    s.iteration = iteration;
    return s;
}

} // namespace

TEST_CASE("the window slides, and remembers the least of what it left behind") {
    window w({milliseconds(1000), 0.4});
    CHECK(w.empty());
    w.add(at(500, 90, 1));
    w.add(at(1000, 40, 1));
    w.add(at(1500, 60, 2));
    CHECK(w.covered() == milliseconds(1000));
    CHECK_FALSE(w.full());
    CHECK(w.least_within() == bytes::mib(40));
    w.add(at(2100, 50, 2));
    CHECK(w.full());
    CHECK(w.samples().size() == 2);
    CHECK(w.least_before() == bytes::mib(40));
    CHECK(w.least_within() == bytes::mib(50));
}

TEST_CASE("passes are counted from the counter's first value") {
    for (const std::uint64_t first : {1U, 17U}) {
        window fresh;
        fresh.add(at(500, 200, first));
        fresh.add(at(1000, 100, first));
        CHECK(fresh.passes_done() == std::uint64_t{0});
        REQUIRE(fresh.passes().size() == 1);
        CHECK(fresh.passes()[0].number == 0);
        fresh.add(at(1500, 80, first + 1));
        fresh.add(at(2000, 30, first + 1));
        CHECK(fresh.passes_done() == std::uint64_t{1});
        REQUIRE(fresh.passes().size() == 2);
        CHECK(fresh.passes()[1].number == 1);
        CHECK(fresh.passes()[1].most == bytes::mib(80));
        CHECK(fresh.passes()[1].least == bytes::mib(30));
        CHECK(fresh.passes()[1].began == milliseconds(1500));
    }
}

TEST_CASE("what is remembered of passes is bounded") {
    window w;
    for (int i = 1; i <= 100; ++i) w.add(at(500 * i, 50, static_cast<std::uint64_t>(i)));
    CHECK(w.passes().size() == window::most_passes);
    CHECK(w.passes().back().number == 99);
}

TEST_CASE("the dirty rate is the mean of those known after the first pass") {
    window w;
    sample s = at(500, 200, 4);
    s.dirty = byte_rate::mib(999); // of the migration before
    w.add(s);
    CHECK_FALSE(w.dirty());
    s = at(1000, 50, 5);
    s.dirty = byte_rate::mib(10);
    w.add(s);
    s = at(1500, 50, 6);
    s.dirty = byte_rate::mib(20);
    w.add(s);
    CHECK(w.dirty() == byte_rate::mib(15));
}

TEST_CASE("a sample is made of libvirt's statistics, absent fields and all") {
    model::job_progress p;
    p.since_start = milliseconds(2500);
    sample s = sample_of(p, std::nullopt, false);
    sample nothing;
    nothing.at = milliseconds(2500);
    CHECK(s == nothing);
    CHECK_FALSE(s.in_memory_phase());

    p.statistics.memory_total = bytes::mib(256);
    p.statistics.memory_remaining = bytes::mib(10);
    p.statistics.memory_processed = bytes::mib(300);
    p.statistics.memory_bps = byte_rate::mib(20);
    p.statistics.memory_dirty_rate = page_rate{2000};
    p.statistics.memory_iteration = 3;
    p.statistics.auto_converge_throttle = 20;
    s = sample_of(p, milliseconds(300), true);
    CHECK(s.in_memory_phase());
    CHECK_FALSE(s.dirty); // pages of what size?
    p.statistics.memory_page_size = bytes::kib(4);
    s = sample_of(p, milliseconds(300), true);
    CHECK(s.dirty == byte_rate{2000 * 4096});
    CHECK(s.rate == byte_rate::mib(20));
    CHECK(s.memory_processed == bytes::mib(300));
    CHECK(s.iteration == std::uint64_t{3});
    CHECK(s.throttle == std::uint64_t{20});
    CHECK(s.downtime_limit == milliseconds(300));
    CHECK(s.post_copy);
}
