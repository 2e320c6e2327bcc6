// SPDX-License-Identifier: MIT
/// A file descriptor that closes itself.
#pragma once

#include <unistd.h>
#include <utility>

namespace kvmig::host {

/// Owns a file descriptor; empty when it holds a negative number.
class descriptor {
public:
    descriptor() noexcept = default;
    explicit descriptor(int fd) noexcept : fd_(fd) {} ///< Takes `fd` over; -1 is none.
    /// The other has none afterwards.
    descriptor(descriptor &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor &operator=(descriptor &&other) noexcept {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }
    descriptor(const descriptor &) = delete;
    descriptor &operator=(const descriptor &) = delete;
    ~descriptor() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_; } ///< The number; -1 when there is none.
    explicit operator bool() const noexcept { return fd_ >= 0; }
    /// Hands it over: who calls this closes it.
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    /// Closes it, and takes `fd` in its place.
    void reset(int fd = -1) noexcept {
        if (fd_ >= 0) ::close(fd_);
        fd_ = fd;
    }

private:
    int fd_ = -1;
};

} // namespace kvmig::host
