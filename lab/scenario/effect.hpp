// SPDX-License-Identifier: MIT
/// What tuning did to a figure, told with its interval.
#pragma once

#include <lab/report/ratio.hpp>
#include <lab/scenario/scenario.hpp>

#include <string>
#include <vector>

namespace kvmig::lab {

/// Measures `after` in per cent of `before` as `name`, with the 95 % interval beside it. Samples
/// above 0, at least one on each side.
inline ratio_of_medians tell_effect(scenario_result &out, const std::string &name,
                                    const std::vector<double> &before,
                                    const std::vector<double> &after,
                                    const std::string &distorted) {
    const ratio_of_medians ratio = ratio_between(before, after);
    out.measure(name, ratio.value * 100, "%", distorted);
    out.measure(name + ", at least", ratio.low * 100, "%", distorted);
    out.measure(name + ", at most", ratio.high * 100, "%", distorted);
    return ratio;
}

/// What was seen before and after a change, as one baseline.
[[nodiscard]] inline std::vector<double> both_baselines(std::vector<double> before,
                                                        const std::vector<double> &again) {
    before.insert(before.end(), again.begin(), again.end());
    return before;
}

} // namespace kvmig::lab
