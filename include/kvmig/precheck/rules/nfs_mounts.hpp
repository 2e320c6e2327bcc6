// SPDX-License-Identifier: MIT
/// Rules: how each host mounts images by NFS.
#pragma once

#include <kvmig/model/nfs_mount.hpp>
#include <kvmig/precheck/rule.hpp>
#include <kvmig/precheck/rules/nfs_exports.hpp>
#include <kvmig/precheck/rules/storage.hpp>

#include <algorithm>
#include <optional>
#include <range/v3/algorithm/any_of.hpp>
#include <range/v3/algorithm/contains.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::precheck::rules {

/// The mounts of a host that are judged: those that hold an image, or all where none is named.
[[nodiscard]] inline std::vector<model::nfs_mount> judged(const nfs_facts &f,
                                                          const std::optional<nfs_host> &host) {
    if (!host || !host->mounts.known()) return {};
    if (f.images.empty()) return *host->mounts;
    std::vector<model::nfs_mount> out;
    for (const std::string &image : f.images) {
        const model::nfs_mount *const found = model::mount_of(*host->mounts, image);
        if (found != nullptr && !ranges::contains(out, *found)) out.push_back(*found);
    }
    return out;
}

/// `nfs:/srv/images at '/var/lib/libvirt/images'`.
[[nodiscard]] inline std::string told(const model::nfs_mount &mount) {
    return mount.source() + " at '" + mount.mountpoint + "'";
}

/// A command that mounts anew what is mounted: the kernel refuses to change these options of a
/// mount that is there.
[[nodiscard]] inline std::string mount_anew(const nfs_host &host, const model::nfs_mount &mount,
                                            const std::string &source, const std::string &options) {
    const std::string point = shell_word(mount.mountpoint);
    return ssh(host.name, "umount " + point + " && mount -t nfs -o " + shell_word(options) + ' ' +
                              shell_word(source) + ' ' + point) +
           " # once no guest there uses it; and so in /etc/fstab";
}
/// The same with the source as it is.
[[nodiscard]] inline std::string mount_anew(const nfs_host &host, const model::nfs_mount &mount,
                                            const std::string &options) {
    return mount_anew(host, mount, mount.source(), options);
}

/// Options that a mount keeps when it is mounted anew, each with a comma after it; by `version` if
/// another is asked for.
[[nodiscard]] inline std::string kept(const model::nfs_mount &mount,
                                      const std::string &version = {}) {
    const std::string &vers = version.empty() ? mount.version : version;
    std::string out = mount.readonly ? "ro," : "";
    if (!vers.empty()) out += "vers=" + vers + ",";
    if (!mount.sec.empty() && mount.sec != "sys") out += "sec=" + mount.sec + ",";
    if (mount.proto.starts_with("rdma")) out += "proto=" + mount.proto + ",";
    return out;
}

/// Calls `visit(host, mount)` for each judged mount, those of the source first.
template <class Visitor> void for_each_mount(const nfs_facts &f, Visitor visit) {
    for (const auto *host : {&f.source, &f.destination}) {
        for (const model::nfs_mount &mount : judged(f, *host)) visit(**host, mount);
    }
}

/// Calls `visit(here, there)` for each judged mount of the source and each of the destination.
template <class Visitor> void for_each_pair(const nfs_facts &f, Visitor visit) {
    const auto there = judged(f, f.destination);
    for (const model::nfs_mount &mine : judged(f, f.source)) {
        for (const model::nfs_mount &theirs : there) visit(mine, theirs);
    }
}

/// Whether both hosts mount one path of one server.
[[nodiscard]] inline bool same_source(const model::nfs_mount &a, const model::nfs_mount &b) {
    return a.server == b.server && a.path == b.path;
}

/// Prevents a start on images that cannot be written; tells of mounts that may be so on purpose,
/// as for media, unless the other host may write to the same.
inline observations look_mount_ro(const nfs_facts &f) {
    observations out;
    for (const auto *pair : {&f.source, &f.destination}) {
        const auto &other = pair == &f.source ? f.destination : f.source;
        for (const model::nfs_mount &mount : judged(f, *pair)) {
            if (!mount.readonly) continue;
            const auto others = judged(f, other);
            const bool writable = ranges::any_of(others, [&](const model::nfs_mount &each) {
                return same_source(each, mount) && !each.readonly;
            });
            const auto how = !f.images.empty() ? severity::blocks
                             : writable        ? severity::warns
                                               : severity::info;
            out.push_back(
                {how,
                 (*pair)->name,
                 told(mount) + " is mounted read-only" +
                     (writable ? ", and for writing on " + other->name : ""),
                 {ssh((*pair)->name, "mount -o remount,rw " + shell_word(mount.mountpoint))}});
        }
    }
    return out;
}

