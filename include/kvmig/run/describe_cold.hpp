// SPDX-License-Identifier: MIT
/// The plan of a cold migration as it is told.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/migration/plan.hpp>
#include <kvmig/migration/plan_steps.hpp>
#include <kvmig/ports/cold_host.hpp>
#include <kvmig/precheck/facts.hpp>
#include <kvmig/run/copy_plan.hpp>
#include <kvmig/run/plan_cold.hpp>
#include <kvmig/xml/comparable.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace kvmig::run {

namespace detail {

/// A disk that both hosts must have, and what the destination's pools tell of it.
template <ports::cold_host H>
[[nodiscard]] expected<migration::planned_disk> describe_shared(const model::disk &disk,
                                                                H &destination) {
    migration::planned_disk out;
    out.disk = disk.target;
    out.source = out.target = precheck::storage_name(disk.source);
    out.format = disk.source.format;
    out.why = "both hosts must reach the same image, which is proven before the guest starts there";
    if (disk.source.kind != model::source_kind::file) return out;
    auto there = destination.image(disk.source.path);
    if (!there) return fail(std::move(there).error());
    out.exists = there->has_value();
    if (!*there) return out;
    out.volume = (**there).name;
    out.size = (**there).capacity;
    return out;
}

/// An image that is copied.
[[nodiscard]] inline migration::planned_disk describe_copied(const planned_image &image,
                                                             const model::domain &guest) {
    const auto owner =
        std::find_if(guest.disks.begin(), guest.disks.end(),
                     [&](const model::disk &each) { return each.source.path == image.source; });
    const bool device = image.kind == image_kind::block;
    const bool state = image.format == "state";
    return {.disk = owner == guest.disks.end() ? std::string() : owner->target,
            .source = image.source,
            .travels = true,
            .why = device  ? "it is copied into the volume that is there, whose content is lost"
                   : state ? "the guest's memory, once it is saved, is copied from host to host"
                           : "it is copied from host to host",
            .target = image.destination,
            .pool = {},
            .volume = {},
            .format = image.format,
            .size = image.size,
            .below = {},
            .exists = device};
}

} // namespace detail

/// What `plan_cold` or `plan_cold_copied` planned. Asks the destination's pools for images that are
/// not copied.
template <ports::cold_host H>
[[nodiscard]] expected<migration::plan> describe_plan(const cold_plan &plan, H &destination) {
    const migration::origin before = plan.origin();
    migration::plan out;
    out.mode = before.kind;
    out.domain = plan.name;
    out.id = plan.id;
    out.source = {plan.hosts.source.hostname, plan.hosts.source.uri};
    out.destination = {plan.hosts.destination.hostname, plan.hosts.destination.uri};
    if (plan.images) {
        for (const planned_image &each : plan.images->images) {
            out.disks.push_back(detail::describe_copied(each, plan.guest));
        }
        const std::uint16_t port = plan.images->port;
        out.transport = {"images go from " + out.source.hostname + " to " + plan.images->login +
                         " by rsync over SSH" + (port ? ", port " + std::to_string(port) : "")};
    } else {
        for (const model::disk &each : plan.guest.disks) {
            if (each.source.kind == model::source_kind::none) continue;
            auto disk = detail::describe_shared(each, destination);
            if (!disk) return fail(std::move(disk).error());
            out.disks.push_back(*std::move(disk));
        }
        out.transport = {"nothing is sent but the definition, by " + out.source.uri + " and " +
                         out.destination.uri};
    }
    // A cold migration has libvirt's words for two of its choices only.
    migration::options said{.flags = {migration::flag::persist_dest}};
    said.flags.set(migration::flag::undefine_source, plan.options.undefine_source);
    out.options = migration::named_options(said);
    auto differs = xml::difference(plan.definition, plan.adapted, "source", "destination");
    if (!differs) return fail(std::move(differs).error());
    out.xml_difference = *std::move(differs);
    out.steps = migration::steps_of(out, before, said);
    if (before.stop == migration::stop_method::shutdown) {
        out.unknown.emplace_back("whether the guest heeds that it is to shut down, and how long "
                                 "that takes");
    }
    if (before.stop == migration::stop_method::save) {
        out.unknown.emplace_back("how much memory the guest has in use, and so how large its "
                                 "saved state is");
    }
    out.unknown.emplace_back(plan.images
                                 ? "how long the copy takes; images of a guest that runs may grow "
                                   "until it is off"
                                 : "whether the images are the same files: that is proven once the "
                                   "guest is off");
    return out;
}

} // namespace kvmig::run
