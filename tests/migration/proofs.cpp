// SPDX-License-Identifier: MIT
#include <kvmig/migration/proofs.hpp>
#include <kvmig/migration/ruling.hpp>
#include <support/catch.hpp>

#include <cstddef>
#include <vector>

using namespace kvmig::migration;

namespace {

/// The true table with one more edge.
std::vector<edge> edges_with(edge more) {
    std::vector<edge> out(edges.begin(), edges.end());
    out.push_back(more);
    return out;
}

/// The true table without the edges for which `unwanted` holds.
template <class Predicate> std::vector<edge> without(Predicate unwanted) {
    std::vector<edge> out;
    for (const edge &e : edges) {
        if (!unwanted(e)) out.push_back(e);
    }
    REQUIRE(out.size() < edges.size());
    return out;
}

} // namespace

// Each proof must be able to fail: the table it holds for, damaged in the way it guards against.

TEST_CASE("a second target for a state and an event is found") {
    CHECK(proofs::one_target(edges));
    CHECK_FALSE(proofs::one_target(
        edges_with({state::pre_copy, event::job_failed, state::failed, act::nothing, any_live})));
}

TEST_CASE("a state that nothing leads to is found") {
    CHECK(proofs::all_reachable(edges));
    CHECK_FALSE(proofs::all_reachable(
        without([](const edge &e) { return e.to == state::post_copy_recovering; })));
    // Reached in one kind of migration, used in another.
    CHECK_FALSE(proofs::all_reachable(
        edges_with({state::copying_disks, event::undone, state::failed, act::nothing, only_cold})));
}

TEST_CASE("a state that cannot end, and an end that goes on, are found") {
    CHECK(proofs::all_end(edges));
    CHECK_FALSE(proofs::all_end(without([](const edge &e) { return is_end(e.to); })));
    CHECK_FALSE(proofs::all_end(without([](const edge &e) {
        return e.from == state::releasing || e.to == state::lost || e.to == state::taken_over;
    })));
    CHECK_FALSE(proofs::all_end(
        edges_with({state::failed, event::undone, state::failed, act::nothing, every_kind})));
}

TEST_CASE("an abort out of post-copy is found, at once or by detours") {
    CHECK(proofs::no_way_back(edges));
    CHECK_FALSE(proofs::no_way_back(edges_with(
        {state::post_copy, event::cancel_requested, state::cancelling, act::abort_job, any_live})));
    // Through asking: the forward question must not be answered with the source.
    CHECK_FALSE(proofs::no_way_back(edges_with({state::reconciling_forward, event::guest_at_source,
                                                state::restoring, act::restore_source, any_live})));
    CHECK_FALSE(proofs::no_way_back(edges_with(
        {state::releasing, event::undone, state::reconciling, act::ask_both_hosts, only_cold})));
}

TEST_CASE("a state that leaves open who has the guest is found") {
    CHECK(proofs::owner_decided(edges));
    CHECK_FALSE(proofs::owner_decided(without([](const edge &e) {
        return e.from == state::switching_over && e.then == act::ask_both_hosts;
    })));
}

TEST_CASE("a state in which a killed controller has no successor is found") {
    CHECK(proofs::survives_the_controller(edges));
    CHECK_FALSE(proofs::survives_the_controller(without([](const edge &e) {
        return e.from == state::verifying && e.on == event::controller_restarted;
    })));
}

TEST_CASE("every word means one thing, and is found by its name") {
    for (const state_facts &s : states) {
        CHECK(state_named(s.name) == s.which);
        CHECK_FALSE(s.meaning.empty());
    }
    for (const event_facts &e : events) {
        CHECK(event_named(e.name) == e.which);
        CHECK_FALSE(e.meaning.empty());
    }
    for (std::size_t i = 0; i < act_names.size(); ++i) {
        CHECK(act_named(act_names[i]) == static_cast<act>(i));
    }
    for (const kind k : kinds) CHECK(kind_named(to_string(k)) == k);
    for (const finding_facts &f : findings) {
        CHECK(facts_of(f.which).name == f.name);
        CHECK_FALSE(f.why.empty());
    }
    CHECK_FALSE(state_named("teleporting"));
    CHECK_FALSE(event_named(""));
    CHECK_FALSE(act_named("nothing "));
}
