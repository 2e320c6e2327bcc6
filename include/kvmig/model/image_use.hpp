// SPDX-License-Identifier: MIT
/// What QEMU says by its locks on an image: byte 100 + n is locked, for reading, by whoever needs
/// permission n (block/file-posix.c). Over NFSv4 the locks are the server's.
#pragma once

#include <kvmig/core/expected.hpp>

#include <cstdint>

namespace kvmig::model {

/// What a running QEMU does with an image.
enum class image_use : std::uint8_t { free, read, written };

/// `locked(byte)` tells whether somebody holds a lock on that byte, of whatever kind; its error is
/// handed on.
template <class Locked> [[nodiscard]] expected<image_use> image_use_by(Locked locked) {
    constexpr std::uint64_t consistent_read = 100;
    constexpr std::uint64_t write = 101;
    const expected<bool> written = locked(write);
    if (!written) return fail(written.error());
    if (*written) return image_use::written;
    const expected<bool> read = locked(consistent_read);
    if (!read) return fail(read.error());
    return *read ? image_use::read : image_use::free;
}

} // namespace kvmig::model
