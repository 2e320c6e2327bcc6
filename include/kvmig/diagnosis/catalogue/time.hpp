// SPDX-License-Identifier: MIT
/// Catalogue: clocks.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry time[] = {
    {
        .id = "KVM-TIM-001",
        .title = "The clocks of the hosts differ",
        .cause = "The clocks are apart: certificates are judged wrongly, statistics of downtime "
                 "are nonsense, and guests see time jump.",
        .patterns =
            {
                {"System clock wrong by {n} seconds", other, "chrony"},
                {"Can't synchronise: no selectable sources", other, "chrony"},
                {"Clock skew too great{rest}", other, "Kerberos"},
                {"Ticket not yet valid", other, "Kerberos"},
            },
        .remedy =
            {
                {both, "timedatectl", "\"System clock synchronized\" must say yes"},
                {both, "timedatectl set-ntp true", ""},
                {both, "chronyc makestep", "where chrony runs"},
            },
        .look = "date -u +%s.%N on both hosts at the same moment",
        .example = "chronyd[512]: System clock wrong by 7.215331 seconds",
    },
    {
        .id = "KVM-TIM-002",
        .title = "The guest's clock source became unstable",
        .cause = "After a move between hosts with different time-stamp counters the guest stops "
                 "trusting its TSC.",
        .says = usual,
        .patterns =
            {
                {"Marking clocksource '{word}' as unstable because the skew is too large", other,
                 "kernel of the guest"},
                {"clocksource: timekeeping watchdog on CPU{n}: {rest}", other,
                 "kernel of the guest"},
            },
        .remedy =
            {
                {guest, "cat /sys/devices/system/clocksource/clocksource0/current_clocksource",
                 "kvm-clock is right"},
                {guest, "chronyc makestep", ""},
            },
        .look = "<clock> of the domain: kvmclock present='yes'",
        .example = "kernel: clocksource: timekeeping watchdog on CPU1: Marking clocksource 'tsc' "
                   "as unstable because the skew is too large:",
    },
};

} // namespace kvmig::diagnosis::entries
