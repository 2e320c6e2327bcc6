// SPDX-License-Identifier: MIT
#include <kvmig/migration/recovery.hpp>
#include <migration/recovery_facts.hpp>
#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace kvmig::migration;
using namespace kvmig::migration::testing;

namespace {

constexpr sighting gone_by(r why) { return {presence::absent, why, false, false}; }
/// An incoming guest: its definition comes with Finish.
constexpr sighting incoming(bool job = true) {
    return {presence::paused, r::migration, false, job};
}

/// One whose QEMU has yet to start.
constexpr sighting preparing_there{presence::paused, r::starting_up, false, true};

/// What a controller's end leaves behind, by the sources of libvirt 9.0, and what is right.
struct left_behind {
    const char *when;
    state position;
    sighting source;
    sighting destination;
    finding at_first;   ///< while daemons may still be at work
    finding in_the_end; ///< when nothing has changed for long
};

const std::vector<left_behind> cases = {
    // The connection that the controller held closes; the destination's daemon ends what waits
    // for Finish (`qemuProcessAutoDestroy`), and the source's Perform fails for want of a peer.
    {"managed, ended in Begin: nothing was done", state::beginning, running(r::other), absent,
     finding::at_source, finding::at_source},
    // Seen: the source's daemon notices at once, and the destination's when its QEMU has started.
    {"managed, ended in Prepare: the destination is at it", state::cancelling,
     running(r::migration_canceled), preparing_there, finding::under_way, finding::both_claim},
    {"managed, ended in Prepare, of a guest that was suspended", state::pre_copy_suspended,
     paused(r::user), preparing_there, finding::under_way, finding::both_claim},
    {"somebody starts it there, with no job of libvirt's",
     state::beginning,
     running(r::other),
     {presence::paused, r::starting_up, false, false},
     finding::both_claim,
     finding::both_claim},
    {"managed, ended in Perform: both daemons have yet to notice", state::pre_copy,
     running(r::other, true), incoming(), finding::job_runs, finding::job_runs},
    {"managed, ended in Perform: the destination has noticed", state::pre_copy,
     running(r::other, true), gone_by(r::destroyed), finding::job_runs, finding::job_runs},
    {"managed, ended in Perform: both have noticed", state::pre_copy,
     running(r::migration_canceled), absent, finding::at_source, finding::at_source},
    // `qemuMigrationAnyConnectionClosed` in PERFORM3_DONE: "we don't know if the domain was
    // successfully started on destination or not".
    {"managed, ended between Perform and Finish", state::pre_copy, paused(r::migration),
     gone_by(r::destroyed), finding::stopped_at_source, finding::stopped_at_source},
    {"managed, ended while Finish was at work", state::switching_over, paused(r::migration),
     incoming(), finding::under_way, finding::incoming_left_over},
    {"managed, ended between Finish and Confirm", state::switching_over, paused(r::migration),
     running(r::migrated), finding::arrived_unconfirmed, finding::arrived_unconfirmed},
    {"the same, and no state but the first was recorded", state::beginning, paused(r::migration),
     running(r::migrated), finding::arrived_unconfirmed, finding::arrived_unconfirmed},
    {"ended after Confirm", state::switching_over, off(r::migrated), running(r::migrated),
     finding::arrived, finding::arrived},
    {"ended after Confirm, which undefined the source", state::pre_copy, absent,
     running(r::migrated), finding::arrived, finding::arrived},
    {"arrived, and paused and resumed by somebody since", state::pre_copy, off(r::migrated),
     running(r::other), finding::arrived, finding::arrived},

    // Peer to peer, the source's daemon needs no controller.
    {"peer to peer, in Perform", state::copying_disks, running(r::other, true), incoming(),
     finding::job_runs, finding::job_runs},
    {"peer to peer, in Finish", state::pre_copy, paused(r::migration, true), incoming(),
     finding::job_runs, finding::job_runs},
    {"peer to peer, between Finish and Confirm", state::pre_copy, paused(r::migration, true),
     running(r::migrated), finding::under_way, finding::under_way},

    // Post-copy.
    {"post-copy runs by itself", state::post_copy, paused(r::postcopy, true),
     running(r::postcopy, true), finding::split_runs, finding::split_runs},
    {"managed: the source has noticed, QEMU may go on", state::post_copy,
     paused(r::postcopy_failed, true), running(r::postcopy, true), finding::split_broken,
     finding::split_broken},
    {"the link was cut", state::post_copy, paused(r::postcopy_failed, true),
     running(r::postcopy_failed, true), finding::split_broken, finding::split_broken},
    {"the link was cut, recorded before it was seen to begin", state::post_copy_starting,
     paused(r::postcopy_failed, true), running(r::postcopy_failed, true), finding::split_broken,
     finding::split_broken},
    {"all memory has come, and the source is told next", state::post_copy,
     paused(r::postcopy, true), running(r::migrated), finding::under_way,
     finding::arrived_unconfirmed},
    {"all memory came though nobody watched", state::post_copy_paused,
     paused(r::postcopy_failed, true), running(r::migrated), finding::under_way,
     finding::arrived_unconfirmed},
    {"post-copy ended well", state::post_copy, off(r::migrated), running(r::migrated),
     finding::arrived, finding::arrived},
    {"managed: ended before the destination ran; it was destroyed", state::post_copy_starting,
     paused(r::postcopy_failed, true), gone_by(r::destroyed), finding::split_without_destination,
     finding::split_without_destination},
    {"libvirt takes back a post-copy that nobody ran yet", state::post_copy_starting,
     paused(r::postcopy, true), gone_by(r::failed), finding::under_way,
     finding::split_without_destination},
    {"the source's QEMU died in post-copy", state::post_copy, off(r::crashed),
     running(r::postcopy_failed, true), finding::split_without_source,
     finding::split_without_source},
    {"both QEMUs died in post-copy", state::post_copy, off(r::crashed), gone_by(r::crashed),
     finding::under_way, finding::gone},

    // "There is a small chance that the ddomain is NULL due to an RPC failure, in which case
    // ddomain could in fact be running on the dest": Confirm then resumed the source.
    {"Finish's answer was lost: both run", state::switching_over, running(r::migration_canceled),
     running(r::migrated), finding::both_claim, finding::both_claim},

    // Hosts and guests that went down.
    {"the source's QEMU crashed while it sent", state::pre_copy, off(r::crashed),
     gone_by(r::failed), finding::went_down_at_source, finding::went_down_at_source},
    {"the source host was restarted while it sent", state::pre_copy, off(r::other),
     gone_by(r::destroyed), finding::went_down_at_source, finding::went_down_at_source},
    {"the guest switched itself off while it was sent", state::pre_copy, off(r::shutdown),
     gone_by(r::destroyed), finding::shut_off_at_source, finding::shut_off_at_source},
    {"the source host died with a complete copy waiting at the destination", state::switching_over,
     off(r::other), incoming(), finding::under_way, finding::arrival_without_source},
    {"arrived, and switched itself off there", state::switching_over, off(r::migrated),
     off(r::shutdown), finding::arrived_and_ended, finding::arrived_and_ended},
    {"arrived unconfirmed, and switched itself off there", state::switching_over,
     paused(r::migration), off(r::shutdown), finding::may_have_run_elsewhere,
     finding::may_have_run_elsewhere},

    // On the way back.
    {"ended while the waiting process was being destroyed", state::clearing, paused(r::migration),
     incoming(false), finding::under_way, finding::incoming_left_over},
    {"ended after it was destroyed", state::clearing, paused(r::migration), gone_by(r::destroyed),
     finding::stopped_at_source, finding::stopped_at_source},
    {"ended after the guest was resumed", state::restoring, running(r::other), absent,
     finding::at_source, finding::at_source},
    {"somebody moves it again while we clean", state::cleaning, running(r::other, true), incoming(),
     finding::under_way, finding::under_way},
    {"somebody moves it before we do", state::preparing, running(r::other, true), incoming(),
     finding::unexplained, finding::unexplained},
};

} // namespace

