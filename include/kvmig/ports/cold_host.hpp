// SPDX-License-Identifier: MIT
/// What a cold migration needs of a host beyond steering: definitions, and what is known of images.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/model/storage.hpp>
#include <kvmig/ports/steerable.hpp>

#include <concepts>
#include <optional>
#include <string>

namespace kvmig::ports {

/// A hypervisor between which a guest can be moved shut off.
///
/// - `definition(id)`: the XML from which `define` makes the same guest, with its secrets.
/// - `define(xml)`: makes it persistent, and does not start it.
/// - `named(name)`: the UUID of the domain of that name; nothing when there is none.
/// - `shut_down(id)`: asks the guest to switch itself off; returns before it has.
/// - `save(id)`: writes the guest's memory to a file of the host's own and ends it; returns when it
///   has. `start` goes on from there, and removes the file. `abort_job` calls it off.
/// - `forget_saved(id)`: removes that file, whether there is one or not.
/// - `image(path)`: what a storage pool tells of the image, looked at anew; nothing when no pool
///   has the image.
template <class T>
concept cold_host = steerable<T> && requires(T &h, const uuid &id, const std::string &text) {
    { h.definition(id) } -> std::same_as<expected<std::string>>;
    { h.define(text) } -> std::same_as<expected<void>>;
    { h.named(text) } -> std::same_as<expected<std::optional<uuid>>>;
    { h.shut_down(id) } -> std::same_as<expected<void>>;
    { h.save(id) } -> std::same_as<expected<void>>;
    { h.forget_saved(id) } -> std::same_as<expected<void>>;
    { h.image(text) } -> std::same_as<expected<std::optional<model::storage_volume>>>;
};

} // namespace kvmig::ports
