// SPDX-License-Identifier: MIT
/// The local ends of an image copy.
#pragma once

#include <kvmig/host/image_file.hpp>
#include <kvmig/model/nfs_url.hpp>
#include <kvmig/run/copy_end.hpp>
#include <kvmig/run/copy_mark.hpp>
#include <kvmig/run/local_worker.hpp>

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <utility>

namespace kvmig::run {

namespace detail {

/// What both ends have of their file, which a thread beside reads and writes.
template <class End> class local_end : public End {
public:
    [[nodiscard]] const std::string &name() const noexcept final { return name_; }
    [[nodiscard]] std::optional<pollfd> wanted() const final { return worker_.wanted(); }
    /// Calls back what its thread has done.
    expected<void> service(short) final {
        worker_.serve();
        return {};
    }
    /// Forgets what was under way.
    expected<void> reconnect(const std::stop_token &) final {
        worker_.settle();
        return {};
    }
    expected<void> start_read(std::uint64_t offset, std::span<std::byte> into,
                              copy_completion done) final {
        return worker_.submit([this, offset, into] { return file_->read(offset, into); },
                              std::move(done));
    }

protected:
    explicit local_end(std::string name) : name_(std::move(name)) {}

    std::string name_; // NOLINT(cppcoreguidelines-non-private-member-variables-in-classes)
    std::optional<host::image_file>
        file_; // NOLINT(cppcoreguidelines-non-private-member-variables-in-classes)
    local_worker
        worker_; // NOLINT(cppcoreguidelines-non-private-member-variables-in-classes) uses the file
};

} // namespace detail

/// A file or device of this machine.
class local_source final : public detail::local_end<copy_source> {
public:
    /// Opens it for reading; errors name the path.
    static expected<std::unique_ptr<local_source>> open(const std::filesystem::path &path) {
        auto file = host::image_file::open(path, O_RDONLY);
        if (!file) return fail(std::move(file).error());
        const auto about = file->stat();
        if (!about) return fail(about.error());
        return std::unique_ptr<local_source>(new local_source(std::move(*file), *about));
    }

    /// Open for reading.
    [[nodiscard]] const host::image_file &file() const noexcept { return *file_; }
    /// Its permission bits.
    [[nodiscard]] std::uint32_t mode() const noexcept override { return about_.st_mode & 07777U; }
    [[nodiscard]] bytes used() const noexcept override {
        return bytes{static_cast<std::uint64_t>(about_.st_blocks) * 512};
    }
    /// By device, inode, size and time of change.
    [[nodiscard]] expected<image_identity> identity() override {
        const auto now = file_->stat();
        if (!now) return fail(now.error());
        const auto nanoseconds = [](const timespec &of) {
            return static_cast<std::int64_t>(of.tv_sec) * 1'000'000'000 + of.tv_nsec;
        };
        return image_identity{now->st_dev, now->st_ino,
                              bytes{static_cast<std::uint64_t>(now->st_size)},
                              nanoseconds(now->st_mtim), nanoseconds(now->st_ctim)};
    }
    [[nodiscard]] expected<std::optional<std::vector<model::byte_range>>> data() override {
        auto out = file_->data();
        if (!out) return fail(std::move(out).error());
        return std::optional(std::move(*out));
    }
    [[nodiscard]] expected<std::vector<std::byte>> read(std::uint64_t offset,
                                                        std::uint64_t length) override {
        std::vector<std::byte> out(static_cast<std::size_t>(length));
        const auto got = file_->read(offset, out);
        if (!got) return fail(got.error());
        out.resize(*got);
        return out;
    }

private:
    local_source(host::image_file file, const struct stat &about)
        : local_end(file.path().string()), about_(about) {
        file_.emplace(std::move(file));
    }

    struct stat about_;
};

/// A file of this machine, under its part's name until it is whole.
class local_target final : public detail::local_end<copy_target> {
public:
    /// `path` is the final name.
    explicit local_target(std::filesystem::path path)
        : local_end(path.string()), path_(std::move(path)),
          part_(path_.parent_path() / part_name(path_.filename().string())),
          mark_(path_.parent_path() / mark_name(path_.filename().string())) {}

