// SPDX-License-Identifier: MIT
#include <lab/observe/heartbeat_series.hpp>
#include <support/catch.hpp>

#include <initializer_list>
#include <utility>

using namespace kvmig::lab::observe;
using namespace std::chrono_literals;

namespace {

const steady_time begun{100s};

/// Beats as (milliseconds after `begun`, number); the guest's clock goes 10 ms a number.
heartbeat_series series_of(std::initializer_list<std::pair<int, std::uint64_t>> beats) {
    heartbeat_series series;
    for (const auto &[at, number] : beats) {
        series.add({begun + std::chrono::milliseconds{at}, number,
                    10ms * static_cast<std::int64_t>(number)});
    }
    return series;
}

} // namespace

TEST_CASE("Beats in order lose nothing, and the longest gap is the widest of them") {
    const auto series = series_of({{0, 0}, {10, 1}, {20, 2}, {45, 3}, {55, 4}});
    CHECK(series.counts() == beat_counts{5, 0, 0, 0, 0, 0});
    const auto gap = series.longest_gap(begun, begun + 55ms);
    REQUIRE(gap);
    CHECK(gap->from == begun + 20ms);
    CHECK(gap->to == begun + 45ms);
    CHECK(gap->length() == 25ms);
    CHECK(gap->guest_clock == 10ms); // it stood still for the other 15
    CHECK(gap->lost == 0);
}

TEST_CASE("A gap tells the beats that were lost in it, the counts tell all") {
    const auto series = series_of({{0, 0}, {10, 1}, {80, 8}, {90, 9}, {110, 11}});
    CHECK(series.counts() == beat_counts{5, 7, 0, 0, 0, 0});
    CHECK(series.longest_gap(begun, begun + 110ms)->lost == 6);
}

TEST_CASE("Numbers before the first one heard are not lost") {
    const auto series = series_of({{0, 500}, {10, 501}});
    CHECK(series.counts().lost == 0);
}

TEST_CASE("A late beat is reordered, and no longer lost") {
    const auto series = series_of({{0, 0}, {20, 2}, {21, 1}, {30, 3}});
    CHECK(series.counts() == beat_counts{4, 0, 1, 0, 0, 0});
    SECTION("also when it is earlier than the first one heard") {
        const auto early = series_of({{0, 5}, {1, 3}, {10, 6}});
        CHECK(early.counts() == beat_counts{3, 1, 1, 0, 0, 0}); // 4 is still out
    }
}

TEST_CASE("A beat that comes twice is a duplicate, with another clock it is another guest") {
    auto series = series_of({{0, 0}, {10, 1}, {11, 1}});
    CHECK(series.counts() == beat_counts{3, 0, 0, 1, 0, 0});
    series.add({begun + 12ms, 1, 17ms});
    CHECK(series.counts() == beat_counts{4, 0, 0, 1, 1, 0});
}

TEST_CASE("A number too far off to be true changes nothing but its own count") {
    auto series = series_of({{0, 0}, {10, 1}});
    series.add({begun + 15ms, heartbeat_series::widest_jump + 2, 0ms});
    CHECK(series.counts() == beat_counts{3, 0, 0, 0, 0, 1});
    CHECK(series.arrivals().size() == 2);
    series.add({begun + 20ms, 2, 20ms});
    CHECK(series.counts().lost == 0);
}

TEST_CASE("A gap counts for a time that it only touches, and in its full length") {
    const auto series = series_of({{0, 0}, {10, 1}, {500, 2}, {510, 3}, {600, 4}, {610, 5}});
    // Inside the 490 ms gap, across its beginning, across its end.
    CHECK(series.longest_gap(begun + 100ms, begun + 200ms)->length() == 490ms);
    CHECK(series.longest_gap(begun + 5ms, begun + 20ms)->length() == 490ms);
    CHECK(series.longest_gap(begun + 499ms, begun + 512ms)->length() == 490ms);
    // From the beat that ended it, it is over.
    CHECK(series.longest_gap(begun + 500ms, begun + 512ms)->length() == 90ms);
    CHECK(series.longest_gap(begun + 600ms, begun + 610ms)->length() == 10ms);
}

