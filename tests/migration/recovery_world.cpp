// SPDX-License-Identifier: MIT
// Recovery carried out on a world of two hosts, with the controller killed again at every point:
// before, between and after the steps, and again in what follows.
#include <kvmig/migration/recovery.hpp>
#include <migration/recovery_facts.hpp>
#include <support/catch.hpp>

#include <cstdint>
#include <string>
#include <vector>

using namespace kvmig::migration;
using namespace kvmig::migration::testing;

namespace {

struct world {
    sighting source;
    sighting destination;

    [[nodiscard]] int running() const {
        return (source.seen == presence::running ? 1 : 0) +
               (destination.seen == presence::running ? 1 : 0);
    }
    [[nodiscard]] int active() const {
        return (source.active() ? 1 : 0) + (destination.active() ? 1 : 0);
    }
};

/// A process is ended: what is left is the definition, or nothing.
void end_process(sighting &s, r why) {
    s = {s.persistent ? presence::shut_off : presence::absent, why, s.persistent, false};
}

/// What a host makes of a step. A step that a host would refuse fails the test.
void carry_out(host_step step, world &w) {
    switch (step) {
    case host_step::destroy_destination: end_process(w.destination, r::destroyed); return;
    case host_step::resume_source:
        REQUIRE(w.source.seen == presence::paused);
        w.source.seen = presence::running;
        w.source.why = r::other;
        return;
    case host_step::start_source:
        REQUIRE(w.source.seen == presence::shut_off);
        w.source.seen = presence::running;
        w.source.why = r::other;
        return;
    case host_step::undefine_destination:
        REQUIRE_FALSE(w.destination.active());
        if (w.destination.persistent) {
            w.destination = {presence::absent, w.destination.why, false, false};
        }
        return;
    case host_step::remove_targets: REQUIRE_FALSE(w.destination.active()); return;
    case host_step::destroy_source: end_process(w.source, r::destroyed); return;
    case host_step::undefine_source:
        REQUIRE_FALSE(w.source.active());
        if (w.source.persistent) w.source = {presence::absent, w.source.why, false, false};
        return;
    case host_step::resume_destination:
    case host_step::start_destination: FAIL("nobody chose that"); return;
    }
}

bool in_restoring(host_step step) {
    return step == host_step::resume_source || step == host_step::start_source;
}

/// Goes on from a place and a world until nothing more is to be done, killing the controller
/// after `budget` steps, once. Every way in which libvirt's own job can end is gone through.
class recoverer {
public:
    recoverer(const origin &o, const past &p, bool undo) : o_(o), p_(p), undo_(undo) {}

    /// Visits every outcome; each is checked where it ends.
    void from(state position, world w, int budget, int depth) {
        if (depth > 12) {
            FAIL("goes round in circles\n" << describe_case(o_, p_, w.source, w.destination));
        }
        const past p{position, p_.cancel_requested, p_.suspended};
        ruling ruled = decide(o_, p, w.source, w.destination, {undo_, true});
        if (ruled.found == finding::under_way) {
            // Time goes by, and nothing changes.
            ruled = decide(o_, p, w.source, w.destination, {undo_, false});
        }
        switch (ruled.feed.empty() ? event::not_settled : ruled.feed[0]) {
        case event::not_settled: ++left_alone; return;
        case event::guest_gone: CHECK(w.active() == 0); return;
        case event::incoming_left_over:
            carry(ruled, w, budget, state::clearing, depth,
                  [&](world after, int left) { from(state::clearing, after, left, depth + 1); });
            return;
        case event::guest_at_source: restore(ruled, w, budget, depth); return;
        case event::guest_at_destination:
            carry(ruled, w, budget, state::releasing, depth,
                  [&](const world &after, int) { arrived(after); });
            return;
        case event::job_still_runs: job_ends(w, budget, depth); return;
        case event::guest_split:
        case event::guest_split_broken: post_copy_ends(w, budget, depth); return;
        case event::stop_can_go_on:
            w.source = {presence::shut_off, o_.stop == stop_method::save ? r::saved : r::shutdown,
                        true, false};
            from(state::copying, w, budget, depth + 1);
            return;
        case event::copy_can_go_on: copied(w, budget, depth); return;
        case event::start_can_go_on: started(w, budget, depth); return;
        default: FAIL("an answer that this world does not know");
        }
    }

