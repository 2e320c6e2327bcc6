// SPDX-License-Identifier: MIT
/// Rules: how an NFS server exports images. They judge every export that was told.
#pragma once

#include <kvmig/model/nfs_export.hpp>
#include <kvmig/model/octal_escape.hpp>
#include <kvmig/precheck/rule.hpp>

#include <cstddef>
#include <map>
#include <range/v3/algorithm/all_of.hpp>
#include <range/v3/algorithm/any_of.hpp>
#include <range/v3/algorithm/contains.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::precheck::rules {

/// A look at the facts about NFS as one at all facts; silent where nobody asked for them.
template <observations (*look)(const nfs_facts &)> observations where_asked(const facts &f) {
    return f.nfs ? look(*f.nfs) : observations{};
}

/// One client of one export of one server.
struct offer {
    const nfs_server &server;
    const model::nfs_export &exported;
    const model::export_client &client;

    /// In force for this client.
    [[nodiscard]] const model::export_options &options() const { return client.options; }
    /// Whether more than one machine is meant.
    [[nodiscard]] bool many() const { return client.kind != model::client_kind::host; }
    /// The client, as words in a sentence.
    [[nodiscard]] std::string to() const {
        return client.kind == model::client_kind::everyone ? "everybody ('" + client.name + "')"
                                                           : "'" + client.name + "'";
    }
    /// Where it is written, as words after a name; empty where the server itself told it.
    [[nodiscard]] std::string where() const {
        if (exported.file.empty()) return {};
        return " (" + exported.file + ", line " + std::to_string(client.line) + ")";
    }
    /// A clause that names path, client and place.
    [[nodiscard]] std::string what() const {
        return "'" + exported.path + "' is exported to " + to() + where();
    }
    /// `CLIENT:PATH`, as exportfs(8) takes it.
    [[nodiscard]] std::string address(const std::string &name) const {
        const bool six = name.find(':') != std::string::npos;
        return shell_word((six ? "[" + name + "]" : name) + ":" + exported.path);
    }

    /// Commands that export it by other options: now, and from the file.
    [[nodiscard]] std::vector<std::string> by(const model::export_options &wanted) const {
        return to_clients({client.name}, wanted, false);
    }
    /// The same for other clients; `instead` of this one.
    [[nodiscard]] std::vector<std::string> to_clients(const std::vector<std::string> &names,
                                                      const model::export_options &wanted,
                                                      bool instead) const {
        const std::string options = to_text(wanted);
        const std::string file = exported.file.empty() ? "/etc/exports" : exported.file;
        std::vector<std::string> out;
        std::string entry = model::escape_octal(exported.path);
        for (const std::string &name : names) {
            std::string command = "exportfs -i -o ";
            command += shell_word(options) + ' ' + address(name);
            out.push_back(ssh(server.name, command));
            entry += ' ';
            entry += name;
            entry += '(';
            entry += options;
            entry += ')';
        }
        if (instead) out.push_back(ssh(server.name, "exportfs -u " + address(client.name)));
        out.push_back(ssh(server.name, "exportfs -ra") + " # once " + shell_word(file) +
                      " has: " + shell_word(entry));
        return out;
    }
};

/// Calls `visit` for each client of each export that is known.
template <class Visitor> void for_each_offer(const nfs_facts &f, Visitor visit) {
    for (const nfs_server &server : f.servers) {
        if (!server.exports.known()) continue;
        for (const model::nfs_export &exported : *server.exports) {
            for (const model::export_client &client : exported.clients) {
                visit(offer{server, exported, client});
            }
        }
    }
}

/// The hosts between which the guest moves, by name.
[[nodiscard]] inline std::vector<std::string> hosts_of(const nfs_facts &f) {
    std::vector<std::string> out;
    if (f.source) out.push_back(f.source->name);
    if (f.destination) out.push_back(f.destination->name);
    if (out.empty()) out.emplace_back("HOST");
    return out;
}

/// Sets `which` for every flavor.
[[nodiscard]] inline model::export_options with(model::export_options options,
                                                bool model::export_access::*which, bool value) {
    for (model::export_access &each : options.access) each.*which = value;
    return options;
}

