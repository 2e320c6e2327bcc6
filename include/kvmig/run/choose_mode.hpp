// SPDX-License-Identifier: MIT
/// Which mode fits a guest on these hosts: what `migration::choose_mode` decides by.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/hypervisor.hpp>
#include <kvmig/libvirt/volume_at.hpp>
#include <kvmig/migration/mode_choice.hpp>
#include <kvmig/model/domain.hpp>
#include <kvmig/precheck/facts.hpp>
#include <kvmig/precheck/finding.hpp>
#include <kvmig/precheck/rules/storage.hpp>
#include <kvmig/run/check.hpp>
#include <kvmig/run/shared_images.hpp>
#include <kvmig/run/storage_targets.hpp>
#include <kvmig/xml/domain.hpp>

#include <string>
#include <utility>

namespace kvmig::run {

namespace detail {

/// Whether a disk is shared, as the check's facts tell; and not where a pool of the destination,
/// which was looked through, has no image of its name.
[[nodiscard]] inline migration::disk_seen see_sharing(const precheck::facts &facts,
                                                      const model::disk &disk) {
    using migration::sharing;
    migration::disk_seen out{
        .disk = disk.target, .why = {}, .copyable = !disk.readonly && !disk.shareable};
    const auto seen = precheck::rules::look_shared_disk(facts, disk);
    if (seen.empty()) {
        out.is = sharing::shared;
        out.why = "both hosts reach it at the same server";
        return out;
    }
    out.why = seen.front().seen;
    const auto there = facts.destination.storage.of(precheck::storage_name(disk.source));
    if (seen.front().how == precheck::severity::blocks) {
        out.is = sharing::not_shared;
    } else if (there.known() && there->active && !there->image) {
        out.is = sharing::not_shared;
        out.why = "the destination's pool '" + there->pool + "' has no such image";
    }
    return out;
}

/// Looks at the disks of a guest that runs.
class disk_judge {
public:
    disk_judge(const libvirt::domain &source, const libvirt::connection &destination,
               const model::domain &guest)
        : source_(source), destination_(destination), from_(source.on()), to_(destination) {
        facts_.domain = guest;
        collect_host(source.on(), guest, facts_.source);
        collect_host(destination, guest, facts_.destination);
    }

    [[nodiscard]] migration::disk_seen look(const model::disk &disk) {
        migration::disk_seen out = see_sharing(facts_, disk);
        if (out.is == migration::sharing::unknown) look_at_image(disk, out);
        if (out.is == migration::sharing::not_shared) look_below(disk, out);
        return out;
    }

private:
    /// The same file is changed at the same nanosecond, on whichever host one asks.
    void look_at_image(const model::disk &disk, migration::disk_seen &out) {
        model::domain only;
        only.name = facts_.domain.name;
        only.disks = {disk};
        shared_images<libvirt::hypervisor> images(from_, to_, only);
        if (auto proof = images.prove()) {
            out.is = migration::sharing::shared;
            out.why = "the same on both hosts, " + *proof;
        }
    }

    /// Whether each backing file is at the destination. Beyond what an incremental migration that
    /// was asked for demands, it must take up as much there: images of one path and size that were
    /// built on different days are told apart by that.
    void look_below(const model::disk &disk, migration::disk_seen &out) {
        if (disk.backing.empty()) {
            out.backing_why = disk.target + " has no backing file";
            return;
        }
        if (auto below = require_backing(source_, destination_, disk); !below) {
            out.backing_why = below.error().what;
            return;
        }
        for (const model::disk_source &each : disk.backing) {
            const auto here = libvirt::volume_at_now(source_.on(), each.path);
            const auto there = libvirt::volume_at(destination_, each.path);
            const bool alike = here && there && *here && *there &&
                               (**here).format == (**there).format &&
                               (**here).allocation == (**there).allocation;
            if (alike) continue;
            out.backing_why = "whether '" + each.path +
                              "', below it, is the same on both hosts is not known: format or "
                              "allocation differ, or a pool does not tell them";
            return;
        }
        out.backing_there = true;
    }

    const libvirt::domain &source_;
    const libvirt::connection &destination_;
    libvirt::hypervisor from_;
    libvirt::hypervisor to_;
    precheck::facts facts_;
};

} // namespace detail

/// Asks both hosts, and changes nothing but that pools with images of the guest are looked through
/// anew; then as `migration::choose_mode`. Media and disks that are only read are left out: no mode
/// moves them.
[[nodiscard]] inline expected<migration::mode_choice>
choose_mode(const libvirt::domain &source, const libvirt::connection &destination) {
    auto status = source.status();
    if (!status) return fail(std::move(status).error());
    migration::guest_seen seen{.name = source.name(), .active = status->active, .disks = {}};
    if (seen.active) {
        auto text = source.xml();
        if (!text) return fail(std::move(text).error());
        auto guest = xml::parse_domain(*text);
        if (!guest) return fail(std::move(guest).error().on(source.on().hostname()));
        detail::disk_judge judge(source, destination, *guest);
        for (const model::disk &each : guest->disks) {
            if (!precheck::rules::is_disk(each) || each.readonly) continue;
            seen.disks.push_back(judge.look(each));
        }
    }
    auto chosen = migration::choose_mode(seen);
    if (!chosen) return fail(std::move(chosen).error().on(source.on().hostname()));
    return chosen;
}

} // namespace kvmig::run