inline constexpr rule nfs_mount_ro{"KVM-STO-111", "The images' store is mounted read-only",
                                   "A guest writes to its disks: QEMU cannot open them there.",
                                   "mount(8): ro; nfs(5)", where_asked<look_mount_ro>};

/// Warns of mounts that give up.
inline observations look_soft(const nfs_facts &f) {
    observations out;
    for_each_mount(f, [&](const nfs_host &host, const model::nfs_mount &mount) {
        if (mount.patience == model::nfs_patience::hard) return;
        std::string seen = told(mount) + " is mounted ";
        seen += to_string(mount.patience);
        if (mount.timeo != 0) {
            seen += ", with timeo=" + std::to_string(mount.timeo) +
                    " and retrans=" + std::to_string(mount.retrans);
        }
        out.push_back(
            {severity::warns, host.name, seen, {mount_anew(host, mount, kept(mount) + "hard")}});
    });
    return out;
}

inline constexpr rule nfs_soft{
    "KVM-STO-112", "The mount gives up on a slow server",
    "A write that is given up may be half done: the guest sees a broken disk, or nothing at all. "
    "A hard mount waits until the server is back.",
    "nfs(5): soft, \"can cause silent data corruption in certain cases\"", where_asked<look_soft>};

/// Warns of locks the other host does not see. Silent for version 4, whose locks are part of the
/// protocol; what stays local of flock(2) is no lock of QEMU's, which takes those of fcntl(2).
inline observations look_local_locks(const nfs_facts &f) {
    observations out;
    for_each_mount(f, [&](const nfs_host &host, const model::nfs_mount &mount) {
        using model::local_locks;
        if (mount.major() == 4) return;
        const bool local =
            mount.nolock || mount.local == local_locks::all || mount.local == local_locks::posix;
        if (!local && mount.local == local_locks::none) return;
        const std::string how = mount.nolock                        ? "nolock"
                                : mount.local == local_locks::all   ? "local_lock=all"
                                : mount.local == local_locks::posix ? "local_lock=posix"
                                                                    : "local_lock=flock";
        out.push_back({local ? severity::warns : severity::info,
                       host.name,
                       told(mount) + " is mounted with " + how,
                       {mount_anew(host, mount, kept(mount) + "hard,lock,local_lock=none")}});
    });
    return out;
}

inline constexpr rule nfs_local_locks{
    "KVM-STO-113", "Locks of images are not seen by the other host",
    "QEMU locks its images so that no second guest opens them; locks that stay on the client "
    "protect from nobody on the other host.",
    "nfs(5): nolock, local_lock; QEMU: file.locking", where_asked<look_local_locks>};

/// Warns of hosts that speak different protocols to one export; tells of minor versions.
inline observations look_versions(const nfs_facts &f) {
    observations out;
    for_each_pair(f, [&](const model::nfs_mount &mine, const model::nfs_mount &theirs) {
        if (!same_source(mine, theirs) || mine.version == theirs.version) return;
        if (mine.version.empty() || theirs.version.empty()) return;
        // Neither host is wrong: the older one can be brought up.
        const bool mine_older = mine.version < theirs.version;
        const nfs_host &host = mine_older ? *f.source : *f.destination;
        out.push_back({mine.major() != theirs.major() ? severity::warns : severity::info,
                       f.destination->name,
                       mine.source() + " is mounted by version " + theirs.version +
                           " there, by version " + mine.version + " on " + f.source->name,
                       {mount_anew(host, mine_older ? mine : theirs,
                                   kept(mine_older ? mine : theirs,
                                        mine_older ? theirs.version : mine.version) +
                                       "hard")}});
    });
    return out;
}

inline constexpr rule nfs_versions{
    "KVM-STO-114", "The hosts mount the store by different NFS versions",
    "Versions 3 and 4 differ in locks, in how owners are named and in what is cached: what works "
    "on one host may be refused on the other.",
    "nfs(5): nfsvers, DATA AND METADATA COHERENCE", where_asked<look_versions>};

