// SPDX-License-Identifier: MIT
/// The journal's place in the file system, and the locks that keep two controllers apart.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/descriptor.hpp>
#include <kvmig/ports/journal.hpp>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace kvmig::host {

namespace detail {

[[nodiscard]] inline error journal_file_error(int number, const std::string &what,
                                              const std::filesystem::path &path) {
    error out =
        make_error(number == EACCES || number == EPERM || number == EROFS || number == ENOSPC
                       ? error_kind::environment
                       : error_kind::io,
                   what + ": " + std::strerror(number)) // NOLINT(concurrency-mt-unsafe)
            .about(path.string());
    out.system = number;
    return out;
}

/// Makes the entries of a folder survive a power cut.
[[nodiscard]] inline expected<void> sync_folder(const std::filesystem::path &folder) {
    const descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) {
        return fail(journal_file_error(errno, "writing out the folder of the journal", folder));
    }
    return {};
}

} // namespace detail

/// `$XDG_STATE_HOME/kvmig/journal.sqlite`, or below `$HOME/.local/state` where the variable is not
/// an absolute path. Fails with `environment` when neither is set.
[[nodiscard]] inline expected<std::filesystem::path> default_journal_path() {
    const auto variable = [](const char *name) {
        const char *value = std::getenv(name); // NOLINT(concurrency-mt-unsafe)
        return std::filesystem::path(value == nullptr ? "" : value);
    };
    if (const auto state = variable("XDG_STATE_HOME"); state.is_absolute()) {
        return state / "kvmig" / "journal.sqlite";
    }
    if (const auto home = variable("HOME"); home.is_absolute()) {
        return home / ".local" / "state" / "kvmig" / "journal.sqlite";
    }
    return fail(
        make_error(error_kind::environment, "there is no place for the journal of migrations")
            .advise("set XDG_STATE_HOME or HOME to an absolute path"));
}

/// Makes `folder` and what is missing above it, each for its owner alone.
[[nodiscard]] inline expected<void> make_private_folder(const std::filesystem::path &folder) {
    std::error_code ignored;
    if (folder.empty() || std::filesystem::is_directory(folder, ignored)) return {};
    if (auto above = make_private_folder(folder.parent_path()); !above) return above;
    if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
        return fail(detail::journal_file_error(errno, "making the folder of the journal", folder));
    }
    return folder.has_parent_path() ? detail::sync_folder(folder.parent_path()) : expected<void>{};
}

/// Opens `file`, making it for its owner alone where it is missing.
[[nodiscard]] inline expected<descriptor> open_private_file(const std::filesystem::path &file) {
    descriptor fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!fd) return fail(detail::journal_file_error(errno, "opening the journal", file));
    return fd;
}

/// The right to drive one migration. It rests on a lock of one byte, at the place of the
/// migration's number, in a file beside the journal: the kernel gives it up when the process ends,
/// and another lease of the same process does not share it.
class journal_lease {
public:
    /// Fails with `conflict` while another holds it.
    [[nodiscard]] static expected<journal_lease> take(const std::filesystem::path &lock_file,
                                                      ports::migration_id id) {
        auto fd = open_private_file(lock_file);
        if (!fd) return fail(std::move(fd.error()));
        struct flock lock {};
        lock.l_type = F_WRLCK;
        lock.l_whence = SEEK_SET;
        lock.l_start = static_cast<off_t>(id.number);
        lock.l_len = 1;
        if (::fcntl(fd->get(), F_OFD_SETLK, &lock) != 0) {
            if (errno == EAGAIN || errno == EACCES) {
                return fail(
                    make_error(error_kind::conflict, "migration " + std::to_string(id.number) +
                                                         " is being driven by another process")
                        .about(lock_file.string())
                        .advise("wait for it, or end it first (fuser " + lock_file.string() +
                                " names it)"));
            }
            return fail(detail::journal_file_error(errno, "locking the journal", lock_file));
        }
        return journal_lease(std::move(*fd), id);
    }

    /// The migration that is held.
    [[nodiscard]] ports::migration_id id() const noexcept { return id_; }

private:
    journal_lease(descriptor fd, ports::migration_id id) : fd_(std::move(fd)), id_(id) {}

    descriptor fd_;
    ports::migration_id id_;
};

static_assert(ports::journal_lease<journal_lease>);

} // namespace kvmig::host
