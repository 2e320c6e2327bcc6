// SPDX-License-Identifier: MIT
/// What a driver of migrations needs of a host beyond the hypervisor port: to be told of changes
/// in a guest's life, and to put things right after a failure.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/ports/hypervisor.hpp>
#include <kvmig/ports/subscription.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>

namespace kvmig::ports {

/// A change in a guest's life, as far as a migration cares (`virDomainEventType` and its detail).
enum class life_change : std::uint8_t {
    stopped_for_switch_over, ///< `SUSPENDED_MIGRATED`, at the source
    runs_in_post_copy,       ///< `RESUMED_POSTCOPY`, at the destination
    post_copy_failed,        ///< `SUSPENDED_POSTCOPY_FAILED` or `RESUMED_POSTCOPY_FAILED`
    other,                   ///< something else: worth a look
};

/// Called on a thread of the hypervisor; must not block.
using life_callback = std::function<void(life_change)>;

/// A hypervisor whose guests a driver may also stop, start and remove.
///
/// - `watch_lifecycle(id, callback)`: tells events from another thread, whether or not the host
///   knows the domain yet; fails when events are not to be had.
/// - `suspend(id)`, `resume(id)`: of a guest with a process.
/// - `start(id)`: of a defined guest without one; a saved state is restored.
/// - `destroy(id)`: ends the process at once. A transient guest is gone then.
/// - `undefine(id)`: removes the definition. Images, and a process, stay.
/// - `remove_image(path)`: deletes the image that a storage pool has there; one that is gone
/// already
///   is no error.
///
/// Those of a domain fail with `not_found` when the host does not know it.
template <class T>
concept steerable = hypervisor<T> &&
    requires(T &h, const uuid &id, life_callback callback, const std::string &path) {
    { h.watch_lifecycle(id, callback) } -> std::same_as<expected<subscription>>;
    { h.suspend(id) } -> std::same_as<expected<void>>;
    { h.resume(id) } -> std::same_as<expected<void>>;
    { h.start(id) } -> std::same_as<expected<void>>;
    { h.destroy(id) } -> std::same_as<expected<void>>;
    { h.undefine(id) } -> std::same_as<expected<void>>;
    { h.remove_image(path) } -> std::same_as<expected<void>>;
};

} // namespace kvmig::ports
