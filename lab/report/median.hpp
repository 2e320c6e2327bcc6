// SPDX-License-Identifier: MIT
/// The median.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace kvmig::lab {

/// Of one value at least, none of which may be NaN; of an even number the mean of the middle two.
[[nodiscard]] inline double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 == 1) return *middle;
    return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

} // namespace kvmig::lab
