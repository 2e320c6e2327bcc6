// SPDX-License-Identifier: MIT
#include <kvmig/migration/recovery.hpp>
#include <kvmig/migration/recovery_choice.hpp>
#include <migration/recovery_facts.hpp>
#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace kvmig;
using namespace kvmig::migration;
using namespace kvmig::migration::testing;

namespace {

constexpr sighting unreachable{};

} // namespace

TEST_CASE("a choice is open only where the hosts leave a doubt") {
    const past p{state::pre_copy, false, false};
    const ruling clear = decide(origin{}, p, running(r::other), off(r::failed), {});
    CHECK(choices_after(clear, origin{}, p, running(r::other), off(r::failed)).empty());
    const auto refused =
        choose(choice::keep_source, clear, origin{}, p, running(r::other), off(r::failed));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == error_kind::refused);

    const ruling doubt =
        decide(origin{}, p, running(r::migration_canceled), running(r::migrated), {});
    CHECK(choices_after(doubt, origin{}, p, running(r::other), running(r::migrated)) ==
          std::vector<choice>{choice::ask_later, choice::keep_source, choice::keep_destination,
                              choice::take_over});
}

TEST_CASE("a guest that left cannot be kept at the source") {
    const past p{state::post_copy, false, false};
    const ruling doubt =
        decide(origin{}, p, off(r::crashed), running(r::postcopy_failed), {false, false});
    REQUIRE(doubt.found == finding::split_without_source);
    const auto refused = choose(choice::keep_source, doubt, origin{}, p, off(r::crashed),
                                running(r::postcopy_failed));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().remedy.find("keep-destination") != std::string::npos);
}

TEST_CASE("keeping the source ends the destination first, and asks again") {
    const past p{state::switching_over, false, false};
    const sighting s = running(r::migration_canceled);
    const sighting d = running(r::migrated);
    const auto chosen =
        choose(choice::keep_source, decide(origin{}, p, s, d, {}), origin{}, p, s, d);
    REQUIRE(chosen);
    CHECK(chosen->feed == few<event, 2>{event::incoming_left_over});
    CHECK(chosen->steps == few<host_step, 4>{host_step::destroy_destination});
}

TEST_CASE("keeping the source while the destination is away sets the guest running") {
    const past p{state::switching_over, false, false};
    const auto from = [&](const sighting &s) {
        return choose(choice::keep_source, decide(origin{}, p, s, unreachable, {}), origin{}, p, s,
                      unreachable);
    };
    CHECK(from(paused(r::migration))->steps == few<host_step, 4>{host_step::resume_source});
    CHECK(from(off(r::crashed))->steps == few<host_step, 4>{host_step::start_source});
    CHECK(from(running(r::other))->steps.empty());
}

TEST_CASE("keeping the destination ends the source, and sets the guest running if it is to") {
    const past p{state::switching_over, false, false};
    const sighting s = paused(r::migration);
    const sighting d = off(r::shutdown);
    const auto chosen =
        choose(choice::keep_destination, decide(origin{}, p, s, d, {}), origin{}, p, s, d);
    REQUIRE(chosen);
    CHECK(chosen->feed == few<event, 2>{event::guest_at_destination});
    CHECK(chosen->steps ==
          few<host_step, 4>{host_step::destroy_source, host_step::start_destination});
}

TEST_CASE("taking over touches nothing and closes the record") {
    const past p{state::post_copy, false, false};
    const ruling doubt = decide(origin{}, p, unreachable, unreachable, {});
    const auto chosen = choose(choice::take_over, doubt, origin{}, p, unreachable, unreachable);
    REQUIRE(chosen);
    CHECK(chosen->steps.empty());
    machine m(kind::live, state::reconciling_forward);
    REQUIRE(m.step(chosen->feed[0]));
    CHECK(m.at() == state::taken_over);
}

TEST_CASE("every open choice is one that the machine takes, and none touches a host unseen") {
    for (const kind k : {kind::cold, kind::live}) {
        origin o;
        o.kind = k;
        for (const state position : all_positions(k)) {
            const past p{position, false, false};
            for (const sighting &s : all_sightings(true)) {
                for (const sighting &d : all_destination_sightings()) {
                    const ruling doubt = decide(o, p, s, d, {false, false});
                    for (const choice c : choices_after(doubt, o, p, s, d)) {
                        const auto chosen = choose(c, doubt, o, p, s, d);
                        if (!chosen) FAIL(describe_case(o, p, s, d));
                        machine m(k, forward_only(k, position) ? state::reconciling_forward
                                                               : state::reconciling);
                        for (const event e : chosen->feed) {
                            if (!m.step(e)) {
                                FAIL(to_string(c) << '\n' << describe_case(o, p, s, d));
                            }
                        }
                        for (const host_step step : chosen->steps) {
                            const bool at_source = step == host_step::resume_source ||
                                                   step == host_step::start_source ||
                                                   step == host_step::destroy_source;
                            if (!(at_source ? s : d).reachable()) {
                                FAIL(to_string(c) << '\n' << describe_case(o, p, s, d));
                            }
                        }
                        // The other copy is ended before this one is run.
                        if (chosen->steps.has(host_step::resume_source) ||
                            chosen->steps.has(host_step::start_source)) {
                            if (d.active()) FAIL(describe_case(o, p, s, d));
                        }
                    }
                }
            }
        }
    }
    SUCCEED("each was taken");
}

TEST_CASE("a doubt is told with what was seen and what can be chosen") {
    const past p{state::switching_over, false, false};
    const sighting s = running(r::migration_canceled);
    const sighting d = running(r::migrated);
    const std::string text = describe(decide(origin{}, p, s, d, {}), origin{}, p, s, d);
    for (const char *part : {"ends in switching_over", "source: running (migration canceled)",
                             "destination: running (migrated)", "both hosts have the guest",
                             "keep-source:", "keep-destination:", "ask-later:", "take-over:"}) {
        INFO(text);
        CHECK(text.find(part) != std::string::npos);
    }
}
