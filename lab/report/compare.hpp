// SPDX-License-Identifier: MIT
/// Two sides of runs compared figure by figure: is one slower, or is that noise?
#pragma once

#include <lab/scenario/runner.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::lab {

enum class change : std::uint8_t {
    none,         ///< the interval lies within the floor
    within_noise, ///< it may be more, and these samples do not show it
    slower,       ///< worse, beyond the floor, and by chance hardly ever
    faster,       ///< better, likewise
    too_few,      ///< not even a clean separation of so few samples would tell
};
[[nodiscard]] std::string_view to_string(change what) noexcept;

/// How the runs of the two sides were made.
enum class sampling : std::uint8_t {
    apart,   ///< at whatever times
    in_turn, ///< each run of the one side beside the run of the other of the same place
};

/// A ratio of medians nearer to 1 is no change; see `figure_change::floor`.
inline constexpr double smallest_change = 0.05;

/// One figure of one scenario on both sides.
struct figure_change {
    std::string scenario;
    std::string figure;
    std::string unit;
    std::vector<double> before; ///< samples, in the order of the runs
    std::vector<double> after;
    double ratio = 1; ///< median after / median before; of runs in turn, the median of their ratios
    double low = 1;   ///< of the ratio: 95 % interval, by bootstrap
    double high = 1;
    double p = 1; ///< two-sided, by permuting the samples between the sides, or within the pairs
    /// How far the ratio must be from 1: the given floor, or what the samples of one side, or the
    /// ratios of the pairs, scatter by (three robust standard deviations), where that is more.
    double floor = 0;
    change verdict = change::too_few;
};

/// Where the environments of the sides differ in what decides over speed, as `NAME: A, B`: CPU,
/// acceleration, release, software of the hosts, of every machine. Empty: they may be compared.
[[nodiscard]] std::vector<std::string> unlike(std::span<const run_result> before,
                                              std::span<const run_result> after);

/// Every figure that both sides have of scenarios that passed, in the order of the first side; of
/// runs in turn, of which there are as many on each side, those of pairs of which both passed. The
/// answer to the same samples is the same each time. Of a rate (`bytes/s`) more is faster, of all
/// else less; a figure that is not above 0 throughout is left out, for it has no ratio.
[[nodiscard]] std::vector<figure_change> compare_runs(std::span<const run_result> before,
                                                      std::span<const run_result> after,
                                                      double floor = smallest_change,
                                                      sampling made = sampling::apart);

/// Of each figure the medians, the ratio with its interval, the verdict; then how many of each.
[[nodiscard]] std::string compare_table(std::span<const figure_change> changes);

} // namespace kvmig::lab
