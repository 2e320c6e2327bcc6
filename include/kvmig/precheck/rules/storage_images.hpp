// SPDX-License-Identifier: MIT
/// Rules: what images are like, and media.
#pragma once

#include <kvmig/precheck/rule.hpp>
#include <kvmig/precheck/rules/storage.hpp>

#include <array>
#include <range/v3/algorithm/contains.hpp>
#include <string>
#include <string_view>

namespace kvmig::precheck::rules {

/// Prevents the refusal of transient disks.
inline observations look_transient(const facts &f) {
    observations out;
    for (const model::disk &disk : f.domain.disks) {
        if (!disk.transient) continue;
        out.push_back({severity::blocks,
                       f.source.name,
                       "the disk " + disk.target + " is transient",
                       {virsh(f.source, {"shutdown", f.domain.name}),
                        virsh(f.source, {"edit", f.domain.name}) +
                            " # without <transient/>: what the guest writes is kept then"}});
    }
    return out;
}

inline constexpr rule transient{"KVM-STO-019", "A transient disk cannot be migrated",
                                "What was written to it is in an overlay of this host.",
                                "libvirt: 'migration with transient disk is not supported'",
                                look_transient};

/// Prevents the refusal of formats whose drivers in QEMU block migration.
inline observations look_format(const facts &f) {
    static constexpr std::array<std::string_view, 6> blocked = {"qcow", "vdi", "vhdx",
                                                                "vmdk", "vpc", "parallels"};
    observations out;
    const auto judge = [&](const model::disk &disk, const model::disk_source &image) {
        if (!ranges::contains(blocked, image.format)) return;
        out.push_back({severity::blocks,
                       f.source.name,
                       "an image of " + disk.target + " is of the format " + image.format,
                       {"qemu-img convert -p -O qcow2 " + shell_word(image.path) +
                        " IMAGE.qcow2 # while the guest is off"}});
    };
    for (const model::disk &disk : f.domain.disks) {
        judge(disk, disk.source);
        for (const model::disk_source &below : disk.backing) judge(disk, below);
    }
    return out;
}

inline constexpr rule format{
    "KVM-STO-018", "The image format cannot be migrated",
    "QEMU's driver keeps state of the image that it does not hand over.",
    "QEMU: \"The vmdk format used by node 'NAME' does not support live migration\"", look_format};

/// Prevents the refusal of cached disks. Silent for the modes without a host cache, for shared and
/// read-only disks, for QEMU since 3.0, which drops its cache at the switch, and for other drivers.
inline observations look_cache(const facts &f) {
    observations out;
    if (f.copy != storage_copy::none) return out;
    if (f.source.driver.known() && *f.source.driver != "QEMU") return out;
    const auto &qemu = f.source.hypervisor;
    for (const model::disk &disk : f.domain.disks) {
        using model::source_kind;
        const bool local = disk.source.kind == source_kind::file ||
                           disk.source.kind == source_kind::block ||
                           disk.source.kind == source_kind::volume;
        if (!local || disk.readonly || disk.shareable || !is_disk(disk)) continue;
        if (disk.cache == "none" || disk.cache == "directsync") continue;
        const std::string cache =
            disk.cache.empty() ? "the default cache mode" : "the cache mode " + disk.cache;
        const std::string what = "the disk " + disk.target + " has " + cache;
        if (!qemu.known()) {
            out.push_back(
                missing(f.source, what + "; whether QEMU drops its cache: its version", qemu));
        } else if (*qemu < model::version{3, 0, 0}) {
            out.push_back({severity::blocks,
                           f.source.name,
                           what + ", and QEMU " + qemu->text() + " does not drop its cache",
                           {virsh(f.source, {"edit", f.domain.name}) +
                            " # cache='none'; then restart the guest"}});
        }
    }
    return out;
}

inline constexpr rule cache{
    "KVM-STO-020", "The disk's cache mode makes migration unsafe",
    "The destination could read what its own cache kept from before the guest arrived.",
    "libvirt: 'Migration may lead to data corruption if disks use cache != none or cache != "
    "directsync'",
    look_cache};

/// Tells that nothing keeps two guests from one image. Silent for read-only disks.
inline observations look_unlocked(const facts &f) {
    observations out;
    for (const model::disk &disk : f.domain.disks) {
        const model::disk_source &source = disk.source;
        if (!is_disk(disk) || disk.readonly || source.kind != model::source_kind::network ||
            source.protocol != "nfs") {
            continue;
        }
        std::string server = source.hosts.empty() ? "" : source.hosts.front().name + ":";
        out.push_back({severity::warns,
                       f.source.name,
                       "QEMU opens the disk " + disk.target + " ('" + server + source.path +
                           "') by its own NFS driver, which takes no lock on the image",
                       {"virsh list --all # on every host: no other guest may have this image"}});
    }
    return out;
}

inline constexpr rule unlocked{
    "KVM-STO-122", "Nothing keeps a second guest from the image",
    "With a lock QEMU refuses to start a second guest on the image; here both would write, and "
    "spoil it: after a failed migration, or an autostart, too.",
    "QEMU block/nfs.c: the driver speaks NFSv3 and locks nothing; block/file-posix.c does",
    look_unlocked};

/// Prevents a start without the medium in a drive. Silent for empty drives and for media on
/// servers. A drive of the host may hold another medium there.
inline observations look_medium(const facts &f) {
    observations out;
    for (const model::disk &disk : f.domain.disks) {
        if (disk.device != "cdrom" && disk.device != "floppy") continue;
        const std::string eject =
            virsh(f.source, {"change-media", f.domain.name, disk.target, "--eject"});
        const std::string what = "the medium in " + disk.target;
        if (disk.source.kind == model::source_kind::block) {
            out.push_back({severity::warns,
                           f.source.name,
                           what + " is in the host's drive '" + disk.source.path + "'",
                           {eject}});
            continue;
        }
        for (observation &each : look_image(f, disk.source, what)) {
            // libvirt leaves it out at the destination.
            const bool may_lack =
                disk.startup_policy == "optional" || disk.startup_policy == "requisite";
            if (each.how == severity::blocks && may_lack) each.how = severity::warns;
            each.remedy.insert(each.remedy.begin(), eject);
            out.push_back(std::move(each));
        }
    }
    return out;
}

inline constexpr rule medium{
    "KVM-STO-028", "A medium cannot be reached from the destination",
    "The destination opens the image in each drive too, although the guest may be done with it.",
    "libvirt: \"Cannot access storage file 'ISO': No such file or directory\"", look_medium};

} // namespace kvmig::precheck::rules