TEST_CASE("what libvirt leaves behind when the controller ends is recognised") {
    for (const left_behind &c : cases) {
        const past p{c.position, false, false};
        INFO(c.when);
        const ruling first = decide(origin{}, p, c.source, c.destination, {false, true});
        CHECK(to_string(first.found) == to_string(c.at_first));
        const ruling last = decide(origin{}, p, c.source, c.destination, {false, false});
        CHECK(to_string(last.found) == to_string(c.in_the_end));
    }
}

TEST_CASE("without a definition at the destination, an absent guest may have run there") {
    origin transient;
    transient.persist_destination = false;
    const past p{state::switching_over, false, false};
    CHECK(decide(transient, p, paused(r::migration), absent, {}).found ==
          finding::may_have_run_elsewhere);
    // Unless its log tells how it ended.
    CHECK(decide(transient, p, paused(r::migration), gone_by(r::destroyed), {}).found ==
          finding::stopped_at_source);
    // Or the source runs it.
    CHECK(decide(transient, p, running(r::migration_canceled), absent, {}).found ==
          finding::at_source);
}

TEST_CASE("a guest that this migration suspended is resumed, one that somebody paused is not") {
    const past ours{state::pre_copy_suspended, false, true};
    const ruling resumed = decide(origin{}, ours, paused(r::user), absent, {});
    CHECK(resumed.found == finding::stopped_at_source);
    CHECK(resumed.steps == few<host_step, 4>{host_step::resume_source});

    const past theirs{state::pre_copy, false, false};
    const ruling left = decide(origin{}, theirs, paused(r::user), absent, {});
    CHECK(left.found == finding::paused_at_source);
    CHECK(left.steps.empty());

    origin was_paused;
    was_paused.source_was = activity::paused;
    CHECK(decide(was_paused, ours, paused(r::user), absent, {}).steps.empty());
    CHECK(decide(was_paused, theirs, paused(r::migration), absent, {}).steps.empty());
}

