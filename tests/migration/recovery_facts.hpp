// SPDX-License-Identifier: MIT
// Everything that two hosts can be seen to have of a guest, and every place in which a controller
// can have ended: what the tests of recovery go through.
#pragma once

#include <kvmig/migration/machine.hpp>
#include <kvmig/migration/origin.hpp>
#include <kvmig/migration/past.hpp>
#include <kvmig/migration/sighting.hpp>

#include <string>
#include <vector>

namespace kvmig::migration::testing {

using r = seen_reason;

/// What a host is seen to have of a guest that it has a definition of.
constexpr sighting off(r why) { return {presence::shut_off, why, true, false}; }
constexpr sighting running(r why, bool job = false) { return {presence::running, why, true, job}; }
constexpr sighting paused(r why, bool job = false) { return {presence::paused, why, true, job}; }
/// A host that knows nothing of it.
inline constexpr sighting absent{presence::absent, r::other, false, false};

/// Every sighting that can be; of a persistent guest only those that keep a definition.
inline std::vector<sighting> all_sightings(bool persistent) {
    std::vector<sighting> out = {{presence::unreachable, r::other, false, false}};
    for (const r why : {r::other, r::shutdown, r::destroyed, r::crashed, r::failed}) {
        out.push_back({presence::absent, why, false, false});
    }
    if (persistent) {
        for (const r why :
             {r::other, r::shutdown, r::destroyed, r::crashed, r::migrated, r::saved, r::failed}) {
            out.push_back({presence::shut_off, why, true, false});
        }
    }
    for (const bool job : {false, true}) {
        for (const r why :
             {r::other, r::migrated, r::migration_canceled, r::postcopy, r::postcopy_failed}) {
            out.push_back({presence::running, why, persistent, job});
        }
        for (const r why : {r::other, r::user, r::migration, r::saving, r::starting_up, r::postcopy,
                            r::postcopy_failed}) {
            out.push_back({presence::paused, why, persistent, job});
        }
    }
    return out;
}

/// Of a destination, whose definition is one of the facts.
inline std::vector<sighting> all_destination_sightings() {
    std::vector<sighting> out = all_sightings(true);
    for (const sighting &s : all_sightings(false)) {
        if (s.active()) out.push_back(s);
    }
    return out;
}

/// The states in which a controller of a migration of kind `k` can have ended, ends included,
/// without those that only ask.
inline std::vector<state> all_positions(kind k) {
    std::vector<state> out;
    for (const state_facts &s : states) {
        if (is_reconciling(s.which)) continue;
        bool used = s.end;
        for (const edge &e : edges) used = used || (e.from == s.which && e.in.has(k));
        if (used) out.push_back(s.which);
    }
    return out;
}

/// Every way in which it may have been before a migration of kind `k`.
inline std::vector<origin> all_origins(kind k) {
    std::vector<origin> out;
    for (unsigned bits = 0; bits < 32; ++bits) {
        origin o;
        o.kind = k;
        o.source_persistent = (bits & 1U) != 0;
        o.destination_defined = (bits & 2U) != 0;
        o.persist_destination = (bits & 4U) != 0;
        o.undefine_source = (bits & 8U) != 0;
        o.start_at_destination = (bits & 16U) != 0;
        if (k != kind::cold) {
            o.shared_storage = k == kind::live;
            for (const activity was : {activity::running, activity::paused}) {
                o.source_was = was;
                out.push_back(o);
            }
            continue;
        }
        // Without a definition there is nothing to move shut off, nor to be left there.
        if (!o.source_persistent || !o.persist_destination) continue;
        for (const bool shared : {false, true}) {
            o.shared_storage = shared;
            o.source_was = activity::off;
            o.stop = stop_method::none;
            out.push_back(o);
            for (const stop_method stop :
                 {stop_method::shutdown, stop_method::save, stop_method::snapshot}) {
                o.source_was = activity::running;
                o.stop = stop;
                out.push_back(o);
            }
        }
    }
    return out;
}

inline std::string describe_case(const origin &o, const past &p, const sighting &s,
                                 const sighting &d) {
    return to_text(o) + "\nposition " + std::string(to_string(p.position)) +
           (p.cancel_requested ? " cancelled" : "") + (p.suspended ? " suspended" : "") +
           "\nsource " + describe(s) + "\ndestination " + describe(d) +
           (d.persistent ? ", defined" : "");
}

} // namespace kvmig::migration::testing
