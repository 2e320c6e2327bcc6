// SPDX-License-Identifier: MIT
#include <lab/observe/ping_probe.hpp>
#include <lab/observe/ping_record.hpp>
#include <support/catch.hpp>

#include <initializer_list>

using namespace kvmig;
using namespace kvmig::lab::observe;
using namespace std::chrono_literals;

namespace {

const steady_time start{100s};
constexpr std::chrono::seconds ping_watchdog{60};

/// Ten pings a second; `answered` tells which of them came back, after 2 ms each.
ping_record record_of(std::initializer_list<bool> answered) {
    ping_record record;
    std::size_t number = 0;
    for (const bool each : answered) {
        const auto sent = start + 100ms * static_cast<int>(number);
        record.add_sent(sent);
        if (each) record.add_answer(number, sent + 2ms);
        ++number;
    }
    return record;
}

} // namespace

TEST_CASE("Pings that all came back have no outage") {
    const auto record = record_of({true, true, true});
    CHECK(record.answered() == 3);
    CHECK(record.unanswered(start, start + 1s) == 0);
    CHECK(record.longest_outage(start, start + 1s) == 0ms);
    CHECK(record.longest(start, start + 1s)->took == 2ms);
}

TEST_CASE("An outage goes from the first lost ping to the next that was answered") {
    const auto record = record_of({true, false, true, false, false, false, true, false});
    CHECK(record.unanswered(start, start + 1s) == 5);
    CHECK(record.longest_outage(start, start + 700ms) == 300ms);
    // The last one is open until the time that is asked for.
    CHECK(record.longest_outage(start, start + 2s) == 1300ms);
    // What lies outside does not count.
    CHECK(record.unanswered(start, start + 250ms) == 1);
    CHECK(record.longest_outage(start, start + 250ms) == 100ms);
}

TEST_CASE("Of pings that none answered there is no round trip, and the outage is all of it") {
    const auto record = record_of({false, false});
    CHECK_FALSE(record.longest(start, start + 1s));
    CHECK(record.longest_outage(start, start + 1s) == 1s);
}

TEST_CASE("An answer counts once, in whatever order answers come, and only for what was sent") {
    auto record = record_of({true, false, false});
    record.add_answer(2, start + 210ms);
    record.add_answer(1, start + 220ms);
    record.add_answer(1, start + 230ms);
    record.add_answer(3, start + 240ms);
    CHECK(record.answered() == 3);
    CHECK(record.duplicates() == 1);
    CHECK(record.strangers() == 1);
    CHECK(record.longest(start, start + 1s)->took == 120ms);
    CHECK(to_json(record, start)["pings"] ==
          nlohmann::json::parse("[[0.0,2.0],[100.0,120.0],[200.0,10.0]]"));
}

TEST_CASE("A lost ping has no time in the results") {
    CHECK(to_json(record_of({false}), start)["pings"] == nlohmann::json::parse("[[0.0,null]]"));
}

TEST_CASE("This machine answers its own pings") {
    auto probe = ping_probe::start("127.0.0.1", 5ms);
    if (!probe) {
        WARN("skipped: " << describe(probe.error()));
        return;
    }
    auto second = ping_probe::start("127.0.0.2", 5ms); // its answers are not the first one's
    REQUIRE(second);
    const auto from = std::chrono::steady_clock::now();
    const auto answered = probe->wait_for_answer(from + 100ms, ping_watchdog);
    INFO((answered ? std::string{} : describe(answered.error())));
    REQUIRE(answered);
    REQUIRE(second->wait_for_answer(from + 100ms, ping_watchdog));
    const auto record = probe->stop();
    CHECK(record.unanswered(from, from + 100ms) == 0);
    CHECK(record.duplicates() == 0);
    CHECK(record.strangers() == 0);
    CHECK(record.longest(from, from + 100ms)->took > 0ns);
}

TEST_CASE("Where nobody answers, a wait for an answer ends with its watchdog, or when cancelled") {
    // 255.255.255.255 without SO_BROADCAST is refused by the kernel: that ends it at once.
    auto refused = ping_probe::start("255.255.255.255", 5ms);
    if (!refused) {
        WARN("skipped: " << describe(refused.error()));
        return;
    }
    const auto failed = refused->wait_for_answer(start, ping_watchdog);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().kind == error_kind::io);
    CHECK(failed.error().object == "255.255.255.255");

    auto probe = ping_probe::start("127.0.0.1", 5ms);
    REQUIRE(probe);
    const auto never = std::chrono::steady_clock::now() + 1h;
    const auto late = probe->wait_for_answer(never, 20ms);
    REQUIRE_FALSE(late);
    CHECK(late.error().kind == error_kind::timed_out);
    std::stop_source stop;
    stop.request_stop();
    const auto cancelled = probe->wait_for_answer(never, ping_watchdog, stop.get_token());
    REQUIRE_FALSE(cancelled);
    CHECK(cancelled.error().kind == error_kind::cancelled);
}

TEST_CASE("A ping to what is no address, or at no pace, is refused") {
    const auto name = ping_probe::start("vm1");
    REQUIRE_FALSE(name);
    CHECK(name.error().kind == error_kind::invalid_argument);
    const auto pace = ping_probe::start("127.0.0.1", 0ms);
    REQUIRE_FALSE(pace);
    CHECK(pace.error().kind == error_kind::invalid_argument);
}
