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
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <fmt/ranges.h>
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
    std::string name = {};    ///< tuned's
    std::string pattern = {}; ///< a path; a `*` stands for any part of one name
    std::string value = {};   ///< of `governor`: the first to be had of several, with `|` between
    /// What of other values is left as it is.
    wanted how = wanted::exactly;
    std::optional<std::uint32_t> state = {}; ///< of `latency_of_state`; none: the value as it is
    std::string source = {};                 ///< the file that says so

    friend bool operator==(const profile_setting &, const profile_setting &) = default;
};

/// What is wanted of a host, those of the profiles that it includes first. Of two settings for one
/// file the later counts.
struct profile {
    /// For messages; of a profile from a file, the file's.
    std::string name = {};
    /// A later one for the same file counts.
    std::vector<profile_setting> settings = {};

    friend bool operator==(const profile &, const profile &) = default;
};

/// A setting of tuned's own profiles.
struct builtin_setting {
    /// As `profile_setting::name`.
    std::string_view name;
    /// As `profile_setting::pattern`.
    std::string_view pattern;
    /// As `profile_setting::value`.
    std::string_view value;
    /// As `profile_setting::how`.
    wanted how = wanted::exactly;
    std::uint32_t state = 0; ///< of `latency_of_state`
};

/// One of tuned's own profiles: what it adds to the one it includes.
struct builtin_profile {
    /// Tuned's.
    std::string_view name;
    /// What it is for, in a few words.
    std::string_view summary;
    std::string_view includes; ///< empty: none
    /// In force: the first `count`.
    std::array<builtin_setting, 8> settings;
    /// At most as many as `settings` holds.
    std::size_t count;

    /// The first.
    [[nodiscard]] const builtin_setting *begin() const noexcept { return settings.data(); }
    /// Behind the last.
    [[nodiscard]] const builtin_setting *end() const noexcept { return settings.data() + count; }
};

namespace detail {

inline constexpr std::string_view resume_latency =
    "/sys/devices/system/cpu/cpu*/power/pm_qos_resume_latency_us";
inline constexpr builtin_setting governor{
    "governor", "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor", "performance"};
/// 0 is the kernel's number for `performance` (x86 IA32_ENERGY_PERF_BIAS).
inline constexpr builtin_setting energy_perf_bias{
    "energy_perf_bias", "/sys/devices/system/cpu/cpu*/power/energy_perf_bias", "0"};
inline constexpr builtin_setting min_perf_pct{
    "min_perf_pct", "/sys/devices/system/cpu/intel_pstate/min_perf_pct", "100"};

} // namespace detail

