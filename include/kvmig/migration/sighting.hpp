// SPDX-License-Identifier: MIT
/// What one host was seen to have of the guest.
#pragma once

#include <kvmig/model/domain.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvmig::migration {

/// How much of the guest there is on a host.
enum class presence : std::uint8_t {
    unreachable, ///< the host did not answer: nothing is known
    absent,      ///< the host answers, and does not know the guest
    shut_off,    ///< defined, without a process
    paused,      ///< a process whose guest stands still
    running,     ///< a process whose guest runs
};

/// Why it is so, as far as it matters here (`virDomainRunningReason`, `…PausedReason`,
/// `…ShutoffReason`). Of an absent guest: how its last process ended, when the host's log tells.
enum class seen_reason : std::uint8_t {
    other,
    migrated, ///< running: arrived here; shut off: moved elsewhere
    migration_canceled,
    postcopy,
    postcopy_failed,
    migration, ///< paused: an incoming guest not yet started, or one that was switched over
    user,      ///< paused by somebody, or arrived paused
    saving,    ///< paused while its state is written
    starting_up,
    shutdown, ///< the guest switched itself off
    destroyed,
    crashed,
    saved,
    failed, ///< it could not be started, or an incoming migration failed
};

/// Its name.
[[nodiscard]] constexpr std::string_view to_string(presence p) noexcept {
    switch (p) {
    case presence::unreachable: return "unreachable";
    case presence::absent: return "absent";
    case presence::shut_off: return "shut off";
    case presence::paused: return "paused";
    case presence::running: return "running";
    }
    return "unknown";
}

/// Its name.
[[nodiscard]] constexpr std::string_view to_string(seen_reason r) noexcept {
    switch (r) {
    case seen_reason::other: return "other";
    case seen_reason::migrated: return "migrated";
    case seen_reason::migration_canceled: return "migration canceled";
    case seen_reason::postcopy: return "post-copy";
    case seen_reason::postcopy_failed: return "post-copy failed";
    case seen_reason::migration: return "migrating";
    case seen_reason::user: return "user";
    case seen_reason::saving: return "saving";
    case seen_reason::starting_up: return "starting up";
    case seen_reason::shutdown: return "shutdown";
    case seen_reason::destroyed: return "destroyed";
    case seen_reason::crashed: return "crashed";
    case seen_reason::saved: return "saved";
    case seen_reason::failed: return "failed";
    }
    return "unknown";
}

/// One look at one host.
struct sighting {
    /// `unreachable`: the host could not be asked, and the rest means nothing.
    presence seen = presence::unreachable;
    seen_reason why = seen_reason::other; ///< `other` also where the reason does not matter
    bool persistent = false;              ///< there is a definition that outlives the process
    bool job = false;                     ///< a job runs: migration, save, or an incoming migration

    /// Whether the host could be asked.
    [[nodiscard]] constexpr bool reachable() const noexcept {
        return seen != presence::unreachable;
    }
    /// Whether it has a process of the guest.
    [[nodiscard]] constexpr bool active() const noexcept {
        return seen == presence::paused || seen == presence::running;
    }
    /// Whether this was seen, for this reason.
    [[nodiscard]] constexpr bool is(presence p, seen_reason r) const noexcept {
        return seen == p && why == r;
    }

    friend constexpr bool operator==(const sighting &, const sighting &) noexcept = default;
};

/// For people: `running (migrated), job active`.
[[nodiscard]] inline std::string describe(const sighting &s) {
    std::string out(to_string(s.seen));
    if (s.why != seen_reason::other) out += " (" + std::string(to_string(s.why)) + ")";
    if (s.active() && !s.persistent) out += ", not defined";
    if (s.job) out += ", job active";
    return out;
}

namespace detail {

// The numbers of libvirt-domain.h, which are its ABI and never change.
[[nodiscard]] constexpr seen_reason running_reason(int number) noexcept {
    switch (number) {
    case 2: return seen_reason::migrated;
    case 6: return seen_reason::migration_canceled;
    case 10: return seen_reason::postcopy;
    case 11: return seen_reason::postcopy_failed;
    default: return seen_reason::other;
    }
}

[[nodiscard]] constexpr seen_reason paused_reason(int number) noexcept {
    switch (number) {
    case 1: return seen_reason::user;
    case 2: return seen_reason::migration;
    case 3: // save
    case 4: // dump
    case 9: // snapshot
        return seen_reason::saving;
    case 11: return seen_reason::starting_up;
    case 12: return seen_reason::postcopy;
    case 13: return seen_reason::postcopy_failed;
    default: return seen_reason::other;
    }
}

[[nodiscard]] constexpr seen_reason shutoff_reason(int number) noexcept {
    switch (number) {
    case 1: return seen_reason::shutdown;
    case 2: return seen_reason::destroyed;
    case 3: return seen_reason::crashed;
    case 4: return seen_reason::migrated;
    case 5: return seen_reason::saved;
    case 6: return seen_reason::failed;
    default: return seen_reason::other;
    }
}

} // namespace detail

/// What a host that answers says of the guest: its status, or nothing when it does not know the
/// guest, and whether a job runs.
[[nodiscard]] constexpr sighting sight(const std::optional<model::domain_status> &status,
                                       bool job) noexcept {
    if (!status) return {presence::absent, seen_reason::other, false, false};
    sighting out;
    out.persistent = status->persistent;
    out.job = job && status->active;
    if (!status->active) {
        out.seen = presence::shut_off;
        out.why = status->state == model::domain_state::shutoff
                      ? detail::shutoff_reason(status->reason)
                      : seen_reason::other;
        return out;
    }
    switch (status->state) {
    case model::domain_state::paused:
        out.seen = presence::paused;
        out.why = detail::paused_reason(status->reason);
        break;
    case model::domain_state::pm_suspended:
    case model::domain_state::crashed: out.seen = presence::paused; break;
    case model::domain_state::running:
        out.seen = presence::running;
        out.why = detail::running_reason(status->reason);
        break;
    // Being shut down, or a state without a name: the process can still write to its disks.
    default: out.seen = presence::running; break;
    }
    return out;
}

} // namespace kvmig::migration
