// SPDX-License-Identifier: MIT
/// Drives libvirt's job of a live migration by the state machine: everything that is told or seen
/// becomes an event, and nothing is done that the machine has not announced.
#pragma once

#include <kvmig/convergence/promise.hpp>
#include <kvmig/convergence/sample.hpp>
#include <kvmig/convergence/steering.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/event.hpp>
#include <kvmig/migration/machine.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/migration/sighting.hpp>
#include <kvmig/migration/state.hpp>
#include <kvmig/model/job.hpp>
#include <kvmig/ports/clock.hpp>
#include <kvmig/ports/journal.hpp>
#include <kvmig/ports/steerable.hpp>
#include <kvmig/run/device_mover.hpp>
#include <kvmig/run/driver.hpp>
#include <kvmig/run/journaled.hpp>
#include <kvmig/run/look.hpp>
#include <kvmig/run/migration_result.hpp>
#include <kvmig/run/sampler.hpp>
#include <kvmig/run/steer.hpp>
#include <kvmig/run/target_images.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace kvmig::run {

/// Whether libvirt's job is at work, or believed to be, in this state.
[[nodiscard]] constexpr bool job_at_work(migration::state s) noexcept {
    using enum migration::state;
    switch (s) {
    case beginning:
    case copying_disks:
    case pre_copy:
    case pre_copy_suspended:
    case cancelling:
    case post_copy_starting:
    case switching_over:
    case post_copy: return true;
    default: return false;
    }
}

/// Progress is told on the thread that uses it.
template <ports::steerable H, ports::journal J, ports::clock C>
class live_driver : public driver<H, J, C> {
public:
    /// Begins nothing yet; `progress` may be empty.
    live_driver(H &source, H &destination, const uuid &id, journaled<J, C> &steps,
                const progress_callback &progress, std::stop_token stop, const sampling &how)
        : driver<H, J, C>(source, destination, id, steps, std::move(stop), how),
          start_(std::chrono::steady_clock::now()), sampler_(source, id_, start_, progress),
          devices_(source, destination, id) {}

    /// Lets `options` say which aids the migration may use, and who carries it; without it, nothing
    /// is steered.
    void steer(const migration::options &options) {
        carried_here_ = !options.flags.has(migration::flag::peer2peer);
        const steering_wish &wish = how_.steer;
        max_downtime_ = wish.promise;
        steering_.emplace(
            wish.promise ? convergence::policies::promise(*wish.promise) : wish.policy,
            convergence::allowed_aids{.post_copy = options.flags.has(migration::flag::postcopy),
                                      .suspend = wish.may_suspend,
                                      .abort = wish.may_abort || wish.promise});
    }

    /// Allows the promised downtime and no more, before anything moves: a small guest may switch
    /// over before it is first looked at.
    [[nodiscard]] expected<void> hold_promise() {
        if (!how_.steer.promise) return {};
        auto was = source_.max_downtime(id_);
        if (was) downtime_before_ = *was; // not every hypervisor tells
        auto set = source_.set_max_downtime(id_, *how_.steer.promise);
        if (set) return set;
        const error_kind kind = set.error().kind;
        return fail(make_error(kind, "the source cannot be held to a downtime of " +
                                         std::to_string(how_.steer.promise->count()) + " ms")
                        .because(std::move(set).error()));
    }
    /// What the source allowed before, for the next migration: this one has ended there.
    void release_promise() {
        if (downtime_before_) note(source_.set_max_downtime(id_, *downtime_before_));
    }

    using driver<H, J, C>::leaving;
    using driver<H, J, C>::observe;

    /// Listens to both hosts from now on; looks do where events are not to be had. Gives the
    /// failures that are more than the lack of an event loop.
    [[nodiscard]] std::vector<error> listen() {
        std::vector<error> problems;
        const auto keep = [&](expected<ports::subscription> got) {
            if (got) {
                subscriptions_.push_back(*std::move(got));
                return true;
            }
            if (got.error().kind != error_kind::unsupported) {
                problems.push_back(std::move(got).error());
            }
            return false;
        };
        job_events_ = keep(source_.watch_job(id_, [this](const ports::job_event &told) {
            if (!told.completed) return inbox_.nudge();
            const auto operation = told.completed->operation;
            if (operation && *operation != model::job_operation::migration_out) return;
            inbox_.job_ended(*told.completed);
        }));
        // Of the events of guests a host tells each connection once: looks make up for the lack.
        life_events_ = keep(source_.watch_lifecycle(
                           id_, [this](ports::life_change change) { at_source(change); })) &&
                       keep(destination_.watch_lifecycle(
                           id_, [this](ports::life_change change) { at_destination(change); }));
        return problems;
    }

