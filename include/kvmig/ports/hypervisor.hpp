// SPDX-License-Identifier: MIT
/// The hypervisor port: what a migration needs of each of the two hosts. `libvirt::hypervisor`
/// is the real one; tests drive the same code with a fake.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/model/domain.hpp>
#include <kvmig/model/host.hpp>
#include <kvmig/model/job.hpp>
#include <kvmig/ports/subscription.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>

namespace kvmig::ports {

/// Something that happened to a domain's job, told from outside the call that runs it.
struct job_event {
    /// Set when the job has ended: its final statistics (`VIR_DOMAIN_EVENT_ID_JOB_COMPLETED`).
    std::optional<model::job_statistics> completed;
    /// Set when a new pass over memory began (`VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION`).
    std::optional<std::uint64_t> iteration;
};

/// Called on a thread of the hypervisor; must not block.
using job_event_callback = std::function<void(const job_event &)>;

/// One host's hypervisor, and the domains on it by UUID (a name may change on the way). Every
/// call may be made from any thread, also while `migrate` blocks in another.
///
/// - `host()`: who it is; asked anew each time.
/// - `same_connection(other)`: whether both are one connection.
/// - `is_alive()`: whether the connection still stands, as far as is known without asking.
/// - `status(id)`: nothing when the host does not know the domain.
/// - `job(id)`: the job that runs now; type `none` when there is none.
/// - `completed_job(id)`: the job that ended last, kept for the next who asks.
/// - `abort_job(id)`: asks for the running job to end; the call that runs it then fails.
/// - `max_downtime(id)`: the longest downtime that the switch-over may take, as it is set now.
/// - `start_postcopy(id)`, `set_max_downtime(id, …)`, `set_max_speed(id, …)`: steer it.
/// - `migrate(id, destination, options)`: blocks until the migration has ended.
/// - `watch_job(id, callback)`: tells events from another thread, or fails when events are not
///   to be had.
template <class T>
concept hypervisor = requires(T &h, T &destination, const uuid &id,
                              const migration::options &options, job_event_callback callback,
                              std::chrono::milliseconds downtime, byte_rate speed) {
    { h.host() } -> std::same_as<expected<model::host>>;
    { h.same_connection(destination) } -> std::same_as<bool>;
    { h.is_alive() } -> std::same_as<bool>;
    { h.status(id) } -> std::same_as<expected<std::optional<model::domain_status>>>;
    { h.job(id) } -> std::same_as<expected<model::job_statistics>>;
    { h.completed_job(id) } -> std::same_as<expected<model::job_statistics>>;
    { h.abort_job(id) } -> std::same_as<expected<void>>;
    { h.max_downtime(id) } -> std::same_as<expected<std::chrono::milliseconds>>;
    { h.start_postcopy(id) } -> std::same_as<expected<void>>;
    { h.set_max_downtime(id, downtime) } -> std::same_as<expected<void>>;
    { h.set_max_speed(id, speed) } -> std::same_as<expected<void>>;
    { h.migrate(id, destination, options) } -> std::same_as<expected<void>>;
    { h.watch_job(id, callback) } -> std::same_as<expected<subscription>>;
};

} // namespace kvmig::ports
