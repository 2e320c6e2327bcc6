// SPDX-License-Identifier: MIT
/// libnfs' calls that changed their shape in release 6, behind one shape of our own.
///
/// With `LIBNFS_API_V2` (libnfs ≥ 6) a buffer and its length come before the offset, and a read
/// fills the caller's buffer; before it, the answer lies in memory of libnfs' own for as long as
/// the callback runs. Every header of nfs/ gets libnfs from here.
#pragma once

#include <nfsc/libnfs.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace kvmig::nfs::api {

#ifdef LIBNFS_API_V2

inline int read_async(nfs_context *nfs, nfsfh *file, std::uint64_t offset,
                      std::span<std::byte> into, nfs_cb done, void *about) {
    return ::nfs_pread_async(nfs, file, into.data(), into.size(), offset, done, about);
}
inline int write_async(nfs_context *nfs, nfsfh *file, std::uint64_t offset,
                       std::span<const std::byte> from, nfs_cb done, void *about) {
    return ::nfs_pwrite_async(nfs, file, from.data(), from.size(), offset, done, about);
}
/// What a callback of `read_async` does with its data: nothing, it is in place.
inline void take_read(std::span<std::byte>, const void *, std::size_t) {}

#else

/// nfs_pread_async, with the arguments in one order in all releases.
inline int read_async(nfs_context *nfs, nfsfh *file, std::uint64_t offset,
                      std::span<std::byte> into, nfs_cb done, void *about) {
    return ::nfs_pread_async(nfs, file, offset, into.size(), done, about);
}
/// nfs_pwrite_async, with the arguments in one order in all releases.
inline int write_async(nfs_context *nfs, nfsfh *file, std::uint64_t offset,
                       std::span<const std::byte> from, nfs_cb done, void *about) {
    return ::nfs_pwrite_async(nfs, file, offset, from.size(), from.data(), done, about);
}
/// What a callback of `read_async` does with its data.
inline void take_read(std::span<std::byte> into, const void *data, std::size_t count) {
    if (count != 0) std::memcpy(into.data(), data, count);
}

#endif

} // namespace kvmig::nfs::api
