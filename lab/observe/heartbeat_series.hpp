// SPDX-License-Identifier: MIT
/// The heartbeats of one boot of one guest, as they arrived: what was lost, and when it was still.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

namespace kvmig::lab::observe {

using steady_time = std::chrono::steady_clock::time_point;

/// A guest is heard from its boot on; of what came before a stretch began, so much is kept with it.
inline constexpr std::chrono::seconds kept_before{1};

/// In milliseconds, to the microsecond: as raw samples are kept, of which there are many.
[[nodiscard]] inline double to_milliseconds(std::chrono::nanoseconds time) {
    return static_cast<double>(
               std::chrono::duration_cast<std::chrono::microseconds>(time).count()) /
           1000;
}

/// One beat that arrived.
struct arrival {
    steady_time at;                        ///< on the probe's clock
    std::uint64_t sequence = 0;            ///< the guest's number
    std::chrono::nanoseconds monotonic{0}; ///< the guest's clock when it sent
    friend bool operator==(const arrival &, const arrival &) = default;
};

/// A time without a beat, from one arrival to the next, or to the end of what was asked.
struct beat_gap {
    steady_time from;
    steady_time to;
    /// How far the guest's own clock went meanwhile: less than `length` by as much as it stood
    /// still. Absent for a gap that no beat has ended.
    std::optional<std::chrono::nanoseconds> guest_clock;
    std::uint64_t lost = 0; ///< beats the guest sent meanwhile that did not arrive in it

    [[nodiscard]] std::chrono::nanoseconds length() const noexcept { return to - from; }
    friend bool operator==(const beat_gap &, const beat_gap &) = default;
};

/// What became of the beats' numbers.
struct beat_counts {
    std::uint64_t received = 0;   ///< datagrams
    std::uint64_t lost = 0;       ///< numbers between the lowest and the highest that never came
    std::uint64_t reordered = 0;  ///< came after a higher one
    std::uint64_t duplicates = 0; ///< came again, with the same clock: the network doubled it
    /// Came again with another clock: two guests of one boot id are running at once.
    std::uint64_t conflicts = 0;
    std::uint64_t implausible = 0; ///< numbers too far from the others to be believed; left out
    friend bool operator==(const beat_counts &, const beat_counts &) = default;
};

/// Which beat brings the guest's clock and the probe's together.
enum class nearest_beat : std::uint8_t { last_before, first_after };

class heartbeat_series {
public:
    /// A number this far from the lowest or highest one is not believed.
    static constexpr std::uint64_t widest_jump = 10'000'000;

    /// Adds a beat; arrivals are added in the order of their time.
    void add(const arrival &beat);

    [[nodiscard]] const std::vector<arrival> &arrivals() const noexcept { return arrivals_; }
    [[nodiscard]] const beat_counts &counts() const noexcept { return counts_; }

    /// The longest time without a beat that touches `from` to `to`, told in full length even
    /// where it began before `from` or was ended by a beat after `to`. A silence that nothing has
    /// ended counts until `to`. Nothing when the guest had not been heard of by `to`.
    [[nodiscard]] std::optional<beat_gap> longest_gap(steady_time from, steady_time to) const;

    /// The gaps of at least `threshold` that touch `from` to `to`, in order, as in `longest_gap`.
    [[nodiscard]] std::vector<beat_gap> gaps(std::chrono::nanoseconds threshold, steady_time from,
                                             steady_time to) const;

    /// When the guest's clock showed `monotonic`, by the probe's clock: reckoned from the nearest
    /// beat that the guest sent on that side, and so late by as long as that beat travelled. The
    /// guest's clock stands still while the guest does, so a time without a beat begins by the last
    /// before it and ends by the first after it. Nothing without such a beat.
    [[nodiscard]] std::optional<steady_time> on_probe_clock(std::chrono::nanoseconds monotonic,
                                                            nearest_beat by) const;

private:
    [[nodiscard]] beat_gap between(std::size_t index) const;

    std::vector<arrival> arrivals_;
    std::vector<std::int64_t>
        clocks_; ///< by number from `lowest_` on; -1 for one that has not come
    std::uint64_t lowest_ = 0;
    std::uint64_t highest_ = 0;
    beat_counts counts_;
};

/// Arrivals as `[milliseconds since `origin`, number]` pairs from `kept_before` it on, with the
/// counts of all.
[[nodiscard]] nlohmann::json to_json(const heartbeat_series &series, steady_time origin);

} // namespace kvmig::lab::observe
