// SPDX-License-Identifier: MIT
// The controller killed at every point of a live migration, and of the recovery after it.
#include <fakes/controllers.hpp>
#include <kvmig/run/migrate_between.hpp>
#include <kvmig/run/recover.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

using namespace kvmig;
using namespace std::chrono_literals;
using fakes::quick;
using fakes::world;
using fakes::world_host;
using fakes::world_journal;
using migration::flag;
using migration::state;

namespace {

migration::options options_of(const world::script &s) {
    migration::options out;
    out.flags = {flag::live, flag::persist_dest};
    if (s.undefine_source) out.flags.set(flag::undefine_source);
    if (s.copies_disk) out.flags.set(flag::non_shared_disk);
    out.host_devices.set_aside = s.device;
    if (s.device && !s.none_there) {
        out.host_devices.at_destination = {{{0, 6, 0, 0}, {0, 7, 0, 0}}};
    }
    return out;
}

/// The image into which the disk is copied; making it is a call like any other.
run::target_images targets_of(world &w, const world::script &s) {
    if (!s.copies_disk) return {};
    const std::string path = "/images/vm1.qcow2";
    return {{path}, [&w, path, controller = w.controller()](std::vector<std::string> &made) {
                return w.call(controller, [&]() -> expected<void> {
                    w.set_target(true);
                    made.push_back(path);
                    return {};
                });
            }};
}

/// A controller migrates; killed at its `at`-th half of a call. Whether it was.
bool migrate(world &w, const world::script &s, int at, bool stop) {
    w.begin_controller(at);
    world_host source(w, 0);
    world_host destination(w, 1);
    world_journal journal(w);
    std::stop_source stopping;
    const run::progress_callback progress = [&](const model::job_progress &) {
        if (stop) stopping.request_stop();
    };
    try {
        const auto result =
            run::migrate_journaled(source, w.id, "vm1", destination, journal, options_of(s),
                                   progress, stopping.get_token(), quick, targets_of(w, s));
        static_cast<void>(result.has_value()); // what became of the guest is looked at
    } catch (const fakes::killed &) {
    }
    return w.was_killed();
}

/// Another takes up what is left; killed likewise. Whether it was.
bool take_up_live(world &w, int at, bool undo) {
    const fakes::taken_up came = fakes::take_up(w, at, undo, quick);
    for (const run::settlement &each : came.settled) {
        INFO(each.said);
        CHECK(each.ended());
    }
    return came.killed;
}

/// One guest runs, defined once or where it was, and no record is open.
void check_world(world &w, const world::script &s) {
    CHECK_FALSE(w.ever_two());
    CHECK(w.running() == 1);
    CHECK_FALSE(w.at_work());
    CHECK(w.records.unfinished()->empty());
    const auto source = w.status(0);
    const auto destination = w.status(1);
    CHECK(w.target() == (s.copies_disk && destination));
    CHECK_FALSE(w.lets_go());
    if (source && source->active) {
        CHECK_FALSE(destination);
        CHECK(w.held(0) == s.device);
    } else {
        REQUIRE(destination);
        CHECK(destination->persistent);
        CHECK(w.held(1) == (s.device && !s.none_there));
        CHECK((source && source->persistent) == !s.undefine_source);
    }
}

} // namespace

TEST_CASE("a controller killed at any call leaves a world that the next one puts right") {
    int deaths = 0;
    for (const bool peer_to_peer : {false, true}) {
        for (const int fails_in :
             {world::none, world::prepared, world::sending, world::stopped, world::finished}) {
            for (const int way : {0, 1, 2, 3, 4, 5, 6}) {
                const bool stop = way == 1;
                const bool undo = way == 2;
                const world::script s{.peer_to_peer = peer_to_peer,
                                      .fails_in = fails_in,
                                      .undefine_source = way == 3,
                                      .copies_disk = way == 4,
                                      .device = way >= 5,
                                      .none_there = way == 6};
                for (int at = 1;; ++at) {
                    INFO("peer to peer " << peer_to_peer << ", fails in " << fails_in << ", stop "
                                         << stop << ", undo " << undo << ", killed at " << at);
                    world w(s);
                    const bool died = migrate(w, s, at, stop);
                    CHECK_FALSE(w.ever_two());
                    REQUIRE_FALSE(take_up_live(w, 0, undo));
                    check_world(w, s);
                    if (!died) break;
                    ++deaths;
                }
            }
        }
    }
    CHECK(deaths > 1000);
}

TEST_CASE("a controller killed while it recovers is recovered from") {
    for (const bool peer_to_peer : {false, true}) {
        const world::script s{.peer_to_peer = peer_to_peer, .copies_disk = true, .device = true};
        for (int first = 1;; ++first) {
            bool died = false;
            for (int second = 1;; ++second) {
                INFO("peer to peer " << peer_to_peer << ", killed at " << first << ", then at "
                                     << second);
                world w(s);
                died = migrate(w, s, first, false);
                const bool again = take_up_live(w, second, second % 2 == 0);
                CHECK_FALSE(w.ever_two());
                REQUIRE_FALSE(take_up_live(w, 0, false));
                check_world(w, s);
                if (!again) break;
            }
            if (!died) break;
        }
    }
}
