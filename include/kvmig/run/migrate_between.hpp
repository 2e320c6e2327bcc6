// SPDX-License-Identifier: MIT
/// A live migration between two hosts, over the hypervisor and the journal port.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/model/job.hpp>
#include <kvmig/ports/journal.hpp>
#include <kvmig/ports/steerable.hpp>
#include <kvmig/run/drive_live.hpp>
#include <kvmig/run/failure.hpp>
#include <kvmig/run/journaled.hpp>
#include <kvmig/run/memory_journal.hpp>
#include <kvmig/run/migration_result.hpp>
#include <kvmig/run/open.hpp>
#include <kvmig/run/plan_live.hpp>
#include <kvmig/run/set_aside.hpp>
#include <kvmig/run/settle.hpp>
#include <kvmig/run/target_images.hpp>
#include <kvmig/run/whereabouts.hpp>

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

namespace detail {

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

/// Which event the end of the call is. An error tells nothing yet of where the guest is.
[[nodiscard]] inline migration::event event_of(const expected<void> &outcome) noexcept {
    if (outcome) return migration::event::job_completed;
    return outcome.error().kind == error_kind::cancelled ? migration::event::job_aborted
                                                         : migration::event::job_failed;
}

/// The statistics of both sides, once the guest has moved.
template <ports::steerable H, ports::journal J, ports::clock C>
void read_statistics(live_driver<H, J, C> &driver, const host_pair &hosts,
                     migration_result &result) {
    if (result.events) result.source_statistics = driver.final_statistics();
    if (!result.source_statistics) {
        result.source_statistics =
            completed_statistics(driver.source(), driver.id(), hosts.source.hostname, result.gaps);
    }
    result.destination_statistics = completed_statistics(driver.destination(), driver.id(),
                                                         hosts.destination.hostname, result.gaps);
}

/// What came of a promised downtime; nothing without a promise.
[[nodiscard]] inline std::optional<convergence::promise_outcome>
came_of(const std::optional<std::chrono::milliseconds> &promise, const migration_result &result) {
    if (!promise) return std::nullopt;
    convergence::promise_outcome out{.promised = *promise, .measured = std::nullopt};
    if (result.source_statistics) out.measured = result.source_statistics->downtime;
    return out;
}

/// Why the migration failed with `why`, told with where the guest is and what called it off.
template <ports::steerable H, ports::journal J, ports::clock C>
[[nodiscard]] error failure_of(live_driver<H, J, C> &driver, const live_plan &plan,
                               const migration::origin &before, const migration_result &result,
                               error why, bool stopped) {
    const bool was_running = before.source_was == migration::activity::running;
    error out =
        migration_failure(plan.name, plan.hosts, result.guest, std::move(why),
                          stopped || driver.given_up(), driver.abort_accepted(), was_running);
    if (driver.given_up()) {
        if (out.kind == error_kind::cancelled) out.kind = driver.given_up()->kind;
        out.causes.insert(out.causes.begin(), *driver.given_up());
    }
    return out;
}

/// Whether the guest is at the destination, as far as that could be read.
[[nodiscard]] inline bool may_have_arrived(const whereabouts &guest, bool offline) {
    if (guest.destination.unread) return true;
    return offline ? guest.destination.status.has_value() : guest.destination.active();
}

/// libvirt told of success, and the guest is not where it should be.
[[nodiscard]] inline error missing_at_destination(const live_plan &plan, const whereabouts &guest) {
    const std::string &host = plan.hosts.destination.hostname;
    return make_error(error_kind::failed, "libvirt reports that the domain '" + plan.name +
                                              "' was migrated to " + host + ", but " + guest.text())
        .on(host)
        .about(plan.name)
        .advise("look for the guest's end in /var/log/libvirt/qemu/" + plan.name + ".log there");
}

} // namespace detail