/// Those that this library knows, with tuned's values.
inline constexpr std::array<builtin_profile, 4> profiles = {{
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

namespace detail {

/// Adds a setting; one of the same name that is there already goes.
inline void add_setting(profile &to, profile_setting setting) {
    std::erase_if(to.settings,
                  [&](const profile_setting &other) { return other.name == setting.name; });
    to.settings.push_back(std::move(setting));
}

} // namespace detail

/// tuned's profile of that name, with what it includes; fails with `not_found`, naming those there
/// are.
[[nodiscard]] inline expected<profile> find_profile(std::string_view name) {
    std::string names;
    for (const builtin_profile &p : profiles) {
        names += fmt::format("{}{}", names.empty() ? "" : ", ", p.name);
        if (p.name != name) continue;
        profile out;
        if (!p.includes.empty()) {
            if (auto below = find_profile(p.includes)) out = *std::move(below);
        }
        out.name = std::string(name);
        for (const builtin_setting &s : p) {
            profile_setting own;
            own.name = std::string(s.name);
            own.pattern = std::string(s.pattern);
            own.value = std::string(s.value);
            own.how = s.how;
            if (s.how == wanted::latency_of_state) own.state = s.state;
            own.source = fmt::format("tuned 2.20, {}/tuned.conf", p.name);
            detail::add_setting(out, std::move(own));
        }
        return out;
    }
    return fail(make_error(error_kind::not_found, "there is no profile of that name")
                    .about(std::string(name))
                    .advise("choose one of " + names));
}

/// Whether a path is of a pattern; each name in it may hold one `*`, for any part of that name.
[[nodiscard]] constexpr bool matches(std::string_view pattern, std::string_view path) noexcept {
    while (true) {
        const std::string_view want = pattern.substr(0, pattern.find('/'));
        const std::string_view is = path.substr(0, path.find('/'));
        const auto star = want.find('*');
        if (star == std::string_view::npos) {
            if (want != is) return false;
        } else {
            const std::string_view after = want.substr(star + 1);
            if (is.size() + 1 < want.size() || !is.starts_with(want.substr(0, star)) ||
                !is.ends_with(after)) {
                return false;
            }
        }
        if ((want.size() == pattern.size()) != (is.size() == path.size())) return false;
        if (want.size() == pattern.size()) return true;
        pattern.remove_prefix(want.size() + 1);
        path.remove_prefix(is.size() + 1);
    }
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

/// The value that a setting comes to on this host, in the form that the file has.
[[nodiscard]] inline std::string value_of(const profile_setting &s, const std::string &path,
                                          std::string_view text, const file_texts &files) {
    if (s.how == wanted::latency_of_state) {
        if (!s.state) return s.value;
        const auto latency = files.find(
            fmt::format("/sys/devices/system/cpu/cpu0/cpuidle/state{}/latency", *s.state));
        if (latency == files.end()) return s.value;
        const auto us = number<std::uint64_t>(latency->second, s.name);
        return us && *us != 0 ? std::to_string(*us) : s.value;
    }
    if (s.name == "governor") {
        const auto offers =
            files.find(path.substr(0, path.rfind('/') + 1) + "scaling_available_governors");
        std::string_view rest = s.value;
        const auto first = rest.substr(0, rest.find('|'));
        while (offers != files.end() && !rest.empty()) {
            const auto one = rest.substr(0, rest.find('|'));
            const auto all = choices(offers->second);
            if (std::find(all.begin(), all.end(), one) != all.end()) return std::string(one);
            rest.remove_prefix(std::min(one.size() + 1, rest.size()));
        }
        return std::string(first);
    }
    // Several numbers in one file (tcp_rmem) are parted by tabs when they are read.
    return fmt::format(
        "{}", fmt::join(words(s.value), text.find('\t') != std::string_view::npos ? "\t" : " "));
}

/// Why the file would refuse the value; empty when it may take it.
[[nodiscard]] inline std::string not_to_be_had(const profile_setting &s, const std::string &path,
                                               std::string_view text, const std::string &to,
                                               const file_texts &files) {
    std::vector<std::string> offered;
    if (s.name == "governor") {
        const auto found =
            files.find(path.substr(0, path.rfind('/') + 1) + "scaling_available_governors");
        if (found == files.end()) return {};
        offered = choices(found->second);
    } else if (text.find('[') != std::string_view::npos && !path.ends_with("/queue/scheduler")) {
        offered = choices(text); // schedulers are loaded when they are asked for
    } else {
        return {};
    }
    if (std::find(offered.begin(), offered.end(), to) != offered.end()) return {};
    return fmt::format("the {} {} is not to be had here", s.name, to);
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

/// A file of this host against what a profile wants of it.
struct profile_row {
    /// Absolute, one that matches the setting's pattern.
    std::string path = {};
    std::string is = {};   ///< the value in it, of several choices the chosen one
    std::string want = {}; ///< the value that it is to have
    /// The last one that speaks of the file.
    profile_setting setting = {};
    /// Nothing is to be written.
    bool satisfied = false;

    friend bool operator==(const profile_row &, const profile_row &) = default;
};

/// What is, against what is wanted.
struct profile_comparison {
    /// Each file once.
    std::vector<profile_row> rows = {};
    std::vector<std::string> notes = {}; ///< what the machine lacks, each said once
};

/// Every file that the profile speaks of, in its order; what the machine lacks is left out, and
/// said once.
[[nodiscard]] inline profile_comparison compare_profile(const profile &wanted_one,
                                                        const file_texts &files) {
    profile_comparison out;
    plan notes;
    for (const profile_setting &s : wanted_one.settings) {
        bool any = false;
        for (const auto &[path, text] : files) {
            if (!matches(s.pattern, path) || detail::without_readahead(path)) continue;
            any = true;
            const std::string to = detail::value_of(s, path, text, files);
            const std::string_view is = chosen(text);
            const bool fits = detail::satisfied(s, is, to);
            const std::string refused =
                fits ? std::string{} : detail::not_to_be_had(s, path, text, to, files);
            if (!refused.empty()) {
                notes.note(refused);
                continue;
            }
            std::erase_if(out.rows, [&at = path](const profile_row &r) { return r.path == at; });
            out.rows.push_back({path, std::string(is), to, s, fits});
        }
        if (!any) notes.note(fmt::format("this machine has no {}", s.name));
    }
    out.notes = std::move(notes.notes);
    return out;
}

/// Applying the profile to a host with these files: a step for each file that does not fit.
[[nodiscard]] inline plan plan_profile(const profile &wanted_one, const file_texts &files) {
    profile_comparison compared = compare_profile(wanted_one, files);
    plan out;
    out.notes = std::move(compared.notes);
    for (profile_row &row : compared.rows) {
        if (row.satisfied) continue;
        const profile_setting &s = row.setting;
        change step;
        if (s.how == wanted::latency_of_state ||
            (s.name == "governor" && row.want == "performance")) {
            step.risk = "more power is drawn";
        }
        step.from = std::move(row.is);
        step.to = std::move(row.want);
        step.why = fmt::format("{} of profile {}", s.name, wanted_one.name);
        step.source = s.source;
        // Writing a ratio clears the limit in bytes, and the other way round.
        const auto ratio = row.path.find("_ratio");
        if (row.path.starts_with("/proc/sys/vm/dirty_") && ratio != std::string::npos) {
            const std::string in_bytes = row.path.substr(0, ratio) + "_bytes";
            if (files.contains(in_bytes)) step.moves_too.push_back(in_bytes);
        }
        step.what.name = std::move(row.path);
        out.changes.push_back(std::move(step));
    }
    return out;
}

} // namespace kvmig::tuning
