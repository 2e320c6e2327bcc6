// SPDX-License-Identifier: MIT
/// Rules: disks on shared storage.
#pragma once

#include <kvmig/precheck/rule.hpp>
#include <kvmig/precheck/rules/names.hpp>

#include <array>
#include <range/v3/algorithm/contains.hpp>
#include <string>
#include <string_view>

namespace kvmig::precheck::rules {

/// Whether a disk is one: neither an empty drive nor a medium, which `medium` judges.
[[nodiscard]] inline bool is_disk(const model::disk &disk) {
    return disk.device != "cdrom" && disk.device != "floppy" &&
           disk.source.kind != model::source_kind::none;
}

/// Whether libvirt copies the disk: it is written to, and not shared between guests.
[[nodiscard]] inline bool is_copied(const facts &f, const model::disk &disk) {
    return f.copy != storage_copy::none && is_disk(disk) && !disk.readonly && !disk.shareable &&
           !storage_name(disk.source).empty();
}

/// Whether a server is called by a name that means another machine on each host.
[[nodiscard]] inline bool is_each_hosts_own(std::string_view server) {
    return server == "localhost" || server.starts_with("localhost.") || is_loopback(server);
}

/// Whether both hosts' pools mount one export: that the path leads to the same image.
[[nodiscard]] inline bool same_export(const storage_place &here, const storage_place &there) {
    return here.type == "netfs" && there.type == "netfs" && here.active && there.active &&
           !here.server.empty() && !is_each_hosts_own(here.server) && here.server == there.server &&
           here.directory == there.directory;
}

/// Whether a host's pool names a file system that only this host has.
[[nodiscard]] inline bool is_local(const storage_place &place) {
    static constexpr std::array<std::string_view, 6> formats = {"ext2",  "ext3", "ext4",
                                                                "btrfs", "xfs",  "vfat"};
    return place.type == "fs" && ranges::contains(formats, place.format);
}

/// What tokens proved of a disk's folder; nothing when they proved that it is shared.
inline observations look_proof(const facts &f, const model::shared_answer &proof,
                               const std::string &what, std::vector<std::string> remedy) {
    std::string seen;
    for (const std::string &each : proof.seen) seen += (seen.empty() ? ": " : "; ") + each;
    const auto blocked = [&](const std::string &how) {
        return observations{
            {severity::blocks, f.destination.name, what + how + seen, std::move(remedy)}};
    };
    switch (proof.verdict) {
    case model::shared_verdict::shared: return {};
    case model::shared_verdict::stale:
        return blocked(" is on storage of which one of the hosts sees an old state");
    case model::shared_verdict::read_only:
        return blocked(" is on storage that one of the hosts cannot write to");
    case model::shared_verdict::same_server_other_export:
        return blocked(" is in a folder of the same server, but another one at the destination");
    case model::shared_verdict::not_shared:
    case model::shared_verdict::same_path_other_content:
    case model::shared_verdict::unknown: break;
    }
    return blocked(" is not shared with the destination");
}

/// What the pools, or a probe, say of one disk's storage; nothing when it is proven to be shared.
inline observations look_shared_disk(const facts &f, const model::disk &disk) {
    using model::source_kind;
    const std::string name = storage_name(disk.source);
    const std::string what = "the disk " + disk.target + " ('" + name + "')";
    const std::vector<std::string> remedy = {
        virsh(f.source, {"migrate", "--live", f.domain.name, f.destination.uri}) +
        " --copy-storage-all # copies it"};
    if (disk.source.kind == source_kind::nvme) {
        return {{severity::blocks, f.source.name,
                 "the disk " + disk.target + " is an NVMe device of this host", remedy}};
    }
    if (name.empty()) return {};
    const auto here = f.source.storage.of(name);
    const auto there = f.destination.storage.of(name);
    if (here.known() && is_local(*here)) {
        return {
            {severity::blocks, f.source.name,
             what + " is on a local file system (" + here->format + ", pool '" + here->pool + "')",
             remedy}};
    }
    const auto proof = f.shared.of(name);
    if (proof.known() && proof->verdict != model::shared_verdict::unknown) {
        return look_proof(f, *proof, what, remedy);
    }
    const std::string whether = "whether " + what + " is shared";
    if (!here.known()) return {missing(f.source, whether, here)};
    if (!there.known()) return {missing(f.destination, whether, there)};
    if (same_export(*here, *there)) return {};
    const bool exports = here->type == "netfs" && there->type == "netfs";
    if (exports && here->server == there->server && here->directory != there->directory) {
        return {{severity::blocks, f.destination.name,
                 what + " is of " + here->server + ":" + here->directory +
                     " at the source, and that path of " + there->server + ":" + there->directory +
                     " at the destination"}};
    }
    const auto told = [](const storage_place &place) -> std::string {
        if (place.pool.empty()) return "no pool";
        const std::string state = place.active ? "" : ", stopped";
        const std::string server = place.server.empty() ? "" : ", " + place.server;
        return "pool '" + place.pool + "' (" + place.type + server + state + ")";
    };
    std::string tried;
    if (proof.known()) {
        for (const std::string &each : proof->seen) tried += "; " + each;
    }
    return {{severity::unknown,
             f.destination.name,
             whether + " is not known: it is in " + told(*here) + " at the source, in " +
                 told(*there) + " at the destination" + tried,
             {ssh(f.source, "findmnt --target " + shell_word(name)),
              ssh(f.destination, "findmnt --target " + shell_word(name))}}};
}

/// Prevents a move without the disk. Proven to be shared are images on servers, files in pools of
/// both hosts that mount one export, and those in whose folder each host read the other's token.
/// Silent for read-only disks, as libvirt is, and for those that are copied.
inline observations look_not_shared(const facts &f) {
    observations out;
    for (const model::disk &disk : f.domain.disks) {
        if (!is_disk(disk) || disk.readonly || is_copied(f, disk)) continue;
        for (observation &each : look_shared_disk(f, disk)) out.push_back(std::move(each));
    }
    return out;
}

inline constexpr rule not_shared{
    "KVM-STO-001", "A disk is on storage that the destination does not share",
    "The guest goes on writing there to what stands at the same path: it must be the same image.",
    "libvirt: 'Migration without shared storage is unsafe'", look_not_shared};

/// Whether one image is at its place on the destination.
inline observations look_image(const facts &f, const model::disk_source &image,
                               const std::string &what) {
    const std::string name = storage_name(image);
    if (name.empty()) return {};
    const auto told = f.destination.storage.of(name);
    const std::string whether = "whether " + what + " ('" + name + "') is there";
    const std::vector<std::string> look = {ssh(f.destination, "ls -l " + shell_word(name))};
    // What is proven to be shared has the image too; what a pool there tells of it counts more.
    const auto proof = f.shared.of(name);
    const bool shared = proof.known() && proof->verdict == model::shared_verdict::shared;
    if (shared && (!told.known() || told->pool.empty())) return {};
    if (!told.known()) return {missing(f.destination, whether, told, look)};
    if (told->pool.empty()) {
        return {{severity::unknown, f.destination.name,
                 whether + " is not known: no pool there has its folder, and libvirt tells of "
                           "files only by pools",
                 look}};
    }
    if (!told->active) {
        return {{severity::unknown,
                 f.destination.name,
                 whether + " is not known: the pool '" + told->pool + "' is stopped",
                 {virsh(f.destination, {"pool-start", told->pool})}}};
    }
    if (told->image) return {};
    return {{severity::blocks,
             f.destination.name,
             what + " ('" + name + "') is not in the pool '" + told->pool + "' there",
             {virsh(f.destination, {"pool-refresh", told->pool}),
              ssh(f.destination, "findmnt --target " + shell_word(name))}}};
}

/// Prevents a start without an image. Silent for disks that are copied.
inline observations look_image_missing(const facts &f) {
    observations out;
    for (const model::disk &disk : f.domain.disks) {
        if (!is_disk(disk) || is_copied(f, disk)) continue;
        for (observation &each : look_image(f, disk.source, "the image of " + disk.target)) {
            out.push_back(std::move(each));
        }
    }
    return out;
}

inline constexpr rule image_missing{
    "KVM-STO-002", "The image is not there on the destination",
    "The destination opens the same path; the store may not be mounted there, or elsewhere.",
    "libvirt: \"Cannot access storage file 'PATH': No such file or directory\"",
    look_image_missing};

/// Prevents a start without a backing file. Silent for disks that are copied whole.
inline observations look_backing_missing(const facts &f) {
    observations out;
    for (const model::disk &disk : f.domain.disks) {
        if (!is_disk(disk) || (f.copy == storage_copy::all && is_copied(f, disk))) continue;
        for (const model::disk_source &below : disk.backing) {
            for (observation &each : look_image(f, below, "a backing file of " + disk.target)) {
                out.push_back(std::move(each));
            }
        }
    }
    return out;
}

inline constexpr rule backing_missing{
    "KVM-STO-004", "A backing file is not there on the destination",
    "An image holds only what differs from the one below it: the destination needs the whole "
    "chain.",
    "libvirt: \"Cannot access backing file 'PATH' of storage file 'PATH'\"", look_backing_missing};

/// Prevents a start without the pools that disks name; warns of a stopped pool over a file's
/// folder, for its mount may be gone with it.
inline observations look_pool(const facts &f) {
    observations out;
    for (const model::disk &disk : f.domain.disks) {
        if (disk.source.kind != model::source_kind::volume) {
            const auto place = f.destination.storage.of(storage_name(disk.source));
            if (!place.known() || place->pool.empty() || place->active) continue;
            out.push_back({severity::warns,
                           f.destination.name,
                           "the pool '" + place->pool + "', in whose folder " + disk.target +
                               " is, is stopped",
                           {virsh(f.destination, {"pool-start", place->pool})}});
            continue;
        }
        const std::string &pool = disk.source.pool;
        const auto told = f.destination.pools.of(pool);
        if (!told.known()) {
            out.push_back(missing(f.destination, "whether the pool '" + pool + "' is there", told));
        } else if (*told == presence::absent) {
            out.push_back({severity::blocks,
                           f.destination.name,
                           "the pool '" + pool + "' of " + disk.target + " is not defined there",
                           {virsh(f.source, {"pool-dumpxml", pool, "--inactive"}) + " >pool.xml",
                            virsh(f.destination, {"pool-define", "pool.xml"}),
                            virsh(f.destination, {"pool-start", pool})}});
        } else if (*told == presence::inactive) {
            out.push_back({severity::blocks,
                           f.destination.name,
                           "the pool '" + pool + "' of " + disk.target + " is stopped",
                           {virsh(f.destination, {"pool-start", pool}),
                            virsh(f.destination, {"pool-autostart", pool})}});
        }
    }
    return out;
}

inline constexpr rule pool_missing{
    "KVM-STO-021", "A storage pool is missing or stopped on the destination",
    "libvirt finds a volume by its pool, and does not start pools by itself.",
    "libvirt: \"storage pool 'NAME' containing volume 'NAME' is not active\"", look_pool};

/// Prevents a start from a mount whose handle the server no longer knows.
inline observations look_stale(const facts &f) {
    observations out;
    for (const host_facts *host : {static_cast<const host_facts *>(&f.source),
                                   static_cast<const host_facts *>(&f.destination)}) {
        for (const auto &[pool, stale] : host->stale.all()) {
            if (!stale.known()) {
                out.push_back(missing(*host, "whether the pool '" + pool + "' can be read", stale));
            } else if (*stale) {
                std::vector<std::string> remedy = {virsh(*host, {"pool-destroy", pool}),
                                                   virsh(*host, {"pool-start", pool})};
                if (host == &f.source) {
                    remedy.insert(remedy.begin(), virsh(*host, {"shutdown", f.domain.name}) +
                                                      " # its open image keeps the mount busy");
                }
                out.push_back({severity::blocks, host->name,
                               "the files of the pool '" + pool + "' answer with a stale handle",
                               std::move(remedy)});
            }
        }
    }
    return out;
}

inline constexpr rule stale_handle{
    "KVM-STO-006", "The NFS handle is stale",
    "The server no longer knows what was mounted: nothing below the mount can be opened.",
    "open(2), ESTALE: 'Stale file handle'", look_stale};

} // namespace kvmig::precheck::rules
