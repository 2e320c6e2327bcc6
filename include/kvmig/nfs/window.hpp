// SPDX-License-Identifier: MIT
/// How many requests are under way at once, after the round trip.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace kvmig::nfs {

/// Keeps just enough requests under way that the link never waits for us, and no more than a bound:
/// each holds a piece in memory.
///
/// After TCP Vegas: the shortest answer ever seen is the round trip of an empty link; whatever
/// answers take longer, they wait in a queue. Of `size()` requests, size × (1 − shortest/latest)
/// stand in that queue. While fewer than `few_queued` do, the link has room for one more; when more
/// than `many_queued` do, one less is as fast.
class window {
public:
    using duration = std::chrono::steady_clock::duration; ///< Of the clock that measures answers.

    static constexpr std::size_t first_size = 4; ///< Requests at the start, and never fewer.
    static constexpr std::size_t most = 16;      ///< Requests at once.
    /// Requests in the queue below which one more is tried.
    static constexpr double few_queued = 6;
    static constexpr double many_queued = 13; ///< Requests in the queue above which one less is.

    constexpr window() noexcept = default;
    /// One of a size that stays, for measurements.
    constexpr explicit window(std::size_t fixed) noexcept : size_(fixed), fixed_(true) {}

    /// How many calls may be under way.
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

    /// A whole piece was answered after `took`.
    constexpr void answered(duration took) noexcept {
        if (fixed_) return;
        took = std::max(took, duration{1});
        shortest_ = seen_ == 0 ? took : std::min(shortest_, took);
        sum_ += took;
        // One judgement for each window's worth of answers: a single one says little.
        if (++seen_ % size_ != 0) return;
        const double mean = static_cast<double>(sum_.count()) / static_cast<double>(size_);
        sum_ = duration{0};
        const double queued =
            static_cast<double>(size_) * (1 - static_cast<double>(shortest_.count()) / mean);
        if (queued < few_queued && size_ < most) {
            ++size_;
        } else if (queued > many_queued && size_ > first_size) {
            --size_;
        }
        seen_ = size_; // not 0: the shortest is known; the next judgement comes after size_ answers
    }

private:
    std::size_t size_ = first_size;
    bool fixed_ = false;
    std::size_t seen_ = 0;
    duration shortest_{0};
    duration sum_{0};
};

} // namespace kvmig::nfs
