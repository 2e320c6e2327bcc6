// SPDX-License-Identifier: MIT
#include <kvmig/migration/machine.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace kvmig;
using namespace kvmig::migration;

namespace {

// What the states are, said again in words of their own: none of this is read from the table.
const std::set<state> cold_steps = {state::stopping, state::copying, state::verifying,
                                    state::defining, state::starting};
const std::set<state> job_before_post_copy = {
    state::beginning,  state::copying_disks,      state::pre_copy,      state::pre_copy_suspended,
    state::cancelling, state::post_copy_starting, state::switching_over};
const std::set<state> post_copy_states = {state::post_copy, state::post_copy_paused,
                                          state::post_copy_recovering};
const std::set<state> asking = {state::reconciling, state::reconciling_forward};
const std::set<state> ends = {state::completed, state::cancelled, state::failed, state::lost,
                              state::taken_over};
/// Until here a request to call it off can still be met.
const std::set<state> can_be_called_off = {
    state::planned,   state::preparing,          state::stopping,  state::copying,
    state::verifying, state::defining,           state::beginning, state::copying_disks,
    state::pre_copy,  state::pre_copy_suspended, state::cancelling};

/// Whether a migration of kind `k` can be in state `s` at all.
bool has_state(kind k, state s) {
    if (cold_steps.count(s) != 0) return k == kind::cold;
    if (s == state::copying_disks) return k == kind::block || k == kind::incremental;
    if (job_before_post_copy.count(s) != 0 || post_copy_states.count(s) != 0) {
        return k != kind::cold;
    }
    return true;
}

bool accepts(kind k, state s, event e) { return machine(k, s).accepts(e); }

/// Calls `check(kind, state)` for every state that a kind of migration can be in.
template <class Check> void for_each_place(Check check) {
    for (const kind k : kinds) {
        for (const state_facts &s : states) {
            if (!has_state(k, s.which)) continue;
            INFO(to_string(k) << " in " << s.name);
            check(k, s.which);
        }
    }
}

} // namespace

TEST_CASE("every state and event either take a step or are refused by name") {
    for (const kind k : kinds) {
        for (const state_facts &s : states) {
            const std::vector<event> open = accepted(k, s.which);
            for (const event_facts &e : events) {
                INFO(to_string(k) << " in " << s.name << " on " << e.name);
                machine m(k, s.which);
                const auto looked = m.next(e.which);
                REQUIRE(m.at() == s.which);
                const auto taken = m.step(e.which);
                REQUIRE(taken.has_value() == looked.has_value());
                REQUIRE(taken.has_value() ==
                        (std::find(open.begin(), open.end(), e.which) != open.end()));
                if (taken) {
                    REQUIRE(*taken == *looked);
                    REQUIRE(taken->from == s.which);
                    REQUIRE(taken->on == e.which);
                    REQUIRE(m.at() == taken->to);
                    REQUIRE(has_state(k, m.at()));
                    continue;
                }
                REQUIRE(m.at() == s.which);
                REQUIRE(taken.error().kind == error_kind::refused);
                const std::string text = describe(taken.error());
                REQUIRE(text.find(std::string(s.name)) != std::string::npos);
                REQUIRE(text.find(std::string(e.name)) != std::string::npos);
                for (const event other : open) {
                    REQUIRE(text.find(std::string(to_string(other))) != std::string::npos);
                }
            }
        }
    }
}

TEST_CASE("a kind of migration has no edge in a state it cannot be in") {
    for (const kind k : kinds) {
        for (const state_facts &s : states) {
            INFO(to_string(k) << " in " << s.name);
            if (!has_state(k, s.which)) CHECK(accepted(k, s.which).empty());
        }
    }
}

TEST_CASE("an end accepts nothing, and every other state survives its controller") {
    for_each_place([](kind k, state s) {
        REQUIRE(accepted(k, s).empty() == (ends.count(s) != 0));
        REQUIRE(is_end(s) == (ends.count(s) != 0));
        REQUIRE(accepts(k, s, event::controller_restarted) == (ends.count(s) == 0));
    });
}

