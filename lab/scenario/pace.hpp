// SPDX-License-Identifier: MIT
/// Measuring at a steady pace.
#pragma once

#include <kvmig/core/expected.hpp>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>

namespace kvmig::lab {

/// Waits until `then`; fails with `cancelled` as soon as it is to stop.
[[nodiscard]] inline expected<void> pause_until(std::chrono::steady_clock::time_point then,
                                                const std::stop_token &stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock{mutex};
    never.wait_until(lock, stop, then, [] { return false; });
    if (stop.stop_requested()) return fail(error_kind::cancelled, "interrupted");
    return {};
}

/// `pause_until`, so long from now.
[[nodiscard]] inline expected<void> pause_for(std::chrono::steady_clock::duration time,
                                              const std::stop_token &stop) {
    return pause_until(std::chrono::steady_clock::now() + time, stop);
}

/// Whoever calls `next` after each piece of work does them one period apart, unless they take
/// longer: then at once.
class pacemaker {
public:
    /// The first piece begins now.
    pacemaker(std::chrono::steady_clock::duration period, std::stop_token stop)
        : period_(period), stop_(std::move(stop)), last_(std::chrono::steady_clock::now()) {}

    /// Waits until the next piece is due; fails with `cancelled`.
    [[nodiscard]] expected<void> next() {
        auto waited = pause_until(last_ + period_, stop_);
        last_ = std::chrono::steady_clock::now();
        return waited;
    }

private:
    std::chrono::steady_clock::duration period_;
    std::stop_token stop_;
    std::chrono::steady_clock::time_point last_;
};

/// Asks again and again until it is so; with `timed_out` after ten minutes, naming `what`.
[[nodiscard]] inline expected<void> await(const std::stop_token &stop, const std::string &what,
                                          const std::function<expected<bool>()> &is_so) {
    constexpr std::chrono::minutes watchdog{10};
    const auto deadline = std::chrono::steady_clock::now() + watchdog;
    pacemaker pace(std::chrono::milliseconds{200}, stop);
    for (;;) {
        const auto now = is_so();
        if (!now) return fail(now.error());
        if (*now) return {};
        if (std::chrono::steady_clock::now() > deadline) {
            return fail(error_kind::timed_out, "waited in vain: " + what);
        }
        if (auto waited = pace.next(); !waited) return waited;
    }
}

} // namespace kvmig::lab
