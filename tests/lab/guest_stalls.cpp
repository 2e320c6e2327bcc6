// SPDX-License-Identifier: MIT
#include <lab/guest/pacer.hpp>
#include <lab/guest/stall_histogram.hpp>
#include <support/catch.hpp>

#include <numeric>

using namespace kvmig::lab::guest;
using namespace std::chrono_literals;

TEST_CASE("A gap is counted in the bucket of its power of two of microseconds") {
    CHECK(stall_histogram::bucket(0ns) == 0);
    CHECK(stall_histogram::bucket(999ns) == 0);
    CHECK(stall_histogram::bucket(1us) == 0);
    CHECK(stall_histogram::bucket(1999ns) == 0);
    CHECK(stall_histogram::bucket(2us) == 1);
    CHECK(stall_histogram::bucket(1023us) == 9);
    CHECK(stall_histogram::bucket(1024us) == 10);
    CHECK(stall_histogram::bucket(2047us) == 10);
    CHECK(stall_histogram::bucket(1s) == 19);
    CHECK(stall_histogram::bucket(std::chrono::hours{24 * 365}) == stall_histogram::buckets - 1);
}

TEST_CASE("The longest gap is kept with the time at which it ended") {
    stall_histogram stalls;
    stalls.add(1ms, 10ms);
    stalls.add(700ms, 710ms);
    stalls.add(1ms, 711ms);
    CHECK(stalls.count == 3);
    CHECK(stalls.longest == 700ms);
    CHECK(stalls.longest_at == 710ms);
    CHECK(stalls.counts[9] == 2);
    CHECK(stalls.counts[19] == 1);
    CHECK(std::accumulate(stalls.counts.begin(), stalls.counts.end(), std::uint64_t{0}) == 3);
}

TEST_CASE("The longest stalls are kept in order of time, and the shortest gives way") {
    stall_histogram stalls;
    stalls.add(stall_histogram::worth_keeping - 1ns, 10ms);
    CHECK(stalls.kept.empty());
    for (std::size_t i = 0; i < stall_histogram::most_kept; ++i) {
        stalls.add(30ms + std::chrono::milliseconds{i}, std::chrono::seconds{i + 1});
    }
    stalls.add(25ms, 1h); // shorter than all that are kept
    REQUIRE(stalls.kept.size() == stall_histogram::most_kept);
    CHECK(stalls.kept.front() == stall{1s, 30ms});
    stalls.add(700ms, 2h);
    REQUIRE(stalls.kept.size() == stall_histogram::most_kept);
    CHECK(stalls.kept.front() == stall{2s, 31ms});
    CHECK(stalls.kept.back() == stall{2h, 700ms});
}

TEST_CASE("A rate is paid out to the last step, however often it is asked") {
    const auto step = GENERATE(1ms, 7ms, 10ms, 90ms);
    const pacer::clock::time_point start{1h};
    pacer pace;
    pace.set_rate(12345, start);
    std::uint64_t sum = 0;
    for (auto now = start; now < start + 10s;) {
        now += step;
        sum += pace.due(now);
    }
    CHECK(sum >= 123450);
    CHECK(sum <= 123450 + 12345 * 90 / 1000 + 1); // the last step may go beyond the 10 s
    CHECK(pace.missed() == 0);
}

TEST_CASE("A slow rate is not rounded away") {
    const pacer::clock::time_point start{1h};
    pacer pace;
    pace.set_rate(2, start);
    std::uint64_t sum = 0;
    for (auto now = start; now < start + 5s; now += 10ms) sum += pace.due(now);
    CHECK(sum == 9); // the tenth is due at 5 s
    CHECK(pace.next() > start + 4990ms);
    CHECK(pace.next() <= start + 5001ms);
}

TEST_CASE("After a pause at most a tenth of a second is caught up, the rest is missed") {
    const pacer::clock::time_point start{1h};
    pacer pace;
    pace.set_rate(1000, start);
    CHECK(pace.due(start + 10ms) == 10);
    CHECK(pace.due(start + 3010ms) == 100);
    CHECK(pace.missed() == 2900);
    CHECK(pace.due(start + 3020ms) == 10);
}

TEST_CASE("Nothing is due at rate 0, nor when the clock has not moved") {
    const pacer::clock::time_point start{1h};
    pacer pace;
    CHECK(pace.due(start + 1s) == 0);
    pace.set_rate(1000, start);
    CHECK(pace.due(start) == 0);
    CHECK(pace.due(start - 1s) == 0);
    CHECK(pace.due(start + 1ms) == 1);
    pace.set_rate(0, start + 2ms);
    CHECK(pace.due(start + 1h) == 0);
}
