// SPDX-License-Identifier: MIT
/// An export of an NFS server, mounted by libnfs: no kernel client, no privilege.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/model/nfs_url.hpp>
#include <kvmig/nfs/exports.hpp>
#include <kvmig/nfs/session.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace kvmig::nfs {

/// What a server tells of a file. Times in nanoseconds since 1970.
struct attributes {
    std::uint64_t fsid = 0;  ///< of its file system on the server
    std::uint64_t inode = 0; ///< its number within `fsid`
    std::uint32_t mode = 0;  ///< type and permissions, as in stat(2)
    std::uint64_t links = 0; ///< how many names it has
    std::uint32_t uid = 0;   ///< its owner, by the server's numbers
    std::uint32_t gid = 0;   ///< its group, by the server's numbers
    bytes size;              ///< of its content, holes included
    bytes used; ///< what its blocks take on the server; less than `size` when it has holes
    std::int64_t modified = 0; ///< its content
    std::int64_t changed = 0;  ///< its content or attributes

    /// Whether it is a regular file.
    [[nodiscard]] bool is_file() const noexcept { return S_ISREG(mode); }
    /// Whether it is a directory.
    [[nodiscard]] bool is_folder() const noexcept { return S_ISDIR(mode); }
    friend bool operator==(const attributes &, const attributes &) = default;
};

/// One name in a folder.
struct entry {
    std::string name; ///< without slashes
    attributes about; ///< as READDIR tells: `fsid` and `links` stay 0
};

/// Room on the file system behind the export.
struct room {
    bytes total;     ///< used or not
    bytes available; ///< to an ordinary user
};

/// How long a server may take, and what ends the waiting.
struct connect_options {
    /// How long no answer may come before it is `timed_out`.
    std::chrono::milliseconds patience = default_patience;
    std::stop_token stop = {};        ///< ends with `cancelled`
    std::stop_token waits_until = {}; ///< ends the waiting for a server that is not ready
};

/// A mounted export. Paths are absolute, as the server names them; one outside the export is
/// `invalid_argument`. Errors name server, path and the protocol's status; `error::system` is the
/// `errno`. Not for two threads at once; copies of it share the connection.
class context {
    /// The usual shape of libnfs' calls about a path.
    struct path_call {
        int (*one)(nfs_context *, const char *, nfs_cb, void *);

        int operator()(const std::string &below, nfs_context *nfs, nfs_cb done, void *about) const {
            return one(nfs, below.c_str(), done, about);
        }
    };

public:
    /// Mounts the export that holds `url.path`: of those that mountd lists the one that lies
    /// nearest, and where it lists none (its port given, or NFSv4) the folder of the path.
    static expected<context> connect(const model::nfs_url &url,
                                     const connect_options &options = {}) {
        std::optional<std::string> mount;
        std::optional<std::string> listed;
        if (url.version == 3 && !url.mount_port) {
            auto exports = exports_of(url.server, options.patience, options.stop);
            if (!exports && exports.error().kind != error_kind::refused) {
                return fail(std::move(exports).error());
            }
            if (exports) {
                std::vector<std::string> paths;
                for (exported &one : *exports) paths.push_back(std::move(one.path));
                listed = model::export_holding(url.path, paths);
                if (!listed) return fail(not_exported(url, paths));
            }
        }
        mount = listed ? *listed : model::split_path(url.path).folder;

        auto made = session::make(url.server, options.patience, options.waits_until);
        if (!made) return fail(std::move(made).error());
        session &on = **made;
        apply(url, on.raw());
        auto mounted = on.call_and_wait(
            "mounting", *mount,
            [&](nfs_context *nfs, nfs_cb done, void *about) {
                return ::nfs_mount_async(nfs, url.server.c_str(), mount->c_str(), done, about);
            },
            {}, options.stop);
        if (!mounted) return fail(std::move(mounted).error());
        on.connected();
        return context(std::move(*made), std::move(*mount), listed.has_value(), url.version);
    }

    /// Its name or address, as it was given.
    [[nodiscard]] const std::string &server() const noexcept { return on_->server(); }
    /// What is mounted; an export by the server's own word if `is_listed()`, else perhaps a folder
    /// in one.
    [[nodiscard]] const std::string &mounted() const noexcept { return mounted_; }
    /// Whether `mounted()` is an export by the server's own word.
    [[nodiscard]] bool is_listed() const noexcept { return listed_; }
    /// Where calls are started and awaited.
    [[nodiscard]] session &connection() const noexcept { return *on_; }
    /// The same, for what is to outlive this.
    [[nodiscard]] const std::shared_ptr<session> &shared() const noexcept { return on_; }

