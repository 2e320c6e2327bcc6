// SPDX-License-Identifier: MIT
/// The English words of the `errno` values that migrations meet (glibc's `strerror`).
///
/// A libvirt error of the code `VIR_ERR_SYSTEM_ERROR` carries the number in `int1`, whatever the
/// language of its message.
#pragma once

#include <array>
#include <cerrno>
#include <string_view>

namespace kvmig::diagnosis {

/// The words for `number` in the C locale; empty for a number that is not listed.
[[nodiscard]] constexpr std::string_view errno_text(int number) noexcept {
    switch (number) {
    case EPERM: return "Operation not permitted";
    case ENOENT: return "No such file or directory";
    case EIO: return "Input/output error";
    case ENXIO: return "No such device or address";
    case EAGAIN: return "Resource temporarily unavailable";
    case ENOMEM: return "Cannot allocate memory";
    case EACCES: return "Permission denied";
    case EBUSY: return "Device or resource busy";
    case EEXIST: return "File exists";
    case ENODEV: return "No such device";
    case ENOTDIR: return "Not a directory";
    case EISDIR: return "Is a directory";
    case EINVAL: return "Invalid argument";
    case EMFILE: return "Too many open files";
    case EFBIG: return "File too large";
    case ENOSPC: return "No space left on device";
    case EROFS: return "Read-only file system";
    case EPIPE: return "Broken pipe";
    case ERANGE: return "Numerical result out of range";
    case EPROTO: return "Protocol error";
    case EOPNOTSUPP: return "Operation not supported";
    case EADDRINUSE: return "Address already in use";
    case EADDRNOTAVAIL: return "Cannot assign requested address";
    case ENETDOWN: return "Network is down";
    case ENETUNREACH: return "Network is unreachable";
    case ECONNABORTED: return "Software caused connection abort";
    case ECONNRESET: return "Connection reset by peer";
    case ENOTCONN: return "Transport endpoint is not connected";
    case ETIMEDOUT: return "Connection timed out";
    case ECONNREFUSED: return "Connection refused";
    case EHOSTDOWN: return "Host is down";
    case EHOSTUNREACH: return "No route to host";
    case ESTALE: return "Stale file handle";
    case EDQUOT: return "Disk quota exceeded";
    case ENOSYS: return "Function not implemented";
    case ELOOP: return "Too many levels of symbolic links";
    default: return {};
    }
}

/// The numbers for which `errno_text` has words.
inline constexpr std::array common_errno{
    EPERM,       ENOENT,       EIO,        ENXIO,      EAGAIN,        ENOMEM,
    EACCES,      EBUSY,        EEXIST,     ENODEV,     ENOTDIR,       EISDIR,
    EINVAL,      EMFILE,       EFBIG,      ENOSPC,     EROFS,         EPIPE,
    ERANGE,      EPROTO,       EOPNOTSUPP, EADDRINUSE, EADDRNOTAVAIL, ENETDOWN,
    ENETUNREACH, ECONNABORTED, ECONNRESET, ENOTCONN,   ETIMEDOUT,     ECONNREFUSED,
    EHOSTDOWN,   EHOSTUNREACH, ESTALE,     EDQUOT,     ENOSYS,        ELOOP};

} // namespace kvmig::diagnosis
