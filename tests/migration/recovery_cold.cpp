// SPDX-License-Identifier: MIT
#include <kvmig/migration/recovery.hpp>
#include <migration/recovery_facts.hpp>
#include <support/catch.hpp>

#include <vector>

using namespace kvmig::migration;
using namespace kvmig::migration::testing;

namespace {

origin cold(stop_method stop = stop_method::shutdown) {
    origin o;
    o.kind = kind::cold;
    o.stop = stop;
    o.shared_storage = false;
    if (stop == stop_method::none) o.source_was = activity::off;
    return o;
}

past at(state position) { return {position, false, false}; }

constexpr recovery_policy onward{false, true};
constexpr recovery_policy back{true, true};

} // namespace

TEST_CASE("a copy that was cut short is completed, or given up and the guest started again") {
    for (const state position : {state::copying, state::verifying, state::defining}) {
        for (const sighting &there : {absent, off(r::other)}) {
            INFO(to_string(position) << ", destination " << describe(there));
            CHECK(decide(cold(), at(position), off(r::shutdown), there, onward).feed ==
                  few<event, 2>{event::copy_can_go_on});
            const ruling undone = decide(cold(), at(position), off(r::shutdown), there, back);
            CHECK(undone.feed == few<event, 2>{event::guest_at_source});
            CHECK(undone.steps.begin()[0] == host_step::start_source);
            CHECK(undone.steps.has(host_step::remove_targets));
            CHECK(undone.steps.has(host_step::undefine_destination) == there.persistent);
        }
    }
}

TEST_CASE("a guest that was off before stays off") {
    const ruling undone =
        decide(cold(stop_method::none), at(state::copying), off(r::shutdown), absent, back);
    CHECK(undone.steps == few<host_step, 4>{host_step::remove_targets});
}

TEST_CASE("a guest that went off otherwise than it was to is started again") {
    CHECK(
        decide(cold(stop_method::save), at(state::stopping), off(r::saved), absent, onward).found ==
        finding::copy_goes_on);
    // Its state was not written.
    CHECK(decide(cold(stop_method::save), at(state::stopping), off(r::crashed), absent, onward)
              .found == finding::went_down_at_source);
    CHECK(decide(cold(stop_method::shutdown), at(state::stopping), off(r::crashed), absent, onward)
              .steps.has(host_step::start_source));
    // Snapshot taken, then switched off.
    CHECK(
        decide(cold(stop_method::snapshot), at(state::stopping), off(r::destroyed), absent, onward)
            .found == finding::copy_goes_on);
}

TEST_CASE("a guest that has not stopped yet is stopped, or left running") {
    CHECK(decide(cold(), at(state::stopping), running(r::other), absent, onward).feed ==
          few<event, 2>{event::stop_can_go_on});
    const ruling left = decide(cold(), at(state::stopping), running(r::other), absent, back);
    CHECK(left.found == finding::at_source);
    CHECK_FALSE(left.steps.has(host_step::resume_source));
    // A save that is at work is waited for.
    const sighting saving{presence::paused, r::saving, true, true};
    CHECK(decide(cold(stop_method::save), at(state::stopping), saving, absent, onward).found ==
          finding::stop_goes_on);
    CHECK(decide(cold(stop_method::save), at(state::stopping), saving, absent, back).found ==
          finding::under_way);
}

TEST_CASE("images of a guest that runs again are not taken for its copy") {
    for (const state position : {state::copying, state::verifying, state::defining}) {
        const ruling r1 = decide(cold(), at(position), running(r::other), absent, onward);
        CHECK(r1.found == finding::at_source);
        CHECK(r1.steps == few<host_step, 4>{host_step::remove_targets});
    }
}

TEST_CASE("a start that was cut short is done again or has happened") {
    CHECK(decide(cold(), at(state::starting), off(r::shutdown), off(r::other), onward).feed ==
          few<event, 2>{event::start_can_go_on});
    CHECK(decide(cold(), at(state::starting), off(r::shutdown), running(r::other), onward).feed ==
          few<event, 2>{event::guest_at_destination});
    // It ran and ended there: its disks are the newer ones.
    CHECK(decide(cold(), at(state::starting), off(r::shutdown), off(r::shutdown), back).found ==
          finding::arrived_and_ended);
    // It surely did not run: back.
    CHECK(decide(cold(), at(state::starting), off(r::shutdown), off(r::failed), back).found ==
          finding::stopped_for_the_copy);
    // It may have run: not back, without a person's word.
    CHECK(decide(cold(), at(state::starting), off(r::shutdown), off(r::other), back).found ==
          finding::may_have_run_elsewhere);
    // A definition from before keeps an old reason.
    origin known = cold();
    known.destination_defined = true;
    CHECK(decide(known, at(state::starting), off(r::shutdown), off(r::shutdown), onward).feed ==
          few<event, 2>{event::start_can_go_on});
    // Being started, or restored from a file.
    for (const r why : {r::starting_up, r::migration}) {
        const sighting starting{presence::paused, why, true, true};
        CHECK(decide(cold(), at(state::starting), off(r::saved), starting, onward).found ==
              finding::under_way);
    }
}

TEST_CASE("two that run are left to a person") {
    for (const state position : {state::copying, state::starting, state::releasing}) {
        CHECK(decide(cold(), at(position), running(r::other), running(r::other), onward).found ==
              finding::both_claim);
    }
    // Nobody of ours started it there.
    CHECK(decide(cold(), at(state::copying), off(r::shutdown), running(r::other), onward).found ==
          finding::unexplained);
}

TEST_CASE("the source's definition goes only when asked, and never as the last") {
    origin o = cold();
    CHECK(
        decide(o, at(state::releasing), off(r::shutdown), running(r::other), onward).steps.empty());
    o.undefine_source = true;
    CHECK(decide(o, at(state::releasing), off(r::shutdown), running(r::other), onward).steps ==
          few<host_step, 4>{host_step::undefine_source});
    CHECK(decide(o, at(state::releasing), off(r::shutdown), absent, onward).steps.empty());
}
