// SPDX-License-Identifier: MIT
/// The ratio of two sides, with an interval.
#pragma once

#include <lab/report/median.hpp>

#include <algorithm>
#include <cstddef>
#include <random>
#include <vector>

namespace kvmig::lab {

struct ratio_of_medians {
    double value = 1; ///< median after / median before; in pairs: the median of their ratios
    double low = 1;   ///< 95 % interval
    double high = 1;
};

namespace detail {

/// The middle 95 % of what `ratio`, which is given a way to draw again from samples, answers.
template <class Ratio> ratio_of_medians with_interval(double value, const Ratio &ratio) {
    constexpr std::size_t draws = 2000;
    std::mt19937_64 random(1);
    const auto drawn = [&](const std::vector<double> &from) {
        std::uniform_int_distribution<std::size_t> any(0, from.size() - 1);
        std::vector<double> out(from.size());
        for (double &each : out) each = from[any(random)];
        return median(std::move(out));
    };
    std::vector<double> ratios(draws);
    for (double &each : ratios) each = ratio(drawn);
    std::sort(ratios.begin(), ratios.end());
    return {value, ratios[draws / 40], ratios[draws - 1 - draws / 40]};
}

} // namespace detail

/// Of samples above 0, at least one on each side. The interval is that of the ratios of medians of
/// samples drawn again from each side; the answer to the same samples is the same each time.
[[nodiscard]] inline ratio_of_medians ratio_between(const std::vector<double> &before,
                                                    const std::vector<double> &after) {
    return detail::with_interval(median(after) / median(before), [&](const auto &drawn) {
        const double below = drawn(before);
        return drawn(after) / below;
    });
}

/// Of as many samples on each side, each beside the one of the same place: what both had to bear
/// does not count. The interval is that of medians of ratios drawn again.
[[nodiscard]] inline ratio_of_medians ratio_in_pairs(const std::vector<double> &before,
                                                     const std::vector<double> &after) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < before.size(); ++i) ratios.push_back(after[i] / before[i]);
    return detail::with_interval(median(ratios), [&](const auto &drawn) { return drawn(ratios); });
}

} // namespace kvmig::lab