/// Warns of a store that is elsewhere on the other host.
inline observations look_mountpoints(const nfs_facts &f) {
    observations out;
    if (!f.destination || !f.destination->mounts.known()) return out;
    // All of them: one that is elsewhere holds no image.
    const auto &all = *f.destination->mounts;
    for (const model::nfs_mount &mine : judged(f, f.source)) {
        const model::nfs_mount *elsewhere = nullptr;
        bool there = false;
        for (const model::nfs_mount &theirs : all) {
            if (!same_source(mine, theirs)) continue;
            there = there || theirs.mountpoint == mine.mountpoint;
            elsewhere = &theirs;
        }
        if (there || elsewhere == nullptr) continue;
        const std::string point = shell_word(mine.mountpoint);
        std::string command = "mkdir -p " + point;
        command += " && mount -t nfs -o ";
        command += shell_word(kept(mine) + "hard");
        command += ' ';
        command += shell_word(mine.source());
        command += ' ';
        command += point;
        out.push_back({severity::warns,
                       f.destination->name,
                       mine.source() + " is mounted at '" + elsewhere->mountpoint +
                           "' there, at '" + mine.mountpoint + "' on " + f.source->name,
                       {ssh(f.destination->name, command)}});
    }
    return out;
}

inline constexpr rule nfs_mountpoints{
    "KVM-STO-115", "The store is mounted elsewhere on the destination",
    "The destination opens the same paths as the source.",
    "libvirt: \"Cannot access storage file 'PATH': No such file or directory\"",
    where_asked<look_mountpoints>};

/// Prevents a move onto another store under the same path.
inline observations look_other_export(const nfs_facts &f) {
    observations out;
    for_each_pair(f, [&](const model::nfs_mount &mine, const model::nfs_mount &theirs) {
        if (mine.mountpoint != theirs.mountpoint || same_source(mine, theirs)) return;
        const bool same_address = !mine.addr.empty() && mine.addr == theirs.addr;
        // Two names of one server.
        if (same_address && mine.path == theirs.path) return;
        const std::string seen = "'" + mine.mountpoint + "' is " + theirs.source() + " there, " +
                                 mine.source() + " on " + f.source->name;
        const bool same_server = same_address || mine.server == theirs.server;
        // Version 4 names paths from a root of its own, which fsid=0 sets.
        if (same_server && mine.major() == theirs.major()) {
            out.push_back(
                {severity::blocks,
                 f.destination->name,
                 seen,
                 {mount_anew(*f.destination, theirs, mine.source(), kept(mine) + "hard")}});
            return;
        }
        const std::string why = same_server ? ": by different versions, one path may have two names"
                                            : ": two servers, or two names of one";
        const std::string look =
            "stat -f " + shell_word(mine.mountpoint) + " && ls -li " + shell_word(mine.mountpoint);
        out.push_back({severity::unknown,
                       f.destination->name,
                       seen + why,
                       {ssh(f.source->name, look), ssh(f.destination->name, look)}});
    });
    return out;
}

inline constexpr rule nfs_other_export{
    "KVM-STO-116", "Another export is mounted under the same path",
    "The guest would go on writing to an image of the same name that is not its own.",
    "libvirt: 'Migration without shared storage is unsafe'", where_asked<look_other_export>};

/// Says where one name may be two servers.
inline observations look_addresses(const nfs_facts &f) {
    observations out;
    for_each_pair(f, [&](const model::nfs_mount &mine, const model::nfs_mount &theirs) {
        if (!same_source(mine, theirs)) return;
        const bool own = is_each_hosts_own(mine.server);
        const bool differ = !mine.addr.empty() && !theirs.addr.empty() && mine.addr != theirs.addr;
        if (!own && !differ) return;
        const std::string seen = own ? "'" + mine.server + "' is each host's own name"
                                     : "'" + mine.server + "' is " + theirs.addr + " there, " +
                                           mine.addr + " on " + f.source->name;
        const std::string look = "getent ahosts " + shell_word(mine.server);
        out.push_back({severity::unknown,
                       f.destination->name,
                       "whether " + mine.source() + " is one store is not known: " + seen,
                       {ssh(f.source->name, look), ssh(f.destination->name, look)}});
    });
    return out;
}

inline constexpr rule nfs_addresses{
    "KVM-STO-117", "The server's name may mean two servers",
    "A name that leads to two machines gives the guest two different images, unless both are "
    "addresses of one server.",
    "nfs(5): addr; /etc/hosts and DNS of each host", where_asked<look_addresses>};

