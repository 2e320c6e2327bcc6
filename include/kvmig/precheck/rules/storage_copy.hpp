// SPDX-License-Identifier: MIT
/// Rules: disks that are copied to the destination.
#pragma once

#include <kvmig/precheck/rule.hpp>
#include <kvmig/precheck/rules/storage.hpp>

#include <map>
#include <string>
#include <utility>

namespace kvmig::precheck::rules {

/// The disks that libvirt copies.
[[nodiscard]] inline std::vector<const model::disk *> copied_disks(const facts &f) {
    std::vector<const model::disk *> out;
    for (const model::disk &disk : f.domain.disks) {
        if (is_copied(f, disk)) out.push_back(&disk);
    }
    return out;
}

/// Prevents a copy into an image that is too small. Silent where the target is still to be made.
inline observations look_target_size(const facts &f) {
    observations out;
    for (const model::disk *disk : copied_disks(f)) {
        const std::string name = storage_name(disk->source);
        const auto here = f.source.storage.of(name);
        const auto there = f.destination.storage.of(name);
        const std::string whether = "how large the target of " + disk->target + " is";
        if (!there.known()) {
            out.push_back(missing(f.destination, whether, there));
            continue;
        }
        if (!there->image) continue;
        if (!here.known()) {
            out.push_back(missing(f.source, "how large " + disk->target + " is", here));
        } else if (!here->image) {
            out.push_back(
                {severity::unknown,
                 f.source.name,
                 "how large " + disk->target + " is is not known: no pool at the source has it",
                 {virsh(f.source, {"domblkinfo", f.domain.name, disk->target})}});
        } else if (there->image->capacity < here->image->capacity) {
            out.push_back(
                {severity::blocks,
                 f.destination.name,
                 "the image '" + name + "' there has " +
                     std::to_string(there->image->capacity.count()) + " bytes, and " +
                     disk->target + " has " + std::to_string(here->image->capacity.count()),
                 {virsh(f.destination, {"vol-resize", name,
                                        std::to_string(here->image->capacity.count()) + "B"})}});
        }
    }
    return out;
}

inline constexpr rule target_size{
    "KVM-STO-013", "The target image is smaller than the source",
    "A disk is copied block by block; what does not fit ends the copy.",
    "QEMU: 'Source and target image have different sizes'", look_target_size};

/// Warns of pools that the disks may fill: images take less than their size while they are sparse.
inline observations look_space(const facts &f) {
    observations out;
    struct sum {
        bytes needed;
        bytes available;
    };
    std::map<std::string, sum> pools;
    for (const model::disk *disk : copied_disks(f)) {
        const std::string name = storage_name(disk->source);
        const auto there = f.destination.storage.of(name);
        // That nothing is known there is told by `target_size`.
        if (!there.known() || there->image) continue;
        const auto here = f.source.storage.of(name);
        if (there->pool.empty() || !there->available) {
            out.push_back({severity::unknown,
                           f.destination.name,
                           "how much space there is for " + disk->target + " is not known: " +
                               (there->pool.empty() ? "no pool there has its folder"
                                                    : "the pool does not tell"),
                           {virsh(f.destination, {"pool-list", "--all", "--details"})}});
        } else if (!here.known()) {
            out.push_back(missing(f.source, "how large " + disk->target + " is", here));
        } else if (!here->image) {
            out.push_back(
                {severity::unknown, f.source.name,
                 "how large " + disk->target + " is is not known: no pool at the source has it"});
        } else {
            sum &into = pools[there->pool];
            into.needed = into.needed + here->image->capacity;
            into.available = *there->available;
        }
    }
    for (const auto &[pool, total] : pools) {
        if (total.needed <= total.available) continue;
        out.push_back({severity::warns,
                       f.destination.name,
                       "the disks to copy into the pool '" + pool + "' hold up to " +
                           std::to_string(total.needed.count()) + " bytes, and it has " +
                           std::to_string(total.available.count()) + " free",
                       {virsh(f.destination, {"pool-info", pool, "--bytes"})}});
    }
    return out;
}

inline constexpr rule space{"KVM-STO-010", "No space left on the destination's storage",
                            "The copy, or the guest later, is stopped by a full store.",
                            "QEMU: 'No space left on device'", look_space};

} // namespace kvmig::precheck::rules
