// SPDX-License-Identifier: MIT
/// Whether somebody has an image open, by the locks of NFSv4.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/image_use.hpp>
#include <kvmig/nfs/context.hpp>

#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <utility>

namespace kvmig::nfs {

/// What QEMU says of the image at `path` by locks that the server knows: a QEMU on a host that
/// mounts the export by NFSv4. Not seen is one that comes by NFSv3 or by QEMU's own driver, nor,
/// with nfs-ganesha, one on the server itself.
///
/// `on` is of version 4. Locks are tested (LOCKT), never taken: libnfs 4 numbers what follows a
/// LOCK wrongly, so that the server would keep it until the lease ends, and no QEMU could start.
[[nodiscard]] inline expected<model::image_use> image_use_at(const context &on,
                                                             const std::string &path) {
    nfsfh *opened = nullptr;
    auto got = on.call(
        "opening", path,
        [](const std::string &below, nfs_context *nfs, nfs_cb done, void *about) {
            return ::nfs_open_async(nfs, below.c_str(), O_RDONLY, done, about);
        },
        [&opened](int, void *data) { opened = static_cast<nfsfh *>(data); });
    if (!got) return fail(std::move(got).error());
    auto use = model::image_use_by([&](std::uint64_t byte) -> expected<bool> {
        auto moved = on.connection().call_and_wait(
            "seeking", path, [&](nfs_context *nfs, nfs_cb done, void *about) {
                return ::nfs_lseek_async(nfs, opened, static_cast<std::int64_t>(byte), SEEK_SET,
                                         done, about);
            });
        if (!moved) return fail(std::move(moved).error());
        auto tested = on.connection().call_patiently(
            "testing the lock", path, [&](nfs_context *nfs, nfs_cb done, void *about) {
                return ::nfs_lockf_async(nfs, opened, NFS4_F_TEST, 1, done, about);
            });
        if (tested) return false;
        if (tested.error().what.find("NFS4ERR_DENIED") != std::string::npos) return true;
        return fail(std::move(tested).error());
    });
    auto closed = on.connection().call_and_wait(
        "closing", path, [&](nfs_context *nfs, nfs_cb done, void *about) {
            return ::nfs_close_async(nfs, opened, done, about);
        });
    if (use && !closed) return fail(std::move(closed).error());
    return use;
}

} // namespace kvmig::nfs
