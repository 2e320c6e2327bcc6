// SPDX-License-Identifier: MIT
/// A folder of this machine.
#pragma once

#include <kvmig/host/image_file.hpp>
#include <kvmig/model/nfs_url.hpp>
#include <kvmig/model/octal_escape.hpp>
#include <kvmig/run/shared_place.hpp>

#include <cerrno>
#include <cstddef>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace kvmig::run {

/// What the kernel tells of the mount that a folder lies in.
struct local_mount {
    std::string type;   ///< `nfs4`, `ext4`, …
    std::string source; ///< `SERVER:PATH` of NFS, a device, …
    std::string below;  ///< where the folder lies in it; empty: at its root

    friend bool operator==(const local_mount &, const local_mount &) = default;
};

/// Finds it in the lines of /proc/self/mountinfo (proc(5)): the longest mount point that holds
/// `folder`, and of equal ones the last, which lies over the others.
/// @param folder absolute, without symbolic links
[[nodiscard]] inline std::optional<local_mount> find_mount(std::istream &lines,
                                                           const std::string &folder) {
    std::optional<local_mount> out;
    std::size_t longest = 0;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string word;
        std::string point;
        for (int field = 1; field <= 5 && fields >> word; ++field) point = word;
        while (fields >> word && word != "-") {
        }
        local_mount one;
        if (!(fields >> one.type >> word)) continue;
        one.source = model::unescape_octal(word);
        point = model::unescape_octal(point);
        const auto below = model::path_below(folder, point);
        if (!below || point.size() < longest) continue;
        longest = point.size();
        if (*below != "/") one.below = *below;
        out = std::move(one);
    }
    return out;
}

/// A folder of this machine.
class local_place {
public:
    /// @param host what this machine is called
    local_place(std::string folder, std::string host)
        : folder_(detail::without_last_slash(std::move(folder))), host_(std::move(host)) {}

    /// How it is named in messages.
    [[nodiscard]] model::shared_place_facts called() const {
        model::shared_place_facts out;
        out.host = host_;
        out.path = folder_;
        out.name = folder_;
        return out;
    }

    /// Its mount, and `image`, if that is not empty.
    [[nodiscard]] expected<model::shared_place_facts> describe(const std::string &image) {
        std::error_code code;
        const auto real = std::filesystem::canonical(folder_, code);
        if (code) return fail(host::image_file::failed("looking at", folder_, code.value()));
        if (auto opened = look(); !opened) return fail(std::move(opened).error());
        model::shared_place_facts out = called();
        std::ifstream mounts("/proc/self/mountinfo");
        if (const auto mount = find_mount(mounts, real.string())) {
            out.type = mount->type;
            // An address of IPv6 has colons, in brackets.
            const auto colon = mount->source.find(":/");
            if (out.type.starts_with("nfs") && colon != std::string::npos) {
                out.server = mount->source.substr(0, colon);
                out.directory =
                    detail::without_last_slash(mount->source.substr(colon + 1)) + mount->below;
            }
        }
        if (image.empty()) return out;
        struct stat about {};
        if (::stat(path_of(image).c_str(), &about) != 0) {
            if (errno == ENOENT) return out;
            return fail(host::image_file::failed("stat", path_of(image), errno));
        }
        model::image_sight seen;
        seen.size = bytes{static_cast<std::uint64_t>(about.st_size)};
        seen.inode = about.st_ino;
        seen.modified = detail::image_time(about.st_mtim.tv_sec, about.st_mtim.tv_nsec);
        out.image = std::move(seen);
        return out;
    }

    /// Makes a file of this content.
    [[nodiscard]] expected<void> write(const std::string &name, const std::string &content) {
        auto file = host::image_file::open(path_of(name), O_RDWR | O_CREAT | O_EXCL, 0644);
        if (!file) return fail(std::move(file).error());
        // The umask may have taken away that others may read it.
        auto done = file->set_mode(0644);
        if (done) done = file->write(0, std::as_bytes(std::span(content.data(), content.size())));
        if (done) done = file->sync();
        return done;
    }

    /// Its content; nothing when it is not there.
    [[nodiscard]] expected<std::optional<std::string>> read(const std::string &name) {
        // A client of NFS trusts its memory of the folder until that was opened and read again.
        const auto names = look();
        if (!names) return fail(names.error());
        const auto file = host::image_file::open(path_of(name), O_RDONLY);
        if (!file) {
            if (file.error().system == ENOENT) return absent();
            return fail(file.error());
        }
        std::string out(model::token_most, '\0');
        const auto got = file->read(0, std::as_writable_bytes(std::span(out.data(), out.size())));
        if (!got) return fail(got.error());
        out.resize(*got);
        return std::optional(std::move(out));
    }

    /// Names of files that look like tokens.
    [[nodiscard]] expected<std::vector<std::string>> tokens() {
        auto names = look();
        if (!names) return names;
        std::erase_if(*names,
                      [](const std::string &name) { return !model::parse_token_name(name); });
        return names;
    }

    /// One that is not there is no error.
    [[nodiscard]] expected<void> remove(const std::string &name) {
        if (::unlink(path_of(name).c_str()) != 0) {
            return fail(host::image_file::failed("removing", path_of(name), errno));
        }
        return {};
    }

    [[nodiscard]] expected<void> close() { return {}; } ///< There is nothing to let go.

private:
    [[nodiscard]] std::string path_of(const std::string &name) const {
        return folder_ + '/' + name;
    }

    /// Every name, read from the folder itself.
    [[nodiscard]] expected<std::vector<std::string>> look() const {
        const std::unique_ptr<DIR, int (*)(DIR *)> opened(::opendir(folder_.c_str()), ::closedir);
        if (!opened) return fail(host::image_file::failed("opening the folder", folder_, errno));
        std::vector<std::string> out;
        for (;;) {
            errno = 0;
            const dirent *one = ::readdir(opened.get());
            if (one == nullptr) break;
            out.emplace_back(one->d_name);
        }
        if (errno != 0) return fail(host::image_file::failed("reading the folder", folder_, errno));
        return out;
    }

    /// Nothing is there, as far as the folder's cached names go: a change of its times makes the
    /// kernel ask the server for them again.
    [[nodiscard]] expected<std::optional<std::string>> absent() const {
        if (::utimensat(AT_FDCWD, folder_.c_str(), nullptr, 0) == 0) return std::nullopt;
        // Who may not change it has to wait until the kernel forgets by itself.
        if (errno == EACCES || errno == EPERM || errno == EROFS) return std::nullopt;
        return fail(host::image_file::failed("changing the folder's times", folder_, errno));
    }

    std::string folder_;
    std::string host_;
};

static_assert(shared_place<local_place>);

} // namespace kvmig::run
