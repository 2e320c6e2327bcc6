// SPDX-License-Identifier: MIT
/// What a host's storage pools tell of the file at a path.
#pragma once

#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/storage.hpp>
#include <kvmig/model/storage.hpp>
#include <kvmig/xml/storage.hpp>

#include <optional>
#include <string>
#include <utility>

namespace kvmig::libvirt {

/// What stands at `path`, as its pool knew it last; nothing when no pool knows a volume of this
/// path.
[[nodiscard]] inline expected<std::optional<model::storage_volume>>
volume_at(const connection &on, const std::string &path) {
    auto found = storage_volume::lookup_by_path(on, path);
    if (!found) {
        if (found.error().kind == error_kind::not_found) return std::nullopt;
        return fail(std::move(found).error());
    }
    auto text = found->xml();
    if (!text) return fail(std::move(text).error());
    auto volume = xml::parse_storage_volume(*text);
    if (!volume) return fail(std::move(volume).error());
    return std::optional(*std::move(volume));
}

/// The same, once the pool whose target is the file's folder has looked anew.
[[nodiscard]] inline expected<std::optional<model::storage_volume>>
volume_at_now(const connection &on, const std::string &path) {
    auto pool = storage_pool::lookup_by_target(on, path.substr(0, path.find_last_of('/')));
    if (pool) {
        if (auto known = pool->refresh(); !known) return fail(std::move(known).error());
    } else if (pool.error().kind != error_kind::not_found &&
               pool.error().kind != error_kind::unsupported) {
        return fail(std::move(pool).error());
    }
    return volume_at(on, path);
}

} // namespace kvmig::libvirt
