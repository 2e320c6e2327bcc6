// SPDX-License-Identifier: MIT
// Series of samples as a daemon would tell them: from a model of pre-copy as QEMU does it, and
// written down by hand.
#pragma once

#include <kvmig/convergence/sample.hpp>
#include <kvmig/core/units.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace kvmig::convergence::testing {

/// What a guest and a link do. Rates are in bytes per second, at a time in seconds.
struct course {
    double memory = 256.0 * 1024 * 1024;
    double working_set = 256.0 * 1024 * 1024;
    std::function<double(double)> rate = [](double) { return 20.0 * 1024 * 1024; };
    std::function<double(double)> dirty = [](double) { return 0.0; };
    milliseconds limit{300};
    milliseconds every{500};
    std::uint64_t counter_begins_at = 1; ///< more, after a migration that was cancelled
    /// Called with each sample; may change `limit`.
    std::function<void(course &, const sample &)> steer;
};

inline std::function<double(double)> steady(double mib) {
    return [=](double) { return mib * 1024 * 1024; };
}

/// What came of it: the samples up to the end, or up to `until`.
struct told {
    std::vector<sample> samples;
    bool ended = false;
    milliseconds at{0};
};

/// QEMU's pre-copy: sends what was dirty when the pass began; then looks at what was dirtied
/// meanwhile, and switches over when it fits in the pause.
inline told run(course c, milliseconds until) {
    const double step = 0.01;
    told out;
    double remaining = c.memory;
    double dirtied = 0;
    double sent = 0;
    double pass_began = 0;
    double pass_dirtied = 0;
    double dirty_rate = 0;
    std::uint64_t counter = c.counter_begins_at;
    milliseconds next = c.every;
    for (std::int64_t tick = 1;; ++tick) {
        const double now = static_cast<double>(tick) * step;
        const milliseconds at{tick * 10};
        const double rate = c.rate(now);
        const double moved = std::min(remaining, rate * step);
        remaining -= moved;
        sent += moved;
        pass_dirtied += c.dirty(now) * step;
        dirtied = std::min(c.working_set, dirtied + c.dirty(now) * step);
        const double fits = rate * seconds(c.limit).count();
        if (remaining <= fits && rate > 0) {
            // A look at the bitmap: what was dirtied joins what is left. After the first pass both
            // are pages of the working set.
            const bool first = counter == c.counter_begins_at;
            remaining = std::min(first ? c.memory : c.working_set, remaining + dirtied);
            dirty_rate = pass_dirtied / std::max(step, now - pass_began);
            pass_began = now;
            pass_dirtied = 0;
            dirtied = 0;
            ++counter;
            if (remaining <= fits) {
                out.ended = true;
                out.at = at;
                return out;
            }
        }
        if (at >= next) {
            sample s;
            s.at = at;
            s.memory_total = bytes{static_cast<std::uint64_t>(c.memory)};
            s.memory_remaining = bytes{static_cast<std::uint64_t>(remaining)};
            s.memory_processed = bytes{static_cast<std::uint64_t>(sent)};
            s.rate = byte_rate{static_cast<std::uint64_t>(rate)};
            s.dirty = byte_rate{static_cast<std::uint64_t>(dirty_rate)};
            s.iteration = counter;
            s.downtime_limit = c.limit;
            out.samples.push_back(s);
            if (c.steer) c.steer(c, s);
            next += c.every;
        }
        if (at >= until) {
            out.at = at;
            return out;
        }
    }
}

} // namespace kvmig::convergence::testing
