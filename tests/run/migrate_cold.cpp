// SPDX-License-Identifier: MIT
// A cold migration and its recovery over a fake of two hosts, the controller killed at every call.
#include <fakes/controllers.hpp>
#include <kvmig/run/migrate_cold.hpp>
#include <kvmig/run/recover.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

using namespace kvmig;
using namespace std::chrono_literals;
using fakes::quick;
using fakes::world;
using fakes::world_host;
using fakes::world_journal;
using migration::state;

namespace {

struct attempt {
    run::cold_options options;
    std::optional<state> stop_in; ///< called off when the driver comes to it
};

/// A controller migrates; killed at its `at`-th half of a call (0: never).
std::optional<expected<run::cold_result>> migrate(world &w, const attempt &how, int at = 0) {
    w.begin_controller(at);
    world_host source(w, 0);
    world_host destination(w, 1);
    world_journal journal(w);
    std::stop_source stopping;
    const run::cold_callback progress = [&](const run::cold_progress &now) {
        if (how.stop_in == now.at) stopping.request_stop();
    };
    try {
        return run::migrate_cold_shared(source, w.id, "vm1", destination, journal, how.options,
                                        progress, stopping.get_token(), quick);
    } catch (const fakes::killed &) {
        return std::nullopt;
    }
}

/// Another takes up what is left. Whether it came to an end before it was killed.
bool take_up(world &w, int at, bool undo) {
    const fakes::taken_up came = fakes::take_up(w, at, undo, quick);
    for (const run::settlement &each : came.settled) {
        INFO(each.said);
        // A definition that was never started looks like one whose daemon has forgotten how its
        // guest ended: that is not undone, only gone on with.
        const bool in_doubt =
            undo && each.said.find("may have run at the destination") != std::string::npos;
        CHECK(each.ended() == !in_doubt);
    }
    return !came.killed;
}

/// The guest runs at the source as before, and the destination knows nothing of it.
void check_as_before(world &w) {
    const auto source = w.status(0);
    REQUIRE(source);
    CHECK(source->state == model::domain_state::running);
    CHECK(source->persistent);
    CHECK_FALSE(w.status(1));
    CHECK(w.records.unfinished()->empty());
    CHECK_FALSE(w.ever_two());
}

/// The guest runs at the destination; the source has its definition, or not.
void check_moved(world &w, bool undefined) {
    const auto destination = w.status(1);
    REQUIRE(destination);
    CHECK(destination->state == model::domain_state::running);
    CHECK(destination->persistent);
    const auto source = w.status(0);
    CHECK(source.has_value() == !undefined);
    CHECK((!source || !source->active));
    CHECK(w.records.unfinished()->empty());
    CHECK_FALSE(w.ever_two());
}

} // namespace

TEST_CASE("a guest is shut down, defined and started at the destination") {
    for (const bool undefine : {false, true}) {
        world w({});
        const auto result = migrate(w, {{.undefine_source = undefine}, {}});
        REQUIRE(result);
        REQUIRE(*result);
        CHECK((**result).state == state::completed);
        CHECK_THAT((**result).proof,
                   Catch::Contains("/images/vm1.qcow2: 1000 bytes") && Catch::Contains("7.0"));
        CHECK((**result).downtime);
        REQUIRE_FALSE((**result).steps.empty());
        CHECK((**result).steps.front().what.from == state::planned);
        CHECK((**result).steps.back().what.to == state::completed);
        CHECK((**result).steps.front().at >= (**result).begun);
        CHECK((**result).guest.side() == run::guest_side::destination);
        check_moved(w, undefine);
    }
}

TEST_CASE("a guest that was shut off is defined, and not started") {
    world w({});
    REQUIRE(w.destroy(0));
    const auto result = migrate(w, {{.undefine_source = true}, {}});
    REQUIRE(result);
    REQUIRE(*result);
    CHECK_FALSE((**result).downtime);
    CHECK_FALSE(w.status(0));
    REQUIRE(w.status(1));
    CHECK_FALSE(w.status(1)->active);
    CHECK(w.running() == 0);
}

TEST_CASE("a guest that ran is left shut off where that was asked for") {
    world w({});
    const auto result = migrate(w, {{.undefine_source = false, .start = false}, {}});
    REQUIRE(result);
    REQUIRE(*result);
    CHECK(w.running() == 0);
    CHECK(w.definitions() == 2);
}

