// SPDX-License-Identifier: MIT
/// Takes up a migration that a controller left without an end.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/migration/event.hpp>
#include <kvmig/migration/options_text.hpp>
#include <kvmig/migration/recovery.hpp>
#include <kvmig/migration/recovery_choice.hpp>
#include <kvmig/ports/clock.hpp>
#include <kvmig/ports/cold_host.hpp>
#include <kvmig/ports/image_mover.hpp>
#include <kvmig/ports/journal.hpp>
#include <kvmig/ports/steerable.hpp>
#include <kvmig/run/drive_cold.hpp>
#include <kvmig/run/drive_live.hpp>
#include <kvmig/run/journaled.hpp>
#include <kvmig/run/look.hpp>
#include <kvmig/run/migrate_cold_copied.hpp>
#include <kvmig/run/migration_result.hpp>
#include <kvmig/run/open.hpp>
#include <kvmig/run/set_aside.hpp>
#include <kvmig/run/settle.hpp>
#include <kvmig/run/shared_images.hpp>
#include <kvmig/run/target_images.hpp>
#include <kvmig/xml/domain.hpp>

#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// What a person wants of a recovery.
struct recovery_wish {
    bool undo = false; ///< back to the source where that is as safe as going on
    std::optional<migration::choice> chosen; ///< where the rules must not decide
};

/// A migration that was taken up, and what came of it.
struct recovered {
    ports::journaled_migration was; ///< as the journal told it before
    settlement now;                 ///< how far it came this time
    std::vector<error> gaps;        ///< what could not be listened to, and why
};

namespace detail {

/// What is said when a host cannot even be connected to. Nothing is done, and nothing recorded.
[[nodiscard]] inline settlement out_of_contact(const ports::journaled_migration &of,
                                               const look_result &source,
                                               const look_result &destination, bool undo) {
    const migration::origin &before = of.record.before;
    const migration::past past = of.past();
    const migration::ruling r =
        migration::decide(before, past, source.seen, destination.seen, {.undo = undo});
    settlement out;
    out.at = of.at();
    out.said = migration::describe(r, before, past, source.seen, destination.seen);
    out.choices = migration::choices_after(r, before, past, source.seen, destination.seen);
    out.problem = source.problem ? source.problem : destination.problem;
    return out;
}

/// Fails when what is needed to go on cannot be read from the record.
[[nodiscard]] inline expected<void> understand(const ports::migration_record &record) {
    if (record.before.kind == migration::kind::cold) {
        auto guest = xml::parse_domain(record.detail);
        if (!guest) return fail(std::move(guest).error());
        if (record.before.shared_storage) return {};
        auto plan = copy_plan_from_text(record.options);
        return plan ? expected<void>() : fail(std::move(plan).error());
    }
    auto options = migration::options_from_text(record.options);
    if (!options) return fail(std::move(options).error());
    auto devices = devices_from_text(record.detail);
    return devices ? expected<void>() : fail(std::move(devices).error());
}

template <ports::steerable H, ports::journal J, ports::clock C>
[[nodiscard]] expected<settlement>
recover_live(H &source, H &destination, const ports::migration_record &record,
             journaled<J, C> &steps, const recovery_wish &wish, const std::stop_token &leave,
             const sampling &how, std::vector<error> &gaps) {
    const auto options = migration::options_from_text(record.options);
    if (!options) return fail(options.error());
    const progress_callback silent;
    live_driver<H, J, C> driver(source, destination, record.domain_uuid, steps, silent, {}, how);
    driver.adopt_targets(paths_from_text(record.detail));
    auto devices = devices_from_text(record.detail);
    if (!devices) return fail(std::move(devices).error());
    driver.devices().adopt(*std::move(devices), {record.source_uri, record.destination_uri});
    if (!may_have_left(record.before.kind, steps.past().position)) driver.devices().expect_late();
    driver.leave_on(leave);
    gaps = driver.listen();
    resume_call resume;
    if (options->flags.has(migration::flag::postcopy)) {
        resume = [&] {
            return source.migrate(record.domain_uuid, destination, to_resume(*options));
        };
    }
    settlement settled = settler(driver, wish.undo, std::move(resume), wish.chosen).run();
    for (const error &each : driver.devices().gaps()) gaps.push_back(each);
    return settled;
}

template <ports::cold_host H, ports::image_mover M, ports::journal J, ports::clock C>
[[nodiscard]] settlement recover_with(M &images, H &source, H &destination,
                                      const ports::migration_record &record, journaled<J, C> &steps,
                                      const recovery_wish &wish, const std::stop_token &leave,
                                      const sampling &how, std::vector<error> &gaps) {
    const cold_callback silent;
    cold_driver<H, M, J, C> driver(source, destination, record.domain_uuid, steps, images,
                                   record.detail, silent, {}, how);
    driver.leave_on(leave);
    gaps = driver.listen();
    return settler(driver, wish.undo, {}, wish.chosen).run();
}

/// The record's detail is the definition for the destination; its options are the plan of the
/// copies, where images are copied.
template <ports::steerable H, ports::journal J, ports::clock C>
[[nodiscard]] expected<settlement>
recover_cold(H &source, H &destination, const ports::migration_record &record,
             journaled<J, C> &steps, const recovery_wish &wish, const std::stop_token &leave,
             const sampling &how, std::vector<error> &gaps, const copy_reach &reach) {
    if constexpr (ports::cold_host<H>) {
        if (record.before.shared_storage) {
            const auto guest = xml::parse_domain(record.detail);
            if (!guest) return fail(guest.error());
            shared_images<H> images(source, destination, *guest);
            return recover_with(images, source, destination, record, steps, wish, leave, how, gaps);
        }
        auto plan = copy_plan_from_text(record.options);
        if (!plan) return fail(std::move(plan).error());
        auto here = reach.host(record.source_uri);
        if (!here) return fail(std::move(here).error());
        auto there = reach.host(record.destination_uri);
        if (!there) return fail(std::move(there).error());
        copied_images images(*std::move(here), *std::move(there), *std::move(plan), reach.ssh,
                             reach.patience);
        return recover_with(images, source, destination, record, steps, wish, leave, how, gaps);
    } else {
        return fail(error_kind::unsupported, "migration " + std::to_string(steps.id().number) +
                                                 " is a cold one, which these hosts cannot take "
                                                 "up");
    }
}

} // namespace detail

