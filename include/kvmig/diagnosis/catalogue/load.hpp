// SPDX-License-Identifier: MIT
/// Catalogue: memory dirtied too fast, bandwidth too small.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry load[] = {
    {
        .id = "KVM-LOD-001",
        .title = "The guest dirties its memory faster than it can be sent",
        .cause = "Each pass over the memory leaves as much to send as the one before. Left alone, "
                 "the migration never ends.",
        .patterns =
            {
                {"migration timed out and VM will be {rest}", other, "virsh"},
                {"Migration timed out", other, "virsh"},
                {"Migration is stuck: Hasn't progressed in {n} seconds. Aborting.", other,
                 "VDSM lib/vdsm/virt/migration.py"},
                {"Migration stalling: remaining ({n}MiB) > lowmark ({n2:number}MiB).", other,
                 "VDSM lib/vdsm/virt/migration.py"},
            },
        .signs = {sign::not_converging},
        .remedy =
            {
                {source, "virsh migrate-setmaxdowntime {domain} 1000",
                 "milliseconds; ends it when what remains fits into that"},
                {source, "virsh migrate-setspeed {domain} 1000",
                 "MiB/s; no limit of our own in the way"},
                {source,
                 "virsh migrate --live --auto-converge {domain} qemu+ssh://{destination}/system",
                 "slows the guest until it ends"},
                {source,
                 "virsh migrate --live --postcopy --postcopy-after-precopy {domain} "
                 "qemu+ssh://{destination}/system",
                 "surest: ends after one pass"},
            },
        .look = "virsh domjobinfo {domain}: dirty rate against memory bandwidth",
        .example = "2024-05-20 10:00:00,123+0000 WARN (migmon/4dea22b3) [virt.vm] Migration "
                   "stalling: remaining (812MiB) > lowmark (640MiB). (migration:931)",
    },
    {
        .id = "KVM-LOD-002",
        .title = "The link is the bottleneck",
        .cause = "The transfer runs at the limit of the link, or of the bandwidth that was set.",
        .says = usual,
        .signs = {sign::link_saturated},
        .remedy =
            {
                {source, "virsh migrate-getspeed {domain}", ""},
                {source, "virsh migrate-setspeed {domain} 1000", "MiB/s"},
                {source,
                 "virsh migrate --live --parallel --parallel-connections 4 {domain} "
                 "qemu+ssh://{destination}/system",
                 "when one CPU, not the link, is full"},
                {source,
                 "virsh migrate --live --comp-methods xbzrle {domain} "
                 "qemu+ssh://{destination}/system",
                 ""},
            },
        .look = "ethtool DEVICE, and ip -s link while it runs",
        .example = "",
    },
};

} // namespace kvmig::diagnosis::entries
