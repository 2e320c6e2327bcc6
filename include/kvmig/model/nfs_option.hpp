// SPDX-License-Identifier: MIT
/// Every option of exports(5), and what it means in one sentence.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvmig::model {

/// Whether an option takes `=VALUE`.
enum class option_value : std::uint8_t { none, may, must };

/// One option of an export.
struct nfs_option {
    std::string_view name;                   ///< as exports(5) spells it
    option_value value = option_value::none; ///< whether `=VALUE` follows
    std::string_view example;                ///< a value, where it takes one
    /// `{}` stands for the value. Of an option that may go without one, for the example.
    std::string_view means;
};

/// As exports(5) of nfs-utils 2.6 lists them, with `acl`, which exportfs(8) prints, and `xprtsec`
/// and `reexport` of later releases.
inline constexpr std::array nfs_options{
    nfs_option{"ro", option_value::none, "", "Clients may read, and not write: the default."},
    nfs_option{"rw", option_value::none, "", "Clients may read and write."},
    nfs_option{"sync", option_value::none, "",
               "The server answers a write once the data is on stable storage: the default."},
    nfs_option{"async", option_value::none, "",
               "The server answers a write before the data is on stable storage: what was "
               "acknowledged is lost if it crashes."},
    nfs_option{"wdelay", option_value::none, "",
               "The server holds a write back a little when it expects another that it can commit "
               "with it: the default."},
    nfs_option{"no_wdelay", option_value::none, "",
               "Each write is committed at once, without waiting for another; it changes nothing "
               "beside async."},
    nfs_option{"hide", option_value::none, "",
               "A file system mounted below the export is not seen by clients of NFS versions 2 "
               "and 3: the default."},
    nfs_option{"nohide", option_value::none, "",
               "This file system is seen by clients that mounted the export above it."},
    nfs_option{"crossmnt", option_value::none, "",
               "File systems mounted below the export are exported with it, by the same options "
               "but for fsid."},
    nfs_option{"nocrossmnt", option_value::none, "",
               "File systems mounted below the export are not exported with it: the default."},
    nfs_option{"subtree_check", option_value::none, "",
               "Each request is checked to be within the exported folder, by file handles that "
               "break when an open file is renamed."},
    nfs_option{"no_subtree_check", option_value::none, "",
               "Requests are checked to be in the exported file system, not in the exported "
               "folder: the default, and the safer for renamed files."},
    nfs_option{"secure_locks", option_value::none, "",
               "Only who may read a file may lock it: the default."},
    nfs_option{"auth_nlm", option_value::none, "",
               "Another name of secure_locks: only who may read a file may lock it."},
    nfs_option{"insecure_locks", option_value::none, "",
               "Locks are given without a look at who asks, as the first clients need it."},
    nfs_option{"no_auth_nlm", option_value::none, "",
               "Another name of insecure_locks: locks are given without a look at who asks."},
    nfs_option{"mountpoint", option_value::may, "the path itself",
               "It is exported only while a file system is mounted at {}."},
    nfs_option{"mp", option_value::may, "the path itself",
               "Another name of mountpoint: it is exported only while a file system is mounted "
               "at {}."},
    nfs_option{"fsid", option_value::must, "1",
               "File handles name the file system by {} instead of its device or UUID, so they "
               "outlive a change of either; 0 or root is the root of NFSv4."},
    nfs_option{"nordirplus", option_value::none, "",
               "Clients of NFSv3 cannot list a folder and its files' attributes in one request."},
    nfs_option{"refer", option_value::must, "/srv/images@192.0.2.9",
               "Clients of NFSv4 are sent to {}."},
    nfs_option{"replicas", option_value::must, "/srv/images@192.0.2.9",
               "Clients of NFSv4 that ask where else the data is are told {}."},
    nfs_option{"pnfs", option_value::none, "",
               "Clients of NFSv4.1 may read and write the storage devices past the server."},
    nfs_option{"no_pnfs", option_value::none, "", "All data goes by the server: the default."},
    nfs_option{"security_label", option_value::none, "",
               "Clients of NFSv4.2 may read and set security labels, as SELinux has them; all "
               "need the same policy."},
    nfs_option{"root_squash", option_value::none, "",
               "Root of a client counts as the anonymous user: the default."},
    nfs_option{"no_root_squash", option_value::none, "",
               "Root of a client is root over all files of the export."},
    nfs_option{"all_squash", option_value::none, "",
               "Every user of a client counts as the anonymous user."},
    nfs_option{"no_all_squash", option_value::none, "",
               "Users but root keep their numbers: the default."},
    nfs_option{"anonuid", option_value::must, "65534",
               "The anonymous user is number {} of the server."},
    nfs_option{"anongid", option_value::must, "65534",
               "The anonymous group is number {} of the server."},
    nfs_option{"sec", option_value::must, "sys",
               "Clients must authenticate by {}; options after it hold for that way alone."},
    nfs_option{"secure", option_value::none, "",
               "Requests must come from a port below 1024, which only root of a client can open: "
               "the default."},
    nfs_option{"insecure", option_value::none, "",
               "Requests may come from any port, so every user of a client can send his own."},
    nfs_option{"acl", option_value::none, "",
               "Access control lists are shown to clients of NFSv3: the default."},
    nfs_option{"no_acl", option_value::none, "",
               "Access control lists are kept from clients of NFSv3."},
    nfs_option{"xprtsec", option_value::must, "tls",
               "Connections must be secured by {}: none, tls or mtls."},
    nfs_option{"reexport", option_value::must, "auto-fsidnum",
               "A file system that is itself mounted by NFS is exported, its number found by {}."},
};

/// The option of that name; null when there is none.
[[nodiscard]] constexpr const nfs_option *find_nfs_option(std::string_view name) noexcept {
    for (const nfs_option &each : nfs_options) {
        if (each.name == name) return &each;
    }
    return nullptr;
}

/// What an option of an export means, in one sentence. `written`: as it stands in a list of
/// options, `no_subtree_check` or `fsid=0`; of one without its value, an example is shown.
/// Nothing for what is no option of exports(5).
[[nodiscard]] inline std::optional<std::string> explain_option(std::string_view written) {
    const auto equals = written.find('=');
    const nfs_option *const found = find_nfs_option(written.substr(0, equals));
    if (found == nullptr) return std::nullopt;
    std::string out(found->means);
    const auto hole = out.find("{}");
    if (hole == std::string::npos) return out;
    const bool told = equals != std::string_view::npos && equals + 1 < written.size();
    out.replace(hole, 2, told ? written.substr(equals + 1) : found->example);
    return out;
}

} // namespace kvmig::model
