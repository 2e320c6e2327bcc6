// SPDX-License-Identifier: MIT
/// The transitions of a migration: the one array from which the machine, its proofs, the
/// documents and the tests are made.
///
/// Two rules shaped it. An error of the call that moves a guest is not believed before both hosts
/// were asked: libvirt's Finish may have started the guest and its answer been lost. And from a
/// state in which the destination or both have the guest, no path leads back to the source.
#pragma once

#include <kvmig/migration/act.hpp>
#include <kvmig/migration/event.hpp>
#include <kvmig/migration/kind.hpp>
#include <kvmig/migration/state.hpp>

#include <array>

namespace kvmig::migration {

/// In state `from`, `on` leads to `to` and announces `then`, in migrations of these kinds.
struct edge {
    state from;  ///< never an end
    event on;    ///< once for each `from`
    state to;    ///< may be `from` itself
    act then;    ///< the work that it announces
    kind_set in; ///< at least one kind
};

namespace table {

// Here, and nowhere else, the words stand without their enums.
using enum state;
using enum event;
using enum act;

/// Every transition there is.
inline constexpr auto edges = std::to_array<edge>({
    {planned, prepare_requested, preparing, prepare_destination, every_kind},
    {planned, refused, failed, nothing, every_kind},
    {planned, cancel_requested, cancelled, nothing, every_kind},
    {planned, controller_restarted, failed, nothing, every_kind},

    {preparing, stop_requested, stopping, stop_guest, only_cold},
    {preparing, copy_requested, copying, copy_images, only_cold},
    {preparing, move_requested, beginning, start_job, any_live},
    {preparing, cancel_requested, cleaning, clean_destination, every_kind},
    {preparing, step_failed, cleaning, clean_destination, every_kind},
    {preparing, source_lost, reconciling, ask_both_hosts, every_kind},
    {preparing, destination_lost, reconciling, ask_both_hosts, every_kind},
    {preparing, link_lost, cleaning, clean_destination, every_kind},
    {preparing, controller_restarted, reconciling, ask_both_hosts, every_kind},

    // Until `starting` the destination was never told to start: losing it, the guest goes on at
    // the source at once.
    {stopping, source_stopped, copying, copy_images, only_cold},
    {stopping, step_failed, restoring, restore_source, only_cold},
    {stopping, cancel_requested, restoring, restore_source, only_cold},
    {stopping, destination_lost, restoring, restore_source, only_cold},
    {stopping, source_lost, reconciling, ask_both_hosts, only_cold},
    {stopping, controller_restarted, reconciling, ask_both_hosts, only_cold},

    {copying, images_copied, verifying, prove_copy, only_cold},
    {copying, step_failed, restoring, restore_source, only_cold},
    {copying, cancel_requested, restoring, restore_source, only_cold},
    {copying, destination_lost, restoring, restore_source, only_cold},
    {copying, source_lost, reconciling, ask_both_hosts, only_cold},
    {copying, link_lost, reconciling, ask_both_hosts, only_cold},
    {copying, controller_restarted, reconciling, ask_both_hosts, only_cold},

    {verifying, copy_proven, defining, define_destination, only_cold},
    {verifying, step_failed, restoring, restore_source, only_cold},
    {verifying, cancel_requested, restoring, restore_source, only_cold},
    {verifying, destination_lost, restoring, restore_source, only_cold},
    {verifying, source_lost, reconciling, ask_both_hosts, only_cold},
    {verifying, link_lost, reconciling, ask_both_hosts, only_cold},
    {verifying, controller_restarted, reconciling, ask_both_hosts, only_cold},

    {defining, destination_defined, starting, start_destination, only_cold},
    {defining, definition_left_shut_off, releasing, release_source, only_cold},
    {defining, step_failed, restoring, restore_source, only_cold},
    {defining, cancel_requested, restoring, restore_source, only_cold},
    {defining, destination_lost, restoring, restore_source, only_cold},
    {defining, source_lost, reconciling, ask_both_hosts, only_cold},
    {defining, controller_restarted, reconciling, ask_both_hosts, only_cold},

    {starting, destination_started, releasing, release_source, only_cold},
    {starting, step_failed, reconciling, ask_both_hosts, only_cold},
    {starting, source_lost, reconciling, ask_both_hosts, only_cold},
    {starting, destination_lost, reconciling, ask_both_hosts, only_cold},
    {starting, controller_restarted, reconciling, ask_both_hosts, only_cold},

    // libvirt's job. Its phases may pass unseen, so that its end is accepted in each of them; and
    // another client may abort it or switch it to post-copy.
    {beginning, disk_phase, copying_disks, nothing, with_disks},
    {beginning, memory_phase, pre_copy, nothing, any_live},
    {beginning, guest_stopped, switching_over, nothing, any_live},
    {beginning, post_copy_active, post_copy, nothing, any_live},
    {beginning, job_completed, releasing, release_source, any_live},
    {beginning, cancel_requested, cancelling, abort_job, any_live},
    {beginning, job_failed, reconciling, ask_both_hosts, any_live},
    {beginning, job_aborted, reconciling, ask_both_hosts, any_live},
    {beginning, no_job, reconciling, ask_both_hosts, any_live},
    {beginning, source_lost, reconciling, ask_both_hosts, any_live},
    {beginning, destination_lost, reconciling, ask_both_hosts, any_live},
    {beginning, link_lost, reconciling, ask_both_hosts, any_live},
    {beginning, controller_restarted, reconciling, ask_both_hosts, any_live},

    {copying_disks, memory_phase, pre_copy, nothing, with_disks},
    {copying_disks, guest_stopped, switching_over, nothing, with_disks},
    {copying_disks, post_copy_active, post_copy, nothing, with_disks},
    {copying_disks, job_completed, releasing, release_source, with_disks},
    {copying_disks, cancel_requested, cancelling, abort_job, with_disks},
    {copying_disks, job_failed, reconciling, ask_both_hosts, with_disks},
    {copying_disks, job_aborted, reconciling, ask_both_hosts, with_disks},
    {copying_disks, no_job, reconciling, ask_both_hosts, with_disks},
    {copying_disks, source_lost, reconciling, ask_both_hosts, with_disks},
    {copying_disks, destination_lost, reconciling, ask_both_hosts, with_disks},
    {copying_disks, link_lost, reconciling, ask_both_hosts, with_disks},
    {copying_disks, controller_restarted, reconciling, ask_both_hosts, with_disks},

    {pre_copy, guest_stopped, switching_over, nothing, any_live},
    {pre_copy, suspend_requested, pre_copy_suspended, suspend_guest, any_live},
    {pre_copy, post_copy_requested, post_copy_starting, start_post_copy, any_live},
    {pre_copy, post_copy_active, post_copy, nothing, any_live},
    {pre_copy, job_completed, releasing, release_source, any_live},
    {pre_copy, cancel_requested, cancelling, abort_job, any_live},
    {pre_copy, job_failed, reconciling, ask_both_hosts, any_live},
    {pre_copy, job_aborted, reconciling, ask_both_hosts, any_live},
    {pre_copy, no_job, reconciling, ask_both_hosts, any_live},
    {pre_copy, source_lost, reconciling, ask_both_hosts, any_live},
    {pre_copy, destination_lost, reconciling, ask_both_hosts, any_live},
    {pre_copy, link_lost, reconciling, ask_both_hosts, any_live},
    {pre_copy, controller_restarted, reconciling, ask_both_hosts, any_live},

    {pre_copy_suspended, guest_stopped, switching_over, nothing, any_live},
    {pre_copy_suspended, step_failed, pre_copy, nothing, any_live},
    {pre_copy_suspended, post_copy_active, post_copy, nothing, any_live},
    {pre_copy_suspended, job_completed, releasing, release_source, any_live},
    {pre_copy_suspended, cancel_requested, cancelling, abort_job, any_live},
    {pre_copy_suspended, job_failed, reconciling, ask_both_hosts, any_live},
    {pre_copy_suspended, job_aborted, reconciling, ask_both_hosts, any_live},
    {pre_copy_suspended, no_job, reconciling, ask_both_hosts, any_live},
    {pre_copy_suspended, source_lost, reconciling, ask_both_hosts, any_live},
    {pre_copy_suspended, destination_lost, reconciling, ask_both_hosts, any_live},
    {pre_copy_suspended, link_lost, reconciling, ask_both_hosts, any_live},
    {pre_copy_suspended, controller_restarted, reconciling, ask_both_hosts, any_live},

    {cancelling, cancel_requested, cancelling, nothing, any_live},
    {cancelling, disk_phase, cancelling, nothing, with_disks},
    {cancelling, memory_phase, cancelling, nothing, any_live},
    {cancelling, guest_stopped, switching_over, nothing, any_live},
    {cancelling, post_copy_active, post_copy, nothing, any_live},
    {cancelling, job_completed, releasing, release_source, any_live},
    {cancelling, job_failed, reconciling, ask_both_hosts, any_live},
    {cancelling, job_aborted, reconciling, ask_both_hosts, any_live},
    {cancelling, no_job, reconciling, ask_both_hosts, any_live},
    {cancelling, step_failed, reconciling, ask_both_hosts, any_live},
    {cancelling, source_lost, reconciling, ask_both_hosts, any_live},
    {cancelling, destination_lost, reconciling, ask_both_hosts, any_live},
    {cancelling, link_lost, reconciling, ask_both_hosts, any_live},
    {cancelling, controller_restarted, reconciling, ask_both_hosts, any_live},

    // Until the destination runs, libvirt itself can still bring the guest back.
    {post_copy_starting, post_copy_active, post_copy, nothing, any_live},
    {post_copy_starting, post_copy_refused, pre_copy, nothing, any_live},
    {post_copy_starting, guest_stopped, switching_over, nothing, any_live},
    {post_copy_starting, job_completed, releasing, release_source, any_live},
    {post_copy_starting, job_failed, reconciling, ask_both_hosts, any_live},
    {post_copy_starting, job_aborted, reconciling, ask_both_hosts, any_live},
    {post_copy_starting, no_job, reconciling, ask_both_hosts, any_live},
    {post_copy_starting, post_copy_broken, reconciling, ask_both_hosts, any_live},
    {post_copy_starting, source_lost, reconciling, ask_both_hosts, any_live},
    {post_copy_starting, destination_lost, reconciling, ask_both_hosts, any_live},
    {post_copy_starting, link_lost, reconciling, ask_both_hosts, any_live},
    {post_copy_starting, controller_restarted, reconciling, ask_both_hosts, any_live},

    {switching_over, job_completed, releasing, release_source, any_live},
    {switching_over, post_copy_active, post_copy, nothing, any_live},
    {switching_over, job_failed, reconciling, ask_both_hosts, any_live},
    {switching_over, job_aborted, reconciling, ask_both_hosts, any_live},
    {switching_over, no_job, reconciling, ask_both_hosts, any_live},
    {switching_over, source_lost, reconciling, ask_both_hosts, any_live},
    {switching_over, destination_lost, reconciling, ask_both_hosts, any_live},
    {switching_over, link_lost, reconciling, ask_both_hosts, any_live},
    {switching_over, controller_restarted, reconciling, ask_both_hosts, any_live},

    // From here on there is no way back.
    {post_copy, post_copy_broken, post_copy_paused, nothing, any_live},
    {post_copy, link_lost, post_copy_paused, nothing, any_live},
    {post_copy, job_completed, releasing, release_source, any_live},
    {post_copy, job_failed, reconciling_forward, ask_both_hosts, any_live},
    {post_copy, job_aborted, reconciling_forward, ask_both_hosts, any_live},
    {post_copy, no_job, reconciling_forward, ask_both_hosts, any_live},
    {post_copy, source_lost, reconciling_forward, ask_both_hosts, any_live},
    {post_copy, destination_lost, reconciling_forward, ask_both_hosts, any_live},
    {post_copy, controller_restarted, reconciling_forward, ask_both_hosts, any_live},

    {post_copy_paused, resume_requested, post_copy_recovering, resume_post_copy, any_live},
    {post_copy_paused, post_copy_active, post_copy, nothing, any_live},
    {post_copy_paused, post_copy_broken, post_copy_paused, nothing, any_live},
    {post_copy_paused, link_lost, post_copy_paused, nothing, any_live},
    {post_copy_paused, job_completed, releasing, release_source, any_live},
    {post_copy_paused, job_failed, reconciling_forward, ask_both_hosts, any_live},
    {post_copy_paused, job_aborted, reconciling_forward, ask_both_hosts, any_live},
    {post_copy_paused, no_job, reconciling_forward, ask_both_hosts, any_live},
    {post_copy_paused, source_lost, reconciling_forward, ask_both_hosts, any_live},
    {post_copy_paused, destination_lost, reconciling_forward, ask_both_hosts, any_live},
    {post_copy_paused, controller_restarted, reconciling_forward, ask_both_hosts, any_live},

    {post_copy_recovering, post_copy_active, post_copy, nothing, any_live},
    {post_copy_recovering, post_copy_broken, post_copy_paused, nothing, any_live},
    {post_copy_recovering, link_lost, post_copy_paused, nothing, any_live},
    {post_copy_recovering, step_failed, post_copy_paused, nothing, any_live},
    {post_copy_recovering, job_completed, releasing, release_source, any_live},
    {post_copy_recovering, job_failed, reconciling_forward, ask_both_hosts, any_live},
    {post_copy_recovering, job_aborted, reconciling_forward, ask_both_hosts, any_live},
    {post_copy_recovering, no_job, reconciling_forward, ask_both_hosts, any_live},
    {post_copy_recovering, source_lost, reconciling_forward, ask_both_hosts, any_live},
    {post_copy_recovering, destination_lost, reconciling_forward, ask_both_hosts, any_live},
    {post_copy_recovering, controller_restarted, reconciling_forward, ask_both_hosts, any_live},

    {reconciling, guest_at_source, restoring, restore_source, every_kind},
    {reconciling, guest_at_destination, releasing, release_source, every_kind},
    {reconciling, incoming_left_over, clearing, clear_destination, every_kind},
    {reconciling, job_still_runs, beginning, watch_job, any_live},
    {reconciling, guest_split, post_copy, watch_job, any_live},
    {reconciling, guest_split_broken, post_copy_paused, nothing, any_live},
    {reconciling, stop_can_go_on, stopping, stop_guest, only_cold},
    {reconciling, copy_can_go_on, copying, copy_images, only_cold},
    {reconciling, start_can_go_on, starting, start_destination, only_cold},
    {reconciling, guest_gone, lost, nothing, every_kind},
    {reconciling, not_settled, reconciling, nothing, every_kind},
    {reconciling, person_took_over, taken_over, nothing, every_kind},
    {reconciling, controller_restarted, reconciling, ask_both_hosts, every_kind},

    {reconciling_forward, guest_at_destination, releasing, release_source, every_kind},
    {reconciling_forward, guest_split, post_copy, watch_job, any_live},
    {reconciling_forward, guest_split_broken, post_copy_paused, nothing, any_live},
    {reconciling_forward, guest_gone, lost, nothing, every_kind},
    {reconciling_forward, not_settled, reconciling_forward, nothing, every_kind},
    {reconciling_forward, person_took_over, taken_over, nothing, every_kind},
    {reconciling_forward, controller_restarted, reconciling_forward, ask_both_hosts, every_kind},

    {clearing, destination_cleared, reconciling, ask_both_hosts, every_kind},
    {clearing, step_failed, reconciling, ask_both_hosts, every_kind},
    {clearing, source_lost, reconciling, ask_both_hosts, every_kind},
    {clearing, destination_lost, reconciling, ask_both_hosts, every_kind},
    {clearing, controller_restarted, reconciling, ask_both_hosts, every_kind},

    {restoring, source_restored, cleaning, clean_destination, every_kind},
    {restoring, destination_lost, restoring, nothing, every_kind},
    {restoring, step_failed, reconciling, ask_both_hosts, every_kind},
    {restoring, source_lost, reconciling, ask_both_hosts, every_kind},
    {restoring, controller_restarted, reconciling, ask_both_hosts, every_kind},

    {cleaning, undone, failed, nothing, every_kind},
    {cleaning, withdrawn, cancelled, nothing, every_kind},
    {cleaning, step_failed, reconciling, ask_both_hosts, every_kind},
    {cleaning, source_lost, reconciling, ask_both_hosts, every_kind},
    {cleaning, destination_lost, reconciling, ask_both_hosts, every_kind},
    {cleaning, controller_restarted, reconciling, ask_both_hosts, every_kind},

    {releasing, source_released, completed, nothing, every_kind},
    {releasing, step_failed, reconciling_forward, ask_both_hosts, every_kind},
    {releasing, source_lost, reconciling_forward, ask_both_hosts, every_kind},
    {releasing, destination_lost, reconciling_forward, ask_both_hosts, every_kind},
    {releasing, controller_restarted, reconciling_forward, ask_both_hosts, every_kind},
});

} // namespace table

using table::edges;

} // namespace kvmig::migration
