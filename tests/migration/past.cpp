// SPDX-License-Identifier: MIT
#include <kvmig/migration/past.hpp>
#include <support/catch.hpp>

#include <initializer_list>
#include <vector>

using namespace kvmig::migration;

namespace {

std::vector<transition> history(kind k, std::initializer_list<event> events) {
    machine m(k);
    std::vector<transition> out;
    for (const event e : events) {
        const auto t = m.step(e);
        REQUIRE(t);
        out.push_back(*t);
    }
    return out;
}

} // namespace

TEST_CASE("the past of a journal without a line is a plan") { CHECK(past_of({}) == past{}); }

TEST_CASE("asking the hosts, again and again, does not hide how far it came") {
    const auto lines =
        history(kind::live, {event::prepare_requested, event::move_requested, event::memory_phase,
                             event::controller_restarted, event::not_settled,
                             event::controller_restarted, event::not_settled});
    CHECK(past_of(lines) == past{state::pre_copy, false, false});
}

TEST_CASE("what was asked for on the way is remembered") {
    CHECK(past_of(history(kind::live, {event::prepare_requested, event::move_requested,
                                       event::memory_phase, event::suspend_requested,
                                       event::cancel_requested, event::controller_restarted})) ==
          past{state::cancelling, true, true});
}

TEST_CASE("the way forward is the only one once the guest has left") {
    for (const state s : {state::post_copy, state::post_copy_paused, state::post_copy_recovering,
                          state::releasing}) {
        CHECK(forward_only(kind::live, s));
    }
    CHECK(forward_only(kind::cold, state::releasing));
    for (const state s : {state::preparing, state::pre_copy, state::post_copy_starting,
                          state::switching_over, state::restoring, state::cleaning}) {
        CHECK_FALSE(forward_only(kind::live, s));
    }
}

TEST_CASE("the guest may have left as soon as somebody was told to run it elsewhere") {
    CHECK_FALSE(may_have_left(kind::cold, state::copying));
    CHECK_FALSE(may_have_left(kind::cold, state::defining));
    CHECK(may_have_left(kind::cold, state::starting));
    CHECK_FALSE(may_have_left(kind::live, state::preparing));
    // libvirt goes from Begin to Confirm without asking again.
    CHECK(may_have_left(kind::live, state::beginning));
    CHECK(may_have_left(kind::live, state::cancelling));
    CHECK_FALSE(may_have_left(kind::live, state::restoring));
    CHECK_FALSE(may_have_left(kind::live, state::cleaning));
}
