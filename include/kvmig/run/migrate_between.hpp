// SPDX-License-Identifier: MIT
/// A live migration between two hosts, over the hypervisor port.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/model/job.hpp>
#include <kvmig/ports/hypervisor.hpp>
#include <kvmig/run/before_migration.hpp>
#include <kvmig/run/migration_result.hpp>
#include <kvmig/run/whereabouts.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

namespace kvmig::run {

namespace detail {

/// What the thread that calls libvirt, libvirt's events and the caller's thread share.
struct migration_board {
    std::mutex lock;
    std::condition_variable_any changed;
    bool done = false;                                ///< the call has returned
    bool nudged = false;                              ///< an event: look now
    expected<void> outcome;                           ///< of the call
    std::optional<model::job_statistics> final_event; ///< from the event of the job's end
};

/// Looks at a running migration, and remembers what it saw.
template <ports::hypervisor H> class sampler {
public:
    sampler(H &source, const uuid &id, std::chrono::steady_clock::time_point start,
            const progress_callback &progress)
        : source_(source), id_(id), start_(start), progress_(progress) {}

    void look() {
        auto statistics = source_.job(id_);
        if (!statistics) {
            // Right at the end the job, or the domain, may be gone already: only an error that
            // repeats is worth telling.
            if (++failures_ > 1) problem_ = std::move(statistics).error();
            return;
        }
        failures_ = 0;
        problem_.reset();
        if (statistics->type == model::job_type::none) return;
        model::job_progress now;
        now.since_start = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - start_);
        now.statistics = *std::move(statistics);
        if (const auto pass = now.statistics.memory_iteration) {
            if (!first_pass_ || *pass < *first_pass_) first_pass_ = pass;
            now.iteration = *pass - *first_pass_;
        }
        samples_.push_back(now);
        if (progress_) progress_(now);
    }

    [[nodiscard]] std::vector<model::job_progress> take_samples() { return std::move(samples_); }
    /// Set when the last looks all failed.
    [[nodiscard]] const std::optional<error> &problem() const noexcept { return problem_; }

private:
    H &source_;
    const uuid &id_;
    std::chrono::steady_clock::time_point start_;
    const progress_callback &progress_;
    std::vector<model::job_progress> samples_;
    std::optional<std::uint64_t> first_pass_;
    std::size_t failures_ = 0;
    std::optional<error> problem_;
};

/// The statistics of the job that `host` completed last, or why there are none.
template <ports::hypervisor H>
[[nodiscard]] std::optional<model::job_statistics> completed_statistics(H &host, const uuid &id,
                                                                        const std::string &hostname,
                                                                        std::vector<error> &gaps) {
    auto told = host.completed_job(id);
    if (told && told->type != model::job_type::none) return *std::move(told);
    error gap =
        make_error(error_kind::not_found, "no statistics of the completed migration").on(hostname);
    if (!told) gap.causes.push_back(std::move(told).error());
    gaps.push_back(std::move(gap));
    return std::nullopt;
}

/// The failure of a migration, with where the guest is now.
[[nodiscard]] inline error migration_failure(const std::string &name, const host_pair &hosts,
                                             const whereabouts &guest, error cause,
                                             bool stop_requested, bool abort_accepted,
                                             bool was_running) {
    const bool ended_by_abort = cause.kind == error_kind::cancelled;
    const bool cancelled = stop_requested && (abort_accepted || ended_by_abort);
    const std::string move = "the migration of the domain '" + name + "' from " +
                             hosts.source.hostname + " to " + hosts.destination.hostname;
    const auto &status = guest.source.status;
    const bool unhurt = guest.side() == guest_side::source &&
                        (!was_running || status->state == model::domain_state::running ||
                         status->state == model::domain_state::blocked);
    error out;
    if (cancelled && unhurt) {
        out = make_error(error_kind::cancelled, move + " was cancelled; " + guest.text());
    } else if (cancelled) {
        out = make_error(error_kind::failed,
                         move + " was to be cancelled, and did not end cleanly; " + guest.text());
    } else if (ended_by_abort) {
        out =
            make_error(error_kind::failed, move + " was aborted by somebody else; " + guest.text());
    } else {
        out = make_error(cause.kind, move + " failed; " + guest.text());
    }
    out.host = hosts.source.hostname;
    out.object = name;
    if (guest.side() == guest_side::both || guest.side() == guest_side::unknown) {
        out.remedy = "start or destroy nothing before both hosts have been asked again";
    } else if (!cancelled && guest.side() == guest_side::source && !unhurt) {
        out.remedy = "see why the guest does not run, then `virsh -c " + hosts.source.uri +
                     " resume " + name + "`";
    }
    out.causes.push_back(std::move(cause));
    for (const host_answer *each : {&guest.source, &guest.destination}) {
        if (each->unread) out.causes.push_back(*each->unread);
    }
    return out;
}

} // namespace detail

