// SPDX-License-Identifier: MIT
/// Rules: clocks.
#pragma once

#include <kvmig/precheck/rule.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace kvmig::precheck::rules {

/// Clocks that run by NTP are closer to one another than this.
inline constexpr std::chrono::milliseconds clocks_agree{1000};
/// What Kerberos bears (krb5.conf(5), `clockskew`), and the most of all that looks at clocks here.
inline constexpr std::chrono::milliseconds clocks_borne{300'000};

namespace detail {

/// In seconds, with one decimal.
[[nodiscard]] inline std::string seconds_text(std::chrono::milliseconds of) {
    const auto tenths = (of.count() + 50) / 100;
    return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " s";
}

} // namespace detail

/// Warns of clocks that are further apart than they seem to be by what asking took. Unknown where
/// asking took so long that they may be further apart than anybody bears.
inline observations look_clocks_differ(const facts &f) {
    using std::chrono::milliseconds;
    const auto &told = f.destination.clock;
    const std::string what = "whether the clocks of the hosts agree";
    const std::vector<std::string> ask = {
        "for host in " + shell_word(f.source.name) + ' ' + shell_word(f.destination.name) +
        "; do ssh \"$host\" timedatectl show -p NTPSynchronized; done"};
    if (!told.known()) return {missing(f.destination, what, told, ask)};
    // No sum of them overflows.
    constexpr milliseconds most = std::chrono::hours(24 * 365 * 1000);
    const milliseconds ahead = std::clamp(told->ahead, -most, most);
    const milliseconds within = std::clamp(told->within, milliseconds{0}, most);
    const milliseconds apart = ahead < milliseconds{0} ? -ahead : ahead;
    const std::string seen = "its clock is " + detail::seconds_text(apart) +
                             (ahead < milliseconds{0} ? " behind" : " ahead of") +
                             " the source's, give or take " + detail::seconds_text(within);
    if (apart - within > clocks_agree) {
        return {{severity::warns,
                 f.destination.name,
                 seen,
                 {ssh(f.source, "timedatectl set-ntp true"),
                  ssh(f.destination, "timedatectl set-ntp true")}}};
    }
    if (apart + within > clocks_borne) {
        return {{severity::unknown, f.destination.name, what + " is not known: " + seen, ask}};
    }
    return {};
}

inline constexpr rule clocks_differ{
    "KVM-TIM-001", "The clocks of the hosts differ",
    "A certificate or ticket that one host made is not yet valid, or no longer, for the other; the "
    "guest's hardware clock jumps by the difference; total time and downtime are told wrongly.",
    "RFC 5280, 4.1.2.5; krb5.conf(5): clockskew; libvirt-domain.h: "
    "VIR_DOMAIN_JOB_TIME_ELAPSED_NET",
    look_clocks_differ};

} // namespace kvmig::precheck::rules