/// Whether some flavor that lets clients in has `which` set so.
[[nodiscard]] inline bool some(const model::export_options &options,
                               bool model::export_access::*which, bool value) {
    return ranges::contains(options.access, value, which);
}

/// Warns of writes that are acknowledged too early. Silent where nobody may write.
inline observations look_async(const nfs_facts &f) {
    observations out;
    for_each_offer(f, [&](const offer &each) {
        if (!each.options().async || !each.options().writable()) return;
        model::export_options wanted = each.options();
        wanted.async = false;
        out.push_back(
            {severity::warns, each.server.name, each.what() + " with async", each.by(wanted)});
    });
    return out;
}

inline constexpr rule nfs_async{
    "KVM-STO-101", "The NFS server acknowledges writes that are not on disk",
    "If the server crashes, what guests had flushed is lost: their file systems and journals "
    "break, unnoticed.",
    "exports(5): async, \"can cause data to be lost or corrupted\"", where_asked<look_async>};

/// Warns of clients whose root is root over the images. Silent for single hosts, which is how
/// libvirt needs it, and where everybody is made the anonymous user.
inline observations look_no_root_squash(const nfs_facts &f) {
    observations out;
    for_each_offer(f, [&](const offer &each) {
        const auto &access = each.options().access;
        const bool root = ranges::any_of(
            access, [](const auto &way) { return !way.root_squash && !way.all_squash; });
        if (!root || !each.many()) return;
        out.push_back({each.options().writable() ? severity::warns : severity::info,
                       each.server.name, each.what() + " with no_root_squash",
                       each.to_clients(hosts_of(f), each.options(), true)});
    });
    return out;
}

inline constexpr rule nfs_no_root_squash{
    "KVM-STO-102", "Root of many machines is root over the images",
    "Whoever is root of any of them can read and change every guest's disk: name the hosts alone.",
    "exports(5): no_root_squash", where_asked<look_no_root_squash>};

/// Warns of images that anybody may write, tells of those that anybody may read.
inline observations look_everybody(const nfs_facts &f) {
    observations out;
    for_each_offer(f, [&](const offer &each) {
        if (each.client.kind != model::client_kind::everyone || each.client.apart) return;
        // A ticket is asked for: not everybody has one.
        const auto &access = each.options().access;
        const bool tickets =
            ranges::all_of(access, [](const auto &way) { return way.flavor.starts_with("krb5"); });
        const bool writable = each.options().writable();
        out.push_back({writable && !tickets ? severity::warns : severity::info, each.server.name,
                       each.what() + (writable ? " for writing" : " for reading"),
                       each.to_clients(hosts_of(f), each.options(), true)});
    });
    return out;
}

inline constexpr rule nfs_everybody{
    "KVM-STO-103", "Everybody may mount the images",
    "Any machine that reaches the server can mount them and claim any user's number.",
    "exports(5): a single *, \"will match all clients\"", where_asked<look_everybody>};

/// Warns of options that stand apart from their client, or are glued to the path.
inline observations look_detached(const nfs_facts &f) {
    observations out;
    for_each_offer(f, [&](const offer &each) {
        const std::string &path = each.exported.path;
        if (each.client.apart) {
            const std::string before = (&each.client - 1)->name;
            out.push_back({severity::warns, each.server.name,
                           "white space stands before '(' after '" + before + "'" + each.where() +
                               ": '" + before + "' has other options, and '" + path +
                               "' is exported to everybody " +
                               (each.options().writable() ? "for writing" : "for reading"),
                           each.to_clients({before}, each.options(), true)});
            return;
        }
        const auto open = path.find('(');
        if (open == std::string::npos || !path.ends_with(')')) return;
        out.push_back(
            {severity::warns,
             each.server.name,
             "the options right after the path" + each.where() + " are read as part of it: '" +
                 path + "' is exported to " + each.to(),
             {ssh(each.server.name, "exportfs -ra") + " # once it has: " +
              shell_word(path.substr(0, open) + " " + hosts_of(f).front() + path.substr(open))}});
    });
    return out;
}

inline constexpr rule nfs_detached{
    "KVM-STO-104", "Options of an export stand where they mean something else",
    "After white space, options hold for everybody instead of the client before them; without it, "
    "they are part of the path.",
    "exports(5): \"No whitespace is permitted between a client and its option list\"",
    where_asked<look_detached>};

