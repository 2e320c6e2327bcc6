// SPDX-License-Identifier: MIT
/// Exports of an NFS server: what is offered, to whom, and how.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::model {

/// What holds for clients that authenticate in one way. Defaults are those of exports(5).
struct export_access {
    std::string flavor = "sys"; ///< `sys`, `krb5`, `krb5i`, `krb5p`, `none`
    bool rw = false;            ///< `rw`; else `ro`
    bool secure = true;         ///< a port below 1024
    bool root_squash = true;    ///< requests of user 0 become those of `anonuid`
    bool all_squash = false;    ///< requests of every user become those of `anonuid`

    friend bool operator==(const export_access &, const export_access &) = default;
};

/// The options in force for a client, defaults included. What exports(5) calls `no_x` is the
/// negation of `x`.
struct export_options {
    bool async = false;         ///< answers before data is on stable storage; else `sync`
    bool wdelay = true;         ///< a write may wait for the next, to be committed with it
    bool hide = true;           ///< not seen by clients that mounted the export above (NFSv2 and 3)
    bool crossmnt = false;      ///< file systems mounted below are exported too
    bool subtree_check = false; ///< each request is checked to be within the folder
    bool secure_locks = true;   ///< only who may read a file may lock it (`auth_nlm`)
    bool acl = true;            ///< POSIX ACLs are told to clients of NFSv3
    bool pnfs = false;          ///< clients may go to the storage themselves
    bool nordirplus = false;    ///< READDIRPLUS of NFSv3 is refused
    bool security_label = false;           ///< SELinux labels go over the wire (NFSv4.2)
    std::optional<std::string> mountpoint; ///< empty: the export's own path
    std::string fsid;                      ///< as written; empty: none
    std::string refer;    ///< `PATH@HOST[:PATH@HOST…]` to go to instead (NFSv4); empty: none
    std::string replicas; ///< the same form: other servers of the same data (NFSv4); empty: none
    std::uint32_t anonuid = 65534;            ///< user id of squashed requests; 65534 is nobody
    std::uint32_t anongid = 65534;            ///< group id of squashed requests
    std::vector<export_access> access = {{}}; ///< one for each flavor; never empty
    /// The rest, as written: options of other releases, which mean nothing here.
    std::vector<std::string> others;

    friend bool operator==(const export_options &, const export_options &) = default;

    /// Whether some client that is let in may write.
    [[nodiscard]] bool writable() const {
        return std::any_of(access.begin(), access.end(),
                           [](const export_access &each) { return each.rw; });
    }
};

/// Whom a client's name stands for (exports(5), "Machine Name Formats").
enum class client_kind : std::uint8_t {
    host,     ///< one name or address
    network,  ///< addresses of a network
    wildcard, ///< names by a pattern
    netgroup, ///< `@group`
    gss,      ///< `gss/krb5…`: everybody with a ticket
    everyone, ///< `*`, no name, or the network of all addresses
};

/// By how exports(5) writes it.
[[nodiscard]] constexpr client_kind kind_of_client(std::string_view name) noexcept {
    if (name.empty() || name == "*") return client_kind::everyone;
    if (name.front() == '@') return client_kind::netgroup;
    if (name.starts_with("gss/")) return client_kind::gss;
    if (const auto slash = name.find('/'); slash != std::string_view::npos) {
        const auto mask = name.substr(slash + 1);
        if (mask == "0" || mask == "0.0.0.0") return client_kind::everyone;
        const bool six = name.find(':') != std::string_view::npos;
        const bool one = six ? mask == "128" : mask == "32" || mask == "255.255.255.255";
        return one ? client_kind::host : client_kind::network;
    }
    if (name.find_first_of("*?[") != std::string_view::npos) return client_kind::wildcard;
    return client_kind::host;
}

/// Who may mount an export, and how.
struct export_client {
    std::string name;                     ///< as written; `*` where nobody is named
    client_kind kind = client_kind::host; ///< from `name`, by `kind_of_client`
    export_options options;               ///< with the `-OPTIONS` before it on its line
    std::size_t line = 0;                 ///< in the file, from 1; 0: it was told by the server
    /// White space parts its options from the client before it, as in `host (rw)`: nobody is named.
    bool apart = false;

    friend bool operator==(const export_client &, const export_client &) = default;
};

/// A folder that a server exports.
struct nfs_export {
    std::string path;                   ///< absolute, as on the server
    std::vector<export_client> clients; ///< in the order in which they are written
    std::string file;                   ///< where it is written; empty: it was told by the server

    friend bool operator==(const nfs_export &, const nfs_export &) = default;
};

/// The options in force, each as exportfs(8) and /etc/exports take it: what is not the default, and
/// of what people look for first (`rw`, `sync`, `no_subtree_check`) also the default. After
/// `sec=…`, which stands where it is not `sys` alone, come the options of that flavor.
[[nodiscard]] inline std::vector<std::string> option_words(const export_options &of) {
    std::vector<std::string> out = {of.async ? "async" : "sync"};
    const auto add = [&](bool needed, std::string word, const std::string &value = {}) {
        if (needed) out.push_back(std::move(word) + value);
    };
    add(!of.wdelay, "no_wdelay");
    add(!of.hide, "nohide");
    add(of.crossmnt, "crossmnt");
    add(true, of.subtree_check ? "subtree_check" : "no_subtree_check");
    add(!of.secure_locks, "insecure_locks");
    add(!of.acl, "no_acl");
    add(of.pnfs, "pnfs");
    add(of.nordirplus, "nordirplus");
    add(of.security_label, "security_label");
    if (of.mountpoint) {
        add(of.mountpoint->empty(), "mountpoint");
        add(!of.mountpoint->empty(), "mountpoint=", *of.mountpoint);
    }
    add(!of.fsid.empty(), "fsid=", of.fsid);
    add(!of.refer.empty(), "refer=", of.refer);
    add(!of.replicas.empty(), "replicas=", of.replicas);
    add(of.anonuid != 65534, "anonuid=", std::to_string(of.anonuid));
    add(of.anongid != 65534, "anongid=", std::to_string(of.anongid));
    for (const std::string &word : of.others) add(true, word);
    for (const export_access &each : of.access) {
        add(of.access.size() > 1 || each.flavor != "sys", "sec=", each.flavor);
        add(true, each.rw ? "rw" : "ro");
        add(true, each.secure ? "secure" : "insecure");
        add(true, each.root_squash ? "root_squash" : "no_root_squash");
        add(true, each.all_squash ? "all_squash" : "no_all_squash");
    }
    return out;
}

/// `option_words` as a list of options.
[[nodiscard]] inline std::string to_text(const export_options &of) {
    std::string out;
    for (const std::string &word : option_words(of)) out += (out.empty() ? "" : ",") + word;
    return out;
}

} // namespace kvmig::model
