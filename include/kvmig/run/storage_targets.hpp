// SPDX-License-Identifier: MIT
/// The images into which a migration without shared storage copies a guest's disks: compared
/// where they exist, made where they do not.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/storage.hpp>
#include <kvmig/libvirt/volume_at.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/model/domain.hpp>
#include <kvmig/model/storage.hpp>
#include <kvmig/xml/domain.hpp>
#include <kvmig/xml/storage.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// One disk of the guest and its image at the destination, which has the same path.
struct storage_target {
    std::string disk;    ///< as the guest knows it, e.g. `vda`
    std::string path;    ///< absolute, the same on both hosts
    std::string pool;    ///< of the destination
    std::string format;  ///< empty: as libvirt finds it
    bytes size{};        ///< what the guest sees
    std::string below{}; ///< with `non_shared_inc`: the backing file; the target stands upon it
    std::optional<model::storage_volume> to_make{}; ///< absent: there is one that will do
};

namespace detail {

/// Those that libvirt copies: named in `migrate_disks`, or all that are writable and not shared.
[[nodiscard]] inline expected<std::vector<model::disk>>
disks_to_copy(const model::domain &guest, const migration::options &options) {
    const std::vector<std::string> &named = options.migrate_disks;
    std::vector<model::disk> out;
    for (const std::string &name : named) {
        const auto found = std::find_if(guest.disks.begin(), guest.disks.end(),
                                        [&](const model::disk &d) { return d.target == name; });
        if (found != guest.disks.end()) continue;
        std::string known;
        for (const model::disk &each : guest.disks) {
            known += (known.empty() ? "" : ", ") + each.target;
        }
        return fail(
            make_error(error_kind::invalid_argument,
                       "migrate_disks: the domain '" + guest.name + "' has no disk '" + name + "'")
                .about(guest.name)
                .advise("its disks are: " + known));
    }
    for (const model::disk &each : guest.disks) {
        const bool by_rule =
            !each.readonly && !each.shareable && each.source.kind != model::source_kind::none;
        const bool by_name = std::find(named.begin(), named.end(), each.target) != named.end();
        if (named.empty() ? by_rule : by_name) out.push_back(each);
    }
    return out;
}

[[nodiscard]] inline error target_problem(error_kind kind, const model::disk &disk,
                                          const libvirt::connection &on, const std::string &what) {
    return make_error(kind, "the disk " + disk.target + " cannot be copied to '" +
                                disk.source.path + "': " + what)
        .on(on.hostname())
        .about(disk.source.path);
}

/// The pool whose target is the folder of `path`, with what lies in it looked at anew: an image
/// copied there by hand is not known before.
[[nodiscard]] inline expected<libvirt::storage_pool>
pool_for(const libvirt::connection &on, const model::disk &disk, const std::string &path) {
    const std::string folder = path.substr(0, path.find_last_of('/'));
    auto pool = libvirt::storage_pool::lookup_by_target(on, folder);
    if (!pool) {
        return fail(target_problem(error_kind::not_found, disk, on,
                                   "no storage pool has the folder '" + folder + "'")
                        .advise("define and start a pool there: `virsh -c " + on.uri() +
                                " pool-create-as NAME dir --target " + folder + "`")
                        .because(std::move(pool).error()));
    }
    if (auto known = pool->refresh(); !known) return fail(std::move(known).error());
    return pool;
}

/// Fails unless the image `there` can take what the disk holds.
[[nodiscard]] inline expected<void> compare_target(const model::disk &disk, bytes needed,
                                                   const model::storage_volume &there,
                                                   const libvirt::connection &on) {
    if (there.capacity < needed) {
        return fail(target_problem(error_kind::conflict, disk, on,
                                   "the image there holds " +
                                       std::to_string(there.capacity.count()) +
                                       " bytes, and the disk has " + std::to_string(needed.count()))
                        .advise("enlarge it with `virsh vol-resize`, or remove it: one of the "
                                "right size is made then"));
    }
    if (!disk.source.format.empty() && there.format != disk.source.format) {
        return fail(target_problem(error_kind::conflict, disk, on,
                                   "the image there is of the format " + there.format +
                                       ", and the disk's is " + disk.source.format)
                        .advise("remove the image there: one of the right format is made then"));
    }
    return {};
}

/// Fails unless `below`, an image of the disk's backing chain, is at the destination and, where
/// the source's pools know it too, is as large there.
[[nodiscard]] inline expected<void> require_image(const libvirt::domain &source,
                                                  const libvirt::connection &destination,
                                                  const model::disk &disk,
                                                  const model::disk_source &below) {
    auto there = libvirt::volume_at(destination, below.path);
    if (!there) return fail(std::move(there).error());
    if (!*there) {
        return fail(target_problem(error_kind::not_found, disk, destination,
                                   "its backing file '" + below.path + "' is missing there")
                        .advise("copy the backing file to the same path there first"));
    }
    auto here = libvirt::volume_at(source.on(), below.path);
    if (!here) return fail(std::move(here).error());
    if (*here && (**here).capacity != (**there).capacity) {
        return fail(target_problem(error_kind::conflict, disk, destination,
                                   "its backing file '" + below.path + "' has " +
                                       std::to_string((**there).capacity.count()) +
                                       " bytes there and " +
                                       std::to_string((**here).capacity.count()) + " here")
                        .advise("copy the backing file there again: it must be the same"));
    }
    return {};
}

/// With `non_shared_inc`: what lies below must be there already, all of it; the image next below.
[[nodiscard]] inline expected<model::backing_store>
require_backing(const libvirt::domain &source, const libvirt::connection &destination,
                const model::disk &disk) {
    if (disk.backing.empty()) {
        return fail(target_problem(error_kind::invalid_argument, disk, source.on(),
                                   "it has no backing file, so there is nothing that the "
                                   "destination could have already")
                        .advise("copy the whole disk with non_shared_disk"));
    }
    for (const model::disk_source &below : disk.backing) {
        auto pool = pool_for(destination, disk, below.path);
        if (!pool) return fail(std::move(pool).error());
        if (auto there = require_image(source, destination, disk, below); !there) {
            return fail(std::move(there).error());
        }
    }
    return model::backing_store{disk.backing.front().path, disk.backing.front().format};
}

[[nodiscard]] inline expected<storage_target> plan_target(const libvirt::domain &source,
                                                          const libvirt::connection &destination,
                                                          const model::disk &disk,
                                                          bool incremental) {
    if (disk.source.kind != model::source_kind::file) {
        return fail(target_problem(error_kind::unsupported, disk, destination,
                                   "only disks that are files are made ready by themselves")
                        .advise("make the target by hand, or name the disks to copy"));
    }
    std::optional<model::backing_store> below;
    if (incremental) {
        auto found = require_backing(source, destination, disk);
        if (!found) return fail(std::move(found).error());
        below = *std::move(found);
    }
    auto size = source.block_capacity(disk.target);
    if (!size) return fail(std::move(size).error());
    auto pool = pool_for(destination, disk, disk.source.path);
    if (!pool) return fail(std::move(pool).error());
    auto there = libvirt::volume_at(destination, disk.source.path);
    if (!there) return fail(std::move(there).error());
    storage_target out{.disk = disk.target,
                       .path = disk.source.path,
                       .pool = pool->name(),
                       .format = disk.source.format,
                       .size = *size,
                       .below = below ? below->path : std::string()};
    if (*there) {
        if (auto fits = compare_target(disk, *size, **there, destination); !fits) {
            return fail(std::move(fits).error());
        }
        if (below && (!(**there).backing || (**there).backing->path != below->path)) {
            return fail(target_problem(error_kind::conflict, disk, destination,
                                       "the image there does not lie upon '" + below->path + "'")
                            .advise("remove it: one with the right backing file is made then"));
        }
        return out;
    }
    model::storage_volume volume;
    volume.name = disk.source.path.substr(disk.source.path.find_last_of('/') + 1);
    volume.format = disk.source.format.empty() ? "raw" : disk.source.format;
    volume.capacity = *size;
    volume.allocation = bytes{0};
    volume.backing = std::move(below);
    out.to_make = std::move(volume);
    return out;
}

} // namespace detail

