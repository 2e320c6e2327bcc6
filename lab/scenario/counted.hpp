// SPDX-License-Identifier: MIT
/// How fast a guest works, told by what it has done from look to look.
#pragma once

#include <kvmig/core/units.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <fmt/format.h>
#include <span>
#include <string>
#include <vector>

namespace kvmig::lab {

/// One look at a guest that counts what it does.
struct counted {
    double done = 0;                ///< so far: bytes, pages
    std::chrono::nanoseconds at{0}; ///< on the guest's own clock
};

/// A second between two looks. At least 1, for a ratio may be made of it.
[[nodiscard]] inline double rate_between(const counted &from, const counted &to) {
    const double seconds = std::chrono::duration<double>(to.at - from.at).count();
    return seconds > 0 ? std::max((to.done - from.done) / seconds, 1.0) : 1.0;
}

/// A second between each look and the next.
[[nodiscard]] inline std::vector<double> rates_of(std::span<const counted> looks) {
    std::vector<double> out;
    for (std::size_t i = 1; i < looks.size(); ++i) {
        out.push_back(rate_between(looks[i - 1], looks[i]));
    }
    return out;
}

/// A rate beside the cap that is set on it.
struct cap_verdict {
    bool near = false; ///< within 5 % of it
    std::string said;
};

/// `measured` in bytes a second.
[[nodiscard]] inline cap_verdict beside_cap(double measured, byte_rate cap) {
    const auto allowed = static_cast<double>(cap.per_second());
    const double off = measured / allowed - 1;
    const bool near = std::abs(off) <= 0.05;
    return {near, fmt::format("{:.1f} KiB/s of {:.0f}: {:.1f} % {}, {} 5 %", measured / 1024,
                              allowed / 1024, std::abs(off) * 100, off < 0 ? "below" : "above",
                              near ? "within" : "not within")};
}

} // namespace kvmig::lab
