// SPDX-License-Identifier: MIT
/// An open file on an NFS server: reads and writes one after another, or many under way at once.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/nfs/api.hpp>
#include <kvmig/nfs/context.hpp>
#include <kvmig/nfs/error.hpp>
#include <kvmig/nfs/session.hpp>

#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <utility>

namespace kvmig::nfs {

/// How a file is opened.
enum class open_for : std::uint8_t {
    reading,  ///< it must be there
    writing,  ///< it must be there; what is in it stays
    creating, ///< it must not be there
};

/// Closes itself; what was written is on the server's disk only after `sync`, and only `sync` and
/// `close` tell whether that failed. Keeps the connection alive.
class file {
public:
    /// The bytes read or written, which may be fewer than asked for.
    using completion = std::function<void(expected<std::size_t>)>;

    /// `mode`: the permissions of a file that is created; libnfs' umask does not act on them.
    static expected<file> open(const context &on, const std::string &path, open_for how,
                               std::uint32_t mode = 0600) {
        nfsfh *opened = nullptr;
        const int flags = how == open_for::reading   ? O_RDONLY
                          : how == open_for::writing ? O_RDWR
                                                     : O_RDWR | O_CREAT | O_EXCL;
        auto got = on.call(
            how == open_for::creating ? "creating" : "opening", path,
            [&](const std::string &below, nfs_context *nfs, nfs_cb done, void *about) {
                ::nfs_umask(nfs, 0);
                return ::nfs_open2_async(nfs, below.c_str(), flags, static_cast<int>(mode), done,
                                         about);
            },
            [&opened](int, void *data) { opened = static_cast<nfsfh *>(data); });
        if (!got) return fail(std::move(got).error());
        return file(on.shared(), opened, path, on.piece());
    }
    /// The other is closed for its owner.
    file(file &&other) noexcept
        : on_(std::move(other.on_)), handle_(std::exchange(other.handle_, nullptr)),
          path_(std::move(other.path_)), piece_(other.piece_) {}
    file &operator=(file &&other) noexcept {
        if (this != &other) {
            drop();
            on_ = std::move(other.on_);
            handle_ = std::exchange(other.handle_, nullptr);
            path_ = std::move(other.path_);
            piece_ = other.piece_;
        }
        return *this;
    }
    file(const file &) = delete;
    file &operator=(const file &) = delete;
    ~file() { drop(); }

    [[nodiscard]] const std::string &path() const noexcept { return path_; } ///< As it was opened.
    /// The most that one call carries.
    [[nodiscard]] bytes piece() const noexcept { return piece_; }
    /// Where its calls are started and awaited.
    [[nodiscard]] session &connection() const noexcept { return *on_; }

    /// Asks for `into.size()` bytes, of which one `piece()` at most comes. `done` is told the
    /// count, 0 at the end of the file; from `session::service`, at the latest when the session
    /// ends. `into` is to live until then.
    expected<void> start_read(std::uint64_t offset, std::span<std::byte> into, completion done) {
        into = into.first(next_piece(into.size()));
        return start(
            "reading", offset,
            [=, this](nfs_context *nfs, nfs_cb cb, void *about) {
                return api::read_async(nfs, handle_, offset, into, cb, about);
            },
            [into](int count, const void *data) {
                api::take_read(into, data, static_cast<std::size_t>(count));
            },
            std::move(done));
    }

    /// Sends `from`, of which one `piece()` at most is taken, unstable: `sync` makes it stay.
    expected<void> start_write(std::uint64_t offset, std::span<const std::byte> from,
                               completion done) {
        from = from.first(next_piece(from.size()));
        return start(
            "writing", offset,
            [=, this](nfs_context *nfs, nfs_cb cb, void *about) {
                return api::write_async(nfs, handle_, offset, from, cb, about);
            },
            [](int, const void *) {}, std::move(done));
    }

    /// Fills `into` from `offset` on; fewer bytes only at the end of the file.
    [[nodiscard]] expected<std::size_t> read(std::uint64_t offset, std::span<std::byte> into,
                                             const std::stop_token &stop = {}) {
        std::size_t filled = 0;
        while (filled < into.size()) {
            const auto rest = into.subspan(filled).first(next_piece(into.size() - filled));
            auto got = on_->call_patiently(
                "reading", path_,
                [&](nfs_context *nfs, nfs_cb cb, void *about) {
                    return api::read_async(nfs, handle_, offset + filled, rest, cb, about);
                },
                [rest](int count, const void *data) {
                    api::take_read(rest, data, static_cast<std::size_t>(count));
                },
                stop);
            if (!got) return fail(std::move(got).error());
            if (*got == 0) break;
            filled += static_cast<std::size_t>(*got);
        }
        return filled;
    }