/// What the flags `non_shared_disk` and `non_shared_inc` need at the destination; without them
/// nothing. Nothing is made yet. An image that is there already is used if it is large enough, of
/// the same format and, with `non_shared_inc`, upon the same backing file; otherwise it is refused
/// (`conflict`). libvirt itself never makes targets of incremental copies.
[[nodiscard]] inline expected<std::vector<storage_target>>
plan_storage_targets(const libvirt::domain &source, const libvirt::connection &destination,
                     const migration::options &options) {
    std::vector<storage_target> out;
    const bool incremental = options.flags.has(migration::flag::non_shared_inc);
    if (!incremental && !options.flags.has(migration::flag::non_shared_disk)) return out;
    auto text = source.xml();
    if (!text) return fail(std::move(text).error());
    auto guest = xml::parse_domain(*text);
    if (!guest) return fail(std::move(guest).error().on(source.on().hostname()));
    auto disks = detail::disks_to_copy(*guest, options);
    if (!disks) return fail(std::move(disks).error().on(source.on().hostname()));
    for (const model::disk &disk : *disks) {
        auto target = detail::plan_target(source, destination, disk, incremental);
        if (!target) return fail(std::move(target).error());
        out.push_back(*std::move(target));
    }
    return out;
}

/// Makes those that are to be made, in the pool of their folder. `made` has the paths of
/// those that were, also when it fails.
[[nodiscard]] inline expected<void> make_storage_targets(const libvirt::connection &destination,
                                                         const std::vector<storage_target> &targets,
                                                         std::vector<std::string> &made) {
    for (const storage_target &each : targets) {
        if (!each.to_make) continue;
        const std::string folder = each.path.substr(0, each.path.find_last_of('/'));
        auto pool = libvirt::storage_pool::lookup_by_target(destination, folder);
        if (!pool) return fail(std::move(pool).error());
        auto volume = pool->create_volume(xml::build_storage_volume(*each.to_make));
        if (!volume) return fail(std::move(volume).error());
        made.push_back(each.path);
    }
    return {};
}

} // namespace kvmig::run
