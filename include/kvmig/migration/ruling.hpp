// SPDX-License-Identifier: MIT
/// What a successor of a killed controller decides: findings, the steps that put things right,
/// and the choices it leaves to a person.
#pragma once

#include <kvmig/migration/event.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::migration {

/// One act on one host. Each can be done again after being cut short.
enum class host_step : std::uint8_t {
    destroy_destination,  ///< the process that never took over
    resume_source,        ///< let the stopped guest run on
    start_source,         ///< as it was stopped: boot, restore the saved state, load the snapshot
    undefine_destination, ///< the definition that this migration made
    remove_targets,       ///< images that this migration made at the destination
    destroy_source,       ///< the stopped process left behind by a migration that arrived
    undefine_source,      ///< as asked for
    resume_destination,   ///< let the guest that arrived stopped run on; only as a person chose
    start_destination,    ///< only as a person chose
};

/// The enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(host_step s) noexcept {
    switch (s) {
    case host_step::destroy_destination: return "destroy_destination";
    case host_step::resume_source: return "resume_source";
    case host_step::start_source: return "start_source";
    case host_step::undefine_destination: return "undefine_destination";
    case host_step::remove_targets: return "remove_targets";
    case host_step::destroy_source: return "destroy_source";
    case host_step::undefine_source: return "undefine_source";
    case host_step::resume_destination: return "resume_destination";
    case host_step::start_destination: return "start_destination";
    }
    return "unknown";
}