    /// Writes all of `from` at `offset`.
    [[nodiscard]] expected<void> write(std::uint64_t offset, std::span<const std::byte> from,
                                       const std::stop_token &stop = {}) {
        while (!from.empty()) {
            const auto now = from.first(next_piece(from.size()));
            auto got = on_->call_patiently(
                "writing", path_,
                [&](nfs_context *nfs, nfs_cb cb, void *about) {
                    return api::write_async(nfs, handle_, offset, now, cb, about);
                },
                {}, stop);
            if (!got) return fail(std::move(got).error());
            if (*got == 0) {
                return fail(make_error(error_kind::protocol, "the server wrote nothing and said so "
                                                             "without an error")
                                .about(path_)
                                .on(on_->server()));
            }
            offset += static_cast<std::uint64_t>(*got);
            from = from.subspan(static_cast<std::size_t>(*got));
        }
        return {};
    }

    /// Returns once all that was written is on stable storage (COMMIT).
    [[nodiscard]] expected<void> sync(const std::stop_token &stop = {}) {
        return simple("syncing", ::nfs_fsync_async, stop);
    }
    /// Cuts it, or lengthens it by a hole.
    [[nodiscard]] expected<void> set_size(bytes size) {
        return done(on_->call_patiently(
            "setting the size", path_, [&](nfs_context *nfs, nfs_cb cb, void *about) {
                return ::nfs_ftruncate_async(nfs, handle_, size.count(), cb, about);
            }));
    }
    /// Closes it, and says what the server has to say of that.
    [[nodiscard]] expected<void> close() {
        if (handle_ == nullptr) return {};
        if (const auto lost = on_->lost()) {
            drop();
            return fail(error(*lost).about(path_));
        }
        nfsfh *closing = std::exchange(handle_, nullptr);
        return done(on_->call_and_wait("closing", path_,
                                       [closing](nfs_context *nfs, nfs_cb cb, void *about) {
                                           return ::nfs_close_async(nfs, closing, cb, about);
                                       }));
    }

private:
    file(std::shared_ptr<session> on, nfsfh *handle, std::string path, bytes piece)
        : on_(std::move(on)), handle_(handle), path_(std::move(path)), piece_(piece) {}

    static expected<void> done(expected<int> status) {
        if (!status) return fail(std::move(status).error());
        return {};
    }

    [[nodiscard]] std::size_t next_piece(std::size_t left) const noexcept {
        return left < piece_.count() ? left : static_cast<std::size_t>(piece_.count());
    }

    template <class Call>
    expected<void> simple(std::string_view what, Call call, const std::stop_token &stop) {
        return done(on_->call_patiently(
            what, path_,
            [&](nfs_context *nfs, nfs_cb cb, void *about) { return call(nfs, handle_, cb, about); },
            {}, stop));
    }

    template <class Begin, class Take>
    expected<void> start(std::string_view what, std::uint64_t offset, Begin begin, Take take,
                         completion done) {
        return on_->start(begin, [=, path = path_, server = on_->server(), done = std::move(done)](
                                     int status, void *data, const answer_text &failed) {
            if (status >= 0) {
                take(status, data);
                done(static_cast<std::size_t>(status));
                return;
            }
            error err = failure(what, path, server, failed);
            err.what += ", at byte " + std::to_string(offset);
            done(fail(std::move(err)));
        });
    }

    /// What close would say is lost here: whoever wrote has called it.
    void drop() noexcept {
        if (handle_ == nullptr || !on_) return;
        nfsfh *closing = std::exchange(handle_, nullptr);
        // Not through the session: libnfs frees the handle even where the connection is gone.
        const quiet_pipe quiet;
        ::nfs_close_async(
            on_->raw(), closing, [](int, nfs_context *, void *, void *) {}, nullptr);
    }

    std::shared_ptr<session> on_;
    nfsfh *handle_;
    std::string path_;
    bytes piece_;
};

} // namespace kvmig::nfs
