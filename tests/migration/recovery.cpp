// SPDX-License-Identifier: MIT
#include <kvmig/migration/recovery.hpp>
#include <kvmig/migration/recovery_choice.hpp>
#include <migration/recovery_facts.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

using namespace kvmig::migration;
using namespace kvmig::migration::testing;

namespace {

/// One case with its answer.
struct judged {
    const origin &o;
    const past &p;
    const sighting &s;
    const sighting &d;
    recovery_policy policy;
    const ruling &r;

    [[nodiscard]] bool settles_nothing() const {
        return r.steps.empty() && r.feed.size() == 1 && r.feed[0] == event::not_settled;
    }
    [[nodiscard]] bool does(host_step step) const { return r.steps.has(step); }
    [[nodiscard]] bool runs_source() const {
        return does(host_step::resume_source) || does(host_step::start_source);
    }
};

bool post_copy_mark(const sighting &s) {
    return s.active() && (s.why == r::postcopy || s.why == r::postcopy_failed);
}

/// The states from which nothing leads back; said again, not read from the table.
bool left_for_good(state position) {
    return position == state::post_copy || position == state::post_copy_paused ||
           position == state::post_copy_recovering || position == state::releasing;
}

/// States in which libvirt has the migration, or had it last.
bool in_libvirts_hands(state position) {
    return position == state::beginning || position == state::copying_disks ||
           position == state::pre_copy || position == state::pre_copy_suspended ||
           position == state::cancelling || position == state::post_copy_starting ||
           position == state::switching_over;
}

/// The name of the first invariant that does not hold, or nothing. What must never be done.
const char *violated(const judged &c) {
    const bool over = is_end(c.p.position) || c.p.position == state::planned;
    if (over) return c.r.feed.empty() && c.r.steps.empty() ? nullptr : "acts though it is over";
    if (!c.s.reachable() || !c.d.reachable()) {
        return c.settles_nothing() ? nullptr : "acts though a host is unreachable";
    }
    if (c.s.seen == presence::running && c.d.seen == presence::running && !c.settles_nothing()) {
        return "acts though both run the guest";
    }
    if (c.s.active() && c.d.active() && !c.settles_nothing()) {
        const bool marked_at_source =
            c.s.why == r::migration || post_copy_mark(c.s) || (c.p.suspended && c.s.why == r::user);
        const bool marked_at_destination =
            c.d.seen == presence::paused && (c.d.why == r::migration || c.d.why == r::starting_up);
        if (!marked_at_source && !marked_at_destination) {
            return "acts though both claim the guest, and neither bears libvirt's mark";
        }
    }
    if (c.runs_source()) {
        if (c.d.active()) return "runs the source's copy beside the destination's";
        if (c.s.seen == presence::running) return "runs what runs";
        if (left_for_good(c.p.position)) return "runs the source's copy of a guest that left";
        if (post_copy_mark(c.s)) return "resumes a guest whose memory is split";
        if (c.d.why == r::shutdown && !c.o.destination_defined) {
            return "runs an old state: the guest has run and ended at the destination";
        }
        if (c.s.job) return "runs a guest whose job is at work";
        if (c.o.source_was == activity::off) return "runs what was off";
        const bool fits = c.does(host_step::resume_source) ? c.s.seen == presence::paused
                                                           : c.s.seen == presence::shut_off;
        if (!fits) return "resumes what is off, or starts what is on";
    }
    if (c.does(host_step::destroy_destination)) {
        if (!c.d.is(presence::paused, r::migration)) return "destroys more than a waiting process";
        if (!c.s.active() || post_copy_mark(c.s)) return "destroys the only copy";
        if (c.s.job) return "destroys what a job may be filling";
    }
    if (c.does(host_step::destroy_source)) {
        if (c.s.seen != presence::paused) return "destroys a running guest";
        const bool complete =
            c.d.is(presence::running, r::migrated) || c.d.is(presence::paused, r::user);
        if (!complete) return "destroys memory that the destination may lack";
    }
    if (c.does(host_step::undefine_destination) || c.does(host_step::remove_targets)) {
        if (c.d.active()) return "takes storage from a process";
        if (c.s.seen == presence::absent) return "removes the last copy";
        if (left_for_good(c.p.position)) return "removes what the guest went to";
        if (c.does(host_step::undefine_destination) && c.o.destination_defined) {
            return "undefines what was there before";
        }
        if (c.does(host_step::remove_targets) && c.o.shared_storage) {
            return "removes the images that both use";
        }
    }
    if (c.does(host_step::undefine_source)) {
        if (!c.o.undefine_source) return "undefines the source unasked";
        if (c.d.seen == presence::absent) return "undefines the last definition";
    }
    if (c.does(host_step::resume_destination) || c.does(host_step::start_destination)) {
        return "starts the destination without a person's word";
    }
    if (c.r.feed.has(event::guest_gone)) {
        if (c.s.active() || c.d.active()) return "gives up a guest that has a process";
        if (c.s.seen == presence::shut_off && !left_for_good(c.p.position)) {
            return "gives up a guest that can be started";
        }
    }
    if (c.r.feed.has(event::cancel_requested) && !c.policy.undo && !c.p.cancel_requested) {
        return "calls off what nobody called off";
    }
    // What it feeds is accepted, one after the other.
    machine m(c.o.kind,
              left_for_good(c.p.position) ? state::reconciling_forward : state::reconciling);
    for (const event e : c.r.feed) {
        if (!m.accepts(e)) return "feeds an event that the machine refuses";
        if (!m.step(e)) return "feeds an event that the machine refuses";
    }
    const auto open = choices_after(c.r, c.o, c.p, c.s, c.d);
    if (open.empty() != !c.r.feed.has(event::not_settled)) return "leaves no choice, or too many";
    if (!open.empty() && (open.front() != choice::ask_later || open.back() != choice::take_over)) {
        return "leaves no way to wait or to take over";
    }
    return nullptr;
}

/// The name of the first duty that is not done, or nothing. What must not be left undone.
const char *neglected(const judged &c) {
    if (is_end(c.p.position) || c.p.position == state::planned) return nullptr;
    if (!c.s.reachable() || !c.d.reachable()) return nullptr;
    const state at = c.p.position;
    const bool nothing_known_there = c.d.seen == presence::absent && c.d.why == r::other &&
                                     c.o.persist_destination && !c.o.destination_defined;
    const bool source_off = c.s.seen == presence::shut_off || c.s.seen == presence::absent;

    if (c.o.kind == kind::cold) {
        const bool settled = c.s.seen == presence::shut_off && nothing_known_there;
        if (settled && (at == state::copying || at == state::verifying || at == state::defining)) {
            if (!c.policy.undo && !c.r.feed.has(event::copy_can_go_on)) return "copy left lying";
            if (c.policy.undo &&
                c.does(host_step::start_source) != (c.o.source_was != activity::off)) {
                return "guest left switched off";
            }
        }
        if (settled && at == state::restoring &&
            c.does(host_step::start_source) != (c.o.source_was != activity::off)) {
            return "guest left switched off on the way back";
        }
        if (at == state::starting && c.s.seen == presence::shut_off && !c.policy.undo &&
            (c.d.is(presence::shut_off, r::other) || c.d.is(presence::shut_off, r::failed)) &&
            !c.r.feed.has(event::start_can_go_on)) {
            return "proven copy left switched off";
        }
        if ((at == state::starting || at == state::releasing) && source_off &&
            c.d.seen == presence::running && !post_copy_mark(c.d) &&
            !c.r.feed.has(event::guest_at_destination)) {
            return "arrival not seen";
        }
        return nullptr;
    }

    const bool quiet = !c.s.job;
    if (c.s.seen == presence::running && quiet && !left_for_good(at) && nothing_known_there &&
        !post_copy_mark(c.s)) {
        if (!c.r.feed.has(event::guest_at_source)) return "guest at the source not seen";
    }
    if (in_libvirts_hands(at)) {
        if (c.s.is(presence::paused, r::migration) && quiet && nothing_known_there &&
            c.does(host_step::resume_source) != (c.o.source_was == activity::running)) {
            return "guest left stopped at the source";
        }
        if (c.p.suspended && c.s.is(presence::paused, r::user) && quiet && nothing_known_there &&
            c.does(host_step::resume_source) != (c.o.source_was == activity::running)) {
            return "guest left suspended at the source";
        }
        if (c.s.is(presence::shut_off, r::crashed) && nothing_known_there &&
            !c.does(host_step::start_source)) {
            return "guest left down at the source";
        }
        if (c.s.is(presence::paused, r::migration) && quiet && !c.policy.patient &&
            c.d.is(presence::paused, r::migration) && !c.r.feed.has(event::incoming_left_over)) {
            return "waiting process left at the destination";
        }
        if (c.s.active() && c.s.job && !post_copy_mark(c.s) && !c.d.active() &&
            !c.r.feed.has(event::job_still_runs)) {
            return "running job not taken up";
        }
    }
    if (in_libvirts_hands(at) || left_for_good(at)) {
        if (source_off && c.d.is(presence::running, r::migrated) &&
            !c.r.feed.has(event::guest_at_destination)) {
            return "arrival not seen";
        }
        if (c.s.is(presence::paused, r::migration) && quiet &&
            c.d.is(presence::running, r::migrated) && !c.does(host_step::destroy_source)) {
            return "stopped process left at the source";
        }
        if (post_copy_mark(c.s) && c.s.seen == presence::paused && post_copy_mark(c.d) &&
            c.d.seen == presence::running) {
            const bool healthy = c.s.why == r::postcopy && c.d.why == r::postcopy;
            if (!c.r.feed.has(healthy ? event::guest_split : event::guest_split_broken)) {
                return "post-copy not taken up";
            }
            if (c.r.feed.has(event::resume_requested) == healthy) return "post-copy not resumed";
        }
    }
    return nullptr;
}

/// Judges every case of one kind: facts of both hosts, places, ways it was before, pasts and
/// policies. Returns how many.
std::uint64_t judge_all(kind k) {
    std::uint64_t cases = 0;
    int shown = 0;
    const auto destinations = all_destination_sightings();
    for (const origin &o : all_origins(k)) {
        const auto sources = all_sightings(o.source_persistent);
        for (const state position : all_positions(k)) {
            for (unsigned bits = 0; bits < 16; ++bits) {
                const past p{position, (bits & 1U) != 0, (bits & 2U) != 0};
                if (k == kind::cold && p.suspended) continue;
                const recovery_policy policy{(bits & 4U) != 0, (bits & 8U) != 0};
                for (const sighting &s : sources) {
                    for (const sighting &d : destinations) {
                        ++cases;
                        const ruling answer = decide(o, p, s, d, policy);
                        const judged c{o, p, s, d, policy, answer};
                        const char *wrong = violated(c);
                        if (wrong == nullptr) wrong = neglected(c);
                        if (wrong == nullptr || ++shown > 10) continue;
                        FAIL_CHECK(wrong << "\n"
                                         << describe_case(o, p, s, d) << "\nundo " << policy.undo
                                         << " patient " << policy.patient << "\nfound "
                                         << to_string(answer.found));
                    }
                }
            }
        }
    }
    CHECK(shown == 0);
    return cases;
}

} // namespace

TEST_CASE("recovery of a cold migration does right by whatever it finds") {
    CHECK(judge_all(kind::cold) > 1'000'000);
}
TEST_CASE("recovery of a live migration does right by whatever it finds") {
    CHECK(judge_all(kind::live) > 1'000'000);
}
TEST_CASE("recovery of a block migration does right by whatever it finds") {
    CHECK(judge_all(kind::block) > 1'000'000);
}
