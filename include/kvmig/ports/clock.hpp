// SPDX-License-Identifier: MIT
/// The clock port: time as the library's thoughtful parts are given it.
#pragma once

#include <chrono>
#include <concepts>

namespace kvmig::ports {

/// A moment in UTC, for records; may jump when the host's clock is set.
using utc_time = std::chrono::sys_time<std::chrono::nanoseconds>;
/// A moment of this process, for measuring; never jumps.
using steady_time = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

/// What tells the time. Both may be called from any thread.
template <class T>
concept clock = requires(const T &c) {
    { c.utc() } -> std::same_as<utc_time>;
    { c.steady() } -> std::same_as<steady_time>;
};

/// The host's own.
struct system_clock {
    /// The time of day.
    [[nodiscard]] utc_time utc() const {
        return std::chrono::time_point_cast<std::chrono::nanoseconds>(
            std::chrono::system_clock::now());
    }
    /// The time by which durations are measured.
    [[nodiscard]] steady_time steady() const {
        return std::chrono::time_point_cast<std::chrono::nanoseconds>(
            std::chrono::steady_clock::now());
    }
};

static_assert(clock<system_clock>);

} // namespace kvmig::ports