    /// The most that one READ and one WRITE carry, at most 1 MiB; a larger call would be split, and
    /// the failure of a piece would come back as EFAULT whatever it was.
    [[nodiscard]] bytes piece() const noexcept {
        // libnfs 4 fails to encode writes of NFSv4 from about 3.9 KiB on, and tells no limit there.
        if (version_ == 4) return bytes::kib(2);
        const std::uint64_t read = ::nfs_get_readmax(on_->raw());
        const std::uint64_t write = ::nfs_get_writemax(on_->raw());
        const std::uint64_t most = std::min(read == 0 ? write : read, write == 0 ? read : write);
        return std::min(bytes::mib(1), most == 0 ? bytes::kib(32) : bytes{most});
    }

    /// Of what `path` is, links followed.
    [[nodiscard]] expected<attributes> stat(const std::string &path) const {
        attributes out;
        auto got = call("stat", path, path_call{::nfs_stat64_async}, [&out](int, void *data) {
            out = read(*static_cast<const nfs_stat_64 *>(data));
        });
        if (!got) return fail(std::move(got).error());
        return out;
    }

    /// Names in a folder but `.` and `..`, in the order of their bytes.
    [[nodiscard]] expected<std::vector<entry>> list(const std::string &path) const {
        std::vector<entry> out;
        auto got = call("reading the folder", path, path_call{::nfs_opendir_async},
                        [&](int, void *data) { out = take_folder(static_cast<nfsdir *>(data)); });
        if (!got) return fail(std::move(got).error());
        return out;
    }

    /// Of the file system that `path` is on.
    [[nodiscard]] expected<room> free_room(const std::string &path) const {
        room out;
        auto got = call("statvfs", path, path_call{::nfs_statvfs64_async}, [&](int, void *data) {
            const auto &of = *static_cast<const nfs_statvfs_64 *>(data);
            out = {bytes{of.f_blocks * of.f_frsize}, bytes{of.f_bavail * of.f_frsize}};
        });
        if (!got) return fail(std::move(got).error());
        return out;
    }

    /// Removes a file.
    [[nodiscard]] expected<void> remove(const std::string &path) const {
        return done(call("removing", path, path_call{::nfs_unlink_async}));
    }
    /// Replaces `to`, in one step.
    [[nodiscard]] expected<void> rename(const std::string &from, const std::string &to) const {
        const auto target = inside(to);
        if (!target) return fail(target.error());
        return done(call("renaming to " + to, from,
                         [&](const std::string &below, nfs_context *nfs, nfs_cb cb, void *about) {
                             return ::nfs_rename_async(nfs, below.c_str(), target->c_str(), cb,
                                                       about);
                         }));
    }
    /// Gives `to` to the file as a second name; `conflict` when `to` is there, which `rename` does
    /// not mind.
    [[nodiscard]] expected<void> link(const std::string &from, const std::string &to) const {
        const auto target = inside(to);
        if (!target) return fail(target.error());
        return done(call("linking as " + to, from,
                         [&](const std::string &below, nfs_context *nfs, nfs_cb cb, void *about) {
                             return ::nfs_link_async(nfs, below.c_str(), target->c_str(), cb,
                                                     about);
                         }));
    }
    /// As mkdir(2).
    [[nodiscard]] expected<void> make_folder(const std::string &path) const {
        return done(call("making the folder", path, path_call{::nfs_mkdir_async}));
    }
    /// As rmdir(2), of an empty one.
    [[nodiscard]] expected<void> remove_folder(const std::string &path) const {
        return done(call("removing the folder", path, path_call{::nfs_rmdir_async}));
    }
    /// `mode`: permissions only, as in chmod(2).
    [[nodiscard]] expected<void> set_mode(const std::string &path, std::uint32_t mode) const {
        return done(call(
            "chmod", path,
            [mode](const std::string &below, nfs_context *nfs, nfs_cb cb, void *about) {
                return ::nfs_chmod_async(nfs, below.c_str(), static_cast<int>(mode), cb, about);
            }));
    }
    /// As chown(2); servers grant it to root alone, and to none where root is squashed.
    [[nodiscard]] expected<void> set_owner(const std::string &path, std::uint32_t uid,
                                           std::uint32_t gid) const {
        return done(call("chown", path,
                         [=](const std::string &below, nfs_context *nfs, nfs_cb cb, void *about) {
                             return ::nfs_chown_async(nfs, below.c_str(), static_cast<int>(uid),
                                                      static_cast<int>(gid), cb, about);
                         }));
    }
    /// Cuts it, or lengthens it by a hole.
    [[nodiscard]] expected<void> set_size(const std::string &path, bytes size) const {
        return done(
            call("setting the size", path,
                 [size](const std::string &below, nfs_context *nfs, nfs_cb cb, void *about) {
                     return ::nfs_truncate_async(nfs, below.c_str(), size.count(), cb, about);
                 }));
    }