    /// Calls `call`, which moves the guest, on another thread, and sees to what happens until it
    /// returns; gives what it returned.
    template <class Call> [[nodiscard]] expected<void> conduct(Call call) {
        const std::jthread calling([&] { inbox_.returned(call()); });
        for (;;) {
            const auto told =
                inbox_.wait(to_be_cancelled() ? how_.abort_interval : how_.interval, stop_);
            for (const migration::event e : told) observe(e, "told by an event");
            if (auto outcome = inbox_.take_outcome()) return *std::move(outcome);
            look_after_destination();
            if (to_be_cancelled()) cancel();
            const auto seen = sampler_.look();
            observe_job(seen);
            if (!life_events_) observe_guest();
            if (seen && seen->type != model::job_type::none) steer_on();
        }
    }

    /// Sees to a job that runs without a call of this program's, until it is gone (`no_job`),
    /// broken (`post_copy_broken`), or its host is (`source_lost`).
    void attend() {
        const auto pause = std::min(how_.interval, longest_pause);
        while (job_at_work(steps_.at()) && !problem_ && !leaving()) {
            if (stop_.stop_requested() || steps_.at() == migration::state::cancelling) cancel();
            auto statistics = sampler_.look();
            observe_job(statistics);
            observe_guest();
            if (!job_at_work(steps_.at())) return;
            if (statistics ? statistics->type == model::job_type::none
                           : statistics.error().kind != error_kind::unreachable) {
                observe(migration::event::no_job,
                        statistics ? "the source has no job" : statistics.error().what);
            } else if (!statistics) {
                observe(migration::event::source_lost, statistics.error().what);
            }
            if (!job_at_work(steps_.at())) return;
            for (const migration::event e :
                 inbox_.wait(pause, leave_.stop_possible() ? leave_ : stop_)) {
                observe(e, "told by an event");
            }
        }
    }

    /// Whether there is something to see to in this state.
    [[nodiscard]] bool at_work() const noexcept { return job_at_work(steps_.at()); }
    /// What is to be said of a migration that is left while it is at work.
    static constexpr std::string_view left =
        "the hosts go on with it by themselves; nobody watches";
    /// libvirt's own success leaves nothing at the source.
    static constexpr bool source_lets_go_by_itself = true;
    /// Whether the way back is to be taken where it is as safe as going on.
    [[nodiscard]] static constexpr bool gives_up() noexcept { return false; }
    /// Makes the images; those that were made are removed again when the migration fails.
    [[nodiscard]] expected<void> make_targets(const target_images &targets) {
        targets_.clear();
        return targets.make(targets_);
    }
    /// Those that an earlier controller may have made.
    void adopt_targets(std::vector<std::string> paths) { targets_ = std::move(paths); }
    /// All are tried; the first error.
    [[nodiscard]] expected<void> remove_targets() {
        expected<void> out;
        for (const std::string &path : targets_) {
            auto gone = destination_.remove_image(path);
            if (!gone && out) out = std::move(gone);
        }
        return out;
    }

    /// The host's devices, which the guest lets go of in order to move.
    [[nodiscard]] device_mover<H> &devices() noexcept { return devices_; }
    /// Takes them from the guest, as `device_mover::set_aside`; a cancellation ends the wait.
    [[nodiscard]] expected<void> set_aside_devices() {
        return devices_.set_aside(
            how_.unplug, [this] { this->pause(); }, [this] { return to_be_cancelled(); });
    }
    /// Attaches at the source what the guest lacks there.
    [[nodiscard]] expected<void> give_back_devices() {
        return devices_.give_back(how_.late_unplug, [this] { this->pause(); });
    }

    /// What was decided on the way, and what of it failed.
    [[nodiscard]] std::vector<steering_step> take_steering() { return std::move(steered_); }
    /// Steps of the steering that failed.
    [[nodiscard]] const std::vector<error> &steering_problems() const noexcept {
        return steering_problems_;
    }
    /// Why the migration was given up, where this program decided that.
    [[nodiscard]] const std::optional<error> &given_up() const noexcept { return given_up_; }

