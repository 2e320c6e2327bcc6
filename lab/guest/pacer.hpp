// SPDX-License-Identifier: MIT
/// How many steps are due at a steady rate, told in small helpings.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace kvmig::lab::guest {

/// Counts what is due since it was asked last. Whoever was kept from asking (stopped, or too slow)
/// does not catch up beyond `longest_debt`: the rest is counted as missed, so that a rate stays a
/// rate and a pause is not followed by a burst.
class pacer {
public:
    using clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds longest_debt{100};

    /// Steps a second from now on; what was due until now is forgotten.
    void set_rate(std::uint64_t per_second, clock::time_point now) noexcept {
        rate_ = per_second;
        last_ = now;
        part_ = 0;
    }
    [[nodiscard]] std::uint64_t rate() const noexcept { return rate_; }
    [[nodiscard]] std::uint64_t missed() const noexcept { return missed_; }

    /// The steps to take now.
    [[nodiscard]] std::uint64_t due(clock::time_point now) noexcept {
        if (rate_ == 0 || now <= last_) return 0;
        const auto elapsed = std::chrono::duration<double>(now - last_).count();
        last_ = now;
        const double exact = part_ + elapsed * static_cast<double>(rate_);
        const auto steps = static_cast<std::uint64_t>(exact);
        part_ = exact - static_cast<double>(steps);
        const auto debt =
            static_cast<double>(rate_) * std::chrono::duration<double>(longest_debt).count();
        const std::uint64_t most = std::max<std::uint64_t>(static_cast<std::uint64_t>(debt), 1);
        missed_ += steps - std::min(steps, most);
        return std::min(steps, most);
    }

    /// When to ask again: ten milliseconds on, or when the next step is due if that is later.
    /// Only for a rate above 0.
    [[nodiscard]] clock::time_point next() const noexcept {
        const std::chrono::duration<double> step{(1.0 - part_) / static_cast<double>(rate_)};
        const auto wait = std::max(std::chrono::duration_cast<clock::duration>(step),
                                   clock::duration{std::chrono::milliseconds{10}});
        return last_ + wait;
    }

private:
    std::uint64_t rate_ = 0;
    std::uint64_t missed_ = 0;
    clock::time_point last_;
    double part_ = 0; ///< of a step, left over from the last asking
};

} // namespace kvmig::lab::guest
