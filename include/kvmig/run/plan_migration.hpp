// SPDX-License-Identifier: MIT
/// What a live migration between two libvirt connections will do.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/hypervisor.hpp>
#include <kvmig/libvirt/storage.hpp>
#include <kvmig/libvirt/volume_at.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/migration/plan.hpp>
#include <kvmig/migration/plan_steps.hpp>
#include <kvmig/precheck/facts.hpp>
#include <kvmig/run/plan_devices.hpp>
#include <kvmig/run/plan_live.hpp>
#include <kvmig/run/plan_transport.hpp>
#include <kvmig/run/steer.hpp>
#include <kvmig/run/storage_targets.hpp>
#include <kvmig/run/target_images.hpp>
#include <kvmig/xml/comparable.hpp>
#include <kvmig/xml/domain.hpp>
#include <kvmig/xml/host_devices.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// What was asked for, ready to begin.
struct planned_migration {
    live_plan move;                      ///< the migration itself
    std::vector<storage_target> targets; ///< of the disks that are copied
};

/// Asks both hosts, and changes nothing but that the pools of disks that are to be copied are
/// looked through anew. Fails as `plan_between` and `plan_storage_targets` tell.
[[nodiscard]] inline expected<planned_migration>
plan_migration(const libvirt::domain &source, const libvirt::connection &destination,
               const migration::options &options, const steering_wish &wish = {}) {
    libvirt::hypervisor from(source.on());
    libvirt::hypervisor to(destination);
    // What needs no look at the disks is told first.
    auto move = plan_between(from, source.id(), source.name(), to, options, wish);
    if (!move) return fail(std::move(move).error());
    auto targets = plan_storage_targets(source, destination, options);
    if (!targets) return fail(std::move(targets).error());
    return planned_migration{*std::move(move), *std::move(targets)};
}

/// What of the plan is made beforehand. `destination` must outlive it.
[[nodiscard]] inline target_images target_images_of(const planned_migration &plan,
                                                    const libvirt::connection &destination) {
    target_images out;
    for (const storage_target &each : plan.targets) {
        if (each.to_make) out.paths.push_back(each.path);
    }
    if (plan.targets.empty()) return out;
    out.make = [&destination, all = plan.targets](std::vector<std::string> &made) {
        return make_storage_targets(destination, all, made);
    };
    return out;
}

