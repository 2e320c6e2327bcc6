// SPDX-License-Identifier: MIT
/// The port by which a guest's images come to the destination while it is shut off.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>

#include <concepts>
#include <functional>
#include <stop_token>
#include <string>

namespace kvmig::ports {

/// How far the images have come.
struct copy_progress {
    bytes done;  ///< of all images together; what an earlier copy brought counts too
    bytes total; ///< of all images together
};

/// Called now and then while it copies; must not block.
using copy_callback = std::function<void(const copy_progress &)>;

/// The images of one guest, on their way.
///
/// - `shared`: whether both hosts use the same images, so that nothing moves.
/// - `check()`: what `prepare` compares; makes nothing.
/// - `prepare()`: compares and makes what is needed at the destination; the guest may still run.
/// - `copy(progress, stop)`: goes on where an earlier one, of another process too, was cut short.
///   Fails with `cancelled` after a stop.
/// - `prove()`: succeeds only when the destination's images are equal to the source's; in words,
///   what proves it.
/// - `keep()`: the guest is at the destination for good, and its images are its own from now on;
/// may
///   be called again. After it, `remove` is not called.
/// - `remove()`: what `prepare` and `copy` made at the destination, and nothing else. What is gone
///   already is no error.
template <class T>
concept image_mover = requires(T &m, const copy_callback &progress, const std::stop_token &stop) {
    { T::shared } -> std::convertible_to<bool>;
    { m.check() } -> std::same_as<expected<void>>;
    { m.prepare() } -> std::same_as<expected<void>>;
    { m.copy(progress, stop) } -> std::same_as<expected<void>>;
    { m.prove() } -> std::same_as<expected<std::string>>;
    { m.keep() } -> std::same_as<expected<void>>;
    { m.remove() } -> std::same_as<expected<void>>;
};

} // namespace kvmig::ports