TEST_CASE("what fails on the way is undone, and told with where the guest is") {
    SECTION("a guest that does not listen") {
        world w({.deaf = true});
        const auto result = migrate(w, {});
        REQUIRE(result);
        REQUIRE_FALSE(*result);
        CHECK(result->error().kind == error_kind::timed_out);
        CHECK_THAT(describe(result->error()), Catch::Contains("power button") &&
                                                  Catch::Contains("the guest is at the source"));
        check_as_before(w);
    }
    SECTION("another image at the destination: seen once the guest is off") {
        world w({.other_image = true});
        const auto result = migrate(w, {});
        REQUIRE(result);
        REQUIRE_FALSE(*result);
        CHECK(result->error().kind == error_kind::conflict);
        CHECK_THAT(describe(result->error()),
                   Catch::Contains("changed at 7.0") && Catch::Contains("7.5"));
        check_as_before(w);
    }
    SECTION("a destination that cannot start it") {
        world w({.cannot_start = true});
        const auto result = migrate(w, {{.undefine_source = true}, {}});
        REQUIRE(result);
        REQUIRE_FALSE(*result);
        CHECK_THAT(describe(result->error()), Catch::Contains("cannot start the guest"));
        check_as_before(w);
    }
}

TEST_CASE("what cannot be moved cold is refused before anything is touched") {
    world w({});
    SECTION("a definition at the destination already") {
        REQUIRE(w.define(1));
        const auto result = migrate(w, {});
        REQUIRE(result);
        REQUIRE_FALSE(*result);
        CHECK_THAT(result->error().what, Catch::Contains("defined at the destination already"));
        CHECK_THAT(result->error().remedy, Catch::Contains("undefine vm1"));
    }
    SECTION("a transient guest") {
        REQUIRE(w.undefine(0));
        const auto result = migrate(w, {});
        REQUIRE(result);
        REQUIRE_FALSE(*result);
        CHECK_THAT(result->error().what, Catch::Contains("is transient"));
    }
    CHECK(w.records.unfinished()->empty());
    REQUIRE(w.status(0));
    CHECK(w.status(0)->state == model::domain_state::running);
}

TEST_CASE("it can be called off until the destination is to start the guest") {
    for (const state in : {state::stopping, state::copying, state::verifying, state::defining}) {
        INFO(to_string(in));
        world w({});
        const auto result = migrate(w, {{}, in});
        REQUIRE(result);
        REQUIRE_FALSE(*result);
        CHECK(result->error().kind == error_kind::cancelled);
        check_as_before(w);
    }
    world w({});
    const auto late = migrate(w, {{}, state::starting});
    REQUIRE(late);
    CHECK(*late);
    check_moved(w, false);
}

TEST_CASE("a controller killed at any call of a cold migration is recovered from") {
    int deaths = 0;
    for (const bool cannot_start : {false, true}) {
        for (const bool undefine : {false, true}) {
            for (const bool undo : {false, true}) {
                for (int at = 1;; ++at) {
                    INFO("cannot start " << cannot_start << ", undefine " << undefine << ", undo "
                                         << undo << ", killed at " << at);
                    world w({.cannot_start = cannot_start});
                    const bool died =
                        !migrate(w, {{.undefine_source = undefine}, {}}, at).has_value();
                    CHECK_FALSE(w.ever_two());
                    REQUIRE(take_up(w, 0, undo));
                    REQUIRE(take_up(w, 0, false));
                    CHECK(w.running() == 1);
                    const auto there = w.status(1);
                    if (there && there->active) {
                        check_moved(w, undefine);
                    } else {
                        check_as_before(w);
                    }
                    if (!died) break;
                    ++deaths;
                }
            }
        }
    }
    CHECK(deaths > 200);
}

TEST_CASE("a controller killed while it recovers a cold migration is recovered from") {
    for (int first = 1;; ++first) {
        bool died = false;
        for (int second = 1;; ++second) {
            INFO("killed at " << first << ", then at " << second);
            world w({});
            died = !migrate(w, {}, first).has_value();
            const bool came = take_up(w, second, second % 2 == 0);
            CHECK_FALSE(w.ever_two());
            REQUIRE(take_up(w, 0, false));
            CHECK(w.running() == 1);
            CHECK(w.records.unfinished()->empty());
            if (came) break;
        }
        if (!died) break;
    }
}
