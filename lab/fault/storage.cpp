// SPDX-License-Identifier: MIT
/// Failures of the storage.
#include <lab/fault/fault.hpp>

namespace kvmig::lab {

std::vector<fault> storage_faults() {
    std::vector<fault> out;
    out.push_back({
        .id = "fail-mount",
        .title = "the store is not mounted on the destination",
        .breaks = {{"kvm02", "umount -l /srv/images"}},
        .undo = {{"kvm02", "mountpoint -q /srv/images || mount -t nfs "
                           "nfs.kvmig.test:/srv/images /srv/images"}},
        .diagnosed = "KVM-STO-002",
        .foreseen = "KVM-STO-002",
        .remedy = {"findmnt -t nfs", "mount -t nfs"},
        .fill = {{"SERVER", "nfs.kvmig.test"},
                 {"EXPORT", "/srv/images"},
                 {"MOUNTPOINT", "/srv/images"}},
    });
    out.push_back({
        .id = "fail-unsafe",
        .title = "the image is on the source's own disk, and is not to be copied",
        .pool = local_pool_name,
        .diagnosed = "KVM-STO-001",
        .foreseen = "KVM-STO-002", // whatever the reason, it is not there
        .remedy = {"--copy-storage-all"},
        .remedy_moves = true,
    });
    return out;
}

} // namespace kvmig::lab