/// Warns of opens that do not ask the server; tells of other caching that costs time or freshness.
inline observations look_caching(const nfs_facts &f) {
    observations out;
    for_each_mount(f, [&](const nfs_host &host, const model::nfs_mount &mount) {
        const std::string same = kept(mount);
        if (mount.nocto) {
            // Of version 4 it holds for folders alone.
            out.push_back({mount.major() == 4 ? severity::info : severity::warns,
                           host.name,
                           told(mount) +
                               " is mounted with nocto: what is opened may not be as the other "
                               "host left it",
                           {mount_anew(host, mount, same + "hard,cto")}});
        }
        if (mount.noac) {
            out.push_back({severity::info,
                           host.name,
                           told(mount) + " is mounted with noac: each write waits for the server",
                           {mount_anew(host, mount, same + "hard,ac")}});
        }
        // 60 s are the kernel's own bound.
        const auto longest = std::max(mount.acregmax.value_or(60), mount.acdirmax.value_or(60));
        if (!mount.noac && longest > 60) {
            out.push_back({severity::info,
                           host.name,
                           told(mount) + " keeps attributes for up to " + std::to_string(longest) +
                               " s: a new file of the other host may be seen that late",
                           {mount_anew(host, mount, same + "hard")}});
        }
    });
    return out;
}

inline constexpr rule nfs_caching{
    "KVM-STO-118", "The mount caches in an unusual way",
    "What one host wrote is seen by the other when it opens the file anew and its attributes are "
    "fresh; noac buys that with synchronous writes, nocto does without.",
    "nfs(5): cto, ac, actimeo, DATA AND METADATA COHERENCE", where_asked<look_caching>};

/// Warns of a transport on which data may be mixed up.
inline observations look_udp(const nfs_facts &f) {
    observations out;
    for_each_mount(f, [&](const nfs_host &host, const model::nfs_mount &mount) {
        if (mount.proto != "udp" && mount.proto != "udp6") return;
        out.push_back(
            {severity::warns,
             host.name,
             told(mount) + " is mounted by " + mount.proto,
             {mount_anew(host, mount,
                         kept(mount) + "hard,proto=" + (mount.proto == "udp" ? "tcp" : "tcp6"))}});
    });
    return out;
}

inline constexpr rule nfs_udp{
    "KVM-STO-119", "The store is mounted by UDP",
    "On a fast network fragments of different requests are put together, and a 16-bit checksum is "
    "all that keeps the mixture from the disk.",
    "nfs(5), \"Using NFS over UDP on high-speed links\": \"silent data corruption will occur\"",
    where_asked<look_udp>};

/// Says of images that are on NFS at one host that nothing is known of the other's store.
inline observations look_one_side(const nfs_facts &f) {
    observations out;
    if (!f.source || !f.destination) return out;
    if (!f.source->mounts.known() || !f.destination->mounts.known()) return out;
    for (const std::string &image : f.images) {
        const auto *const here = model::mount_of(*f.source->mounts, image);
        const auto *const there = model::mount_of(*f.destination->mounts, image);
        if ((here == nullptr) == (there == nullptr)) continue;
        const nfs_host &with_it = here != nullptr ? *f.source : *f.destination;
        const nfs_host &without = here != nullptr ? *f.destination : *f.source;
        const model::nfs_mount &mount = here != nullptr ? *here : *there;
        out.push_back({severity::unknown,
                       without.name,
                       "whether '" + image + "' is shared is not known: it is on " +
                           mount.source() + " on " + with_it.name + ", and not on NFS here",
                       {ssh(without.name, "findmnt --target " + shell_word(image)),
                        ssh(without.name, "mount -t nfs -o " + shell_word(kept(mount) + "hard") +
                                              ' ' + shell_word(mount.source()) + ' ' +
                                              shell_word(mount.mountpoint))}});
    }
    return out;
}

inline constexpr rule nfs_one_side{
    "KVM-STO-120", "The image is on NFS on one host alone",
    "The other host opens whatever stands at that path: the folder below the missing mount, or "
    "another shared store.",
    "libvirt: 'Migration without shared storage is unsafe'", where_asked<look_one_side>};

/// Says what of NFS could not be told.
inline observations look_nfs_unknown(const nfs_facts &f) {
    observations out;
    const auto say = [&](const std::string &name, const std::string &what,
                         const std::string &reason, const std::string &command) {
        out.push_back(
            {severity::unknown, name, what + " not known: " + reason, {ssh(name, command)}});
    };
    for (const nfs_server &server : f.servers) {
        if (server.exports.known()) continue;
        say(server.name, "how it exports the images is", server.exports.reason(), "exportfs -v");
    }
    for (const auto *host : {&f.source, &f.destination}) {
        if (!*host || (*host)->mounts.known()) continue;
        say((*host)->name, "its NFS mounts are", (*host)->mounts.reason(),
            "cat /proc/self/mountinfo");
    }
    return out;
}

inline constexpr rule nfs_unknown{
    "KVM-STO-121", "What NFS is like there is not known",
    "Whether the store keeps what it was given, and is the same on both hosts, depends on it.",
    "exports(5), nfs(5)", where_asked<look_nfs_unknown>};

} // namespace kvmig::precheck::rules