TEST_CASE("Silence that no beat has ended counts until the time that is asked for") {
    const auto series = series_of({{0, 0}, {10, 1}});
    const auto gap = series.longest_gap(begun, begun + 3s);
    REQUIRE(gap);
    CHECK(gap->from == begun + 10ms);
    CHECK(gap->length() == 2990ms);
    CHECK_FALSE(gap->guest_clock);
    CHECK(series.longest_gap(begun + 2s, begun + 3s)->length() == 2990ms);
}

TEST_CASE("Of a guest that was never heard there is no gap to tell") {
    CHECK_FALSE(heartbeat_series{}.longest_gap(begun, begun + 1h));
    const auto series = series_of({{100, 0}, {110, 1}});
    CHECK_FALSE(series.longest_gap(begun, begun + 100ms)); // before its first beat
    CHECK(series.longest_gap(begun, begun + 110ms)->length() == 10ms);
}

TEST_CASE("The gaps from a length on come in order, the open one last") {
    const auto series = series_of({{0, 0}, {50, 1}, {60, 2}, {160, 3}, {170, 4}});
    const auto gaps = series.gaps(50ms, begun, begun + 220ms);
    REQUIRE(gaps.size() == 3);
    CHECK(gaps[0].length() == 50ms);
    CHECK(gaps[1].length() == 100ms);
    CHECK(gaps[2].length() == 50ms);
    CHECK_FALSE(gaps[2].guest_clock);
    CHECK(series.gaps(51ms, begun, begun + 220ms).size() == 1);
    CHECK(series.gaps(50ms, begun + 60ms, begun + 170ms).size() == 1);
}

TEST_CASE("The raw arrivals go into the results with the counts") {
    const auto series = series_of({{5, 0}, {15, 1}, {40, 3}});
    const auto json = to_json(series, begun);
    CHECK(json["received"] == 3);
    CHECK(json["lost"] == 1);
    CHECK(json["arrivals"] == nlohmann::json::parse("[[5.0,0],[15.0,1],[40.0,3]]"));
    // What came long before belongs to another stretch; the counts are of all.
    const auto later = to_json(series, begun + 1020ms);
    CHECK(later["received"] == 3);
    CHECK(later["arrivals"] == nlohmann::json::parse("[[-980.0,3]]"));
}

TEST_CASE("A time on the guest's clock is placed by the nearest beat on its side") {
    // The guest stood still for 400 ms between beats 2 and 3, and its clock with it.
    heartbeat_series series;
    series.add({begun + 3ms, 1, 100ms});
    series.add({begun + 14ms, 2, 110ms});
    series.add({begun + 425ms, 3, 120ms});
    series.add({begun + 434ms, 4, 130ms});
    CHECK(series.on_probe_clock(112ms, nearest_beat::last_before) == begun + 16ms);
    CHECK(series.on_probe_clock(112ms, nearest_beat::first_after) == begun + 417ms);
    CHECK(series.on_probe_clock(120ms, nearest_beat::last_before) == begun + 425ms);
    CHECK(series.on_probe_clock(120ms, nearest_beat::first_after) == begun + 425ms);
    CHECK_FALSE(series.on_probe_clock(99ms, nearest_beat::last_before));
    CHECK(series.on_probe_clock(99ms, nearest_beat::first_after) == begun + 2ms);
    CHECK_FALSE(series.on_probe_clock(131ms, nearest_beat::first_after));
    // A beat that was overtaken by the next counts as any other.
    series.add({begun + 500ms, 6, 150ms});
    series.add({begun + 505ms, 5, 140ms});
    CHECK(series.on_probe_clock(141ms, nearest_beat::last_before) == begun + 506ms);
}
