// SPDX-License-Identifier: MIT
/// Changes in a domain's life, in virsh's words.
#pragma once

#include <cstddef>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

namespace kvmig::libvirt {

namespace detail {

// Each by the number of its `virDomainEvent…DetailType`, as `virsh event` tells them.
inline constexpr std::string_view defined_details[] = {"added", "updated", "renamed", "snapshot"};
inline constexpr std::string_view undefined_details[] = {"removed", "renamed"};
inline constexpr std::string_view started_details[] = {"booted", "migrated", "restored", "snapshot",
                                                       "event wakeup"};
inline constexpr std::string_view suspended_details[] = {
    "paused",   "migrated",  "I/O error", "watchdog",       "restored",
    "snapshot", "API error", "post-copy", "post-copy error"};
inline constexpr std::string_view resumed_details[] = {"unpaused", "migrated", "snapshot",
                                                       "post-copy", "post-copy error"};
inline constexpr std::string_view stopped_details[] = {
    "shutdown", "destroyed", "crashed", "migrated", "saved", "failed", "snapshot"};
inline constexpr std::string_view shutdown_details[] = {"finished", "finished after guest request",
                                                        "finished after host request"};
inline constexpr std::string_view pm_suspended_details[] = {"memory", "disk"};
inline constexpr std::string_view crashed_details[] = {"panicked", "crashloaded"};

struct lifecycle_words {
    std::string_view event;
    std::span<const std::string_view> details;
};
// By the number of its `virDomainEventType`.
inline constexpr lifecycle_words lifecycle[] = {
    {"defined", defined_details},   {"undefined", undefined_details},
    {"started", started_details},   {"suspended", suspended_details},
    {"resumed", resumed_details},   {"stopped", stopped_details},
    {"shutdown", shutdown_details}, {"pmsuspended", pm_suspended_details},
    {"crashed", crashed_details},
};

} // namespace detail

/// An event with its detail, as in `suspended (migrated)`; one that came after this was written is
/// `unknown`.
[[nodiscard]] inline std::string lifecycle_text(int event, int detail) {
    const auto of = static_cast<std::size_t>(event);
    if (event < 0 || of >= std::size(detail::lifecycle)) return "unknown";
    const auto &[name, details] = detail::lifecycle[of];
    const auto number = static_cast<std::size_t>(detail);
    std::string out{name};
    out += " (";
    out += detail >= 0 && number < details.size() ? details[number] : "unknown";
    return out + ")";
}

} // namespace kvmig::libvirt
