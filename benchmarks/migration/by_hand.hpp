// SPDX-License-Identifier: MIT
// The transitions as one would write them by hand: what the table is measured against.
#pragma once

#include <kvmig/migration/act.hpp>
#include <kvmig/migration/event.hpp>
#include <kvmig/migration/kind.hpp>
#include <kvmig/migration/state.hpp>

namespace kvmig::bench {

struct answer {
    bool accepted = false;
    migration::state to{};
    migration::act then{};
};

/// What `e` leads to in state `s` of a migration of kind `k`.
inline answer by_hand(migration::kind k, migration::state s, migration::event e) {
    using enum migration::state;
    using enum migration::event;
    using enum migration::act;
    const bool cold = k == migration::kind::cold;
    const bool disks = k == migration::kind::block || k == migration::kind::incremental;
    const answer no{};
    const auto go = [](migration::state to, migration::act then) { return answer{true, to, then}; };
    const auto ask = [&] { return go(reconciling, ask_both_hosts); };
    const auto ask_forward = [&] { return go(reconciling_forward, ask_both_hosts); };

    switch (s) {
    case planned:
        switch (e) {
        case prepare_requested: return go(preparing, prepare_destination);
        case refused:
        case controller_restarted: return go(failed, nothing);
        case cancel_requested: return go(cancelled, nothing);
        default: return no;
        }
    case preparing:
        switch (e) {
        case stop_requested: return cold ? go(stopping, stop_guest) : no;
        case copy_requested: return cold ? go(copying, copy_images) : no;
        case move_requested: return cold ? no : go(beginning, start_job);
        case cancel_requested:
        case step_failed:
        case link_lost: return go(cleaning, clean_destination);
        case source_lost:
        case destination_lost:
        case controller_restarted: return ask();
        default: return no;
        }
    case stopping:
        if (!cold) return no;
        switch (e) {
        case source_stopped: return go(copying, copy_images);
        case step_failed:
        case cancel_requested:
        case destination_lost: return go(restoring, restore_source);
        case source_lost:
        case controller_restarted: return ask();
        default: return no;
        }
    case copying:
    case verifying:
        if (!cold) return no;
        switch (e) {
        case images_copied: return s == copying ? go(verifying, prove_copy) : no;
        case copy_proven: return s == verifying ? go(defining, define_destination) : no;
        case step_failed:
        case cancel_requested:
        case destination_lost: return go(restoring, restore_source);
        case source_lost:
        case link_lost:
        case controller_restarted: return ask();
        default: return no;
        }
    case defining:
        if (!cold) return no;
        switch (e) {
        case destination_defined: return go(starting, start_destination);
        case definition_left_shut_off: return go(releasing, release_source);
        case step_failed:
        case cancel_requested:
        case destination_lost: return go(restoring, restore_source);
        case source_lost:
        case controller_restarted: return ask();
        default: return no;
        }
    case starting:
        if (!cold) return no;
        switch (e) {
        case destination_started: return go(releasing, release_source);
        case step_failed:
        case source_lost:
        case destination_lost:
        case controller_restarted: return ask();
        default: return no;
        }
    case beginning:
    case copying_disks:
    case pre_copy:
    case pre_copy_suspended:
    case cancelling:
    case post_copy_starting:
    case switching_over:
        if (cold || (s == copying_disks && !disks)) return no;
        switch (e) {
        case post_copy_active: return go(post_copy, nothing);
        case job_completed: return go(releasing, release_source);
        case job_failed:
        case job_aborted:
        case no_job:
        case source_lost:
        case destination_lost:
        case link_lost:
        case controller_restarted: return ask();
        case guest_stopped: return s == switching_over ? no : go(switching_over, nothing);
        case disk_phase:
            if (!disks) return no;
            if (s == beginning) return go(copying_disks, nothing);
            return s == cancelling ? go(cancelling, nothing) : no;
        case memory_phase:
            if (s == beginning || s == copying_disks) return go(pre_copy, nothing);
            return s == cancelling ? go(cancelling, nothing) : no;
        case cancel_requested:
            if (s == cancelling) return go(cancelling, nothing);
            return s == post_copy_starting || s == switching_over ? no : go(cancelling, abort_job);
        case suspend_requested: return s == pre_copy ? go(pre_copy_suspended, suspend_guest) : no;
        case post_copy_requested:
            return s == pre_copy ? go(post_copy_starting, start_post_copy) : no;
        case post_copy_refused: return s == post_copy_starting ? go(pre_copy, nothing) : no;
        case post_copy_broken: return s == post_copy_starting ? ask() : no;
        case step_failed:
            if (s == pre_copy_suspended) return go(pre_copy, nothing);
            return s == cancelling ? ask() : no;
        default: return no;
        }
    case post_copy:
    case post_copy_paused:
    case post_copy_recovering:
        if (cold) return no;
        switch (e) {
        case job_completed: return go(releasing, release_source);
        case job_failed:
        case job_aborted:
        case no_job:
        case source_lost:
        case destination_lost:
        case controller_restarted: return ask_forward();
        case post_copy_broken:
        case link_lost: return go(post_copy_paused, nothing);
        case post_copy_active: return s == post_copy ? no : go(post_copy, nothing);
        case resume_requested:
            return s == post_copy_paused ? go(post_copy_recovering, resume_post_copy) : no;
        case step_failed: return s == post_copy_recovering ? go(post_copy_paused, nothing) : no;
        default: return no;
        }
    case reconciling:
    case reconciling_forward: {
        const bool back = s == reconciling;
        switch (e) {
        case guest_at_destination: return go(releasing, release_source);
        case guest_split: return cold ? no : go(post_copy, watch_job);
        case guest_split_broken: return cold ? no : go(post_copy_paused, nothing);
        case guest_gone: return go(lost, nothing);
        case not_settled: return go(s, nothing);
        case person_took_over: return go(taken_over, nothing);
        case controller_restarted: return go(s, ask_both_hosts);
        case guest_at_source: return back ? go(restoring, restore_source) : no;
        case incoming_left_over: return back ? go(clearing, clear_destination) : no;
        case job_still_runs: return back && !cold ? go(beginning, watch_job) : no;
        case stop_can_go_on: return back && cold ? go(stopping, stop_guest) : no;
        case copy_can_go_on: return back && cold ? go(copying, copy_images) : no;
        case start_can_go_on: return back && cold ? go(starting, start_destination) : no;
        default: return no;
        }
    }
    case clearing:
        switch (e) {
        case destination_cleared:
        case step_failed:
        case source_lost:
        case destination_lost:
        case controller_restarted: return ask();
        default: return no;
        }
    case restoring:
        switch (e) {
        case source_restored: return go(cleaning, clean_destination);
        case destination_lost: return go(restoring, nothing);
        case step_failed:
        case source_lost:
        case controller_restarted: return ask();
        default: return no;
        }
    case cleaning:
        switch (e) {
        case undone: return go(failed, nothing);
        case withdrawn: return go(cancelled, nothing);
        case step_failed:
        case source_lost:
        case destination_lost:
        case controller_restarted: return ask();
        default: return no;
        }
    case releasing:
        switch (e) {
        case source_released: return go(completed, nothing);
        case step_failed:
        case source_lost:
        case destination_lost:
        case controller_restarted: return ask_forward();
        default: return no;
        }
    case completed:
    case cancelled:
    case failed:
    case lost:
    case taken_over: return no;
    }
    return no;
}

} // namespace kvmig::bench
