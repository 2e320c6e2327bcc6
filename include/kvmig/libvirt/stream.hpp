// SPDX-License-Identifier: MIT
/// A stream of bytes to or from a daemon.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/error.hpp>
#include <kvmig/libvirt/handle.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::libvirt {

/// A blocking stream. What was sent has arrived only when `finish` says so; without it the stream
/// is aborted when destroyed.
class stream {
public:
    /// One that blocks.
    [[nodiscard]] static expected<stream> open(const connection &on) {
        virStreamPtr made = virStreamNew(on.raw(), 0);
        if (made == nullptr) return fail(last_error("cannot make a stream", on.hostname()));
        return stream(stream_handle(made), on.share());
    }
    /// The other has none afterwards.
    stream(stream &&other) noexcept
        : connection_(std::move(other.connection_)), handle_(std::move(other.handle_)),
          begun_(std::exchange(other.begun_, false)) {}
    stream &operator=(stream &&) = delete;
    stream(const stream &) = delete;
    stream &operator=(const stream &) = delete;
    ~stream() { abort(); }

    /// libvirt's own, which stays this object's.
    [[nodiscard]] virStreamPtr raw() const noexcept { return handle_.get(); }

    /// To be called once libvirt has taken the stream for a call (virStorageVolUpload, …): only
    /// such a stream can be aborted.
    void begun() noexcept { begun_ = true; }

    /// Sends all of it, in messages that every daemon takes (`VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX`).
    [[nodiscard]] expected<void> send(std::span<const std::byte> from) {
        constexpr std::size_t most = 262120;
        while (!from.empty()) {
            const auto piece = from.first(std::min(from.size(), most));
            const int sent =
                virStreamSend(raw(), reinterpret_cast<const char *>(piece.data()), piece.size());
            if (sent < 0) return fail(broken("sending"));
            from = from.subspan(static_cast<std::size_t>(sent));
        }
        return {};
    }

    /// All there is, or as soon as there is more than `most` so much.
    [[nodiscard]] expected<std::vector<std::byte>> receive(std::size_t most) {
        std::vector<std::byte> out;
        std::array<std::byte, 4096> piece{};
        while (out.size() <= most) {
            const int got =
                virStreamRecv(raw(), reinterpret_cast<char *>(piece.data()), piece.size());
            if (got < 0) return fail(broken("receiving"));
            if (got == 0) break;
            out.insert(out.end(), piece.begin(), piece.begin() + got);
        }
        return out;
    }

    /// Ends it, and says whether the other side has all.
    [[nodiscard]] expected<void> finish() {
        begun_ = false; // a stream that failed to finish is over too
        if (virStreamFinish(raw()) < 0) return fail(broken("finishing"));
        return {};
    }

    /// What the other end says to it is not asked: what was sent or received is given up.
    void abort() noexcept {
        if (handle_ && std::exchange(begun_, false)) static_cast<void>(virStreamAbort(raw()));
    }

private:
    stream(stream_handle handle, connection on)
        : connection_(std::move(on)), handle_(std::move(handle)) {}

    /// libvirt frees a stream that failed only when it is aborted or finished.
    [[nodiscard]] error broken(const std::string &doing) {
        return last_error(doing + " failed", connection_.hostname());
    }

    connection connection_;
    stream_handle handle_;
    bool begun_ = false;
};

} // namespace kvmig::libvirt