    [[nodiscard]] expected<bool> exists() override { return there(path_); }
    [[nodiscard]] expected<void> unused() override {
        const auto taken = exists();
        if (!taken) return fail(taken.error());
        if (!*taken) return {};
        const auto file = host::image_file::open(path_, O_RDONLY);
        if (!file) return fail(file.error());
        const auto use = file->use();
        if (!use) return fail(use.error());
        if (*use == model::image_use::free) return {};
        return fail(make_error(error_kind::conflict, "a running QEMU has the target open")
                        .about(name_)
                        .advise("name another target, or shut the guest down"));
    }
    expected<void> begin(bool resume, std::uint32_t mode) override {
        auto file =
            host::image_file::open(part_, resume ? O_RDWR : O_RDWR | O_CREAT | O_EXCL, 0600);
        if (!file) return fail(std::move(file).error());
        const auto mine = file->claim();
        if (!mine) return fail(mine.error());
        if (!*mine) {
            return fail(make_error(error_kind::conflict, "another copy writes this target now")
                            .about(name_));
        }
        if (auto set = file->set_mode(mode); !set) return set;
        file_ = std::move(*file);
        return {};
    }
    /// Makes the part so long.
    expected<void> set_size(bytes size) override { return file_->set_size(size); }
    /// What its file system has left.
    [[nodiscard]] expected<bytes> free_room() override {
        struct statvfs about {};
        const auto folder = folder_of();
        if (::statvfs(folder.c_str(), &about) != 0) {
            return fail(host::image_file::failed("statvfs", folder, errno));
        }
        return bytes{static_cast<std::uint64_t>(about.f_bavail) * about.f_frsize};
    }
    expected<void> start_write(std::uint64_t offset, std::span<const std::byte> from,
                               copy_completion done) override {
        return worker_.submit(
            [this, offset, from]() -> expected<std::size_t> {
                auto put = file_->write(offset, from);
                if (!put) return fail(std::move(put).error());
                return from.size();
            },
            std::move(done));
    }
    expected<void> sync() override { return file_->sync(); }
    /// Keeps it in a file beside the part.
    expected<void> write_mark(const copy_mark &mark) override {
        const std::string text = to_text(mark);
        auto file = host::image_file::open(mark_, O_WRONLY | O_CREAT, 0600);
        if (!file) return fail(std::move(file).error());
        if (auto put = file->write(0, std::as_bytes(std::span(text))); !put) return put;
        if (auto cut = file->set_size(bytes{text.size()}); !cut) return cut;
        return file->sync();
    }
    expected<void> publish(bool replace) override {
        if (replace) {
            if (::rename(part_.c_str(), path_.c_str()) != 0) {
                return fail(host::image_file::failed("renaming to " + name_, part_, errno));
            }
        } else {
            // Unlike rename, link does not replace a file that came meanwhile.
            if (::link(part_.c_str(), path_.c_str()) != 0) {
                return fail(host::image_file::failed("naming the copy", path_, errno));
            }
            if (auto gone = remove(part_); !gone) return gone;
        }
        if (auto gone = remove(mark_); !gone) return gone;
        const host::descriptor folder(::open(folder_of().c_str(), O_RDONLY | O_CLOEXEC));
        if (!folder || ::fsync(folder.get()) != 0) {
            return fail(host::image_file::failed("syncing the folder", folder_of(), errno));
        }
        return {};
    }
    expected<void> discard() override {
        worker_.settle();
        auto part = remove(part_);
        auto mark = remove(mark_);
        return part ? mark : part;
    }

protected:
    /// Whether a part is there.
    [[nodiscard]] expected<bool> has_part() override { return there(part_); }
    [[nodiscard]] expected<std::string> mark_text() override {
        const auto file = host::image_file::open(mark_, O_RDONLY);
        if (!file && file.error().kind == error_kind::not_found) return std::string();
        if (!file) return fail(file.error());
        std::string text(mark_most, '\0');
        const auto got = file->read(0, std::as_writable_bytes(std::span(text.data(), text.size())));
        if (!got) return fail(got.error());
        text.resize(*got);
        return text;
    }

private:
    [[nodiscard]] std::filesystem::path folder_of() const {
        return path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
    }
    static expected<bool> there(const std::filesystem::path &path) {
        struct stat about {};
        if (::lstat(path.c_str(), &about) == 0) return true;
        if (errno == ENOENT) return false;
        return fail(host::image_file::failed("looking for it", path, errno));
    }
    static expected<void> remove(const std::filesystem::path &path) {
        if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
        return fail(host::image_file::failed("removing", path, errno));
    }

    std::filesystem::path path_;
    std::filesystem::path part_;
    std::filesystem::path mark_;
};

} // namespace kvmig::run
