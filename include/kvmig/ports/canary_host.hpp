// SPDX-License-Identifier: MIT
/// What a canary needs of a host beyond steering: to be started there, and to be found again.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/model/canary.hpp>
#include <kvmig/ports/steerable.hpp>

#include <concepts>
#include <string>
#include <vector>

namespace kvmig::ports {

/// A domain that may be a canary.
struct found_domain {
    uuid id;          ///< by which libvirt knows it
    std::string name; ///< a canary's, which does not prove that it is one: its definition does
    std::string definition; ///< its XML
};

/// A host on which canaries live.
///
/// - `canaries()`: the domains whose name is a canary's.
/// - `start_paused(xml)`: a transient domain that does not run a single instruction.
/// - `canary_images(place)`: the names of all images there that are a canary's, looked at anew.
/// - `make_canary_image(image)`: small and empty; fails with `conflict` when there is one.
/// - `remove_canary_image(place, name)`: what is gone already is no error.
template <class T>
concept canary_host = steerable<T> &&
    requires(T &h, const std::string &text, const model::canary_place &place,
             const model::canary_image &image) {
    { h.canaries() } -> std::same_as<expected<std::vector<found_domain>>>;
    { h.start_paused(text) } -> std::same_as<expected<void>>;
    { h.canary_images(place) } -> std::same_as<expected<std::vector<std::string>>>;
    { h.make_canary_image(image) } -> std::same_as<expected<void>>;
    { h.remove_canary_image(place, text) } -> std::same_as<expected<void>>;
};

} // namespace kvmig::ports
