// SPDX-License-Identifier: MIT
/// What can happen in a migration.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kvmig::migration {

/// What happened, or was asked for. What the words mean is in `events`.
enum class event : std::uint8_t {
    // Asked for by the controller or the person behind it.
    prepare_requested,
    refused,
    stop_requested,
    copy_requested,
    move_requested,
    suspend_requested,
    post_copy_requested,
    resume_requested,
    cancel_requested,
    // A step of the controller's own has come to an end.
    source_stopped,
    images_copied,
    copy_proven,
    destination_defined,
    definition_left_shut_off,
    destination_started,
    destination_cleared,
    source_restored,
    source_released,
    undone,
    withdrawn,
    step_failed,
    // Told by libvirt's job, its events, and the call that runs it.
    disk_phase,
    memory_phase,
    guest_stopped,
    post_copy_active,
    post_copy_refused,
    post_copy_broken,
    job_completed,
    job_failed,
    job_aborted,
    no_job,
    // Somebody or something went away.
    source_lost,
    destination_lost,
    link_lost,
    controller_restarted,
    // What asking both hosts has shown.
    guest_at_source,
    guest_at_destination,
    incoming_left_over,
    job_still_runs,
    guest_split,
    guest_split_broken,
    stop_can_go_on,
    copy_can_go_on,
    start_can_go_on,
    guest_gone,
    not_settled,
    person_took_over,
};

/// Who tells of an event.
enum class teller : std::uint8_t { person, step, job, loss, hosts };

/// As the table of the documents says it.
[[nodiscard]] constexpr std::string_view to_string(teller who) noexcept {
    switch (who) {
    case teller::person: return "asked for";
    case teller::step: return "own step";
    case teller::job: return "libvirt's job";
    case teller::loss: return "loss";
    case teller::hosts: return "both hosts asked";
    }
    return "unknown";
}

/// What is to be known of an event.
struct event_facts {
    event which;              ///< its row is at the place of its number
    std::string_view name;    ///< the enumerator's, as journals and messages have it
    teller told_by;           ///< whose word the machine takes for it
    std::string_view meaning; ///< a clause
};

/// All events, in the order of the enum.
inline constexpr std::array<event_facts, 47> events = {{
    {event::prepare_requested, "prepare_requested", teller::person, "begin"},
    {event::refused, "refused", teller::person, "a precheck blocks"},
    {event::stop_requested, "stop_requested", teller::person,
     "the destination is ready and the guest is to stop"},
    {event::copy_requested, "copy_requested", teller::person,
     "the destination is ready and the guest is shut off already"},
    {event::move_requested, "move_requested", teller::person,
     "the destination is ready and the guest is to move while it runs"},
    {event::suspend_requested, "suspend_requested", teller::person,
     "the guest is to stand still so that its memory can follow"},
    {event::post_copy_requested, "post_copy_requested", teller::person, "switch to post-copy"},
    {event::resume_requested, "resume_requested", teller::person,
     "take up a broken post-copy again"},
    {event::cancel_requested, "cancel_requested", teller::person, "call it off"},
    {event::source_stopped, "source_stopped", teller::step,
     "the guest is shut off, its state saved if asked"},
    {event::images_copied, "images_copied", teller::step, "all images are at the destination"},
    {event::copy_proven, "copy_proven", teller::step, "the copies are equal"},
    {event::destination_defined, "destination_defined", teller::step,
     "the destination has the definition, and is to start the guest"},
    {event::definition_left_shut_off, "definition_left_shut_off", teller::step,
     "the destination has the definition, and the guest is to stay shut off"},
    {event::destination_started, "destination_started", teller::step,
     "the guest runs at the destination"},
    {event::destination_cleared, "destination_cleared", teller::step,
     "the process that never took over is gone"},
    {event::source_restored, "source_restored", teller::step,
     "the guest is at the source as it was before"},
    {event::source_released, "source_released", teller::step,
     "nothing is left at the source that was to go"},
    {event::undone, "undone", teller::step, "nothing is left at the destination, after a failure"},
    {event::withdrawn, "withdrawn", teller::step,
     "nothing is left at the destination, as asked for"},
    {event::step_failed, "step_failed", teller::step, "the step was tried and did not succeed"},
    {event::disk_phase, "disk_phase", teller::job, "the job mirrors disks"},
    {event::memory_phase, "memory_phase", teller::job, "the job sends memory"},
    {event::guest_stopped, "guest_stopped", teller::job,
     "the guest has stopped at the source for the switch-over"},
    {event::post_copy_active, "post_copy_active", teller::job,
     "the destination runs the guest in post-copy"},
    {event::post_copy_refused, "post_copy_refused", teller::job,
     "post-copy was not begun, and the job goes on"},
    {event::post_copy_broken, "post_copy_broken", teller::job,
     "post-copy has stopped for want of a link"},
    {event::job_completed, "job_completed", teller::job,
     "the call that moved the guest has returned success"},
    {event::job_failed, "job_failed", teller::job, "the call has returned an error"},
    {event::job_aborted, "job_aborted", teller::job, "the call was ended by an abort"},
    {event::no_job, "no_job", teller::job,
     "there is no job to be seen, which follows success as well as failure"},
    {event::source_lost, "source_lost", teller::loss, "the source does not answer"},
    {event::destination_lost, "destination_lost", teller::loss, "the destination does not answer"},
    {event::link_lost, "link_lost", teller::loss, "the hosts cannot reach each other"},
    {event::controller_restarted, "controller_restarted", teller::loss,
     "the controller ended at this place, and another takes over"},
    {event::guest_at_source, "guest_at_source", teller::hosts,
     "the source has the guest, and the destination does not run it"},
    {event::guest_at_destination, "guest_at_destination", teller::hosts,
     "the destination has the guest, and the source does not run it"},
    {event::incoming_left_over, "incoming_left_over", teller::hosts,
     "the source has the guest; a process waits in vain at the destination"},
    {event::job_still_runs, "job_still_runs", teller::hosts, "the job goes on without us"},
    {event::guest_split, "guest_split", teller::hosts, "post-copy runs"},
    {event::guest_split_broken, "guest_split_broken", teller::hosts, "post-copy is broken"},
    {event::stop_can_go_on, "stop_can_go_on", teller::hosts,
     "the guest has not stopped yet, and is to stop"},
    {event::copy_can_go_on, "copy_can_go_on", teller::hosts,
     "the guest is shut off at the source, and its copy can be completed"},
    {event::start_can_go_on, "start_can_go_on", teller::hosts,
     "the copy is proven and defined, and can be started"},
    {event::guest_gone, "guest_gone", teller::hosts, "neither side has the guest"},
    {event::not_settled, "not_settled", teller::hosts,
     "it cannot be told, or must not be decided alone"},
    {event::person_took_over, "person_took_over", teller::person,
     "a person has settled it and wants no more help"},
}};

inline constexpr std::size_t event_count = events.size(); ///< How many there are.

/// Its row.
[[nodiscard]] constexpr const event_facts &facts_of(event e) noexcept {
    return events[static_cast<std::size_t>(e)];
}
/// The word of the journal.
[[nodiscard]] constexpr std::string_view to_string(event e) noexcept { return facts_of(e).name; }

/// The event of that name, or nothing.
[[nodiscard]] constexpr std::optional<event> event_named(std::string_view name) noexcept {
    for (const event_facts &facts : events) {
        if (facts.name == name) return facts.which;
    }
    return std::nullopt;
}

} // namespace kvmig::migration
