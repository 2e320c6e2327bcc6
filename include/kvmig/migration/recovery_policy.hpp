// SPDX-License-Identifier: MIT
/// What the rules of recovery share.
#pragma once

#include <kvmig/migration/origin.hpp>
#include <kvmig/migration/past.hpp>
#include <kvmig/migration/ruling.hpp>
#include <kvmig/migration/sighting.hpp>

#include <cstdint>

namespace kvmig::migration {

/// How a successor is to go about it.
struct recovery_policy {
    /// Back to the source where that is as safe as going on; otherwise go on where possible.
    bool undo = false;
    /// Leave alone for now what a daemon may still bring to an end by itself; false once it has
    /// been asked for long enough.
    bool patient = true;
};

namespace detail {

enum class tri : std::uint8_t { no, yes, unknown };

/// Whether the destination, which has no process for the guest now, has run it in this migration.
///
/// Finish writes the persistent definition before it starts the guest
/// (`qemuMigrationDstFinishFresh`), and a definition outlives the process: without it, the guest
/// never ran. A guest that was defined there before may keep a reason from long ago.
[[nodiscard]] constexpr tri ran_there(const origin &o, const sighting &d) noexcept {
    if (d.seen == presence::absent) {
        switch (d.why) {
        // The process was ended before Finish: by Finish itself, or with its controller's
        // connection.
        case seen_reason::destroyed:
        case seen_reason::failed: return tri::no;
        case seen_reason::shutdown: return tri::yes;
        default: return o.persist_destination && !o.destination_defined ? tri::no : tri::unknown;
        }
    }
    switch (d.why) {
    case seen_reason::failed: return tri::no;
    case seen_reason::destroyed: return o.destination_defined ? tri::no : tri::unknown;
    case seen_reason::shutdown:
    case seen_reason::saved:
    case seen_reason::migrated: return o.destination_defined ? tri::unknown : tri::yes;
    default: return tri::unknown;
    }
}

/// Whether the destination, which has no process for the guest now, never ran it: seen so, or it
/// was never told to since the source was known to have the guest.
[[nodiscard]] constexpr bool surely_not_there(const origin &o, const past &p,
                                              const sighting &d) noexcept {
    const tri ran = ran_there(o, d);
    return ran == tri::no || (ran == tri::unknown && !may_have_left(o.kind, p.position));
}

[[nodiscard]] constexpr bool in_post_copy(const sighting &s) noexcept {
    return s.active() && (s.why == seen_reason::postcopy || s.why == seen_reason::postcopy_failed);
}

/// Whether the guest, which is at the source, must be set running there.
[[nodiscard]] constexpr bool wants_running(const origin &o, const past &p, const sighting &s,
                                           finding found) noexcept {
    switch (found) {
    case finding::stopped_at_source: return o.source_was == activity::running;
    case finding::went_down_at_source:
    case finding::stopped_for_the_copy:
        // Once it was brought back, what ends it is no work of the migration.
        return o.source_was != activity::off && p.position != state::cleaning && !s.active();
    default: return false;
    }
}

} // namespace detail

} // namespace kvmig::migration
