// SPDX-License-Identifier: MIT
/// Why a domain is in its state, in virsh's words.
#pragma once

#include <kvmig/model/domain.hpp>

#include <array>
#include <libvirt/libvirt.h>
#include <span>
#include <string>
#include <string_view>

namespace kvmig::libvirt {

static_assert(static_cast<int>(model::domain_state::pm_suspended) == VIR_DOMAIN_PMSUSPENDED);

namespace detail {

// Each by the number of its `virDomain…Reason`.
inline constexpr std::array<std::string_view, 12> running_reasons = {
    "unknown",       "booted",   "migrated",           "restored",
    "from snapshot", "unpaused", "migration canceled", "save canceled",
    "event wakeup",  "crashed",  "post-copy",          "post-copy failed"};
inline constexpr std::array<std::string_view, 14> paused_reasons = {
    "unknown",   "user",        "migrating",     "saving",          "dumping",
    "I/O error", "watchdog",    "from snapshot", "shutting down",   "creating snapshot",
    "crashed",   "starting up", "post-copy",     "post-copy failed"};
inline constexpr std::array<std::string_view, 2> shutdown_reasons = {"unknown", "user"};
inline constexpr std::array<std::string_view, 9> shutoff_reasons = {
    "unknown", "shutdown", "destroyed",     "crashed", "migrated",
    "saved",   "failed",   "from snapshot", "daemon"};
inline constexpr std::array<std::string_view, 2> crashed_reasons = {"unknown", "panicked"};

} // namespace detail

/// virsh's words for a reason; `unknown` for one that came after this was written.
[[nodiscard]] constexpr std::string_view reason_text(model::domain_state state,
                                                     int reason) noexcept {
    std::span<const std::string_view> texts;
    switch (state) {
    case model::domain_state::running: texts = detail::running_reasons; break;
    case model::domain_state::paused: texts = detail::paused_reasons; break;
    case model::domain_state::shutdown: texts = detail::shutdown_reasons; break;
    case model::domain_state::shutoff: texts = detail::shutoff_reasons; break;
    case model::domain_state::crashed: texts = detail::crashed_reasons; break;
    default: break;
    }
    const auto place = static_cast<std::size_t>(reason);
    return reason >= 0 && place < texts.size() ? texts[place] : "unknown";
}

/// State and reason as libvirt numbers them; a state that came later counts as `no_state`.
[[nodiscard]] inline model::domain_status to_status(int state, int reason, bool active,
                                                    bool persistent) {
    model::domain_status out;
    if (state >= 0 && state <= VIR_DOMAIN_PMSUSPENDED) {
        out.state = static_cast<model::domain_state>(state);
    }
    out.reason = reason;
    out.reason_text = reason_text(out.state, reason);
    out.active = active;
    out.persistent = persistent;
    return out;
}

} // namespace kvmig::libvirt
