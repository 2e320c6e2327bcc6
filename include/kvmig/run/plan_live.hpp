// SPDX-License-Identifier: MIT
/// What a live migration will do, decided before anything is touched.
#pragma once

#include <kvmig/convergence/policy.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/option_rules.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/migration/origin.hpp>
#include <kvmig/ports/device_host.hpp>
#include <kvmig/ports/hypervisor.hpp>
#include <kvmig/run/before_migration.hpp>
#include <kvmig/run/open.hpp>
#include <kvmig/run/plan_devices.hpp>
#include <kvmig/run/steer.hpp>
#include <kvmig/run/whereabouts.hpp>
#include <kvmig/xml/host_devices.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// A live migration that may begin.
struct live_plan {
    uuid id;                              ///< which it keeps
    std::string name;                     ///< at the source
    migration::options options;           ///< nothing in them contradicts another, or the hosts
    host_pair hosts;                      ///< two different ones
    whereabouts before;                   ///< of both hosts, which have answered
    std::vector<planned_place> devices{}; ///< which the guest lets go of, where that is wished

    /// How things stand before it, for the journal.
    [[nodiscard]] migration::origin origin() const { return origin_of(before, options); }
};

namespace detail {

/// Fails when the steering asks for what the migration does not allow, or for two things that
/// contradict each other; all of it is told at once.
[[nodiscard]] inline expected<void> check_steering(const migration::options &options,
                                                   const steering_wish &wish) {
    using migration::flag;
    std::vector<migration::objection> found;
    const auto &limit = wish.limit;
    if (limit && limit->then == at_limit::post_copy && !options.flags.has(flag::postcopy)) {
        found.push_back({"after the time limit post-copy is to begin, and the flag postcopy is not "
                         "set",
                         "add the flag postcopy"});
    }
    if (!wish.promise) return refuse(std::move(found));
    // QEMU's `downtime-limit` goes from 0 to 2000 s; with 0 nothing ever ends.
    if (wish.promise->count() < 1 || wish.promise->count() > 2'000'000) {
        found.push_back(
            {"a downtime of " + std::to_string(wish.promise->count()) + " ms is promised",
             "promise 1 to 2000000 ms"});
    }
    if (!options.flags.has(flag::live) || options.flags.has(flag::paused)) {
        found.push_back({"a short downtime is promised, and the guest is to stand still",
                         "keep the flag live and leave out paused, or promise nothing"});
    }
    if (limit && limit->then == at_limit::suspend) {
        found.push_back(
            {"a short downtime is promised, and after the time limit the guest is to be "
             "suspended until it has moved",
             "let the time limit cancel, or begin post-copy"});
    }
    if (wish.policy.name != convergence::policies::watch.name || wish.may_suspend) {
        found.push_back({"a promised downtime takes the place of a policy, and the policy is '" +
                             std::string(wish.policy.name) +
                             (wish.may_suspend ? "', which may suspend the guest" : "'"),
                         "leave out one of the two"});
    }
    return refuse(std::move(found));
}

/// The XML of `o` without what the guest lets go of, and with what takes its place in the
/// definition that stays at the destination.
template <ports::device_host H> [[nodiscard]] expected<void> fit_xml(H &source, live_plan &plan) {
    const auto places = places_of(plan.devices);
    migration::options &o = plan.options;
    if (o.destination_xml) {
        // libvirt compares it with the guest as it is then.
        std::vector<xml::host_device_place> none = places;
        for (auto &each : none) each.second.reset();
        auto without = xml::with_host_devices(*o.destination_xml, none);
        if (!without) return fail(std::move(without).error());
        o.destination_xml = *std::move(without);
    }
    const bool same = std::all_of(places.begin(), places.end(),
                                  [](const auto &each) { return each.second == each.first; });
    const auto &status = plan.before.source.status;
    const bool defined = status && status->persistent;
    if (same || !defined || o.persistent_xml || !o.flags.has(migration::flag::persist_dest)) {
        return {};
    }
    // The source's own definition would name the source's devices there.
    const auto kept = source.definition(plan.id);
    if (!kept) return fail(kept.error());
    auto there = xml::with_host_devices(*kept, places);
    if (!there) return fail(std::move(there).error());
    o.persistent_xml = *std::move(there);
    return {};
}

/// The devices that are to be set aside, and what follows for the XML.
template <ports::hypervisor H>
[[nodiscard]] expected<void> plan_set_aside(H &source, H &destination, live_plan &plan) {
    if (!plan.options.host_devices.set_aside) return {};
    if constexpr (ports::device_host<H>) {
        auto devices =
            plan_devices(source, plan.id, destination, plan.hosts, plan.options.host_devices);
        if (!devices) return fail(std::move(devices).error());
        plan.devices = *std::move(devices);
        return plan.devices.empty() ? expected<void>() : fit_xml(source, plan);
    } else {
        return fail(error_kind::unsupported, "devices of these hosts cannot be set aside");
    }
}

} // namespace detail

/// Asks both hosts, and changes nothing; `carry_out` does what comes of it. Fails as
/// `check_before_migration` and `plan_devices` tell, for steering that the options do not allow,
/// and when a host does not say what it knows of the guest.
template <ports::hypervisor H>
[[nodiscard]] expected<live_plan> plan_between(H &source, const uuid &id, const std::string &name,
                                               H &destination, const migration::options &options,
                                               const steering_wish &wish = {}) {
    if (auto ok = detail::check_steering(options, wish); !ok) return fail(std::move(ok).error());
    auto hosts = check_before_migration(source, id, name, destination, options);
    if (!hosts) return fail(std::move(hosts).error());
    live_plan out{id, name, options, *std::move(hosts), {}, {}};
    out.before = {ask(source, id, out.hosts.source.hostname),
                  ask(destination, id, out.hosts.destination.hostname)};
    for (const host_answer *each : {&out.before.source, &out.before.destination}) {
        if (each->unread) return fail(*each->unread);
    }
    if (auto ok = detail::plan_set_aside(source, destination, out); !ok) {
        return fail(std::move(ok).error());
    }
    return out;
}

} // namespace kvmig::run
