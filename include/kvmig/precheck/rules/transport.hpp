// SPDX-License-Identifier: MIT
/// Rules: whether the daemons can move guests at all.
#pragma once

#include <kvmig/precheck/rule.hpp>

#include <algorithm>
#include <string>

namespace kvmig::precheck::rules {

/// Prevents a migration between drivers that cannot migrate, or not to one another.
inline observations look_cannot_migrate(const facts &f) {
    observations out;
    const auto &here = f.source.driver;
    const auto &there = f.destination.driver;
    if (here.known() && there.known() && *here != *there) {
        out.push_back({severity::blocks,
                       f.destination.name,
                       "the source's driver is " + *here + ", the destination's is " + *there,
                       {virsh(f.source, {"uri"}), virsh(f.destination, {"uri"})}});
    } else if (!here.known()) {
        out.push_back(missing(f.source, "the driver", here));
    } else if (!there.known()) {
        out.push_back(missing(f.destination, "the driver", there));
    }
    for (const host_facts *host : {static_cast<const host_facts *>(&f.source),
                                   static_cast<const host_facts *>(&f.destination)}) {
        const auto &told = host->capabilities;
        if (!told.known()) {
            out.push_back(missing(*host, "whether the host can migrate live", told));
            continue;
        }
        const auto &ways = told->migration_transports;
        const bool tcp = std::find(ways.begin(), ways.end(), "tcp") != ways.end();
        if (told->live_migration && tcp) continue;
        out.push_back(
            {severity::blocks,
             host->name,
             told->live_migration
                 ? "its capabilities name no migration over tcp, but: " + joined(ways)
                 : "its capabilities name no live migration",
             {virsh(*host, {"capabilities", "--xpath", "/capabilities/host/migration_features"})}});
    }
    return out;
}

inline constexpr rule cannot_migrate{
    "KVM-NET-022", "The destination cannot take part in the kind of migration that was asked for",
    "Both daemons must run the same driver, and one that moves running guests.",
    "libvirt, docs/formatcaps: migration_features", look_cannot_migrate};

} // namespace kvmig::precheck::rules
