// SPDX-License-Identifier: MIT
/// A cold migration between two hosts: the guest is shut down, defined at the destination and
/// started there.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/event.hpp>
#include <kvmig/migration/origin.hpp>
#include <kvmig/migration/sighting.hpp>
#include <kvmig/migration/state.hpp>
#include <kvmig/model/domain.hpp>
#include <kvmig/ports/clock.hpp>
#include <kvmig/ports/cold_host.hpp>
#include <kvmig/ports/image_mover.hpp>
#include <kvmig/ports/journal.hpp>
#include <kvmig/run/before_migration.hpp>
#include <kvmig/run/drive_cold.hpp>
#include <kvmig/run/failure.hpp>
#include <kvmig/run/journaled.hpp>
#include <kvmig/run/migration_result.hpp>
#include <kvmig/run/settle.hpp>
#include <kvmig/run/shared_images.hpp>
#include <kvmig/run/whereabouts.hpp>
#include <kvmig/xml/domain.hpp>

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

struct cold_options {
    /// Once the destination has the guest, the source's definition is removed.
    bool undefine_source = false;
    /// A guest that ran is started at the destination; one that was shut off never is.
    bool start = true;
    /// For the record: what a successor needs to know of how the images move; nothing of shared
    /// ones.
    std::string images{};
};

/// A cold migration that succeeded.
struct cold_result {
    std::string domain;
    uuid id;
    model::host source;
    model::host destination;
    std::string proof; ///< what proved that the destination has the same images
    /// From when the guest was seen shut off until it was started; absent where it was not.
    std::optional<std::chrono::milliseconds> downtime;
    std::chrono::milliseconds wall_time{0};
    std::chrono::steady_clock::time_point begun; ///< from when `wall_time` counts
    std::vector<timed_step> steps;               ///< all that were taken, in order
    whereabouts guest;                           ///< asked afterwards
    migration::state state = migration::state::completed;
    std::vector<error> gaps; ///< what could not be listened to or read, and why
};

/// Fails unless the domain is defined at the source, runs or is shut off there, and its UUID and
/// name are free at the destination.
template <ports::cold_host H>
[[nodiscard]] expected<void> check_domain_for_cold(H &source, const uuid &id,
                                                   const std::string &name, H &destination,
                                                   const host_pair &hosts) {
    using model::domain_state;
    const auto refused = [&](error_kind kind, const model::host &on, const std::string &what) {
        return make_error(kind, "the domain '" + name + "' " + what).on(on.hostname).about(name);
    };
    auto here = source.status(id);
    if (!here) return fail(std::move(here).error());
    if (!*here) return fail(refused(error_kind::not_found, hosts.source, "does not exist"));
    const model::domain_status &now = **here;
    if (!now.persistent) {
        return fail(refused(error_kind::conflict, hosts.source,
                            "is transient: nothing is left of it once it is shut down")
                        .advise("define it, or migrate it live"));
    }
    const bool runs = now.state == domain_state::running || now.state == domain_state::blocked;
    if (now.active && !runs) {
        return fail(refused(error_kind::conflict, hosts.source,
                            "is " + std::string(to_string(now.state)) +
                                ", and cannot hear that it is to shut down")
                        .advise("let it run on, or migrate it live"));
    }
    if (migration::sight(now, false).why == migration::seen_reason::saved) {
        return fail(refused(error_kind::conflict, hosts.source,
                            "has its memory saved at the source, which would stay behind")
                        .advise("start it, or drop what was saved with `virsh -c " +
                                hosts.source.uri + " managedsave-remove " + name + "`"));
    }
    if (now.active) {
        if (auto free = check_no_job(source, id, name, hosts.source.hostname); !free) return free;
    }
    auto there = destination.status(id);
    if (!there) return fail(std::move(there).error());
    if (*there) {
        return fail(
            refused(error_kind::conflict, hosts.destination,
                    (**there).active ? "is active at the destination already"
                                     : "is defined at the destination already")
                .advise((**there).active
                            ? "find out which of the two is the right one"
                            : "compare it with the source's, and remove it with `virsh -c " +
                                  hosts.destination.uri + " undefine " + name + "`"));
    }
    auto other = destination.named(name);
    if (!other) return fail(std::move(other).error());
    if (*other) {
        return fail(refused(error_kind::conflict, hosts.destination,
                            "has a namesake at the destination, with the UUID " + (**other).text())
                        .advise("rename one of the two with `virsh domrename`"));
    }
    return {};
}

