// SPDX-License-Identifier: MIT
/// tuned's profiles as data, and the difference between what is and what a profile wants.
///
/// As in tuned 2.20 (`/usr/lib/tuned/PROFILE/tuned.conf`), without its exceptions for ThunderX
/// processors.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/tuning/plan.hpp>
#include <kvmig/tuning/value.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::tuning {

/// How a value is wanted.
enum class wanted : std::uint8_t {
    exactly,
    at_least, ///< tuned's `=>`: a greater one is left
    /// tuned's `force_latency=cstate.id_no_zero:N|US`: wake up from idle no later than C-state N
    /// does; US microseconds where that is not known.
    latency_of_state,
};

/// What a profile wants of every file that a pattern matches.
struct profile_setting {
    std::string_view name;    ///< tuned's
    std::string_view pattern; ///< a path; `*` stands for any part of one name
    std::string_view value;
    wanted how = wanted::exactly;
    std::uint32_t state = 0;       ///< of `latency_of_state`
    std::string_view profile = {}; ///< that sets it; filled in by `settings_of`
};

/// A profile: what it adds to the one it includes; of two that match a file, the later counts.
struct profile {
    std::string_view name;
    std::string_view summary;
    std::string_view includes; ///< empty: none
    std::array<profile_setting, 8> settings;
    std::size_t count;

    /// The first.
    [[nodiscard]] const profile_setting *begin() const noexcept { return settings.data(); }
    /// Behind the last.
    [[nodiscard]] const profile_setting *end() const noexcept { return settings.data() + count; }
};

namespace detail {

inline constexpr std::string_view resume_latency =
    "/sys/devices/system/cpu/cpu*/power/pm_qos_resume_latency_us";
inline constexpr profile_setting governor{
    "governor", "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor", "performance"};
/// 0 is the kernel's number for `performance` (x86 IA32_ENERGY_PERF_BIAS).
inline constexpr profile_setting energy_perf_bias{
    "energy_perf_bias", "/sys/devices/system/cpu/cpu*/power/energy_perf_bias", "0"};
inline constexpr profile_setting min_perf_pct{
    "min_perf_pct", "/sys/devices/system/cpu/intel_pstate/min_perf_pct", "100"};

} // namespace detail

/// Those that this library knows, with tuned's values.
inline constexpr std::array<profile, 4> profiles = {{
    {"throughput-performance",
     "much work done, whatever the load",
     "",
     {{detail::governor,
       detail::energy_perf_bias,
       detail::min_perf_pct,
       {"readahead", "/sys/block/*/queue/read_ahead_kb", "4096", wanted::at_least},
       {"vm.dirty_ratio", "/proc/sys/vm/dirty_ratio", "40"},
       {"vm.dirty_background_ratio", "/proc/sys/vm/dirty_background_ratio", "10"},
       {"vm.swappiness", "/proc/sys/vm/swappiness", "10"},
       {"net.core.somaxconn", "/proc/sys/net/core/somaxconn", "2048", wanted::at_least}}},
     8},
    {"virtual-host",
     "for hosts of KVM guests",
     "throughput-performance",
     {{{"vm.dirty_background_ratio", "/proc/sys/vm/dirty_background_ratio", "5"},
       {"force_latency", detail::resume_latency, "70", wanted::latency_of_state, 3}}},
     2},
    {"virtual-guest",
     "for the inside of a guest",
     "throughput-performance",
     {{{"vm.dirty_ratio", "/proc/sys/vm/dirty_ratio", "30"},
       {"vm.swappiness", "/proc/sys/vm/swappiness", "30"}}},
     2},
    {"latency-performance",
     "short and even waits, for more power",
     "",
     {{detail::governor,
       detail::energy_perf_bias,
       detail::min_perf_pct,
       {"vm.dirty_ratio", "/proc/sys/vm/dirty_ratio", "10"},
       {"vm.dirty_background_ratio", "/proc/sys/vm/dirty_background_ratio", "3"},
       {"vm.swappiness", "/proc/sys/vm/swappiness", "10"},
       {"force_latency", detail::resume_latency, "3", wanted::latency_of_state, 1}}},
     7},
}};

/// The profile of that name; fails with `not_found`, naming those there are.
[[nodiscard]] inline expected<profile> find_profile(std::string_view name) {
    std::string names;
    for (const profile &p : profiles) {
        if (p.name == name) return p;
        names += fmt::format("{}{}", names.empty() ? "" : ", ", p.name);
    }
    return fail(make_error(error_kind::not_found, "there is no profile of that name")
                    .about(std::string(name))
                    .advise("choose one of " + names));
}

/// What it wants in all, the included profile's settings first, each name once.
[[nodiscard]] inline std::vector<profile_setting> settings_of(const profile &chosen_one) {
    std::vector<profile_setting> out;
    if (!chosen_one.includes.empty()) {
        if (const auto below = find_profile(chosen_one.includes)) out = settings_of(*below);
    }
    for (profile_setting s : chosen_one) {
        s.profile = chosen_one.name;
        const auto same = std::find_if(out.begin(), out.end(), [&](const profile_setting &other) {
            return other.name == s.name;
        });
        if (same == out.end())
            out.push_back(s);
        else
            *same = s;
    }
    return out;
}

