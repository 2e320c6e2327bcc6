// SPDX-License-Identifier: MIT
/// Before it begins: will it end, when, and how long will the guest stand still?
///
/// The same series as in forecast.hpp, from what is known beforehand. N bytes of memory are sent at
/// the rate b while the guest dirties d: until no more than T = b·L is left, which fits in the
/// pause L that is allowed, (N − T)/(b − d) pass, and the pause T/b. While d ≥ b it never comes to
/// that: in the time for which d was measured more was dirtied than fits in a shorter pause, and
/// each pass takes longer than that.
#pragma once

#include <kvmig/convergence/forecast.hpp>
#include <kvmig/convergence/observation.hpp>
#include <kvmig/convergence/sample.hpp>
#include <kvmig/core/units.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

namespace kvmig::convergence {

/// What is known of a migration that has not begun. What is absent is not known.
struct planned_move {
    bytes memory;                     ///< of the guest
    bytes disks;                      ///< those that are copied, before the memory
    std::optional<byte_rate> rate;    ///< at which the link carries them
    std::optional<byte_rate> dirty;   ///< at which the guest changes memory
    milliseconds dirty_over{1000};    ///< for so long that was measured
    milliseconds downtime_limit{300}; ///< the pause that is allowed; QEMU's default
};

/// What is to be expected of it.
struct prospect {
    verdict ends = verdict::unknown;  ///< `unknown` also while a rate is absent
    std::vector<observation> because; ///< what the verdict rests on; empty where a rate is absent
    bytes to_move;                    ///< memory and disks, once
    /// Until the guest runs at the destination; where `ends` is not `yes`: at least, and sending
    /// everything once. Absent while the rate is not known.
    std::optional<seconds> total_time;
    /// At most, but for the state of devices and the hand-over; only where it ends.
    std::optional<seconds> downtime;

    /// Whether `what` is among the reasons.
    [[nodiscard]] bool rests_on(observed what) const noexcept {
        return std::any_of(because.begin(), because.end(),
                           [&](const observation &o) { return o.what == what; });
    }
};

/// What the figures foretell.
[[nodiscard]] inline prospect foretell(const planned_move &plan,
                                       const forecast_settings &settings = {}) {
    using detail::count;
    prospect out;
    out.to_move = plan.memory + plan.disks;
    if (!plan.rate || plan.rate->per_second() == 0) return out;
    const byte_rate rate = *plan.rate;
    const double fits = count(rate) * seconds(plan.downtime_limit).count();
    const seconds disks = rate.time_for(plan.disks);
    out.total_time = disks + rate.time_for(plan.memory);
    if (count(plan.memory) <= fits) {
        out.because.push_back({observed::fits_in_pause, count(plan.memory), fits});
        out.downtime = rate.time_for(plan.memory);
        out.ends = verdict::yes;
        return out;
    }
    if (!plan.dirty) return out;
    const byte_rate dirty = *plan.dirty;
    if (dirty >= rate) {
        out.because.push_back({observed::dirty_above_rate, count(dirty), count(rate)});
        // A longer pause may hold all that the guest ever dirties.
        if (plan.downtime_limit < plan.dirty_over) out.ends = verdict::no;
        return out;
    }
    out.because.push_back({observed::rate_above_dirty, count(rate), count(dirty)});
    if (count(dirty) >= settings.clearly_below * count(rate)) return out;
    out.ends = verdict::yes;
    out.downtime = seconds(plan.downtime_limit);
    out.total_time =
        disks + seconds((count(plan.memory) - fits) / (count(rate) - count(dirty))) + *out.downtime;
    return out;
}

} // namespace kvmig::convergence
