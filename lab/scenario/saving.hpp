// SPDX-License-Identifier: MIT
/// How memory saved grows over time, and what it costs: the figures of such a curve.
#pragma once

#include <kvmig/core/units.hpp>

#include <optional>
#include <span>

namespace kvmig::lab {

/// One look at a host that merges pages.
struct saving_point {
    double seconds = 0;  ///< since merging began
    bytes saved;         ///< so far
    double scan_cpu = 0; ///< seconds of one CPU that the scanner took since merging began
};

/// When the curve first reaches `goal`, in seconds; between two looks it is taken to be straight.
/// None: it never does.
[[nodiscard]] inline std::optional<double> reached_after(std::span<const saving_point> curve,
                                                         bytes goal) {
    const saving_point *before = nullptr;
    for (const saving_point &each : curve) {
        if (each.saved >= goal) {
            if (before == nullptr) return each.seconds;
            const auto height = static_cast<double>((each.saved - before->saved).count());
            const auto lacking = static_cast<double>((goal - before->saved).count());
            return before->seconds + (each.seconds - before->seconds) * lacking / height;
        }
        before = &each;
    }
    return std::nullopt;
}

/// Bytes saved at the curve's end for each second of CPU spent until then. None where no CPU time
/// was seen to be spent.
[[nodiscard]] inline std::optional<double>
saved_per_cpu_second(std::span<const saving_point> curve) {
    if (curve.empty() || curve.back().scan_cpu <= 0) return std::nullopt;
    return static_cast<double>(curve.back().saved.count()) / curve.back().scan_cpu;
}

/// What part of one CPU the scanner took over the whole curve. None without a stretch of time.
[[nodiscard]] inline std::optional<double> cpu_share(std::span<const saving_point> curve) {
    if (curve.empty() || curve.back().seconds <= curve.front().seconds) return std::nullopt;
    return (curve.back().scan_cpu - curve.front().scan_cpu) /
           (curve.back().seconds - curve.front().seconds);
}

} // namespace kvmig::lab
