// SPDX-License-Identifier: MIT
/// libnfs 6 as far as it differs for us: a fake, since Debian has libnfs 4. The declarations of
/// reading and writing have their new shape; all others are those of the installed library.
#pragma once
#pragma GCC system_header // for #include_next, an extension

#define nfs_pread_async nfs_pread_async_of_libnfs_4
#define nfs_pwrite_async nfs_pwrite_async_of_libnfs_4
#include_next <nfsc/libnfs.h>
#undef nfs_pread_async
#undef nfs_pwrite_async

#define LIBNFS_API_V2

extern "C" {
int nfs_pread_async(struct nfs_context *nfs, struct nfsfh *nfsfh, void *buf, size_t count,
                    uint64_t offset, nfs_cb cb, void *private_data);
int nfs_pwrite_async(struct nfs_context *nfs, struct nfsfh *nfsfh, const void *buf, size_t count,
                     uint64_t offset, nfs_cb cb, void *private_data);
}