/// Takes up migration `id` of `journal`: asks both hosts, which `connect(uri)` gives as
/// `expected<H>`, and brings it to its end as wished. Where it must not decide alone, and nothing
/// was chosen, it does nothing: the settlement says what was seen and what the choices are.
///
/// `reach`: how hosts are reached whose images are copied. `leave` ends the watching of what goes
/// on by itself, and nothing else. Fails with `not_found`;
/// with `conflict` while another controller drives the migration; with `protocol` when the record
/// cannot be understood.
template <ports::journal J, class Connect, ports::clock C = ports::system_clock>
[[nodiscard]] expected<recovered>
recover(J &journal, ports::migration_id id, Connect connect, const recovery_wish &wish = {},
        const std::stop_token &leave = {}, const sampling &how = {}, C clock = {},
        const copy_reach &reach = {}) {
    using host_type = typename decltype(connect(std::string()))::value_type;
    static_assert(ports::steerable<host_type>);
    auto lease = journal.take(id);
    if (!lease) return fail(std::move(lease).error());
    auto told = journal.read(id);
    if (!told) return fail(std::move(told).error());
    recovered out{*std::move(told), {}, {}};
    const ports::migration_record &record = out.was.record;
    out.now.at = out.was.at();
    if (is_end(out.now.at)) return out;
    if (auto ok = detail::understand(record); !ok) return fail(std::move(ok).error());
    journaled<J, C> steps(journal, *std::move(lease), out.was, std::move(clock));
    if (out.now.at == migration::state::planned) {
        // Nothing had been touched, and no host need be asked.
        if (auto ended = steps.feed(migration::event::controller_restarted); !ended) {
            return fail(std::move(ended).error());
        }
        out.now.at = steps.at();
        return out;
    }
    auto source = connect(record.source_uri);
    auto destination = connect(record.destination_uri);
    if (!source || !destination) {
        const auto seen = [&](expected<host_type> &host) -> look_result {
            if (host) return look(*host, record.domain_uuid);
            return {{}, host.error()};
        };
        out.now = detail::out_of_contact(out.was, seen(source), seen(destination), wish.undo);
        if (wish.chosen != migration::choice::take_over) return out;
        // Closing the record asks nothing of the hosts.
        for (const auto e :
             {migration::event::controller_restarted, migration::event::person_took_over}) {
            if (auto taken = steps.feed(e, out.now.said); !taken) {
                return fail(std::move(taken).error());
            }
        }
        out.now.at = steps.at();
        return out;
    }
    if (auto begun = steps.feed(migration::event::controller_restarted, "taken up"); !begun) {
        return fail(std::move(begun).error());
    }
    auto settled = record.before.kind == migration::kind::cold
                       ? detail::recover_cold(*source, *destination, record, steps, wish, leave,
                                              how, out.gaps, reach)
                       : detail::recover_live(*source, *destination, record, steps, wish, leave,
                                              how, out.gaps);
    if (!settled) return fail(std::move(settled).error());
    out.now = *std::move(settled);
    return out;
}

} // namespace kvmig::run
