// SPDX-License-Identifier: MIT
/// Counts how long the guest stood still, as seen from inside.
#pragma once

#include <lab/guest/stall_histogram.hpp>

#include <chrono>
#include <mutex>
#include <stop_token>
#include <thread>

namespace kvmig::lab::guest {

/// The guest's monotonic clock, since its start.
[[nodiscard]] std::chrono::nanoseconds monotonic_now() noexcept;

/// Gives the calling thread a real-time priority, so that the workload beside it does not look
/// like a stall. False when it may not have one (an ordinary process), and it goes on without.
bool run_in_real_time(int priority) noexcept;

/// A thread that wants to wake every `period`, and records how long it really took.
class stall_watch {
public:
    /// A period of 0 records nothing.
    explicit stall_watch(std::chrono::microseconds period);

    [[nodiscard]] stall_histogram counted() const;
    /// Begins anew; returns what was counted until now.
    stall_histogram reset();

private:
    void run(const std::stop_token &stop, std::chrono::nanoseconds period);

    mutable std::mutex mutex_;
    stall_histogram counted_;
    std::jthread thread_; ///< last: it uses everything above
};

} // namespace kvmig::lab::guest