    /// `path` as libnfs wants it, relative to what is mounted.
    [[nodiscard]] expected<std::string> inside(const std::string &path) const {
        if (auto below = model::path_below(path, mounted_)) return std::move(*below);
        return fail(make_error(error_kind::invalid_argument,
                               "the path is not below " + mounted_ + ", which is mounted")
                        .about(path)
                        .on(server()));
    }

    /// A call about `path`: `begin(path below the mount, nfs_context *, nfs_cb, void *)`.
    template <class Begin>
    [[nodiscard]] expected<int> call(std::string_view what, const std::string &path, Begin begin,
                                     session::reader take = {}) const {
        const auto below = inside(path);
        if (!below) return fail(below.error());
        return on_->call_patiently(
            what, path,
            [&](nfs_context *nfs, nfs_cb cb, void *about) { return begin(*below, nfs, cb, about); },
            std::move(take));
    }

private:
    context(std::shared_ptr<session> on, std::string mounted, bool listed, std::uint32_t version)
        : on_(std::move(on)), mounted_(std::move(mounted)), listed_(listed), version_(version) {}

    static expected<void> done(expected<int> status) {
        if (!status) return fail(std::move(status).error());
        return {};
    }

    static attributes read(const nfs_stat_64 &of) {
        attributes out;
        out.fsid = of.nfs_dev;
        out.inode = of.nfs_ino;
        out.mode = static_cast<std::uint32_t>(of.nfs_mode);
        out.links = of.nfs_nlink;
        out.uid = static_cast<std::uint32_t>(of.nfs_uid);
        out.gid = static_cast<std::uint32_t>(of.nfs_gid);
        out.size = bytes{of.nfs_size};
        out.used = bytes{of.nfs_used};
        out.modified = nanoseconds(of.nfs_mtime, of.nfs_mtime_nsec);
        out.changed = nanoseconds(of.nfs_ctime, of.nfs_ctime_nsec);
        return out;
    }

    static std::int64_t nanoseconds(std::uint64_t seconds, std::uint64_t rest) {
        return static_cast<std::int64_t>(seconds * 1'000'000'000U + rest);
    }

    [[nodiscard]] std::vector<entry> take_folder(nfsdir *folder) const {
        std::vector<entry> out;
        while (const nfsdirent *one = ::nfs_readdir(on_->raw(), folder)) {
            const std::string_view name = one->name;
            if (name == "." || name == "..") continue;
            entry made;
            made.name = name;
            made.about.inode = one->inode;
            made.about.mode = one->mode;
            made.about.uid = one->uid;
            made.about.gid = one->gid;
            made.about.size = bytes{one->size};
            made.about.used = bytes{one->used};
            made.about.modified =
                nanoseconds(static_cast<std::uint64_t>(one->mtime.tv_sec), one->mtime_nsec);
            made.about.changed =
                nanoseconds(static_cast<std::uint64_t>(one->ctime.tv_sec), one->ctime_nsec);
            out.push_back(std::move(made));
        }
        ::nfs_closedir(on_->raw(), folder);
        std::sort(out.begin(), out.end(),
                  [](const entry &a, const entry &b) { return a.name < b.name; });
        return out;
    }

    static error not_exported(const model::nfs_url &url, const std::vector<std::string> &paths) {
        std::string known;
        for (const std::string &one : paths) known += (known.empty() ? "" : ", ") + one;
        return make_error(error_kind::not_found,
                          "the server exports nothing that holds this path; it exports " +
                              (known.empty() ? "nothing" : known))
            .about(url.path)
            .on(url.server)
            .advise("showmount -e " + url.server);
    }

    /// libnfs takes ports by an address only.
    static void apply(const model::nfs_url &url, nfs_context *nfs) {
        std::string ports = "nfs:///?version=" + std::to_string(url.version);
        if (url.nfs_port) ports += "&nfsport=" + std::to_string(*url.nfs_port);
        if (url.mount_port) ports += "&mountport=" + std::to_string(*url.mount_port);
        if (nfs_url *read = ::nfs_parse_url_incomplete(nfs, ports.c_str())) ::nfs_destroy_url(read);
        if (url.version == 4) {
            // Of two contexts of one name the server would forget the first one's opens and locks.
            ::nfs4_set_client_name(nfs, ("kvmig " + uuid::random().text()).c_str());
        }
        if (url.uid) ::nfs_set_uid(nfs, static_cast<int>(*url.uid));
        if (url.gid) ::nfs_set_gid(nfs, static_cast<int>(*url.gid));
        ::nfs_set_autoreconnect(nfs, 0);
        ::nfs_set_dircache(nfs, 0); // what a folder holds is asked anew each time
    }

    std::shared_ptr<session> on_;
    std::string mounted_;
    bool listed_;
    std::uint32_t version_;
};

} // namespace kvmig::nfs