/// Carries out what `plan_between` planned, writing every transition to `journal` before the act
/// that it announces, and returns when it has ended or must be left to a person. See `migrate` in
/// migrate.hpp for what is promised.
template <ports::steerable H, ports::journal J, ports::clock C = ports::system_clock>
[[nodiscard]] expected<migration_result>
carry_out(H &source, H &destination, J &journal, const live_plan &plan,
          const progress_callback &progress = {}, const std::stop_token &stop = {},
          const sampling &how = {}, const target_images &targets = {}, C clock = {}) {
    using migration::event;
    const uuid &id = plan.id;
    const std::string &name = plan.name;
    const migration::options &options = plan.options;
    const host_pair &hosts = plan.hosts;
    if (stop.stop_requested()) {
        return fail(make_error(error_kind::cancelled, "the migration of the domain '" + name +
                                                          "' was cancelled before it began")
                        .on(hosts.source.hostname)
                        .about(name));
    }

    auto record = record_of(plan.before, id, name, hosts, options, clock.utc());
    const std::vector<set_aside_device> devices = devices_of(plan.devices);
    record.detail = to_text(targets.paths) + to_text(devices);
    auto lease = journal.open(record);
    if (!lease) return fail(std::move(lease).error());
    journaled<J, C> steps(journal, *std::move(lease), record.before, std::move(clock));
    if (auto begun = steps.feed(event::prepare_requested); !begun) {
        return fail(std::move(begun).error());
    }

    migration_result result;
    result.domain = name;
    result.id = id;
    result.source = hosts.source;
    result.destination = hosts.destination;
    live_driver<H, J, C> driver(source, destination, id, steps, progress, stop, how);
    result.begun = driver.start();
    driver.devices().adopt(devices, {hosts.source.uri, hosts.destination.uri});
    driver.steer(options);
    result.gaps = driver.listen();
    result.events = driver.job_events();

    expected<void> outcome;
    if (targets.make) outcome = driver.make_targets(targets);
    if (outcome) outcome = driver.hold_promise();
    // Last, for the guest is without them from here on.
    if (outcome) outcome = driver.set_aside_devices();
    if (!outcome) {
        driver.feed(event::step_failed, outcome.error().what);
    } else {
        if (auto begun = steps.feed(event::move_requested); !begun) {
            error why = std::move(begun).error();
            if (auto back = driver.give_back_devices(); !back) {
                why.causes.push_back(std::move(back).error());
            }
            return fail(std::move(why));
        }
        outcome = driver.conduct([&] { return source.migrate(id, destination, options); });
        driver.feed(detail::event_of(outcome),
                    outcome ? "the call returned success" : outcome.error().what);
    }
    result.wall_time = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - driver.start());
    result.samples = driver.take_samples();
    if (driver.blind()) result.gaps.push_back(*driver.blind());
    result.steered = driver.take_steering();

    resume_call resume;
    if (options.flags.has(migration::flag::postcopy)) {
        resume = [&] { return source.migrate(id, destination, to_resume(options)); };
    }
    settlement settled;
    settled.at = steps.at();
    settled.problem = driver.journal_problem();
    if (!settled.problem) {
        settled = settler(driver, false, std::move(resume)).run();
    }
    result.state = settled.at;
    result.steps = steps.taken();
    result.guest.source = ask(source, id, hosts.source.hostname);
    result.guest.destination = ask(destination, id, hosts.destination.hostname);
    if (!outcome && result.guest.source.active()) driver.release_promise();
    for (const error &each : driver.steering_problems()) result.gaps.push_back(each);
    if (!outcome) {
        error failure = detail::failure_of(driver, plan, record.before, result,
                                           std::move(outcome).error(), stop.stop_requested());
        if (!settled.ended()) failure.causes.push_back(detail::left_open(settled, steps.id()));
        // The call failed, and the guest may have arrived all the same.
        for (const error &each : driver.devices().gaps()) failure.causes.push_back(each);
        return fail(std::move(failure));
    }
    for (const error &each : driver.devices().gaps()) result.gaps.push_back(each);
    result.cancelled_too_late = stop.stop_requested();
    if (result.cancelled_too_late && driver.abort_problem()) {
        result.gaps.push_back(*driver.abort_problem());
    }
    const bool offline = options.flags.has(migration::flag::offline);
    if (!detail::may_have_arrived(result.guest, offline)) {
        error failure = detail::missing_at_destination(plan, result.guest);
        if (!settled.ended()) failure.causes.push_back(detail::left_open(settled, steps.id()));
        return fail(std::move(failure));
    }
    for (const host_answer *each : {&result.guest.source, &result.guest.destination}) {
        if (each->unread) result.gaps.push_back(*each->unread);
    }
    if (!settled.ended()) result.gaps.push_back(detail::left_open(settled, steps.id()));
    if (offline) return result; // there was no job
    detail::read_statistics(driver, hosts, result);
    result.promise = detail::came_of(how.steer.promise, result);
    return result;
}

/// Plans, and carries it out.
template <ports::steerable H, ports::journal J, ports::clock C = ports::system_clock>
[[nodiscard]] expected<migration_result>
migrate_journaled(H &source, const uuid &id, const std::string &name, H &destination, J &journal,
                  const migration::options &options, const progress_callback &progress = {},
                  const std::stop_token &stop = {}, const sampling &how = {},
                  const target_images &targets = {}, C clock = {}) {
    auto plan = plan_between(source, id, name, destination, options, how.steer);
    if (!plan) return fail(std::move(plan).error());
    return carry_out(source, destination, journal, *plan, progress, stop, how, targets,
                     std::move(clock));
}

/// The same with a journal that ends with the call: nobody can take the migration up after this
/// process, and the machine drives it all the same.
template <ports::steerable H>
[[nodiscard]] expected<migration_result>
migrate_between(H &source, const uuid &id, const std::string &name, H &destination,
                const migration::options &options, const progress_callback &progress = {},
                const std::stop_token &stop = {}, const sampling &how = {}) {
    memory_journal journal;
    return migrate_journaled(source, id, name, destination, journal, options, progress, stop, how);
}

} // namespace kvmig::run
