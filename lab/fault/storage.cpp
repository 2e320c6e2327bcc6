// SPDX-License-Identifier: MIT
/// Failures of the storage: mounts, pools, exports, sizes.
#include <lab/fault/fault.hpp>

namespace kvmig::lab {

namespace {

guest_domain guest_with_medium() {
    guest_domain guest = usual_guest();
    guest.cdrom = "/var/lib/libvirt/images/tools.iso";
    return guest;
}

/// As once was usual: QEMU is root, and so are its images'.
constexpr std::string_view qemu_as_root =
    "printf 'user = \"root\"\\ngroup = \"root\"\\n' >>/etc/libvirt/qemu.conf && "
    "systemctl restart libvirtd.service";

/// What the client was allowed before, it remembers for as long as the store is mounted.
constexpr std::string_view mounted_anew = "umount /srv/images && mount /srv/images";

constexpr std::string_view other_user_undone =
    "sed -i '/^user = \"nobody\"/d; /^dynamic_ownership = 0/d' /etc/libvirt/qemu.conf && "
    "systemctl restart libvirtd.service";

} // namespace

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
        .id = "fail-no-pool",
        .title = "the pool of the store is not started on the destination",
        .breaks = {{"kvm02", "virsh -q pool-destroy images"}},
        .undo = {{"kvm02", "virsh -q pool-start images; true"}},
        .diagnosed = "KVM-STO-002",
        .unforeseen = "libvirt tells of files by the pools that run: whether the image is there is "
                      "not known, and said to be so",
        .remedy = {"pool-list --all", "pool-start"},
        .fill = {{"POOL", "images"}},
    });
    out.push_back({
        .id = "fail-readonly-export",
        .title = "the store is exported to the destination for reading only",
        .breaks = {{"nfs", "exportfs -o ro,sync,no_subtree_check,no_root_squash,fsid=1 "
                           "192.0.2.12:/srv/images"}},
        .undo = {{"nfs", "exportfs -u 192.0.2.12:/srv/images 2>/dev/null; exportfs -r"}},
        .diagnosed = "KVM-STO-007",
        .unforeseen =
            "the check asks the hosts; what the server allows is read by `kvmig nfs exports`",
        .remedy = {"exportfs -o rw"},
    });
    out.push_back({
        .id = "fail-stale-handle",
        .title = "the store is exported to the destination anew, under another fsid",
        // Mounted by hand: what reads a stale pool, as the check does, has libvirt stop it.
        .breaks = {{"kvm02", "virsh -q pool-destroy images && echo 'nfs.kvmig.test:/srv/images "
                             "/srv/images nfs' >>/etc/fstab && mount /srv/images"},
                   {"nfs", "exportfs -u 192.0.2.12:/srv/images && exportfs -o "
                           "rw,sync,no_subtree_check,no_root_squash,fsid=2 "
                           "192.0.2.12:/srv/images"}},
        .undo = {{"kvm02", "ls /srv/images >/dev/null 2>&1 || { umount -l /srv/images; "
                           "mount /srv/images; }; virsh -q pool-start images; true"}},
        .diagnosed = "KVM-STO-006",
        .unforeseen = "libvirt tells of files by the pools that run: whether the image is there is "
                      "not known, and said to be so",
        .remedy = {"umount -l", "mount MOUNTPOINT", "pool-start"},
        .fill = {{"MOUNTPOINT", "/srv/images"}, {"POOL", "images"}},
    });
    out.push_back({
        .id = "fail-permission",
        .title = "QEMU runs as another user on the destination, who may not open the image",
        .breaks = {{"kvm02", "printf 'user = \"nobody\"\ndynamic_ownership = 0\n' "
                             ">>/etc/libvirt/qemu.conf && systemctl restart libvirtd.service"}},
        .undo = {{"kvm02", other_user_undone}},
        .diagnosed = "KVM-SEC-008",
        .unforeseen = "libvirt does not tell as whom QEMU will run",
        .remedy = {"namei -l", "/etc/libvirt/qemu.conf"},
        .by_hand = {{"kvm02", other_user_undone}},
    });
    out.push_back({
        .id = "fail-root-squash",
        .title = "QEMU is root, and the store's export to the destination squashes root",
        .prepare = {{"kvm01", qemu_as_root}, {"kvm02", qemu_as_root}},
        // Mounted by hand: libvirt stops a pool with a file that root may not read.
        .breaks = {{"kvm02", "virsh -q pool-destroy images"},
                   {"nfs", "exportfs -o rw,sync,no_subtree_check,root_squash,fsid=1 "
                           "192.0.2.12:/srv/images"},
                   {"kvm02", "echo 'nfs.kvmig.test:/srv/images /srv/images nfs' >>/etc/fstab && "
                             "mount /srv/images"}},
        .undo = {{"nfs", "exportfs -u 192.0.2.12:/srv/images 2>/dev/null; exportfs -r"},
                 {"kvm02", "umount /srv/images; virsh -q pool-start images; true"}},
        .diagnosed = "KVM-SEC-008",
        .unforeseen = "libvirt does not tell as whom QEMU will run, and the check does not read "
                      "what the server allows: `kvmig nfs exports` does",
        .remedy = {"exportfs -o rw,no_root_squash"},
        .by_hand = {{"kvm02", mounted_anew}, {"kvm02", "virsh -q pool-start images"}},
    });
    out.push_back({
        .id = "fail-medium",
        .title = "an ISO image in the guest's drive is on the source alone",
        .guest = guest_with_medium,
        .prepare = {{"kvm01", "truncate -s 1M /var/lib/libvirt/images/tools.iso"}},
        .undo = {{"kvm01", "rm -f /var/lib/libvirt/images/tools.iso"}},
        .diagnosed = "KVM-STO-028",
        .foreseen = "KVM-STO-028",
        .remedy = {"domblklist", "--eject --live"},
        .fill = {{"TARGET", "sda"}},
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
    out.push_back({
        .id = "fail-target-size",
        .title = "the image made for the copy is smaller than the source's",
        .pool = local_pool_name,
        .breaks = {{"kvm02", "qemu-img create -q -f qcow2 /var/lib/libvirt/images/vm1.qcow2 32M"}},
        .undo = {{"kvm02", "rm -f /var/lib/libvirt/images/vm1.qcow2"}},
        .tried = attempt::virsh,
        .options = {"--copy-storage-all"},
        .diagnosed = "KVM-STO-013",
        .foreseen = "KVM-STO-013",
        .remedy = {"domblkinfo", "qemu-img resize"},
        .fill = {{"TARGET", "/var/lib/libvirt/images/vm1.qcow2"}, {"SIZE", "67108864"}},
    });
    out.push_back({
        .id = "fail-disk-full",
        .title = "the destination's disk has no room for the copy",
        .pool = local_pool_name,
        // libvirt makes the image for the copy with all its room.
        .breaks = {{"kvm02", "cd /var/lib/libvirt && truncate -s 8M small.disk && mkfs.ext4 -q "
                             "-m 0 small.disk && mount -o loop small.disk images && virsh -q "
                             "pool-refresh local"}},
        .undo = {{"kvm02", "umount /var/lib/libvirt/images 2>/dev/null; true"}},
        .tried = attempt::virsh,
        .options = {"--copy-storage-all"},
        .diagnosed = "KVM-STO-010",
        .foreseen = "KVM-STO-010",
        .remedy = {"df -h"},
        .by_hand = {{"kvm02", "umount /var/lib/libvirt/images && virsh -q pool-refresh local"}},
    });
    return out;
}

} // namespace kvmig::lab