/// Migrates the domain `id` (called `name` in messages) from `source` to `destination`, and
/// returns when it has ended. See `migrate` in migrate.hpp for what is promised.
template <ports::hypervisor H>
[[nodiscard]] expected<migration_result>
migrate_between(H &source, const uuid &id, const std::string &name, H &destination,
                const migration::options &options, const progress_callback &progress = {},
                const std::stop_token &stop = {}, const sampling &how = {}) {
    auto hosts = check_before_migration(source, id, name, destination, options);
    if (!hosts) return fail(std::move(hosts).error());
    const host_answer before = ask(source, id, hosts->source.hostname);
    const bool was_running =
        before.status && (before.status->state == model::domain_state::running ||
                          before.status->state == model::domain_state::blocked);
    if (stop.stop_requested()) {
        return fail(make_error(error_kind::cancelled, "the migration of the domain '" + name +
                                                          "' was cancelled before it began")
                        .on(hosts->source.hostname)
                        .about(name));
    }

    migration_result result;
    result.domain = name;
    result.id = id;
    result.source = hosts->source;
    result.destination = hosts->destination;

    detail::migration_board board;
    auto watch = source.watch_job(id, [&board](const ports::job_event &event) {
        const std::scoped_lock held(board.lock);
        if (event.completed) {
            const auto operation = event.completed->operation;
            if (operation && *operation != model::job_operation::migration_out) return;
            board.final_event = event.completed;
        }
        board.nudged = true;
        board.changed.notify_all();
    });
    result.events = watch.has_value();
    if (!watch && watch.error().kind != error_kind::unsupported) {
        result.gaps.push_back(std::move(watch).error());
    }

    const auto start = std::chrono::steady_clock::now();
    detail::sampler<H> sampler(source, id, start, progress);
    bool abort_accepted = false;
    std::optional<error> abort_problem;
    {
        const std::jthread call([&] {
            expected<void> outcome = source.migrate(id, destination, options);
            const std::scoped_lock held(board.lock);
            board.outcome = std::move(outcome);
            board.done = true;
            board.changed.notify_all();
        });
        for (;;) {
            {
                std::unique_lock held(board.lock);
                if (stop.stop_requested()) {
                    board.changed.wait_for(held, how.abort_interval, [&] { return board.done; });
                } else {
                    board.changed.wait_for(held, stop, how.interval,
                                           [&] { return board.done || board.nudged; });
                }
                if (board.done) break;
                board.nudged = false;
            }
            if (stop.stop_requested()) {
                // Before the job has begun, and in post-copy, there is nothing to abort: asked
                // again until the call returns.
                if (auto aborted = source.abort_job(id)) {
                    abort_accepted = true;
                } else {
                    abort_problem = std::move(aborted).error();
                }
            }
            sampler.look();
        }
    }
    result.wall_time = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - start);
    result.samples = sampler.take_samples();
    if (sampler.problem()) result.gaps.push_back(*sampler.problem());

    result.guest.source = ask(source, id, hosts->source.hostname);
    result.guest.destination = ask(destination, id, hosts->destination.hostname);
    if (!board.outcome) {
        return fail(detail::migration_failure(name, *hosts, result.guest,
                                              std::move(board.outcome).error(),
                                              stop.stop_requested(), abort_accepted, was_running));
    }
    result.cancelled_too_late = stop.stop_requested();
    if (result.cancelled_too_late && abort_problem) {
        result.gaps.push_back(*std::move(abort_problem));
    }
    const bool arrived = options.flags.has(migration::flag::offline)
                             ? result.guest.destination.status.has_value()
                             : result.guest.destination.active();
    if (!arrived && !result.guest.destination.unread) {
        return fail(make_error(error_kind::failed,
                               "libvirt reports that the domain '" + name + "' was migrated to " +
                                   hosts->destination.hostname + ", but " + result.guest.text())
                        .on(hosts->destination.hostname)
                        .about(name)
                        .advise("look for the guest's end in /var/log/libvirt/qemu/" + name +
                                ".log there"));
    }
    for (const host_answer *each : {&result.guest.source, &result.guest.destination}) {
        if (each->unread) result.gaps.push_back(*each->unread);
    }
    if (options.flags.has(migration::flag::offline)) return result; // there was no job

    if (result.events) {
        std::unique_lock held(board.lock);
        board.changed.wait_for(held, how.final_event,
                               [&] { return board.final_event.has_value(); });
        result.source_statistics = board.final_event;
    }
    if (!result.source_statistics) {
        result.source_statistics =
            detail::completed_statistics(source, id, hosts->source.hostname, result.gaps);
    }
    result.destination_statistics =
        detail::completed_statistics(destination, id, hosts->destination.hostname, result.gaps);
    return result;
}

} // namespace kvmig::run
