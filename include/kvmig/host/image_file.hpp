// SPDX-License-Identifier: MIT
/// An image in a local file system: where it has holes, whether QEMU holds it, and how it is
/// replaced.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/host/descriptor.hpp>
#include <kvmig/model/byte_range.hpp>
#include <kvmig/model/image_use.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace kvmig::host {

/// An open file. Errors name the path and hold the `errno`.
class image_file {
public:
    /// As open(2); closed in programs that are started.
    static expected<image_file> open(const std::filesystem::path &path, int flags,
                                     mode_t mode = 0600) {
        descriptor fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
        if (!fd) return fail(failed("opening", path, errno));
        struct stat about {};
        if (::fstat(fd.get(), &about) != 0) return fail(failed("stat", path, errno));
        if (!S_ISREG(about.st_mode)) {
            return fail(
                make_error(error_kind::invalid_argument, "this is no regular file").about(path));
        }
        return image_file(std::move(fd), path);
    }

    /// As it was opened.
    [[nodiscard]] const std::filesystem::path &path() const noexcept { return path_; }
    /// Its descriptor, which stays this object's.
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

    /// As fstat(2).
    [[nodiscard]] expected<struct stat> stat() const {
        struct stat about {};
        if (::fstat(fd_.get(), &about) != 0) return fail(failed("stat", path_, errno));
        return about;
    }

    /// Fewer bytes than asked for only at the end of the file.
    [[nodiscard]] expected<std::size_t> read(std::uint64_t offset,
                                             std::span<std::byte> into) const {
        std::size_t filled = 0;
        while (filled < into.size()) {
            const auto got = ::pread(fd_.get(), into.data() + filled, into.size() - filled,
                                     static_cast<off_t>(offset + filled));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return fail(failed("reading", path_, errno));
            if (got == 0) break;
            filled += static_cast<std::size_t>(got);
        }
        return filled;
    }

    /// Writes all of `from` at `offset`.
    [[nodiscard]] expected<void> write(std::uint64_t offset,
                                       std::span<const std::byte> from) const {
        while (!from.empty()) {
            const auto put =
                ::pwrite(fd_.get(), from.data(), from.size(), static_cast<off_t>(offset));
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return fail(failed("writing", path_, errno));
            offset += static_cast<std::uint64_t>(put);
            from = from.subspan(static_cast<std::size_t>(put));
        }
        return {};
    }

    /// Cuts it, or lengthens it by a hole.
    [[nodiscard]] expected<void> set_size(bytes size) const {
        if (::ftruncate(fd_.get(), static_cast<off_t>(size.count())) != 0) {
            return fail(failed("setting the size", path_, errno));
        }
        return {};
    }
    /// As fchmod(2).
    [[nodiscard]] expected<void> set_mode(mode_t mode) const {
        if (::fchmod(fd_.get(), mode) != 0) return fail(failed("chmod", path_, errno));
        return {};
    }
    /// Data and size are on the disk when it returns.
    [[nodiscard]] expected<void> sync() const {
        if (::fdatasync(fd_.get()) != 0) return fail(failed("syncing", path_, errno));
        return {};
    }

    /// Where there is data, in order; all of the file where the file system cannot tell.
    [[nodiscard]] expected<std::vector<model::byte_range>> data() const {
        const auto about = stat();
        if (!about) return fail(about.error());
        const auto size = static_cast<std::uint64_t>(about->st_size);
        std::vector<model::byte_range> out;
        for (std::uint64_t at = 0; at < size;) {
            const off_t from = ::lseek(fd_.get(), static_cast<off_t>(at), SEEK_DATA);
            if (from < 0 && errno == ENXIO) break; // nothing but a hole is left
            if (from < 0 && errno == EINVAL) return std::vector{model::byte_range{0, size}};
            if (from < 0) return fail(failed("looking for data", path_, errno));
            const off_t to = ::lseek(fd_.get(), from, SEEK_HOLE);
            if (to < 0) return fail(failed("looking for holes", path_, errno));
            out.push_back(
                {static_cast<std::uint64_t>(from), static_cast<std::uint64_t>(to - from)});
            at = static_cast<std::uint64_t>(to);
        }
        return out;
    }

    /// Whether a QEMU on this machine has the image open.
    [[nodiscard]] expected<model::image_use> use() const {
        return model::image_use_by([this](std::uint64_t byte) -> expected<bool> {
            struct flock lock {};
            lock.l_type = F_WRLCK;
            lock.l_whence = SEEK_SET;
            lock.l_start = static_cast<off_t>(byte);
            lock.l_len = 1;
            if (::fcntl(fd_.get(), F_OFD_GETLK, &lock) != 0) {
                return fail(failed("looking for QEMU's locks", path_, errno));
            }
            return lock.l_type != F_UNLCK;
        });
    }

    /// Keeps every other process that asks so from the file, until this one is closed. False when
    /// another has it.
    [[nodiscard]] expected<bool> claim() const {
        if (::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0) return true;
        if (errno == EWOULDBLOCK) return false;
        return fail(failed("locking", path_, errno));
    }

    /// The error of a call that left `number` in `errno`.
    [[nodiscard]] static error failed(const std::string &what, const std::filesystem::path &path,
                                      int number) {
        const auto kind = number == ENOENT || number == ENOTDIR ? error_kind::not_found
                          : number == EEXIST                    ? error_kind::conflict
                          : number == EACCES || number == EPERM || number == EROFS
                              ? error_kind::refused
                              : error_kind::io;
        error out =
            make_error(kind,
                       what + " failed: " + std::strerror(number)) // NOLINT(concurrency-mt-unsafe)
                .about(path.string());
        out.system = number;
        if (number == ENOSPC) out.remedy = "make room: df -h " + path.parent_path().string();
        return out;
    }

private:
    image_file(descriptor fd, std::filesystem::path path)
        : fd_(std::move(fd)), path_(std::move(path)) {}

    descriptor fd_;
    std::filesystem::path path_;
};

} // namespace kvmig::host
