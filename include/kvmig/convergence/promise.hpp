// SPDX-License-Identifier: MIT
/// A promise of how long the guest will stand still at most.
#pragma once

#include <kvmig/convergence/forecast.hpp>
#include <kvmig/convergence/observation.hpp>
#include <kvmig/convergence/policy.hpp>

#include <array>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <string>

namespace kvmig::convergence {

namespace policies {

/// Allows the promised pause and no other; what will not end within it goes to post-copy where that
/// is allowed, and else is given up.
[[nodiscard]] constexpr policy promise(milliseconds most) noexcept {
    return {.name = "promise", .first_pause = most, .when_hopeless = detail::post_copy_or_abort};
}

} // namespace policies

/// The shortest promise that could have been held: a pause in which what the newest passes left
/// fits, with a tenth to spare, since that is seen only as well as it is sampled. Absent where too
/// few passes were seen.
[[nodiscard]] inline std::optional<milliseconds> possible_promise(const forecast &seen) {
    if (!seen.pause_needed) return std::nullopt;
    return milliseconds(std::llround(std::ceil(seen.pause_needed->count() * 1100)));
}

/// Why a promise of `most` cannot be held, in figures: a sentence without a full stop.
/// `remaining`: the memory that is left to send.
[[nodiscard]] inline std::string describe_unheld(milliseconds most, bytes remaining,
                                                 const forecast &seen) {
    const auto rate = [](const std::optional<byte_rate> &of) {
        return of ? detail::size(detail::count(*of)) + "/s" : std::string("an unknown rate");
    };
    std::string out = fmt::format(
        "the promised downtime of {} ms cannot be held: {} of memory remain, {} are sent and {} "
        "dirtied; ",
        most.count(), detail::size(detail::count(remaining)), rate(seen.bandwidth),
        rate(seen.dirty));
    const auto possible = possible_promise(seen);
    // A longer one is all that helps; where the figures say less, they say nothing.
    if (possible && *possible > most) {
        return out + fmt::format("a promise of {} ms could have been held", possible->count());
    }
    return out + "which promise could have been held is not known";
}

/// What came of a promise.
struct promise_outcome {
    milliseconds promised{0};             ///< the most that was to be allowed
    std::optional<milliseconds> measured; ///< as libvirt tells it; absent where it does not

    /// Whether libvirt measured more than was promised; false while nothing was measured.
    [[nodiscard]] constexpr bool broken() const noexcept {
        return measured && *measured > promised;
    }

    friend bool operator==(const promise_outcome &, const promise_outcome &) = default;
};

/// One sentence without a full stop.
[[nodiscard]] inline std::string describe(const promise_outcome &of) {
    if (!of.measured) {
        return fmt::format("a downtime of {} ms at most was promised; libvirt does not tell how "
                           "long it was",
                           of.promised.count());
    }
    return fmt::format("a downtime of {} ms at most was promised, and libvirt measured {} ms: the "
                       "promise was {}",
                       of.promised.count(), of.measured->count(),
                       of.broken() ? "broken, though the guest has moved" : "kept");
}

} // namespace kvmig::convergence
