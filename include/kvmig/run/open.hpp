// SPDX-License-Identifier: MIT
/// What is recorded of a live migration before anything is done.
#pragma once

#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/migration/options_text.hpp>
#include <kvmig/migration/origin.hpp>
#include <kvmig/ports/clock.hpp>
#include <kvmig/ports/journal.hpp>
#include <kvmig/run/before_migration.hpp>
#include <kvmig/run/whereabouts.hpp>

#include <string>

namespace kvmig::run {

/// The kind that its flags make it.
[[nodiscard]] constexpr migration::kind kind_of(const migration::options &options) noexcept {
    using migration::flag;
    if (options.flags.has(flag::non_shared_disk)) return migration::kind::block;
    return options.flags.has(flag::non_shared_inc) ? migration::kind::incremental
                                                   : migration::kind::live;
}

/// How things are before the migration, of hosts that have answered.
[[nodiscard]] inline migration::origin origin_of(const whereabouts &before,
                                                 const migration::options &options) {
    using migration::flag;
    migration::origin out;
    out.kind = kind_of(options);
    const auto &source = before.source.status;
    const bool active = source && source->active;
    const bool paused = active && source->state == model::domain_state::paused;
    out.source_was = !active  ? migration::activity::off
                     : paused ? migration::activity::paused
                              : migration::activity::running;
    out.shared_storage = out.kind == migration::kind::live;
    out.source_persistent = source && source->persistent;
    out.destination_defined = before.destination.status && before.destination.status->persistent;
    out.persist_destination = options.flags.has(flag::persist_dest);
    out.undefine_source = options.flags.has(flag::undefine_source);
    out.start_at_destination = active && !paused && !options.flags.has(flag::paused);
    return out;
}

/// The record with which a journal opens the migration.
[[nodiscard]] inline ports::migration_record
record_of(const whereabouts &before, const uuid &id, const std::string &name,
          const host_pair &hosts, const migration::options &options, ports::utc_time now) {
    return {.before = origin_of(before, options),
            .domain = name,
            .domain_uuid = id,
            .source_uri = hosts.source.uri,
            .destination_uri = hosts.destination.uri,
            .options = to_text(options),
            .detail = {},
            .opened = now};
}

/// The call that takes up a broken post-copy of a migration that was begun with `options`.
[[nodiscard]] inline migration::options to_resume(migration::options options) {
    options.flags.set(migration::flag::postcopy_resume);
    options.flags.set(migration::flag::change_protection);
    return options;
}

} // namespace kvmig::run
