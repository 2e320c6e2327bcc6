// SPDX-License-Identifier: MIT
/// What the controller does on entering a state.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kvmig::migration {

/// The work that a transition announces; it begins when the transition is durable. Each can be
/// done again after being cut short, and ends in an event.
enum class act : std::uint8_t {
    nothing,             ///< the transition only records what was seen
    prepare_destination, ///< make storage, networks and targets; ends in `…_requested`
    stop_guest,          ///< shut down, save or snapshot, as the plan says
    copy_images,         ///< from host to host, and the saved state
    prove_copy,          ///< checksums of both sides
    define_destination,  ///< the adapted XML
    start_destination,   ///< boot, restore or load the snapshot
    start_job,           ///< `virDomainMigrate3` or `virDomainMigrateToURI3`
    watch_job,           ///< a job that another controller started: its statistics and events
    abort_job,           ///< `virDomainAbortJob`
    suspend_guest,       ///< `virDomainSuspend` at the source
    start_post_copy,     ///< `virDomainMigrateStartPostCopy`
    resume_post_copy,    ///< the call again, with `VIR_MIGRATE_POSTCOPY_RESUME`
    ask_both_hosts,      ///< look at both sides, then `decide`
    clear_destination,   ///< destroy the process that never took over
    restore_source,      ///< resume or start the guest, if it is not as before
    clean_destination,   ///< definition and targets that this migration made
    release_source,      ///< the process that libvirt left; the definition, if asked
};

/// The words of the journal, in the order of `act`.
inline constexpr std::array<std::string_view, 18> act_names = {
    "nothing",           "prepare_destination", "stop_guest",        "copy_images",
    "prove_copy",        "define_destination",  "start_destination", "start_job",
    "watch_job",         "abort_job",           "suspend_guest",     "start_post_copy",
    "resume_post_copy",  "ask_both_hosts",      "clear_destination", "restore_source",
    "clean_destination", "release_source",
};

/// The word of the journal.
[[nodiscard]] constexpr std::string_view to_string(act a) noexcept {
    return act_names[static_cast<std::size_t>(a)];
}

/// The act of that name, or nothing.
[[nodiscard]] constexpr std::optional<act> act_named(std::string_view name) noexcept {
    for (std::size_t i = 0; i < act_names.size(); ++i) {
        if (act_names[i] == name) return static_cast<act>(i);
    }
    return std::nullopt;
}

} // namespace kvmig::migration
