// SPDX-License-Identifier: MIT
// Time limits and policies: what a driver does about a migration that will not end by itself.
#include <fakes/hypervisor.hpp>
#include <kvmig/run/memory_journal.hpp>
#include <kvmig/run/migrate_between.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

using namespace kvmig;
using namespace std::chrono_literals;
using convergence::action;
using migration::event;
using migration::flag;
using migration::state;
using model::domain_state;

namespace {

/// A guest that dirties as much as is sent: its migration ends when somebody sees to that.
struct endless {
    fakes::hypervisor source{"kvm01"};
    fakes::hypervisor destination{"kvm02"};
    uuid id = uuid::random();
    migration::options options{.flags = {flag::live, flag::persist_dest, flag::postcopy}};
    run::memory_journal journal;
    run::sampling how{.interval = 1ms, .abort_interval = 1ms, .final_event = 0ms, .patience = 5ms};
    fakes::gate ended;
    std::atomic<bool> cancelled = false;
    std::atomic<bool> job_runs = false;
    std::atomic<std::uint64_t> look = 0;

    endless() {
        source.put(id, {domain_state::running, 1, "booted", true, true});
        source.on_job = [this]() -> expected<model::job_statistics> {
            model::job_statistics s;
            if (!job_runs) return s;
            const std::uint64_t n = ++look;
            s.type = model::job_type::unbounded;
            s.operation = model::job_operation::migration_out;
            s.memory_total = bytes{1000000};
            s.memory_remaining = bytes{500000};
            s.memory_processed = bytes{n * 1000};
            s.memory_bps = byte_rate{1000000};
            s.memory_dirty_rate = page_rate{300};
            s.memory_page_size = bytes{4096};
            s.memory_iteration = n;
            return s;
        };
        source.on_migrate = [this](fakes::hypervisor &) -> expected<void> {
            job_runs = true;
            if (!ended.wait()) return fail(error_kind::timed_out, "nobody saw to it");
            job_runs = false;
            if (cancelled) return fail(fakes::aborted());
            destination.put(id, {domain_state::running, 2, "migrated", true, true});
            source.put(id, {domain_state::shutoff, 4, "migrated", false, true});
            return {};
        };
        for (fakes::hypervisor *each : {&source, &destination}) {
            each->on_completed_job = [] {
                model::job_statistics s;
                s.type = model::job_type::completed;
                return s;
            };
        }
        source.on_abort_job = [this]() -> expected<void> {
            cancelled = true;
            ended.open();
            return {};
        };
    }
    expected<run::migration_result> go() {
        return run::migrate_journaled(source, id, "vm1", destination, journal, options, {}, {},
                                      how);
    }
    /// The events that the journal has of it.
    std::vector<event> events() {
        std::vector<event> out;
        const auto told = journal.read({1});
        REQUIRE(told);
        for (const ports::journal_entry &each : told->entries) out.push_back(each.what.on);
        return out;
    }
    bool recorded(event e) {
        const auto all = events();
        return std::find(all.begin(), all.end(), e) != all.end();
    }
};

} // namespace

TEST_CASE("at the time limit a migration is cancelled, and the error says so") {
    endless m;
    m.how.steer.limit = run::time_limit{5ms, run::at_limit::cancel};
    const auto result = m.go();
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::timed_out);
    CHECK_THAT(describe(result.error()), Catch::Contains("5 ms, the time allowed, are over") &&
                                             Catch::Contains("the guest is at the source"));
    CHECK(m.recorded(event::cancel_requested));
    CHECK(m.source.aborts > 0);
}

TEST_CASE("at the time limit the guest is suspended, so that its memory stands still") {
    endless m;
    m.how.steer.limit = run::time_limit{5ms, run::at_limit::suspend};
    std::atomic<bool> suspended = false;
    // Not before it is suspended: a guest that has moved cannot be.
    m.source.on_steered = [&](const std::string &call) {
        if (call != "suspend") return;
        suspended = true;
        m.ended.open();
    };
    const auto result = m.go();
    REQUIRE(result);
    CHECK(suspended);
    CHECK(m.recorded(event::suspend_requested));
    REQUIRE(result->steered.size() == 1);
    CHECK(result->steered.front().what == action::suspend_guest);
    CHECK(result->steered.front().at >= 5ms);
    CHECK(result->gaps.empty());
}

TEST_CASE("at the time limit post-copy begins, where it is allowed") {
    endless m;
    m.how.steer.limit = run::time_limit{5ms, run::at_limit::post_copy};
    SECTION("it is") {
        m.source.on_start_postcopy = [&]() -> expected<void> {
            m.ended.open();
            return {};
        };
        const auto result = m.go();
        REQUIRE(result);
        CHECK(m.recorded(event::post_copy_requested));
        REQUIRE(result->steered.size() == 1);
        CHECK(result->steered.front().what == action::start_post_copy);
    }
    SECTION("it is not: refused before anything starts") {
        m.options.flags.set(flag::postcopy, false);
        const auto result = m.go();
        REQUIRE_FALSE(result);
        CHECK(result.error().kind == error_kind::invalid_argument);
        CHECK_THAT(result.error().what, Catch::Contains("postcopy"));
        CHECK(m.source.migrations == 0);
    }
    SECTION("the daemon refuses: memory goes on moving, and the refusal is told") {
        m.source.on_start_postcopy = [&]() -> expected<void> {
            m.ended.open();
            return fail(error_kind::conflict, "post-copy can only be started while memory moves");
        };
        const auto result = m.go();
        REQUIRE(result);
        CHECK(m.recorded(event::post_copy_refused));
        REQUIRE(result->gaps.size() == 1);
        CHECK_THAT(result->gaps.front().what, Catch::Contains("only be started while memory"));
    }
}

