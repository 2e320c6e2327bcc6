// SPDX-License-Identifier: MIT
/// The ratio of two sides' medians, with an interval.
#pragma once

#include <lab/report/median.hpp>

#include <algorithm>
#include <cstddef>
#include <random>
#include <vector>

namespace kvmig::lab {

struct ratio_of_medians {
    double value = 1; ///< median after / median before
    double low = 1;   ///< 95 % interval
    double high = 1;
};

/// Of samples above 0, at least one on each side. The interval is that of the ratios of medians of
/// samples drawn again from each side; the answer to the same samples is the same each time.
[[nodiscard]] inline ratio_of_medians ratio_between(const std::vector<double> &before,
                                                    const std::vector<double> &after) {
    constexpr std::size_t draws = 2000;
    std::mt19937_64 random(1);
    const auto drawn = [&](const std::vector<double> &from) {
        std::uniform_int_distribution<std::size_t> any(0, from.size() - 1);
        std::vector<double> out(from.size());
        for (double &each : out) each = from[any(random)];
        return median(std::move(out));
    };
    std::vector<double> ratios(draws);
    for (double &each : ratios) {
        const double below = drawn(before);
        each = drawn(after) / below;
    }
    std::sort(ratios.begin(), ratios.end());
    return {median(after) / median(before), ratios[draws / 40], ratios[draws - 1 - draws / 40]};
}

} // namespace kvmig::lab