/// Whether a path is of a pattern, in which one `*` stands for any characters but `/`.
[[nodiscard]] constexpr bool matches(std::string_view pattern, std::string_view path) noexcept {
    const auto star = pattern.find('*');
    if (star == std::string_view::npos) return pattern == path;
    const std::string_view before = pattern.substr(0, star);
    const std::string_view after = pattern.substr(star + 1);
    return path.size() >= before.size() + after.size() && path.starts_with(before) &&
           path.ends_with(after) &&
           path.substr(before.size(), path.size() - before.size() - after.size()).find('/') ==
               std::string_view::npos;
}

/// The texts of files by their paths, those that are there.
using file_texts = std::map<std::string, std::string, std::less<>>;

/// The files that decide what a profile changes, beside those that its settings name.
inline constexpr std::array<std::string_view, 4> profile_helpers = {
    "/sys/devices/system/cpu/cpu*/cpufreq/scaling_available_governors",
    "/sys/devices/system/cpu/cpu0/cpuidle/state*/latency", "/proc/sys/vm/dirty_bytes",
    "/proc/sys/vm/dirty_background_bytes"};

namespace detail {

/// Disks that are none: what is read from them lies in memory or in another disk's file.
[[nodiscard]] inline bool without_readahead(std::string_view path) {
    static constexpr std::array<std::string_view, 5> names = {"loop", "ram", "zram", "sr", "fd"};
    constexpr std::string_view directory = "/sys/block/";
    return path.starts_with(directory) &&
           std::any_of(names.begin(), names.end(), [&](std::string_view name) {
               return path.substr(directory.size()).starts_with(name);
           });
}

/// The value that a setting comes to on this host.
[[nodiscard]] inline std::string value_of(const profile_setting &s, const file_texts &files) {
    if (s.how != wanted::latency_of_state) return std::string(s.value);
    const auto latency =
        files.find(fmt::format("/sys/devices/system/cpu/cpu0/cpuidle/state{}/latency", s.state));
    if (latency == files.end()) return std::string(s.value);
    const auto us = number<std::uint64_t>(latency->second, s.name);
    return us && *us != 0 ? std::to_string(*us) : std::string(s.value);
}

/// Nothing is to be changed: it is so, or more than that, or stricter.
[[nodiscard]] inline bool satisfied(const profile_setting &s, std::string_view is,
                                    std::string_view to) {
    if (is == to) return true;
    // The kernel's word for no wait at all.
    if (s.how == wanted::latency_of_state && is == "n/a") return true;
    const auto now = number<std::int64_t>(is, s.name);
    const auto then = number<std::int64_t>(to, s.name);
    if (!now || !then) return false;
    // 0 is no limit.
    if (s.how == wanted::latency_of_state) return *now != 0 && *now <= *then;
    if (s.how == wanted::at_least) return *now >= *then;
    return *now == *then;
}

} // namespace detail

/// Applying the profile to a host with these files. What the machine lacks is left out, and said
/// once.
[[nodiscard]] inline plan plan_profile(const profile &chosen_one, const file_texts &files) {
    plan out;
    for (const profile_setting &s : settings_of(chosen_one)) {
        bool any = false;
        for (const auto &[path, text] : files) {
            if (!matches(s.pattern, path) || detail::without_readahead(path)) continue;
            any = true;
            const std::string to = detail::value_of(s, files);
            const std::string_view is = chosen(text);
            if (detail::satisfied(s, is, to)) continue;
            if (s.name == "governor") {
                const std::string offers =
                    path.substr(0, path.rfind('/') + 1) + "scaling_available_governors";
                const auto found = files.find(offers);
                const auto all =
                    found == files.end() ? std::vector<std::string>{to} : choices(found->second);
                if (std::find(all.begin(), all.end(), to) == all.end()) {
                    out.note(fmt::format("the governor {} is not to be had here", to));
                    continue;
                }
            }
            change step;
            step.what.name = path;
            step.from = std::string(is);
            step.to = to;
            step.why = fmt::format("{} of profile {}", s.name, chosen_one.name);
            step.source = fmt::format("tuned 2.20, {}/tuned.conf", s.profile);
            if (s.how == wanted::latency_of_state || s.name == "governor") {
                step.risk = "more power is drawn";
            }
            // Writing a ratio clears the limit in bytes, and the other way round.
            const auto ratio = path.find("_ratio");
            if (path.starts_with("/proc/sys/vm/dirty_") && ratio != std::string::npos) {
                const std::string in_bytes = path.substr(0, ratio) + "_bytes";
                if (files.contains(in_bytes)) step.moves_too.push_back(in_bytes);
            }
            out.changes.push_back(std::move(step));
        }
        if (!any) out.note(fmt::format("this machine has no {}", s.name));
    }
    return out;
}

} // namespace kvmig::tuning
