// SPDX-License-Identifier: MIT
/// A cold migration between two hosts: the guest is shut down, defined at the destination and
/// started there.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/event.hpp>
#include <kvmig/migration/state.hpp>
#include <kvmig/ports/clock.hpp>
#include <kvmig/ports/cold_host.hpp>
#include <kvmig/ports/image_mover.hpp>
#include <kvmig/ports/journal.hpp>
#include <kvmig/run/drive_cold.hpp>
#include <kvmig/run/failure.hpp>
#include <kvmig/run/journaled.hpp>
#include <kvmig/run/migration_result.hpp>
#include <kvmig/run/plan_cold.hpp>
#include <kvmig/run/settle.hpp>
#include <kvmig/run/shared_images.hpp>
#include <kvmig/run/whereabouts.hpp>

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// A cold migration that succeeded.
struct cold_result {
    std::string domain;      ///< its name, the same on both hosts
    uuid id;                 ///< the same on both hosts
    model::host source;      ///< as it presented itself before
    model::host destination; ///< as it presented itself before
    std::string proof;       ///< what proved that the destination has the same images
    /// From when the guest was seen shut off until it was started; absent where it was not.
    std::optional<std::chrono::milliseconds> downtime;
    std::chrono::milliseconds wall_time{0};      ///< of the whole, plan aside, on the steady clock
    std::chrono::steady_clock::time_point begun; ///< from when `wall_time` counts
    std::vector<timed_step> steps;               ///< all that were taken, in order
    whereabouts guest;                           ///< asked afterwards
    migration::state state = migration::state::completed; ///< anything else is an error
    std::vector<error> gaps; ///< what could not be listened to or read, and why
};

/// Carries out `plan`, whose images `images` brings over, and returns when it has ended or must be
/// left to a person. Every step is in `journal` before it is taken.
///
/// - Refused before anything starts, as `images.prepare` tells.
/// - A guest that runs is asked to shut down (`how.shutdown`), or its memory is saved to a file
///   (`cold_options::keep_state`), and it is started at the destination. A
///   step that fails is undone: the guest runs again at the source, and nothing of it is left at
///   the destination.
/// - `stop` is heeded until the destination is told to start the guest; then the error is
///   `cancelled`, and the source has the guest as before.
/// - The source keeps its definition unless `cold_options::undefine_source`.
template <ports::cold_host H, ports::image_mover M, ports::journal J,
          ports::clock C = ports::system_clock>
[[nodiscard]] expected<cold_result>
carry_out_cold(H &source, H &destination, M &images, J &journal, const cold_plan &plan,
               const cold_callback &progress = {}, const std::stop_token &stop = {},
               const sampling &how = {}, C clock = {}) {
    using migration::event;
    const auto begun = std::chrono::steady_clock::now();
    const uuid &id = plan.id;
    const std::string &name = plan.name;
    const host_pair &hosts = plan.hosts;

    ports::migration_record record;
    record.before = plan.origin();
    record.domain = name;
    record.domain_uuid = id;
    record.source_uri = hosts.source.uri;
    record.destination_uri = hosts.destination.uri;
    if (plan.images) record.options = to_text(*plan.images);
    record.detail = plan.adapted;
    record.opened = clock.utc();
    auto lease = journal.open(record);
    if (!lease) return fail(std::move(lease).error());
    journaled<J, C> steps(journal, *std::move(lease), record.before, std::move(clock));
    if (auto taken = steps.feed(event::prepare_requested); !taken) {
        return fail(std::move(taken).error());
    }
    cold_driver<H, M, J, C> driver(source, destination, id, steps, images, plan.adapted, progress,
                                   stop, how);
    cold_result result;
    result.gaps = driver.listen();
    driver.prepare();
    const settlement settled = settler(driver, false, {}).run();

    result.domain = name;
    result.id = id;
    result.source = hosts.source;
    result.destination = hosts.destination;
    result.proof = driver.proof();
    result.downtime = driver.downtime();
    result.state = settled.at;
    result.begun = begun;
    result.steps = steps.taken();
    result.guest = {ask(source, id, hosts.source.hostname),
                    ask(destination, id, hosts.destination.hostname)};
    result.wall_time = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - begun);
    if (settled.at == migration::state::completed) return result;

    const bool cancelled = steps.past().cancel_requested;
    error cause = driver.why()      ? *driver.why()
                  : settled.problem ? *settled.problem
                  : cancelled       ? make_error(error_kind::cancelled, "it was called off")
                                    : make_error(error_kind::failed, settled.said);
    error failure =
        detail::migration_failure(name, hosts, result.guest, std::move(cause),
                                  stop.stop_requested(), cancelled, plan.before.active());
    if (!settled.ended()) failure.causes.push_back(detail::left_open(settled, steps.id()));
    return fail(std::move(failure));
}

/// Migrates the domain `id` (called `name` in messages), whose images both hosts reach under the
/// same paths, which is proven before the destination may start it. Refused as `plan_cold` tells,
/// and done as `carry_out_cold` tells.
template <ports::cold_host H, ports::journal J, ports::clock C = ports::system_clock>
[[nodiscard]] expected<cold_result>
migrate_cold_shared(H &source, const uuid &id, const std::string &name, H &destination, J &journal,
                    const cold_options &options = {}, const cold_callback &progress = {},
                    const std::stop_token &stop = {}, const sampling &how = {}, C clock = {}) {
    if (options.keep_state) {
        return fail(make_error(error_kind::unsupported, "the memory of '" + name +
                                                            "' is to be kept, and nothing is to be "
                                                            "copied from host to host")
                        .about(name)
                        .advise("copy the images, and the saved memory with them, or migrate it "
                                "live"));
    }
    auto plan = plan_cold(source, id, name, destination, options);
    if (!plan) return fail(std::move(plan).error());
    shared_images<H> images(source, destination, plan->guest);
    return carry_out_cold(source, destination, images, journal, *plan, progress, stop, how,
                          std::move(clock));
}

} // namespace kvmig::run
