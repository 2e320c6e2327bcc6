// SPDX-License-Identifier: MIT
/// How long a thread that wants to wake at a steady pace was kept from it.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kvmig::lab::guest {

/// One time between two wakes.
struct stall {
    std::chrono::nanoseconds until{0}; ///< when it ended, on the guest's monotonic clock
    std::chrono::nanoseconds length{0};
    friend bool operator==(const stall &, const stall &) = default;
};

/// Times between one wake and the next, the period that was asked for included.
struct stall_histogram {
    static constexpr std::size_t buckets = 36; ///< the last one holds a wait of 9.5 hours
    static constexpr std::size_t most_kept = 32;
    static constexpr std::chrono::milliseconds worth_keeping{20};

    std::uint64_t count = 0;             ///< gaps recorded
    std::chrono::nanoseconds longest{0}; ///< the longest of them
    /// When the longest ended, on the guest's monotonic clock.
    std::chrono::nanoseconds longest_at{0};
    std::chrono::nanoseconds since{0}; ///< when recording began, on the guest's monotonic clock
    /// `[i]` counts gaps of 2^i up to, not including, 2^(i+1) microseconds; `[0]` also shorter
    /// ones.
    std::array<std::uint64_t, buckets> counts{};
    std::vector<stall> kept; ///< the longest worth keeping, at most so many, in order of time

    /// The bucket that counts a gap.
    [[nodiscard]] static constexpr std::size_t bucket(std::chrono::nanoseconds gap) noexcept {
        const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(gap).count();
        if (micros <= 1) return 0;
        const auto width = std::bit_width(static_cast<std::uint64_t>(micros));
        return std::min(static_cast<std::size_t>(width) - 1, buckets - 1);
    }

    /// Records the gap that ended `now`.
    void add(std::chrono::nanoseconds gap, std::chrono::nanoseconds now) {
        ++count;
        ++counts[bucket(gap)];
        if (gap > longest) {
            longest = gap;
            longest_at = now;
        }
        if (gap < worth_keeping) return;
        kept.push_back({now, gap});
        if (kept.size() <= most_kept) return;
        kept.erase(std::min_element(kept.begin(), kept.end(), [](const stall &a, const stall &b) {
            return a.length < b.length;
        }));
    }

    friend bool operator==(const stall_histogram &, const stall_histogram &) = default;
};

} // namespace kvmig::lab::guest