    /// Whether the source tells of its job by events.
    [[nodiscard]] bool job_events() const noexcept { return job_events_; }
    /// Those taken so far; taken from here once.
    [[nodiscard]] std::vector<model::job_progress> take_samples() {
        return sampler_.take_samples();
    }
    /// Set when the last looks at the job all failed.
    [[nodiscard]] const std::optional<error> &blind() const noexcept { return sampler_.problem(); }
    /// Whether libvirt took the request to abort.
    [[nodiscard]] bool abort_accepted() const noexcept { return abort_accepted_; }
    /// Why it did not.
    [[nodiscard]] const std::optional<error> &abort_problem() const noexcept {
        return abort_problem_;
    }
    /// When it was begun.
    [[nodiscard]] std::chrono::steady_clock::time_point start() const noexcept { return start_; }
    /// Those of the job's end, waited for as long as `sampling` says.
    [[nodiscard]] std::optional<model::job_statistics> final_statistics() {
        return inbox_.final_statistics(how_.final_event);
    }

private:
    using driver<H, J, C>::longest_pause;
    using driver<H, J, C>::source_;
    using driver<H, J, C>::destination_;
    using driver<H, J, C>::id_;
    using driver<H, J, C>::steps_;
    using driver<H, J, C>::stop_;
    using driver<H, J, C>::leave_;
    using driver<H, J, C>::how_;
    using driver<H, J, C>::inbox_;
    using driver<H, J, C>::problem_;
    using driver<H, J, C>::subscriptions_;

    void at_source(ports::life_change change) {
        switch (change) {
        case ports::life_change::stopped_for_switch_over:
            return inbox_.tell(migration::event::guest_stopped);
        case ports::life_change::post_copy_failed:
            return inbox_.tell(migration::event::post_copy_broken);
        default: return inbox_.nudge();
        }
    }
    void at_destination(ports::life_change change) {
        switch (change) {
        case ports::life_change::runs_in_post_copy:
            return inbox_.tell(migration::event::post_copy_active);
        case ports::life_change::post_copy_failed:
            return inbox_.tell(migration::event::post_copy_broken);
        default: return inbox_.nudge();
        }
    }

    void observe_job(const expected<model::job_statistics> &told) {
        if (!told || told->type == model::job_type::none) return;
        const auto some = [](const std::optional<bytes> &amount) {
            return amount && amount->count() > 0;
        };
        if (some(told->memory_total)) {
            observe(migration::event::memory_phase, "the job counts memory");
        } else if (some(told->disk_total)) {
            observe(migration::event::disk_phase, "the job counts disks");
        }
    }

    /// Where no events come, the guest's state tells the same, later.
    void observe_guest() {
        const auto here = source_.status(id_);
        if (!here || !*here) return;
        const migration::sighting source = migration::sight(*here, false);
        if (source.seen != migration::presence::paused) return;
        switch (source.why) {
        case migration::seen_reason::migration:
            return observe(migration::event::guest_stopped, "the source has stopped the guest");
        case migration::seen_reason::postcopy_failed:
            return observe(migration::event::post_copy_broken, "the source says so");
        case migration::seen_reason::postcopy: break;
        default: return;
        }
        const auto there = destination_.status(id_);
        if (!there || !*there) return;
        const migration::sighting destination = migration::sight(*there, false);
        if (destination.is(migration::presence::running, migration::seen_reason::postcopy)) {
            observe(migration::event::post_copy_active, "the destination runs the guest");
        }
    }

    [[nodiscard]] bool to_be_cancelled() const noexcept {
        return stop_.stop_requested() || given_up_;
    }

    /// A migration that libvirt's client carries from host to host cannot end well once the client
    /// has lost the destination. The source's QEMU would go on sending to a host that is gone until
    /// TCP gives up, a quarter of an hour. In post-copy the guest is at the destination already.
    void look_after_destination() {
        const bool in_post_copy = steps_.at() == migration::state::post_copy_starting ||
                                  steps_.at() == migration::state::post_copy;
        if (!carried_here_ || in_post_copy || to_be_cancelled() || destination_.is_alive()) return;
        given_up_ = make_error(error_kind::unreachable,
                               "the connection to the destination broke on the way")
                        .advise("see whether that host is up and can be reached");
    }