TEST_CASE("it can be called off as long as the guest is at the source, and never after") {
    for_each_place([](kind k, state s) {
        REQUIRE(accepts(k, s, event::cancel_requested) == (can_be_called_off.count(s) != 0));
    });
}

TEST_CASE("calling it off twice asks libvirt once") {
    machine m(kind::live, state::pre_copy);
    REQUIRE(m.step(event::cancel_requested)->then == act::abort_job);
    REQUIRE(m.step(event::cancel_requested)->then == act::nothing);
    REQUIRE(m.at() == state::cancelling);
}

TEST_CASE("a job's end is taken in every state in which a job runs, and in no other") {
    for_each_place([](kind k, state s) {
        const bool job = job_before_post_copy.count(s) != 0 || post_copy_states.count(s) != 0;
        for (const event e : {event::job_completed, event::job_failed, event::no_job}) {
            REQUIRE(accepts(k, s, e) == job);
        }
        if (!job) return;
        machine done(k, s);
        REQUIRE(done.step(event::job_completed)->to == state::releasing);
        // An error and a missing job say nothing of where the guest is.
        for (const event e : {event::job_failed, event::no_job}) {
            machine m(k, s);
            REQUIRE(m.step(e)->then == act::ask_both_hosts);
            REQUIRE(m.owns() == owner::unsettled);
        }
    });
}

TEST_CASE("losing a host is taken wherever a host is worked on") {
    for_each_place([](kind k, state s) {
        const bool works = s != state::planned && ends.count(s) == 0 && asking.count(s) == 0;
        for (const event e : {event::source_lost, event::destination_lost}) {
            REQUIRE(accepts(k, s, e) == works);
        }
    });
}

TEST_CASE("losing the link is taken wherever something crosses it") {
    for_each_place([](kind k, state s) {
        const bool crosses = s == state::preparing || s == state::copying ||
                             s == state::verifying || job_before_post_copy.count(s) != 0 ||
                             post_copy_states.count(s) != 0;
        REQUIRE(accepts(k, s, event::link_lost) == crosses);
    });
}

TEST_CASE("what both hosts say is taken only where they were asked") {
    for_each_place([](kind k, state s) {
        for (const event_facts &e : events) {
            if (e.told_by == teller::hosts && asking.count(s) == 0) {
                REQUIRE_FALSE(accepts(k, s, e.which));
            }
        }
        REQUIRE(accepts(k, s, event::person_took_over) == (asking.count(s) != 0));
    });
}

TEST_CASE("a broken post-copy is paused, taken up again and finished, never undone") {
    for (const kind k : {kind::live, kind::block, kind::incremental}) {
        machine m(k);
        for (const event e : {event::prepare_requested, event::move_requested, event::memory_phase,
                              event::post_copy_requested, event::post_copy_active}) {
            REQUIRE(m.step(e));
        }
        REQUIRE(m.owns() == owner::split);
        REQUIRE_FALSE(m.step(event::cancel_requested));
        REQUIRE(m.step(event::link_lost)->to == state::post_copy_paused);
        REQUIRE_FALSE(m.step(event::cancel_requested));
        REQUIRE(m.step(event::resume_requested)->then == act::resume_post_copy);
        REQUIRE(m.step(event::step_failed)->to == state::post_copy_paused);
        REQUIRE(m.step(event::resume_requested));
        REQUIRE(m.step(event::post_copy_active)->to == state::post_copy);
        REQUIRE(m.step(event::job_completed)->then == act::release_source);
        REQUIRE(m.step(event::source_released)->to == state::completed);
        REQUIRE(m.owns() == owner::destination);
    }
}

