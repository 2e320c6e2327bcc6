// SPDX-License-Identifier: MIT
/// The recent past of a migration, and what must be remembered of the time before.
#pragma once

#include <kvmig/convergence/sample.hpp>
#include <kvmig/core/units.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace kvmig::convergence {

/// How much is remembered, and how smooth.
struct window_settings {
    /// A sample older than the newest by more is dropped.
    milliseconds length = std::chrono::seconds{40};
    double smoothing = 0.4; ///< weight of the newest rate in the moving average, 0 to 1
};

/// One pass over memory: what remained when it was first and least seen.
struct pass {
    std::uint64_t number = 0; ///< 0: the first of this migration
    bytes most;               ///< about what the guest had dirtied during the pass before
    bytes least;              ///< about what it left to the next
    milliseconds began{0};    ///< when it was first seen
};

/// A sliding window over samples of the memory phase. Its memory is bounded by its length, the
/// passes it holds by `most_passes`.
class window {
public:
    static constexpr std::size_t most_passes = 16; ///< The oldest beyond these are dropped.

    explicit window(window_settings settings = {}) : settings_(settings) {} ///< Empty at first.

    /// Adds a sample; false, and nothing is changed, when it is not later than the last or tells
    /// nothing of memory.
    bool add(const sample &s) {
        if (!s.in_memory_phase()) return false;
        if (!samples_.empty() && s.at <= samples_.back().at) return false;
        // A counter that falls begins anew: what was seen before was another migration's.
        if (s.iteration && first_iteration_ && *s.iteration < *first_iteration_) forget();
        note_rate(s);
        note_pass(s);
        samples_.push_back(s);
        while (samples_.front().at < s.at - settings_.length) {
            const bytes remaining = *samples_.front().memory_remaining;
            least_before_ = std::min(least_before_.value_or(remaining), remaining);
            samples_.pop_front();
        }
        return true;
    }

    /// Whether nothing was sampled yet.
    [[nodiscard]] bool empty() const noexcept { return samples_.empty(); }
    /// Those kept, oldest first.
    [[nodiscard]] const std::deque<sample> &samples() const noexcept { return samples_; }
    /// By which old samples are dropped.
    [[nodiscard]] const window_settings &settings() const noexcept { return settings_; }

    /// From the first sample in the window to the last.
    [[nodiscard]] milliseconds covered() const noexcept {
        return samples_.empty() ? milliseconds{0} : samples_.back().at - samples_.front().at;
    }
    /// The window has slid at least once: there is a time before it to compare with.
    [[nodiscard]] bool full() const noexcept { return least_before_.has_value(); }

    /// The moving average of the rate at which memory is sent; absent until one is known.
    [[nodiscard]] std::optional<byte_rate> bandwidth() const noexcept {
        if (!bandwidth_) return std::nullopt;
        return byte_rate{static_cast<std::uint64_t>(std::llround(*bandwidth_))};
    }

    /// Bytes sent during the window; absent where the daemon does not count them.
    [[nodiscard]] std::optional<bytes> sent() const {
        if (samples_.size() < 2) return std::nullopt;
        const auto &first = samples_.front().memory_processed;
        const auto &last = samples_.back().memory_processed;
        if (!first || !last) return std::nullopt;
        return *last - *first;
    }

    /// The mean dirty rate of the passes after the first: within it, nothing is known of what the
    /// guest dirties, and the counter may hold an earlier migration's figure.
    [[nodiscard]] std::optional<byte_rate> dirty() const {
        double sum = 0;
        std::uint64_t count = 0;
        for (const sample &s : samples_) {
            if (!s.dirty) continue;
            // Without a counter, a rate above zero is known to be of a pass that has ended.
            const bool known =
                s.iteration ? passes_done(s) > std::uint64_t{0} : s.dirty->per_second() != 0;
            if (!known) continue;
            sum += static_cast<double>(s.dirty->per_second());
            ++count;
        }
        if (count == 0) return std::nullopt;
        return byte_rate{
            static_cast<std::uint64_t>(std::llround(sum / static_cast<double>(count)))};
    }

    /// Passes since this migration began: the counter may carry over from one that was cancelled.
    [[nodiscard]] std::optional<std::uint64_t> passes_done() const {
        return samples_.empty() ? std::nullopt : passes_done(samples_.back());
    }
    /// The counter stood at this when it was first seen.
    [[nodiscard]] std::optional<std::uint64_t> first_iteration() const noexcept {
        return first_iteration_;
    }
    /// The passes seen, oldest first.
    [[nodiscard]] const std::deque<pass> &passes() const noexcept { return passes_; }

    /// The least that remained in samples that have left the window; nothing while none has.
    [[nodiscard]] std::optional<bytes> least_before() const noexcept { return least_before_; }
    /// The least that remained among the samples kept; nothing when there are none.
    [[nodiscard]] std::optional<bytes> least_within() const {
        std::optional<bytes> least;
        for (const sample &s : samples_) {
            least = std::min(least.value_or(*s.memory_remaining), *s.memory_remaining);
        }
        return least;
    }

private:
    [[nodiscard]] std::optional<std::uint64_t> passes_done(const sample &s) const {
        if (!s.iteration || !first_iteration_) return std::nullopt;
        return *s.iteration > *first_iteration_ ? *s.iteration - *first_iteration_ : 0;
    }

    void forget() {
        samples_.clear();
        passes_.clear();
        bandwidth_.reset();
        least_before_.reset();
        first_iteration_.reset();
    }

    void note_rate(const sample &s) {
        std::optional<double> rate;
        if (s.rate) {
            rate = static_cast<double>(s.rate->per_second());
        } else if (!samples_.empty() && s.memory_processed && samples_.back().memory_processed) {
            const bytes moved = *s.memory_processed - *samples_.back().memory_processed;
            const seconds passed = s.at - samples_.back().at;
            rate = static_cast<double>(moved.count()) / passed.count();
        }
        // Nothing has been sent yet: no rate, rather than none.
        if (!rate || (!bandwidth_ && *rate <= 0)) return;
        bandwidth_ = bandwidth_
                         ? settings_.smoothing * *rate + (1 - settings_.smoothing) * *bandwidth_
                         : *rate;
    }

    void note_pass(const sample &s) {
        if (!s.iteration) return;
        if (!first_iteration_) first_iteration_ = s.iteration;
        const std::uint64_t number = *s.iteration - *first_iteration_;
        const bytes remaining = *s.memory_remaining;
        if (passes_.empty() || passes_.back().number != number) {
            passes_.push_back({number, remaining, remaining, s.at});
            if (passes_.size() > most_passes) passes_.pop_front();
            return;
        }
        passes_.back().most = std::max(passes_.back().most, remaining);
        passes_.back().least = std::min(passes_.back().least, remaining);
    }

    window_settings settings_;
    std::deque<sample> samples_;
    std::deque<pass> passes_;
    std::optional<double> bandwidth_;
    std::optional<bytes> least_before_;
    std::optional<std::uint64_t> first_iteration_;
};

} // namespace kvmig::convergence