/// Migrates the domain `id` (called `name` in messages), which `images` brings over, and returns
/// when it has ended or must be left to a person. Every step is in `journal` before it is taken.
///
/// - Refused before anything starts, as `check_domain_for_cold` and `images.prepare` tell.
/// - A guest that runs is asked to shut down (`how.shutdown`), and started at the destination. A
///   step that fails is undone: the guest runs again at the source, and nothing of it is left at
///   the destination.
/// - `stop` is heeded until the destination is told to start the guest; then the error is
///   `cancelled`, and the source has the guest as before.
/// - The source keeps its definition unless `options.undefine_source`.
template <ports::cold_host H, ports::image_mover M, ports::journal J,
          ports::clock C = ports::system_clock>
[[nodiscard]] expected<cold_result>
migrate_cold(H &source, const uuid &id, const std::string &name, H &destination, M &images,
             const std::string &definition, J &journal, const cold_options &options = {},
             const cold_callback &progress = {}, const std::stop_token &stop = {},
             const sampling &how = {}, C clock = {}) {
    using migration::event;
    const auto begun = std::chrono::steady_clock::now();
    auto hosts = meet(source, destination);
    if (!hosts) return fail(std::move(hosts).error());
    if (auto ok = check_domain_for_cold(source, id, name, destination, *hosts); !ok) {
        return fail(std::move(ok).error());
    }
    const host_answer before = ask(source, id, hosts->source.hostname);
    if (before.unread) return fail(*before.unread);

    ports::migration_record record;
    record.before = {
        .kind = migration::kind::cold,
        .source_was = before.active() ? migration::activity::running : migration::activity::off,
        .stop = before.active() ? migration::stop_method::shutdown : migration::stop_method::none,
        .shared_storage = M::shared,
        .source_persistent = true,
        .destination_defined = false,
        .persist_destination = true,
        .undefine_source = options.undefine_source,
        .start_at_destination = before.active() && options.start};
    record.domain = name;
    record.domain_uuid = id;
    record.source_uri = hosts->source.uri;
    record.destination_uri = hosts->destination.uri;
    record.options = options.images;
    record.detail = definition;
    record.opened = clock.utc();
    auto lease = journal.open(record);
    if (!lease) return fail(std::move(lease).error());
    journaled<J, C> steps(journal, *std::move(lease), record.before, std::move(clock));
    if (auto taken = steps.feed(event::prepare_requested); !taken) {
        return fail(std::move(taken).error());
    }
    cold_driver<H, M, J, C> driver(source, destination, id, steps, images, definition, progress,
                                   stop, how);
    cold_result result;
    result.gaps = driver.listen();
    driver.prepare();
    const settlement settled = settler(driver, false, {}).run();

    result.domain = name;
    result.id = id;
    result.source = hosts->source;
    result.destination = hosts->destination;
    result.proof = driver.proof();
    result.downtime = driver.downtime();
    result.state = settled.at;
    result.begun = begun;
    result.steps = steps.taken();
    result.guest = {ask(source, id, hosts->source.hostname),
                    ask(destination, id, hosts->destination.hostname)};
    result.wall_time = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - begun);
    if (settled.at == migration::state::completed) return result;

    const bool cancelled = steps.past().cancel_requested;
    error cause = driver.why()      ? *driver.why()
                  : settled.problem ? *settled.problem
                  : cancelled       ? make_error(error_kind::cancelled, "it was called off")
                                    : make_error(error_kind::failed, settled.said);
    error failure = detail::migration_failure(name, *hosts, result.guest, std::move(cause),
                                              stop.stop_requested(), cancelled, before.active());
    if (!settled.ended()) failure.causes.push_back(detail::left_open(settled, steps.id()));
    return fail(std::move(failure));
}

/// The same of a guest whose images both hosts reach under the same paths, which is proven before
/// the destination may start it.
template <ports::cold_host H, ports::journal J, ports::clock C = ports::system_clock>
[[nodiscard]] expected<cold_result>
migrate_cold_shared(H &source, const uuid &id, const std::string &name, H &destination, J &journal,
                    const cold_options &options = {}, const cold_callback &progress = {},
                    const std::stop_token &stop = {}, const sampling &how = {}, C clock = {}) {
    auto definition = source.definition(id);
    if (!definition) return fail(std::move(definition).error());
    auto guest = xml::parse_domain(*definition);
    if (!guest) return fail(std::move(guest).error());
    shared_images<H> images(source, destination, *guest);
    return migrate_cold(source, id, name, destination, images, *definition, journal, options,
                        progress, stop, how, std::move(clock));
}

} // namespace kvmig::run
