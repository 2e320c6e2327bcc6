// SPDX-License-Identifier: MIT
/// The ways to run KSM that a benchmark lays beside each other.
#pragma once

#include <kvmig/tuning/ksm_plan.hpp>
#include <kvmig/tuning/ksm_policy.hpp>
#include <kvmig/tuning/ksmtuned.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace kvmig::lab {

/// What is to be done now, asked at each look at the host; none: nothing.
using ksm_adviser = std::function<std::optional<tuning::ksm_decision>(const tuning::ksm_sample &)>;

/// To scan, at this speed.
[[nodiscard]] inline tuning::ksm_decision
scan_with(std::uint64_t pages_to_scan, std::chrono::milliseconds sleep, std::string why) {
    tuning::ksm_decision out;
    out.action = tuning::ksm_action::scan;
    out.pages_to_scan = pages{pages_to_scan};
    out.sleep_millisecs = sleep;
    out.reason = std::move(why);
    return out;
}

/// The kernel's defaults, set once.
[[nodiscard]] inline ksm_adviser as_the_kernel_does() {
    return [told = false](const tuning::ksm_sample &) mutable {
        const bool first = !std::exchange(told, true);
        return first ? std::optional(scan_with(tuning::pages_to_scan_by_default.count(),
                                               std::chrono::milliseconds{20}, "defaults"))
                     : std::nullopt;
    };
}

/// The daemon's loop: one step an interval. The first comes at once, though the daemon itself
/// sleeps an interval before it.
[[nodiscard]] inline ksm_adviser as_ksmtuned(tuning::ksmtuned daemon) {
    return [daemon, next = std::chrono::milliseconds{0}](
               const tuning::ksm_sample &now) mutable -> std::optional<tuning::ksm_decision> {
        if (now.at < next) return std::nullopt;
        next = now.at + tuning::ksmtuned_settings{}.monitor_interval;
        bytes committed;
        for (const tuning::ksm_guest &guest : now.guests) committed = committed + guest.rss;
        const tuning::memory_facts &memory = now.memory;
        return tuning::decision_of(
            daemon.step(memory.free + memory.buffers + memory.cached, committed));
    };
}

/// The library's policy, which decides at each look.
[[nodiscard]] inline ksm_adviser as_policy(tuning::ksm_policy policy) {
    return [policy = std::move(policy)](const tuning::ksm_sample &now) mutable {
        return std::optional{policy.step(now)};
    };
}

} // namespace kvmig::lab