/// A few values in their order, without a heap.
template <class T, std::size_t Most> class few {
public:
    constexpr few() noexcept = default;
    /// At most `Most` of them.
    constexpr few(std::initializer_list<T> values) {
        for (const T &value : values) push_back(value);
    }

    /// At most `Most` in all; more is a broken contract.
    constexpr void push_back(T value) {
        assert(size_ < Most);
        values_[size_++] = value;
    }
    /// How many there are.
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    /// Whether there are none.
    [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
    /// The first.
    [[nodiscard]] constexpr const T *begin() const noexcept { return values_.data(); }
    /// Behind the last.
    [[nodiscard]] constexpr const T *end() const noexcept { return values_.data() + size_; }
    [[nodiscard]] constexpr const T &operator[](std::size_t i) const { return values_[i]; }
    /// Whether `wanted` is among them.
    [[nodiscard]] constexpr bool has(T wanted) const noexcept {
        return std::find(begin(), end(), wanted) != end();
    }

    friend constexpr bool operator==(const few &a, const few &b) noexcept {
        return std::equal(a.begin(), a.end(), b.begin(), b.end());
    }

private:
    std::array<T, Most> values_{};
    std::size_t size_ = 0;
};

/// What the look at both hosts amounts to. What the words mean is in `findings`.
enum class finding : std::uint8_t {
    ended,
    untouched,
    // Nothing is done.
    host_unreachable,
    both_claim,
    may_have_run_elsewhere,
    split_without_source,
    split_without_destination,
    arrival_without_source,
    unexplained,
    under_way,
    // Somebody goes on.
    job_runs,
    split_runs,
    split_broken,
    stop_goes_on,
    copy_goes_on,
    start_goes_on,
    // The source has it.
    incoming_left_over,
    at_source,
    stopped_at_source,
    paused_at_source,
    shut_off_at_source,
    went_down_at_source,
    stopped_for_the_copy,
    // The destination has it.
    arrived,
    arrived_unconfirmed,
    arrived_and_ended,
    gone,
};

/// What is to be known of a finding: the event that it feeds to the machine, and the reason.
struct finding_facts {
    finding which;                 ///< its row is at the place of its number
    std::string_view name;         ///< the enumerator's, for journals and messages
    std::optional<event> leads_to; ///< absent: the machine is told nothing
    std::string_view why;          ///< one sentence without a full stop
};

/// All findings, in the order of the enum.
inline constexpr std::array<finding_facts, 27> findings = {{
    {finding::ended, "ended", std::nullopt, "the migration has ended; there is nothing to do"},
    {finding::untouched, "untouched", std::nullopt,
     "nothing had been touched when the controller ended"},
    {finding::host_unreachable, "host_unreachable", event::not_settled,
     "a host does not answer, and what it runs cannot be known"},
    {finding::both_claim, "both_claim", event::not_settled,
     "both hosts have the guest, and nothing tells which copy is the newer"},
    {finding::may_have_run_elsewhere, "may_have_run_elsewhere", event::not_settled,
     "the guest may have run at the destination and written to its disks; the state kept at the "
     "source would then be the older one"},
    {finding::split_without_source, "split_without_source", event::not_settled,
     "the destination runs the guest in post-copy, and the memory it still lacks is gone with the "
     "source's process"},
    {finding::split_without_destination, "split_without_destination", event::not_settled,
     "the source's process is in post-copy and no destination has the guest: it may have run there "
     "and written to its disks"},
    {finding::arrival_without_source, "arrival_without_source", event::not_settled,
     "the source's process is gone, and the destination's holds a guest whose memory may not be "
     "complete"},
    {finding::unexplained, "unexplained", event::not_settled,
     "what is seen does not follow from what this migration did; somebody else has acted"},
    {finding::under_way, "under_way", event::not_settled,
     "a host is still at work on it, and is bound to come to an end by itself"},
    {finding::job_runs, "job_runs", event::job_still_runs,
     "the source's daemon goes on with the migration by itself"},
    {finding::split_runs, "split_runs", event::guest_split,
     "the destination runs the guest, and its memory keeps coming"},
    {finding::split_broken, "split_broken", event::guest_split_broken,
     "the destination runs the guest, and its memory has stopped coming; it can be taken up "
     "again"},
    {finding::stop_goes_on, "stop_goes_on", event::stop_can_go_on, "the guest has not stopped yet"},
    {finding::copy_goes_on, "copy_goes_on", event::copy_can_go_on,
     "the guest is shut off at the source, as it was to be; its copy can be completed"},
    {finding::start_goes_on, "start_goes_on", event::start_can_go_on,
     "the copy is proven and defined at the destination, and does not run"},
    {finding::incoming_left_over, "incoming_left_over", event::incoming_left_over,
     "the source has the guest and no job; the destination's process waits in vain"},
    {finding::at_source, "at_source", event::guest_at_source, "the guest runs at the source"},
    {finding::stopped_at_source, "stopped_at_source", event::guest_at_source,
     "the migration stopped the guest at the source, and the destination never ran it"},
    {finding::paused_at_source, "paused_at_source", event::guest_at_source,
     "the guest is paused at the source, not by this migration"},
    {finding::shut_off_at_source, "shut_off_at_source", event::guest_at_source,
     "the guest is shut off at the source, not by this migration"},
    {finding::went_down_at_source, "went_down_at_source", event::guest_at_source,
     "the guest's process at the source ended, and the destination never ran the guest"},
    {finding::stopped_for_the_copy, "stopped_for_the_copy", event::guest_at_source,
     "the guest is shut off at the source for a copy that is given up"},
    {finding::arrived, "arrived", event::guest_at_destination,
     "the destination has the guest, and the source runs none"},
    {finding::arrived_unconfirmed, "arrived_unconfirmed", event::guest_at_destination,
     "the destination has the guest complete; the source's stopped process was not told"},
    {finding::arrived_and_ended, "arrived_and_ended", event::guest_at_destination,
     "the guest arrived at the destination and has ended there since"},
    {finding::gone, "gone", event::guest_gone, "neither host has the guest any more"},
}};

/// Its row.
[[nodiscard]] constexpr const finding_facts &facts_of(finding f) noexcept {
    return findings[static_cast<std::size_t>(f)];
}
/// Its name.
[[nodiscard]] constexpr std::string_view to_string(finding f) noexcept { return facts_of(f).name; }

/// A finding with what follows from it.
struct ruling {
    finding found = finding::unexplained; ///< what the two looks amount to
    few<event, 2> feed;                   ///< to the machine, one after the other
    few<host_step, 4> steps; ///< done in this order, each within the state that calls for it

    friend constexpr bool operator==(const ruling &, const ruling &) noexcept = default;
};

/// What a person can decide where the program must not.
enum class choice : std::uint8_t {
    ask_later,        ///< repair what does not answer, and recover again
    keep_source,      ///< the source's copy counts: end the destination's, then resume or start
    keep_destination, ///< the destination's copy counts: end the source's
    take_over,        ///< close the record: it is settled by hand
};

/// Its name.
[[nodiscard]] constexpr std::string_view to_string(choice c) noexcept {
    switch (c) {
    case choice::ask_later: return "ask-later";
    case choice::keep_source: return "keep-source";
    case choice::keep_destination: return "keep-destination";
    case choice::take_over: return "take-over";
    }
    return "unknown";
}

} // namespace kvmig::migration