    std::uint64_t ends = 0;
    std::uint64_t left_alone = 0;

private:
    /// Does the steps in `at`. When the budget runs out, the controller dies there, and its
    /// successor begins anew from `at`.
    template <class Then>
    void carry(const ruling &ruled, world w, int budget, state at, int depth, Then then) {
        for (const host_step step : ruled.steps) {
            if (budget == 0) {
                from(at, w, -1, depth + 1);
                return;
            }
            do_step(step, w, budget);
        }
        if (budget == 0) {
            from(at, w, -1, depth + 1);
            return;
        }
        then(w, budget);
    }

    void do_step(host_step step, world &w, int &budget) {
        carry_out(step, w);
        --budget;
        if (w.running() > 1) FAIL("two copies run after " << to_string(step));
    }

    void restore(const ruling &ruled, world w, int budget, int depth) {
        for (const host_step step : ruled.steps) {
            if (budget == 0) {
                from(in_restoring(step) ? state::restoring : state::cleaning, w, -1, depth + 1);
                return;
            }
            do_step(step, w, budget);
        }
        if (budget == 0) {
            from(state::cleaning, w, -1, depth + 1);
            return;
        }
        ++ends;
        // At the source, and only there; nothing is left that was not there before.
        CHECK(w.destination.active() == false);
        if (!o_.destination_defined) CHECK(w.destination.persistent == false);
        const bool kept = w.source.active() || w.source.seen == presence::shut_off;
        CHECK(kept);
    }

    void arrived(const world &w) {
        ++ends;
        CHECK(w.source.active() == false);
        if (o_.undefine_source && w.destination.seen != presence::absent) {
            CHECK(w.source.persistent == false);
        }
    }

    /// The daemon's own migration ends well, or not, or is called off.
    void job_ends(world w, int budget, int depth) {
        world well = w;
        end_process(well.source, r::migrated);
        well.destination = {presence::running, r::migrated, o_.persist_destination, false};
        from(state::beginning, well, budget, depth + 1);
        world badly = w;
        badly.source.job = false;
        if (badly.source.is(presence::paused, r::migration)) {
            badly.source.seen = presence::running;
            badly.source.why = r::migration_canceled;
        }
        end_process(badly.destination, r::failed);
        if (!o_.destination_defined)
            badly.destination = {presence::absent, r::failed, false, false};
        from(state::beginning, badly, budget, depth + 1);
    }

    void post_copy_ends(world w, int budget, int depth) {
        end_process(w.source, r::migrated);
        w.destination = {presence::running, r::migrated, w.destination.persistent, false};
        from(state::post_copy, w, budget, depth + 1);
    }

    void copied(world w, int budget, int depth) {
        w.destination = {presence::shut_off, r::other, true, false};
        if (o_.start_at_destination && o_.source_was != activity::off) {
            from(state::starting, w, budget, depth + 1);
        } else {
            from(state::releasing, w, budget, depth + 1);
        }
    }

    void started(world w, int budget, int depth) {
        w.destination = {presence::running, r::other, true, false};
        if (w.running() > 1) FAIL("two copies run after the destination was started");
        from(state::releasing, w, budget, depth + 1);
    }

    const origin &o_;
    const past &p_;
    bool undo_;
};

} // namespace

TEST_CASE("recovery that is killed and begun again ends with one guest, and never runs two") {
    std::uint64_t ends = 0;
    std::uint64_t left_alone = 0;
    const auto destinations = all_destination_sightings();
    for (const kind k : {kind::cold, kind::live, kind::block}) {
        for (const origin &o : all_origins(k)) {
            // Two that run at the start are no work of recovery, which leaves them alone.
            for (const sighting &s : all_sightings(o.source_persistent)) {
                for (const sighting &d : destinations) {
                    if (!s.reachable() || !d.reachable()) continue;
                    for (const state position : all_positions(k)) {
                        if (is_end(position) || position == state::planned) continue;
                        const past p{position, false, position == state::pre_copy_suspended};
                        for (const bool undo : {false, true}) {
                            const ruling first = decide(o, p, s, d, {undo, false});
                            if (first.steps.empty() && first.feed.has(event::not_settled)) continue;
                            for (int budget = 0; budget < 4; ++budget) {
                                recoverer all(o, p, undo);
                                all.from(position, {s, d}, budget, 0);
                                ends += all.ends;
                                left_alone += all.left_alone;
                            }
                        }
                    }
                }
            }
        }
    }
    CHECK(ends > 1'000'000);
    // What is left to a person is the exception.
    CHECK(left_alone < ends / 10);
    WARN(ends << " recoveries ended, " << left_alone << " were left to a person");
}
