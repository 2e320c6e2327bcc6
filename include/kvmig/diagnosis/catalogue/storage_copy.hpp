// SPDX-License-Identifier: MIT
/// Catalogue: disks that are not shared, and their copy.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry storage_copy[] = {
    {
        .id = "KVM-STO-001",
        .title = "A disk is on storage that the destination does not share",
        .cause = "libvirt looks at the file system of each writable disk: a local one means that "
                 "the destination would start from another, or no, image. Either the storage must "
                 "be shared, or the disks must be copied.",
        .patterns =
            {
                {"Migration without shared storage is unsafe", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1629|1799"},
            },
        .codes = {{81}},
        .remedy =
            {
                {source,
                 "virsh migrate --live --copy-storage-all {domain} qemu+ssh://{destination}/system",
                 "copies the disks; make the target images first, or have a pool of the same path "
                 "there"},
                {both, "virsh -c qemu:///system pool-list --details",
                 "or put the image on an NFS pool that both hosts have at the same path"},
                {source, "virsh migrate --live --unsafe {domain} qemu+ssh://{destination}/system",
                 "only when you know that both hosts see the same file, e.g. on the host that "
                 "exports it"},
            },
        .look = "findmnt -T on the image's path on both hosts; shared_filesystems in qemu.conf "
                "(libvirt 10.9 and later) names exported local directories",
        .example = "error: Unsafe migration: Migration without shared storage is unsafe",
    },
    {
        .id = "KVM-STO-010",
        .title = "No space left on the destination's storage",
        .cause = "The target's file system, thin pool or quota is full, so the copy of the disk "
                 "(or the pre-creation of the image) stopped.",
        .patterns =
            {
                {"migration of disk {disk} failed: No space left on device", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:657,661|797,801"},
                {"cannot allocate {n} bytes in file '{path}': No space left on device",
                 libvirt_both, "libvirt src/storage/storage_util.c:334|334"},
                {"Failed to pre-allocate space for file '{path}': No space left on device",
                 libvirt_both, "libvirt src/util/virfile.c:666|776"},
                {"cannot extend file '{path}': No space left on device", libvirt_both,
                 "libvirt src/storage/storage_util.c:188,315|189,315"},
                {"cannot fill file '{path}': No space left on device", libvirt_both,
                 "libvirt src/storage/storage_util.c:359|359"},
                {"Could not resize file: No space left on device", qemu_both,
                 "QEMU block/gluster.c:1061,1072|1057,1068; "
                 "block/file-posix.c:1980,2022|2351,2393"},
                {"cannot write data to file '{path}': No space left on device", libvirt_both,
                 "libvirt src/util/virfile.c:622|732; src/util/virxml.c:1225,1232|1299,1306"},
                {"Disk quota exceeded", other, "C library, EDQUOT"},
                {"No space left on device", other, "C library, ENOSPC", virt_line},
            },
        .remedy =
            {
                {destination, "df -h", ""},
                {source, "virsh domblkinfo {domain} --all --human", "what the copy needs"},
                {source,
                 "virsh migrate --live --copy-storage-all --migrate-disks-detect-zeroes {disk} "
                 "{domain} qemu+ssh://{destination}/system",
                 "keeps holes (libvirt 10.9 and later)"},
            },
        .look = "df -h and df -i of the target directory, vgs/lvs for thin pools",
        .example = "error: operation failed: migration of disk vda failed: No space left on device",
    },
    {
        .id = "KVM-STO-011",
        .title = "The copy of a disk broke",
        .cause = "The connection to the destination's NBD server ended, or its target could not be "
                 "written. The reason is in the destination's QEMU log.",
        .says = symptom,
        .patterns =
            {
                {"migration of disk {disk} failed: Input/output error", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:657,661|797,801"},
                {"migration of disk {disk} failed: {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:657,661|797,801"},
                {"migration of disk {disk} failed", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:657,661|797,801"},
                {"Failed to read option reply: {rest}", qemu_both,
                 "QEMU include/block/nbd.h nbd_read"},
                {"Unexpected end-of-file before all bytes were read", qemu_both,
                 "QEMU nbd/client.c:1463|1508; nbd/server.c:1431|1482"},
                {"Failed to read data: Unexpected end-of-file before all bytes were read",
                 qemu_both, "QEMU include/block/nbd.h nbd_read"},
                {"NBD server not running", qemu_both, "QEMU nbd/server.c:1688|1813"},
                {"Requested export not available", qemu_both, "QEMU nbd/client.c:213|213",
                 virt_line},
                {"server reported: export '{name}' not present", qemu_both, "QEMU nbd/server.c"},
                {"No export with name '{name}' available", qemu_both, "QEMU nbd/client.c:539|539"},
                {"Connection closed", libvirt_both | qemu_both,
                 "libvirt src/rpc/virkeepalive.c:134|134; QEMU block/nbd.c:845|867", virt_line},
                {"Connection attempt cancelled by timeout", qemu_both,
                 "QEMU nbd/client-connection.c:370|370"},
            },
        .remedy =
            {
                {destination, "tail -n 30 /var/log/libvirt/qemu/{domain}.log", ""},
                {destination, "dmesg --level=err,warn", ""},
            },
        .look = "the destination's QEMU log and its kernel's, then the network",
        .example = "error: operation failed: migration of disk vda failed: Input/output error",
    },
    {
        .id = "KVM-STO-012",
        .title = "The target images of an incremental copy must exist beforehand",
        .cause = "With --copy-storage-inc libvirt does not create the target: only you can know "
                 "which base image it stands on.",
        .patterns =
            {
                {"pre-creation of storage targets for incremental storage migration is not "
                 "supported",
                 libvirt_9_0, "libvirt src/qemu/qemu_migration.c:468|-"},
                {"pre-creation of storage target for incremental storage migration of disk "
                 "'{disk}' is not supported",
                 libvirt_11_3, "libvirt src/qemu/qemu_migration.c:-|559"},
                {"non-shared storage migration into '{disk}' target is not supported", libvirt_11_3,
                 "libvirt src/qemu/qemu_migration.c:-|537"},
                {"cannot precreate storage for disk type '{word}'", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:342|393"},
                {"unable to find disk target '{disk}' for non-shared-storage migration",
                 libvirt_11_3, "libvirt src/qemu/qemu_migration.c:-|477"},
            },
        .remedy =
            {
                {destination, "qemu-img create -f qcow2 -F qcow2 -b BASE TARGET SIZE",
                 "the same paths and size as on the source, for every disk"},
                {source,
                 "virsh migrate --live --copy-storage-inc {domain} qemu+ssh://{destination}/system",
                 ""},
            },
        .look = "qemu-img info -U --backing-chain of the disk on the source",
        .example = "error: Operation not supported: pre-creation of storage targets for "
                   "incremental storage migration is not supported",
    },
    {
        .id = "KVM-STO-013",
        .title = "The target image is smaller than the source",
        .cause = "A disk is copied block by block; the target must be at least as large.",
        .patterns =
            {
                {"Source and target image have different sizes", qemu_both,
                 "QEMU block/mirror.c:935|977; block/backup.c:449|456"},
                {"operation past EOF; From: {n}, Len: {n2:number}, Size: {n3:number}", qemu_both,
                 "QEMU nbd/server.c:2403|2796"},
                {"mirror: target is smaller than source", qemu_both, "QEMU block/mirror.c"},
            },
        .remedy =
            {
                {source, "virsh domblkinfo {domain} --all", ""},
                {destination, "qemu-img resize TARGET SIZE", "the source's virtual size, in bytes"},
            },
        .look = "qemu-img info of the target",
        .example = "error: internal error: unable to execute QEMU command 'blockdev-mirror': "
                   "Source and target image have different sizes",
    },
    {
        .id = "KVM-STO-014",
        .title = "A disk named for the copy cannot be copied",
        .cause =
            "--migrate-disks lists a disk that is empty, read-only, or not a disk of this domain.",
        .patterns =
            {
                {"Cannot migrate empty or read-only disk {disk}", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:576|721"},
                {"disk target {disk} not found", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:2623|2740"},
                {"unable to find disk by target: {disk}", libvirt_9_0,
                 "libvirt src/qemu/qemu_migration.c:448|-"},
            },
        .remedy =
            {
                {source, "virsh domblklist {domain} --details", ""},
                {source, "virsh change-media {domain} {disk} --eject --live",
                 "a CD-ROM in the drive"},
            },
        .look = "the list after --migrate-disks",
        .example = "error: Operation not supported: Cannot migrate empty or read-only disk sda",
    },
    {
        .id = "KVM-STO-019",
        .title = "A transient disk cannot be migrated",
        .cause = "What a <transient/> disk holds is thrown away at shutdown and exists on this "
                 "host alone.",
        .patterns =
            {
                {"migration with transient disk is not supported", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1551|1718"},
            },
        .remedy =
            {
                {source, "virsh detach-disk {domain} TARGET --live",
                 "or shut down, remove <transient/>, start"},
            },
        .look = "virsh dumpxml {domain}",
        .example = "error: Requested operation is not valid: migration with transient disk is not "
                   "supported",
    },
    {
        .id = "KVM-STO-027",
        .title = "Disk migration was asked for in a way that does not go together",
        .cause = "The options about the disks contradict each other, or the disks cannot be copied "
                 "in this mode.",
        .patterns =
            {
                {"use of 'VIR_MIGRATE_PARAM_MIGRATE_DISKS' requires use of "
                 "'VIR_MIGRATE_NON_SHARED_DISK' or 'VIR_MIGRATE_NON_SHARED_INC' flag",
                 libvirt_11_3, "libvirt src/qemu/qemu_migration.c:-|2847"},
                {"use of 'VIR_MIGRATE_PARAM_MIGRATE_DISKS_DETECT_ZEROES' requires use of "
                 "'VIR_MIGRATE_NON_SHARED_DISK' or 'VIR_MIGRATE_NON_SHARED_INC' flag",
                 libvirt_11_3, "libvirt src/qemu/qemu_migration.c:-|2853"},
                {"Both port and URI requested for disk migration while being mutually exclusive",
                 libvirt_both, "libvirt src/qemu/qemu_driver.c:11433,11674|11148,11386"},
                {"NBD URI must be supplied when migration URI uses UNIX transport method",
                 libvirt_both, "libvirt src/qemu/qemu_driver.c:11425,11699|11141,11408"},
                {"migration of non-shared disks requested but NBD is not set up", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:4848|5046"},
                {"offline migration cannot handle non-shared storage", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:2585,3540|2804,3747"},
                {"Selecting disks to migrate is not implemented for tunnelled migration", older,
                 "libvirt before 2.0"},
                {"No disk migration is required in COLO mode", qemu_7_2,
                 "QEMU migration/migration.c:2378|-"},
                {"Block migration and snapshots are incompatible", qemu_7_2,
                 "QEMU migration/savevm.c:1530|-"},
            },
        .remedy =
            {
                {source,
                 "virsh migrate --live --copy-storage-all {domain} qemu+ssh://{destination}/system",
                 "--migrate-disks, --disks-port and --disks-uri only beside --copy-storage-all or "
                 "-inc"},
                {source, "rsync -avS IMAGE root@{destination}:IMAGE",
                 "for --offline, copy the images yourself while the guest is off"},
            },
        .look = "the options about disks in the command",
        .example = "error: invalid argument: use of 'VIR_MIGRATE_PARAM_MIGRATE_DISKS' requires use "
                   "of 'VIR_MIGRATE_NON_SHARED_DISK' or 'VIR_MIGRATE_NON_SHARED_INC' flag",
    },
};

} // namespace kvmig::diagnosis::entries