/// Warns of exports nobody may write to; tells of clients that may not while others may.
inline observations look_export_ro(const nfs_facts &f) {
    observations out;
    for_each_offer(f, [&](const offer &each) {
        if (each.options().writable()) return;
        const bool others = ranges::any_of(each.exported.clients, &model::export_options::writable,
                                           &model::export_client::options);
        const auto wanted = with(each.options(), &model::export_access::rw, true);
        out.push_back(
            {others ? severity::info : severity::warns, each.server.name,
             each.what() + " read-only" + (others ? ", and to others for writing" : ""),
             each.many() ? each.to_clients(hosts_of(f), wanted, false) : each.by(wanted)});
    });
    return out;
}

inline constexpr rule nfs_export_ro{
    "KVM-STO-105", "The NFS server exports the images read-only",
    "A guest writes to its disks: QEMU cannot open them. For a store of media this is as it should "
    "be.",
    "exports(5): rw, \"The default is to disallow any request which changes the filesystem\"",
    where_asked<look_export_ro>};

/// Warns where libvirtd cannot give images to QEMU's user. Silent for clients that may not write,
/// where ownership is left alone, and where all are made the user whom QEMU runs as.
inline observations look_squash(const nfs_facts &f) {
    observations out;
    if (f.user && !f.user->dynamic_ownership) return out;
    for_each_offer(f, [&](const offer &each) {
        const model::export_options &options = each.options();
        if (!options.writable()) return;
        const bool all = some(options, &model::export_access::all_squash, true);
        if (!all && !some(options, &model::export_access::root_squash, true)) return;
        const std::string anonymous =
            std::to_string(options.anonuid) + ":" + std::to_string(options.anongid);
        if (all && f.user && options.anonuid == f.user->uid && options.anongid == f.user->gid)
            return;
        const std::string owner =
            f.user ? std::to_string(f.user->uid) + ":" + std::to_string(f.user->gid)
                   : "libvirt-qemu:libvirt-qemu";
        std::vector<std::string> remedy = {
            ssh(each.server.name,
                "chown " + owner + " " + shell_word(each.exported.path) + "/IMAGE") +
            " # each image belongs to QEMU's user for good"};
        if (all && f.user) {
            model::export_options wanted = options;
            wanted.anonuid = f.user->uid;
            wanted.anongid = f.user->gid;
            for (std::string &command : each.by(wanted)) remedy.push_back(std::move(command));
        }
        for (const std::string &host : hosts_of(f)) {
            remedy.push_back(
                ssh(host, "sed -i 's/^#*dynamic_ownership *=.*/dynamic_ownership = "
                          "0/' /etc/libvirt/qemu.conf && systemctl restart libvirtd.service"));
        }
        const std::string squashed =
            all ? "every user of a client counts as " : "root of a client counts as ";
        out.push_back({f.user || all ? severity::warns : severity::info, each.server.name,
                       each.what() + ": " + squashed + anonymous +
                           (f.user ? ", and QEMU runs as " + owner : ""),
                       std::move(remedy)});
    });
    return out;
}

inline constexpr rule nfs_squash{
    "KVM-STO-106", "libvirt cannot give the images to QEMU's user",
    "libvirtd changes the owner of an image when a guest starts and arrives; the server lets only "
    "root do so, and here root is not root. QEMU then opens what its own user may open.",
    "exports(5): root_squash, all_squash; libvirt's qemu.conf: dynamic_ownership",
    where_asked<look_squash>};

/// The `fsid` that some client of the export has already; empty where none has.
[[nodiscard]] inline std::string fsid_of(const model::nfs_export &exported) {
    for (const model::export_client &client : exported.clients) {
        if (!client.options.fsid.empty()) return client.options.fsid;
    }
    return {};
}