TEST_CASE("a cold migration goes through its steps in their order") {
    machine m(kind::cold);
    std::vector<act> acts;
    for (const event e : {event::prepare_requested, event::stop_requested, event::source_stopped,
                          event::images_copied, event::copy_proven, event::destination_defined,
                          event::destination_started, event::source_released}) {
        const auto t = m.step(e);
        REQUIRE(t);
        acts.push_back(t->then);
    }
    CHECK(acts == std::vector<act>{act::prepare_destination, act::stop_guest, act::copy_images,
                                   act::prove_copy, act::define_destination, act::start_destination,
                                   act::release_source, act::nothing});
    CHECK(m.at() == state::completed);
}

TEST_CASE("the source is touched for the last time only when the destination has proven itself") {
    // By any path: no `release_source` but from a job's success, a start that was seen, a
    // definition that is to stay shut off, or an answer of both hosts.
    for (const edge &e : edges) {
        if (e.then != act::release_source) continue;
        INFO(to_string(e.from) << " on " << to_string(e.on));
        const bool proven = e.on == event::job_completed || e.on == event::destination_started ||
                            e.on == event::definition_left_shut_off ||
                            e.on == event::guest_at_destination;
        CHECK(proven);
    }
}

TEST_CASE("nobody may start the guest at one side while the other may have it") {
    for (const edge &e : edges) {
        INFO(to_string(e.from) << " on " << to_string(e.on) << " to " << to_string(e.to));
        switch (e.then) {
        // Only while the source has it, or when both sides say so.
        case act::restore_source:
            CHECK((owner_in(e.from) == owner::source || e.on == event::guest_at_source));
            break;
        case act::start_destination:
            CHECK((e.from == state::defining || e.on == event::start_can_go_on));
            CHECK(owner_in(e.to) == owner::unsettled);
            break;
        case act::clean_destination:
            CHECK(owner_in(e.from) == owner::source);
            CHECK(owner_in(e.to) == owner::source);
            break;
        case act::release_source: CHECK(owner_in(e.to) == owner::destination); break;
        default: break;
        }
    }
}

TEST_CASE("random walks keep the invariants and always find an end") {
    std::mt19937 random(20240229); // NOLINT(cert-msc51-cpp): the same walks each time
    std::set<state> visited;
    for (int walk = 0; walk < 20000; ++walk) {
        const kind k = kinds[random() % kinds.size()];
        machine m(k);
        bool left = false;
        bool started_at_destination = false;
        int steps = 0;
        while (!m.ended() && steps < 400) {
            const std::vector<event> open = accepted(k, m.at());
            REQUIRE_FALSE(open.empty());
            const owner before = m.owns();
            const auto t = m.step(open[random() % open.size()]);
            REQUIRE(t);
            visited.insert(m.at());
            started_at_destination = started_at_destination || t->then == act::start_job ||
                                     facts_of(t->on).told_by == teller::hosts;
            left = left || before == owner::split || before == owner::destination;
            // Once it has left, it never comes back.
            if (left) REQUIRE(m.owns() != owner::source);
            // The destination has no guest that nobody sent there or saw there.
            if (m.owns() == owner::split) REQUIRE(started_at_destination);
            // A change of hands is never believed but by asking or by success.
            if (before == owner::unsettled && m.owns() == owner::source) {
                REQUIRE((t->on == event::guest_at_source || t->on == event::incoming_left_over ||
                         t->on == event::job_still_runs || t->on == event::stop_can_go_on ||
                         t->on == event::copy_can_go_on || t->on == event::post_copy_refused));
            }
            ++steps;
        }
        // A walk that asks for ever is legal, and rare; it too has an end within reach.
        if (!m.ended()) {
            INFO(to_string(m.at()));
            REQUIRE(m.step(event::controller_restarted));
            REQUIRE(m.step(event::person_took_over)->to == state::taken_over);
        }
    }
    CHECK(visited.size() == state_count - 1); // all but `planned`, in which each begins
}
