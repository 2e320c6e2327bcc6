// SPDX-License-Identifier: MIT
/// What a host's storage pools say about the images of a domain.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/storage.hpp>
#include <kvmig/precheck/facts.hpp>
#include <kvmig/xml/storage.hpp>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

namespace detail {

/// What a pool is, without the image.
[[nodiscard]] inline expected<precheck::storage_place>
describe_pool(const libvirt::storage_pool &pool) {
    precheck::storage_place out;
    out.pool = pool.name();
    auto active = pool.is_active();
    if (!active) return fail(std::move(active).error());
    out.active = *active;
    auto text = pool.xml();
    if (!text) return fail(std::move(text).error());
    auto told = xml::parse_storage_pool(*text);
    if (!told) return fail(std::move(told).error());
    out.type = std::move(told->type);
    out.server = std::move(told->source_host);
    out.directory = std::move(told->source_dir);
    out.format = std::move(told->source_format);
    out.available = told->available;
    return out;
}

/// Size and format of what stands there; nothing where `found` says that nothing does.
[[nodiscard]] inline expected<std::optional<precheck::image>>
describe_image(expected<libvirt::storage_volume> found) {
    if (!found) {
        if (found.error().kind == error_kind::not_found) return std::nullopt;
        return fail(std::move(found).error());
    }
    auto text = found->xml();
    if (!text) return fail(std::move(text).error());
    auto told = xml::parse_storage_volume(*text);
    if (!told) return fail(std::move(told).error());
    return std::optional(precheck::image{told->capacity, std::move(told->format)});
}

/// The pool of a volume, or the one whose target is the folder of a path; `not_found` when there
/// is none.
[[nodiscard]] inline expected<libvirt::storage_pool> pool_of(const libvirt::connection &on,
                                                             const model::disk_source &image) {
    if (image.kind == model::source_kind::volume) {
        return libvirt::storage_pool::lookup(on, image.pool);
    }
    const std::string folder = image.path.substr(0, image.path.find_last_of('/'));
    return libvirt::storage_pool::lookup_by_target(on, folder);
}

/// Has an active pool look for volumes anew. Where its first volume tells of a stale handle
/// (ESTALE) the pool is left as it is, for libvirt stops a pool whose refresh fails. A volume may
/// still answer, and the refresh meet the handle.
[[nodiscard]] inline expected<void> look_anew(const libvirt::storage_pool &pool) {
    auto known = pool.volumes();
    if (!known) return fail(std::move(known).error());
    if (!known->empty()) {
        const auto told = known->front().info();
        if (!told && told.error().system == ESTALE) return fail(told.error());
    }
    return pool.refresh();
}

} // namespace detail

/// Looks for one image. Active pools are looked through anew first, unless named in `stale`, which
/// is told of each whether its handle is: a file that was copied or removed by hand is not known
/// before.
[[nodiscard]] inline expected<precheck::storage_place>
find_storage(const libvirt::connection &on, const model::disk_source &image,
             precheck::by_name<bool> &stale) {
    const auto pool = detail::pool_of(on, image);
    if (!pool) {
        if (pool.error().kind == error_kind::not_found) return precheck::storage_place{};
        return fail(pool.error());
    }
    auto place = detail::describe_pool(*pool);
    if (!place || !place->active) return place;
    if (!stale.all().contains(place->pool)) {
        const auto looked = detail::look_anew(*pool);
        stale.set(place->pool, !looked && looked.error().system == ESTALE);
        if (!looked) return fail(looked.error());
        place = detail::describe_pool(*pool); // its space is counted anew too
        if (!place || !place->active) return place;
    }
    if (*stale.of(place->pool)) {
        return fail(error_kind::io, "the pool '" + place->pool + "' has a stale handle");
    }
    auto found =
        detail::describe_image(image.kind == model::source_kind::volume
                                   ? pool->volume(image.volume)
                                   : libvirt::storage_volume::lookup_by_path(on, image.path));
    if (!found) return fail(std::move(found).error());
    place->image = *std::move(found);
    return place;
}

/// Every image of the domain that has a place on a host: of disks, below them, and media.
[[nodiscard]] inline std::vector<model::disk_source> images_of(const model::domain &domain) {
    std::vector<model::disk_source> out;
    for (const model::disk &disk : domain.disks) {
        out.push_back(disk.source);
        out.insert(out.end(), disk.backing.begin(), disk.backing.end());
    }
    std::erase_if(
        out, [](const model::disk_source &each) { return precheck::storage_name(each).empty(); });
    return out;
}

} // namespace kvmig::run
