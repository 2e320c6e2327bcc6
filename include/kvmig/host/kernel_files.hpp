// SPDX-License-Identifier: MIT
/// Files of sysfs and procfs, below a root that can be another than `/`.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/descriptor.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace kvmig::host {

/// Reads and writes whole files by the absolute paths they have on the host they belong to.
class kernel_files {
public:
    /// `root`: below which the host's /proc and /sys are.
    explicit kernel_files(std::filesystem::path root = "/") : root_(std::move(root)) {}

    /// Below which the host's files are.
    [[nodiscard]] const std::filesystem::path &root() const noexcept { return root_; }

    /// The text, or nothing where there is no such file: an absent file is an absent feature. Fails
    /// with `environment` or `io`, naming the file.
    [[nodiscard]] expected<std::optional<std::string>> read(std::string_view path) const {
        const descriptor fd(::open(place(path).c_str(), O_RDONLY | O_CLOEXEC));
        if (!fd) {
            if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
            return fail(trouble(errno, "cannot be read", path));
        }
        std::string out;
        std::array<char, 4096> part{};
        while (true) {
            const ssize_t got = ::read(fd.get(), part.data(), part.size());
            if (got == 0) return out;
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return fail(trouble(errno, "cannot be read", path));
            out.append(part.data(), static_cast<std::size_t>(got));
        }
    }

    /// Whether it is there and can be written. Fails with `unsupported` where it is absent, else
    /// with `environment`, naming the file.
    [[nodiscard]] expected<void> writable(std::string_view path) const {
        struct stat about {};
        const auto file = place(path);
        if (::stat(file.c_str(), &about) != 0) {
            if (errno == ENOENT || errno == ENOTDIR) {
                return fail(make_error(error_kind::unsupported, "there is no such file")
                                .about(std::string(path)));
            }
            return fail(trouble(errno, "cannot be looked at", path));
        }
        // sysfs holds root to the mode too, access(2) does not.
        if ((about.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)) == 0) {
            return fail(make_error(error_kind::environment, "is read-only: nobody may write it")
                            .about(std::string(path)));
        }
        if (::faccessat(AT_FDCWD, file.c_str(), W_OK, AT_EACCESS) != 0) {
            return fail(trouble(errno, "cannot be written", path).advise("run it as root"));
        }
        return {};
    }

    /// Writes `text` as it is, in one call, as sysfs wants it.
    [[nodiscard]] expected<void> write(std::string_view path, std::string_view text) const {
        const descriptor fd(::open(place(path).c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
        if (!fd) return fail(trouble(errno, "cannot be written", path));
        ssize_t done = 0;
        do {
            done = ::write(fd.get(), text.data(), text.size());
        } while (done < 0 && errno == EINTR);
        if (done < 0) return fail(trouble(errno, "refuses what was written", path));
        if (static_cast<std::size_t>(done) != text.size()) {
            return fail(trouble(EIO, "took only a part of what was written", path));
        }
        return {};
    }

    /// The paths that a pattern stands for, in order; each `*` in it stands for any characters of
    /// one name.
    [[nodiscard]] std::vector<std::string> matching(std::string_view pattern) const {
        std::vector<std::string> out{""};
        while (!pattern.empty()) {
            pattern.remove_prefix(pattern.starts_with('/') ? 1 : 0);
            const std::string_view name = pattern.substr(0, pattern.find('/'));
            pattern.remove_prefix(name.size());
            std::vector<std::string> next;
            for (const std::string &above : out) step_into(above, name, next);
            out = std::move(next);
        }
        std::sort(out.begin(), out.end());
        return out;
    }

private:
    [[nodiscard]] std::filesystem::path place(std::string_view path) const {
        return root_ / std::filesystem::path(path).relative_path();
    }

    void step_into(const std::string &above, std::string_view name,
                   std::vector<std::string> &out) const {
        std::error_code code;
        const auto star = name.find('*');
        if (star == std::string_view::npos) {
            const std::string path = above + '/' + std::string(name);
            if (std::filesystem::exists(place(path), code)) out.push_back(path);
            return;
        }
        const std::string_view before = name.substr(0, star);
        const std::string_view after = name.substr(star + 1);
        for (std::filesystem::directory_iterator entry(place(above.empty() ? "/" : above), code),
             end;
             !code && entry != end; entry.increment(code)) {
            const std::string is = entry->path().filename().string();
            if (is.size() >= before.size() + after.size() && is.starts_with(before) &&
                is.ends_with(after)) {
                out.push_back(std::string(above).append("/").append(is));
            }
        }
    }

    [[nodiscard]] static error trouble(int number, const std::string &what, std::string_view path) {
        const bool lacks = number == EACCES || number == EPERM || number == EROFS;
        error out = make_error(lacks ? error_kind::environment : error_kind::io,
                               what + ": " + std::strerror(number)) // NOLINT(concurrency-mt-unsafe)
                        .about(std::string(path));
        out.system = number;
        return out;
    }

    std::filesystem::path root_;
};

} // namespace kvmig::host