TEST_CASE("a guest moved to be left paused has arrived when it is paused there") {
    const past p{state::switching_over, false, false};
    origin o;
    CHECK(decide(o, p, paused(r::migration), paused(r::user), {}).found == finding::both_claim);
    o.start_at_destination = false;
    CHECK(decide(o, p, paused(r::migration), paused(r::user), {}).found ==
          finding::arrived_unconfirmed);
    CHECK(decide(o, p, off(r::migrated), paused(r::user), {}).found == finding::arrived);
}

TEST_CASE("a job that goes on is let be, or called off when that was asked for") {
    const past p{state::pre_copy, false, false};
    const past cancelled{state::cancelling, true, false};
    CHECK(decide(origin{}, p, running(r::other, true), incoming(), {false, true}).feed ==
          few<event, 2>{event::job_still_runs});
    CHECK(decide(origin{}, p, running(r::other, true), incoming(), {true, true}).feed ==
          few<event, 2>{event::job_still_runs, event::cancel_requested});
    CHECK(decide(origin{}, cancelled, running(r::other, true), incoming(), {}).feed ==
          few<event, 2>{event::job_still_runs, event::cancel_requested});
}

TEST_CASE("what goes at the destination is what this migration made") {
    const past p{state::pre_copy, false, false};
    origin o;
    o.kind = kind::block;
    o.shared_storage = false;
    CHECK(decide(o, p, running(r::other), off(r::failed), {}).steps ==
          few<host_step, 4>{host_step::undefine_destination, host_step::remove_targets});
    o.destination_defined = true;
    CHECK(decide(o, p, running(r::other), off(r::failed), {}).steps ==
          few<host_step, 4>{host_step::remove_targets});
    o.shared_storage = true; // incremental on top of a shared base would say false
    CHECK(decide(o, p, running(r::other), off(r::failed), {}).steps.empty());
}

TEST_CASE("what goes at the source is what was asked to go") {
    const past p{state::switching_over, false, false};
    origin o;
    CHECK(decide(o, p, off(r::migrated), running(r::migrated), {}).steps.empty());
    o.undefine_source = true;
    CHECK(decide(o, p, paused(r::migration), running(r::migrated), {}).steps ==
          few<host_step, 4>{host_step::destroy_source, host_step::undefine_source});
}