    /// Does what the time limit and the policy ask for by now.
    void steer_on() {
        const model::job_progress *now = sampler_.newest();
        if (!steering_ || now == nullptr || to_be_cancelled()) return;
        const auto &limit = how_.steer.limit;
        if (limit && !limit_met_ && now->since_start >= limit->after) {
            const std::string reason =
                std::to_string(limit->after.count()) + " ms, the time allowed, are over";
            limit_met_ = act(now->since_start, {action_of(limit->then), std::nullopt, reason, {}});
            if (to_be_cancelled()) return;
        }
        const bool in_post_copy = steps_.at() == migration::state::post_copy;
        auto decided = steering_->next(convergence::sample_of(*now, max_downtime_, in_post_copy));
        const auto &promise = how_.steer.promise;
        if (promise && decided.what == convergence::action::abort_job) {
            decided.reason = convergence::describe_unheld(
                *promise, now->statistics.memory_remaining.value_or(bytes{}), decided.seen);
        }
        if (decided.what != convergence::action::wait) act(now->since_start, decided);
    }

    [[nodiscard]] static constexpr convergence::action action_of(at_limit what) noexcept {
        switch (what) {
        case at_limit::cancel: return convergence::action::abort_job;
        case at_limit::suspend: return convergence::action::suspend_guest;
        case at_limit::post_copy: return convergence::action::start_post_copy;
        }
        return convergence::action::wait;
    }

    /// Whether its moment had come: the guest can be suspended, and post-copy begin, only while
    /// its memory moves.
    bool act(std::chrono::milliseconds at, const convergence::decision &what) {
        using convergence::action;
        const bool in_memory = steps_.at() == migration::state::pre_copy;
        const bool needs_memory =
            what.what == action::suspend_guest || what.what == action::start_post_copy;
        if (needs_memory && !in_memory) return false;
        steered_.push_back({at, what.what, what.downtime, what.reason});
        switch (what.what) {
        case action::wait: break;
        case action::set_downtime:
            max_downtime_ = *what.downtime;
            note(source_.set_max_downtime(id_, *what.downtime));
            break;
        case action::start_post_copy:
            observe(migration::event::post_copy_requested, what.reason);
            if (steps_.at() != migration::state::post_copy_starting) break;
            if (!note(source_.start_postcopy(id_))) {
                observe(migration::event::post_copy_refused, steering_problems_.back().what);
            }
            break;
        case action::suspend_guest:
            observe(migration::event::suspend_requested, what.reason);
            if (steps_.at() != migration::state::pre_copy_suspended) break;
            if (!note(source_.suspend(id_))) {
                observe(migration::event::step_failed, steering_problems_.back().what);
            }
            break;
        case action::abort_job:
            given_up_ = make_error(error_kind::timed_out, what.reason);
            if (how_.steer.promise) {
                given_up_->remedy = "promise more, or allow an aid: auto_converge slows the guest "
                                    "down, postcopy lets its memory follow";
            }
            cancel();
            break;
        }
        return true;
    }
    bool note(expected<void> done) {
        if (done) return true;
        steering_problems_.push_back(std::move(done).error());
        return false;
    }

    /// Before the job has begun, and in post-copy, there is nothing to abort: asked again until
    /// the job has ended.
    void cancel() {
        if (steps_.at() != migration::state::cancelling) {
            observe(migration::event::cancel_requested,
                    given_up_ ? given_up_->what : "as asked for");
        }
        // Without a record of it, it is not begun; and past switch-over it is not tried.
        if (steps_.at() != migration::state::cancelling) return;
        if (auto aborted = source_.abort_job(id_)) {
            abort_accepted_ = true;
        } else {
            abort_problem_ = std::move(aborted).error();
        }
    }

    std::chrono::steady_clock::time_point start_;
    sampler<H> sampler_;
    device_mover<H> devices_;
    bool carried_here_ = false; ///< not by the source's daemon
    bool job_events_ = false;
    bool life_events_ = false;
    bool abort_accepted_ = false;
    std::optional<error> abort_problem_;
    std::vector<std::string> targets_; ///< images that this migration made
    std::optional<convergence::steering> steering_;
    bool limit_met_ = false;
    std::optional<std::chrono::milliseconds> max_downtime_;    ///< as it was set here
    std::optional<std::chrono::milliseconds> downtime_before_; ///< as it was before a promise
    std::vector<steering_step> steered_;
    std::vector<error> steering_problems_;
    std::optional<error> given_up_;
};

} // namespace kvmig::run
