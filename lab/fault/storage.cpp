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
    return out;
}

} // namespace kvmig::lab
