// SPDX-License-Identifier: MIT
/// What is told of a migration that did not succeed.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/ports/journal.hpp>
#include <kvmig/run/before_migration.hpp>
#include <kvmig/run/settle.hpp>
#include <kvmig/run/whereabouts.hpp>

#include <string>
#include <utility>

namespace kvmig::run::detail {

/// The failure of a migration, with where the guest is now.
[[nodiscard]] inline error migration_failure(const std::string &name, const host_pair &hosts,
                                             const whereabouts &guest, error cause,
                                             bool stop_requested, bool abort_accepted,
                                             bool was_running) {
    const bool ended_by_abort = cause.kind == error_kind::cancelled;
    const bool cancelled = stop_requested && (abort_accepted || ended_by_abort);
    const std::string move = "the migration of the domain '" + name + "' from " +
                             hosts.source.hostname + " to " + hosts.destination.hostname;
    const auto &status = guest.source.status;
    const bool unhurt = guest.side() == guest_side::source &&
                        (!was_running || status->state == model::domain_state::running ||
                         status->state == model::domain_state::blocked);
    error out;
    if (cancelled && unhurt) {
        out = make_error(error_kind::cancelled, move + " was cancelled; " + guest.text());
    } else if (cancelled) {
        out = make_error(error_kind::failed,
                         move + " was to be cancelled, and did not end cleanly; " + guest.text());
    } else if (ended_by_abort) {
        out =
            make_error(error_kind::failed, move + " was aborted by somebody else; " + guest.text());
    } else {
        out = make_error(cause.kind, move + " failed; " + guest.text());
    }
    out.host = hosts.source.hostname;
    out.object = name;
    if (guest.side() == guest_side::both || guest.side() == guest_side::unknown) {
        out.remedy = "start or destroy nothing before both hosts have been asked again";
    } else if (!cancelled && guest.side() == guest_side::source && !unhurt) {
        out.remedy = "see why the guest does not run, then `virsh -c " + hosts.source.uri +
                     " resume " + name + "`";
    }
    out.causes.push_back(std::move(cause));
    for (const host_answer *each : {&guest.source, &guest.destination}) {
        if (each->unread) out.causes.push_back(*each->unread);
    }
    return out;
}

/// What is left to say of a record that did not come to an end.
[[nodiscard]] inline error left_open(const settlement &s, ports::migration_id id) {
    error out =
        make_error(error_kind::conflict, "migration " + std::to_string(id.number) +
                                             " is left open in " + std::string(to_string(s.at)));
    if (!s.said.empty()) out.what += ": " + s.said;
    out.remedy = "kvmig recover " + std::to_string(id.number);
    if (s.problem) out.causes.push_back(*s.problem);
    return out;
}

} // namespace kvmig::run::detail