/// Tells of exports whose file handles depend on the device. Told once for a path.
inline observations look_fsid(const nfs_facts &f) {
    observations out;
    for (const nfs_server &server : f.servers) {
        if (!server.exports.known()) continue;
        std::set<std::string> taken;
        for (const model::nfs_export &exported : *server.exports) {
            for (const auto &client : exported.clients) taken.insert(client.options.fsid);
        }
        std::size_t number = 0;
        for (const model::nfs_export &exported : *server.exports) {
            observation told{severity::info, server.name, "", {}};
            std::string fsid;
            for (const model::export_client &client : exported.clients) {
                if (!client.options.fsid.empty()) continue;
                const offer each{server, exported, client};
                if (told.seen.empty()) {
                    told.seen = each.what() + " without fsid";
                    fsid = fsid_of(exported);
                    // The next small number that no export has; 0 is the root of NFSv4.
                    while (fsid.empty()) {
                        if (taken.insert(std::to_string(++number)).second) {
                            fsid = std::to_string(number);
                        }
                    }
                }
                model::export_options wanted = client.options;
                wanted.fsid = fsid;
                for (std::string &command : each.by(wanted))
                    told.remedy.push_back(std::move(command));
            }
            if (!told.seen.empty()) out.push_back(std::move(told));
        }
    }
    return out;
}

inline constexpr rule nfs_fsid{
    "KVM-STO-107", "File handles depend on the server's device",
    "When the device is renumbered, restored or taken over by a second server, handles go stale "
    "under running guests. An fsid of its own keeps them valid. It changes them once: set it while "
    "no guest runs.",
    "exports(5): fsid", where_asked<look_fsid>};

/// Warns of two exports that clients cannot tell apart.
inline observations look_same_fsid(const nfs_facts &f) {
    observations out;
    for (const nfs_server &server : f.servers) {
        if (!server.exports.known()) continue;
        std::map<std::string, const model::nfs_export *> owners;
        for (const model::nfs_export &exported : *server.exports) {
            for (const model::export_client &client : exported.clients) {
                const std::string &written = client.options.fsid;
                if (written.empty()) continue;
                const std::string fsid = written == "root" ? "0" : written;
                const auto [found, added] = owners.emplace(fsid, &exported);
                if (added || found->second == &exported) continue;
                out.push_back({severity::warns,
                               server.name,
                               "'" + found->second->path + "' and '" + exported.path +
                                   "' are both exported with fsid=" + fsid,
                               {ssh(server.name, "exportfs -v")}});
            }
        }
    }
    return out;
}

inline constexpr rule nfs_same_fsid{
    "KVM-STO-108", "Two exports have one fsid",
    "File handles name an export by it: a client may be given the files of the other.",
    "exports(5): fsid, \"to be able to identify each filesystem that it exports\"",
    where_asked<look_same_fsid>};

/// Warns where every user of many machines can claim to be any user. Kerberos does not believe
/// claims.
inline observations look_insecure(const nfs_facts &f) {
    observations out;
    for_each_offer(f, [&](const offer &each) {
        const auto &access = each.options().access;
        const bool open = ranges::any_of(
            access, [](const auto &way) { return !way.secure && !way.flavor.starts_with("krb5"); });
        if (!open) return;
        out.push_back({each.many() && each.options().writable() ? severity::warns : severity::info,
                       each.server.name, each.what() + " with insecure",
                       each.by(with(each.options(), &model::export_access::secure, true))});
    });
    return out;
}

inline constexpr rule nfs_insecure{
    "KVM-STO-109", "Users without privileges can speak NFS to the server",
    "Any process of a client may send requests under any user's number, QEMU's among them.",
    "exports(5): secure", where_asked<look_insecure>};

/// Warns of handles that break when an image is renamed.
inline observations look_subtree(const nfs_facts &f) {
    observations out;
    for_each_offer(f, [&](const offer &each) {
        if (!each.options().subtree_check || !each.options().writable()) return;
        model::export_options wanted = each.options();
        wanted.subtree_check = false;
        out.push_back({severity::warns, each.server.name, each.what() + " with subtree_check",
                       each.by(wanted)});
    });
    return out;
}

inline constexpr rule nfs_subtree{
    "KVM-STO-110", "Renaming an image makes it stale under the guest",
    "File handles tell the folder: an image that is renamed while it is open may be refused as "
    "stale.",
    "exports(5): \"problems with accessing files that are renamed while a client has them open\"",
    where_asked<look_subtree>};

} // namespace kvmig::precheck::rules