namespace detail {

/// A disk whose content is sent.
[[nodiscard]] inline migration::planned_disk describe_target(const storage_target &of) {
    const std::string name = of.path.substr(of.path.find_last_of('/') + 1);
    return {.disk = of.disk,
            .source = of.path,
            .travels = true,
            .why = of.below.empty() ? "the whole disk is copied"
                                    : "what lies above its backing file is copied",
            .target = of.path,
            .pool = of.pool,
            .volume = name,
            .format = of.to_make ? of.to_make->format : of.format,
            .size = of.size,
            .below = of.below,
            .exists = !of.to_make};
}

/// A disk that stays where it is, and what the destination's pools tell of it, as they knew it
/// last.
[[nodiscard]] inline migration::planned_disk
describe_staying(const model::disk &disk, const libvirt::connection &destination) {
    migration::planned_disk out;
    out.disk = disk.target;
    out.source = out.target = precheck::storage_name(disk.source);
    out.format = disk.source.format;
    out.why = disk.readonly ? "libvirt copies no medium that is only read: the destination must "
                              "have it at the same place"
                            : "the destination must reach the same image at the same place";
    if (disk.source.kind == model::source_kind::volume) {
        out.pool = disk.source.pool;
        out.volume = disk.source.volume;
    }
    if (disk.source.kind != model::source_kind::file) return out;
    const auto there = libvirt::volume_at(destination, disk.source.path);
    if (!there || !*there) return out; // no pool has it, which is not to say that it is not there
    out.exists = true;
    out.volume = (**there).name;
    out.size = (**there).capacity;
    const auto pool = libvirt::storage_pool::lookup_by_target(
        destination, disk.source.path.substr(0, disk.source.path.find_last_of('/')));
    if (pool) out.pool = pool->name();
    return out;
}

/// The XML that libvirt sends, beside the source's.
inline void describe_xml(const libvirt::domain &source, const migration::options &options,
                         const std::vector<planned_place> &devices, migration::plan &into) {
    const bool off = options.flags.has(migration::flag::offline);
    const auto text = source.xml(VIR_DOMAIN_XML_MIGRATABLE |
                                 (off ? static_cast<unsigned>(VIR_DOMAIN_XML_INACTIVE) : 0U));
    if (!text) {
        into.unknown.push_back("the XML that libvirt sends: " + text.error().what);
        return;
    }
    // As it is planned, the guest arrives without them.
    std::vector<xml::host_device_place> gone;
    for (const planned_place &each : devices) gone.emplace_back(each.device.source, std::nullopt);
    auto sent = gone.empty() ? expected<std::string>(*text) : xml::with_host_devices(*text, gone);
    if (!sent) {
        into.unknown.push_back("the XML that libvirt sends: " + sent.error().what);
        return;
    }
    const auto differs =
        xml::difference(*text, options.destination_xml.value_or(*sent), "source", "destination");
    if (differs) {
        into.xml_difference = *differs;
    } else {
        into.unknown.push_back("how the XML for the destination differs: " + differs.error().what);
    }
}

/// What the guest lets go of, and what it will lack.
inline void describe_devices(const std::vector<planned_place> &devices, migration::plan &into) {
    for (const planned_place &each : devices) {
        const auto &there = each.device.destination;
        into.devices.push_back(
            {each.device.source.text(), there ? there->text() : std::string(), each.why});
    }
    if (devices.empty()) return;
    into.unknown.emplace_back("whether the guest lets go of its devices: its drivers decide");
}

inline void describe_ends(const host_pair &hosts, migration::plan &into) {
    into.source = {hosts.source.hostname, hosts.source.uri};
    into.destination = {hosts.destination.hostname, hosts.destination.uri};
}

} // namespace detail

/// The plan as it is told. Asks the source for the guest's XML once more, and the destination's
/// pools for the disks that stay; fails when the guest's own XML cannot be read.
[[nodiscard]] inline expected<migration::plan> describe_plan(const planned_migration &plan,
                                                             const libvirt::domain &source,
                                                             const libvirt::connection &destination,
                                                             const steering_wish &wish = {}) {
    const live_plan &move = plan.move;
    auto text = source.xml();
    if (!text) return fail(std::move(text).error());
    auto guest = xml::parse_domain(*text);
    if (!guest) return fail(std::move(guest).error().on(source.on().hostname()));
    const migration::origin before = move.origin();
    migration::plan out;
    out.mode = before.kind;
    out.domain = move.name;
    out.id = move.id;
    detail::describe_ends(move.hosts, out);
    for (const model::disk &each : guest->disks) {
        if (each.source.kind == model::source_kind::none) continue;
        const auto target =
            std::find_if(plan.targets.begin(), plan.targets.end(),
                         [&](const storage_target &t) { return t.disk == each.target; });
        out.disks.push_back(target != plan.targets.end()
                                ? detail::describe_target(*target)
                                : detail::describe_staying(each, destination));
    }
    out.transport = describe_transport(move.options, move.hosts, !plan.targets.empty());
    out.options = migration::named_options(move.options);
    detail::describe_xml(source, move.options, move.devices, out);
    detail::describe_devices(move.devices, out);
    out.steps = migration::steps_of(out, before, move.options, wish.promise);
    if (move.options.flags.has(migration::flag::offline)) return out;
    out.unknown.emplace_back(
        "how long it takes, and how long the guest stands still: that rests on "
        "how fast it dirties memory");
    if (!move.options.migrate_uri && !move.options.flags.has(migration::flag::tunnelled)) {
        out.unknown.emplace_back("the port: the destination chooses it when it prepares");
    }
    out.unknown.emplace_back("whether the destination's hypervisor takes the guest: `kvmig check` "
                             "tells what can be known beforehand");
    return out;
}

} // namespace kvmig::run
