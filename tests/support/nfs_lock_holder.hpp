// SPDX-License-Identifier: MIT
/// A client of NFSv4 that holds a lock, as the kernel's does for a QEMU.
#pragma once

#include <kvmig/nfs/context.hpp>
#include <support/catch.hpp>

#include <cstdint>
#include <fcntl.h>
#include <string>
#include <utility>

namespace kvmig::test {

/// Holds a read lock on one byte until the server forgets this client.
class lock_holder {
public:
    lock_holder(const std::string &path, std::uint64_t byte)
        : on_(connected("nfs://192.0.2.1" + path + "?version=4")) {
        auto opened = on_.call(
            "opening", path,
            [](const std::string &below, nfs_context *nfs, nfs_cb done, void *about) {
                return ::nfs_open_async(nfs, below.c_str(), O_RDWR, done, about);
            },
            [this](int, void *data) { file_ = static_cast<nfsfh *>(data); });
        REQUIRE(opened);
        lock_.l_type = F_RDLCK;
        lock_.l_whence = SEEK_SET;
        lock_.l_start = byte;
        lock_.l_len = 1;
        auto locked = on_.connection().call_and_wait(
            "locking", path, [this](nfs_context *nfs, nfs_cb done, void *about) {
                return ::nfs_fcntl_async(nfs, file_, NFS4_F_SETLK, &lock_, done, about);
            });
        if (!locked) FAIL(describe(locked.error()));
    }

    static nfs::context connected(const std::string &address) {
        const auto url = model::parse_nfs_url(address);
        REQUIRE(url);
        auto on = nfs::context::connect(*url);
        if (!on) FAIL(describe(on.error()));
        return *std::move(on);
    }

private:
    nfs::context on_;
    nfsfh *file_ = nullptr;
    nfs4_flock lock_{};
};

} // namespace kvmig::test