TEST_CASE("a policy gives up what it foretells not to end, and says why") {
    endless m;
    m.options.flags.set(flag::postcopy, false);
    static constexpr std::array aids = {convergence::aid::abort};
    m.how.steer.policy = {.name = "give-up", .window = {.length = 40ms}, .when_hopeless = aids};
    SECTION("where it may") {
        m.how.steer.may_abort = true;
        const auto result = m.go();
        REQUIRE_FALSE(result);
        CHECK(result.error().kind == error_kind::timed_out);
        CHECK_THAT(describe(result.error()),
                   Catch::Contains("it will not end by itself") && Catch::Contains("are dirtied"));
    }
    SECTION("and not where it may not") {
        m.how.steer.limit = run::time_limit{300ms, run::at_limit::cancel};
        const auto result = m.go();
        REQUIRE_FALSE(result);
        CHECK_THAT(describe(result.error()), Catch::Contains("300 ms, the time allowed"));
    }
}

TEST_CASE("a promised downtime is set before anything moves, and told with what was measured") {
    endless m;
    m.how.steer.promise = 50ms;
    m.options.flags.set(flag::postcopy, false);
    m.source.on_migrate = [&m](fakes::hypervisor &) -> expected<void> {
        CHECK(m.source.downtime_limit.load() == 50ms);
        m.destination.put(m.id, {domain_state::running, 2, "migrated", true, true});
        m.source.put(m.id, {domain_state::shutoff, 4, "migrated", false, true});
        return {};
    };
    std::optional<std::chrono::milliseconds> measured;
    SECTION("kept") { measured = 50ms; }
    SECTION("broken, and the guest has moved nevertheless") { measured = 51ms; }
    SECTION("not told") {}
    m.source.on_completed_job = [&measured] {
        model::job_statistics s;
        s.type = model::job_type::completed;
        s.downtime = measured;
        return s;
    };
    const auto result = m.go();
    REQUIRE(result);
    REQUIRE(result->promise);
    CHECK(*result->promise == convergence::promise_outcome{50ms, measured});
    CHECK(result->promise->broken() == (measured == 51ms));
    CHECK(result->guest.side() == run::guest_side::destination);
    CHECK(m.source.downtimes_set == 1);
}

TEST_CASE("a promise that cannot be held ends the migration, with the guest unhurt at the source") {
    endless m;
    m.how.steer.promise = 50ms;
    SECTION("without an aid") {
        m.options.flags.set(flag::postcopy, false);
        const auto result = m.go();
        REQUIRE_FALSE(result);
        CHECK(result.error().kind == error_kind::timed_out);
        const std::string told = describe(result.error());
        CHECK_THAT(told, Catch::Contains("the promised downtime of 50 ms cannot be held") &&
                             Catch::Contains("488.3 KiB of memory remain") &&
                             Catch::Contains("a promise of 550 ms could have been held") &&
                             Catch::Contains("the guest is at the source"));
        CHECK(m.source.aborts > 0);
        // For the next migration as it was before.
        CHECK(m.source.downtime_limit.load() == 300ms);
    }
    SECTION("post-copy, where it is allowed, ends it") {
        m.source.on_start_postcopy = [&]() -> expected<void> {
            m.ended.open();
            return {};
        };
        const auto result = m.go();
        REQUIRE(result);
        CHECK(m.recorded(event::post_copy_requested));
        CHECK(m.source.aborts == 0);
    }
}

TEST_CASE("a promise to which the source cannot be held is no migration") {
    endless m;
    m.how.steer.promise = 50ms;
    m.source.downtime_problem = make_error(error_kind::unsupported, "no such call");
    const auto result = m.go();
    REQUIRE_FALSE(result);
    CHECK_THAT(describe(result.error()), Catch::Contains("cannot be held to a downtime of 50 ms") &&
                                             Catch::Contains("no such call"));
    CHECK(m.source.migrations == 0);
}

TEST_CASE("what contradicts a promise is refused before anything starts") {
    struct row {
        std::function<void(endless &)> ask;
        const char *told;
    };
    const std::vector<row> table = {
        {[](endless &m) { m.how.steer.promise = 0ms; }, "0 ms is promised"},
        {[](endless &m) { m.how.steer.promise = 2'000'001ms; }, "2000001 ms is promised"},
        {[](endless &m) { m.options.flags.set(flag::live, false); }, "to stand still"},
        {[](endless &m) { m.options.flags.set(flag::paused); }, "to stand still"},
        {[](endless &m) {
             m.how.steer.limit = run::time_limit{5ms, run::at_limit::suspend};
         },
         "suspended until it has moved"},
        {[](endless &m) { m.how.steer.policy = convergence::policies::linear; }, "'linear'"},
        {[](endless &m) { m.how.steer.may_suspend = true; }, "may suspend"},
    };
    for (const row &each : table) {
        CAPTURE(each.told);
        endless m;
        m.options.flags.set(flag::postcopy, false);
        m.how.steer.promise = 50ms;
        each.ask(m);
        const auto result = m.go();
        REQUIRE_FALSE(result);
        CHECK(result.error().kind == error_kind::invalid_argument);
        CHECK_THAT(describe(result.error()), Catch::Contains(each.told));
        CHECK(m.source.migrations == 0);
        CHECK(m.source.downtimes_set == 0);
    }
}
