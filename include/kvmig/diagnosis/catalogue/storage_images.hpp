// SPDX-License-Identifier: MIT
/// Catalogue: locks, leases, formats and bitmaps of images.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry storage_images[] = {
    {
        .id = "KVM-STO-008",
        .title = "The image is locked: somebody else has it open for writing",
        .cause =
            "Another process holds the image: the guest runs on another host already, a qemu-img "
            "or qemu-nbd works on it, or an NFS lock of a host that died was not given back.",
        .patterns =
            {
                {"Failed to get \"{name}\" lock Is another process using the image [{path}]?",
                 qemu_both, "QEMU block/file-posix.c:922,987|944,1009"},
                {"Failed to get \"write\" lock", qemu_both, "QEMU block/file-posix.c:922|944"},
                {"Failed to get \"consistent read\" lock", qemu_both,
                 "QEMU block/file-posix.c:922|944"},
                {"Failed to get \"resize\" lock", qemu_both, "QEMU block/file-posix.c:922|944"},
                {"Failed to get \"{name}\" lock", qemu_both, "QEMU block/file-posix.c:922|944"},
                {"Failed to lock byte {n}", qemu_both, "QEMU block/file-posix.c:864|886"},
            },
        .remedy =
            {
                {both, "fuser -v {path}", "who has it open here"},
                {both, "lslocks | grep {path}", ""},
                {both, "virsh -c qemu:///system list", "is the guest running somewhere?"},
                {server, "systemctl restart nfs-server.service",
                 "only after the dead client is surely off: drops its locks"},
            },
        .look = "every host that mounts this storage; never use locking=off against a lock whose "
                "holder is unknown",
        .example = "qemu-system-x86_64: -blockdev {\"node-name\":\"libvirt-1-format\"}: Failed to "
                   "get \"write\" lock Is another process using the image [/mnt/images/vm1.qcow2]?",
    },
    {
        .id = "KVM-STO-009",
        .title = "The image is open twice in this migration",
        .cause = "Another user does not share write access to the image. In a migration it is most "
                 "often --copy-storage-all on storage that is shared already: source and "
                 "destination are one file.",
        .says = usual,
        .patterns =
            {
                {"Permission conflict on node '{name}': permissions '{name2}' are both required by "
                 "{rest}",
                 qemu_both, "QEMU block.c:2221|2233"},
                {"Permission '{name}' unavailable on inactive node", qemu_10_0,
                 "QEMU block.c:-|3091"},
                {"Failed to get shared \"{name}\" lock Is another process using the image "
                 "[{path}]?",
                 qemu_both, "QEMU block/file-posix.c:938,987|960,1009"},
                {"Failed to get shared \"write\" lock", qemu_both,
                 "QEMU block/file-posix.c:938|960"},
                {"Failed to get shared \"{name}\" lock", qemu_both,
                 "QEMU block/file-posix.c:938|960"},
                {"Conflicts with use by {rest}", older, "QEMU before 6.0"},
            },
        .remedy =
            {
                {both, "findmnt -T {path}", "the same server and directory on both means: shared"},
                {source, "virsh migrate --live {domain} qemu+ssh://{destination}/system",
                 "shared storage needs no --copy-storage option"},
                {both, "fuser -v {path}", ""},
            },
        .look = "which process holds the image on either host",
        .example = "qemu-system-x86_64: Failed to get shared \"write\" lock Is another process "
                   "using the image [/mnt/images/vm1.qcow2]?",
    },
    {
        .id = "KVM-STO-015",
        .title = "A lease on the disk is held by another host",
        .cause = "The lock manager (sanlock or virtlockd) has given the disk to another host, "
                 "which still runs the guest or died without giving it back.",
        .patterns =
            {
                {"Failed to acquire lock: {rest}", libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:945,950|942,947"},
                {"Failed to acquire lock", libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:945,950|942,947"},
                {"Lockspace resource '{path}' is locked", libvirt_both,
                 "libvirt src/util/virlockspace.c:155,201|155,201"},
                {"Failed to inquire lock: {rest}", libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:1029,1034|1026,1031"},
                {"Failed to release lock: {rest}", libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:1048,1053|1045,1050"},
                {"Failed to open socket to sanlock daemon: {rest}", libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:883,888|880,885"},
                {"Automatic disk lease mode enabled, but no host ID is set", libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:407|406"},
                {"Read/write, exclusive access, disks were present, but no leases specified",
                 libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:867|864; "
                 "src/locking/lock_driver_lockd.c:659|653"},
                {"Unable to acquire lock on '{path}': {rest}", libvirt_both,
                 "libvirt src/util/virlockspace.c:159,205|159,205"},
            },
        .codes = {{87}},
        .remedy =
            {
                {both, "virsh -c qemu:///system list", "the guest must not run elsewhere"},
                {both, "sanlock client status", ""},
                {both, "systemctl restart virtlockd.service",
                 "only after the host that holds the lease is surely off"},
            },
        .look = "which host holds the lease, before anything is forced",
        .example = "error: resource busy: Failed to acquire lock: error -243",
    },
    {
        .id = "KVM-STO-016",
        .title = "The lock managers of the hosts differ",
        .cause = "lock_manager in qemu.conf is not the same on both hosts, so leases could not be "
                 "handed over.",
        .patterns =
            {
                {"Source host lock driver {word} different from target {word2:word}", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1537|1537"},
                {"Migration with lock driver {word} requires cookie support", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:4748|4947"},
                {"Missing {word} lock state for migration cookie", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1530|1530"},
                {"Missing lock driver name in migration cookie", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1344|1344"},
            },
        .remedy =
            {
                {both, "grep -n '^lock_manager' /etc/libvirt/qemu.conf", "make them equal"},
                {both, "systemctl restart libvirtd.service", ""},
            },
        .look = "/etc/libvirt/qemu.conf of both hosts",
        .example = "error: internal error: Source host lock driver lockd different from target nop",
    },
    {
        .id = "KVM-STO-017",
        .title = "A backing file's format is not recorded in the image",
        .cause = "The image names its backing file without the format; libvirt will not guess, "
                 "since a guest could forge it.",
        .patterns =
            {
                {"format of backing image '{path}' of image '{path2}' was not specified in the "
                 "image metadata",
                 libvirt_both, "libvirt src/storage_file/storage_source.c:1413|1461"},
            },
        .remedy =
            {
                {source, "qemu-img rebase -u -F qcow2 -b {path} {path2}",
                 "with the guest shut off; -F is the true format of the backing file"},
            },
        .look = "qemu-img info {path2}",
        .example =
            "error: Requested operation is not valid: format of backing image '/srv/base.img' of "
            "image '/mnt/images/vm1.qcow2' was not specified in the image metadata (See "
            "https://libvirt.org/kbase/backing_chains.html for troubleshooting)",
    },
    {
        .id = "KVM-STO-018",
        .title = "The image format cannot be migrated",
        .cause = "QEMU's drivers for these formats keep state that does not move, so they block "
                 "migration.",
        .patterns =
            {
                {"The {word} format used by node '{name}' does not support live migration",
                 qemu_both, "QEMU block/qcow.c:304|306; block/vdi.c:494|499"},
                {"The vvfat (rw) format used by node '{name}' does not support live migration",
                 qemu_both, "QEMU block/vvfat.c:1265|1266"},
                {"The Parallels format used by node '{name}' does not support live migration",
                 qemu_both, "QEMU block/parallels.c:877|1368"},
            },
        .remedy =
            {
                {source, "qemu-img convert -p -O qcow2 OLD NEW.qcow2",
                 "with the guest shut off; then virsh edit {domain}"},
            },
        .look = "virsh domblklist {domain} --details",
        .example = "error: Requested operation is not valid: cannot migrate domain: The vmdk "
                   "format used by node 'libvirt-1-format' does not support live migration",
    },
    {
        .id = "KVM-STO-020",
        .title = "The disk's cache mode makes migration unsafe",
        .cause = "With a host cache on storage that is not coherent between hosts, the destination "
                 "could read old data.",
        .patterns =
            {
                {"Migration may lead to data corruption if disks use cache other than none or "
                 "directsync",
                 libvirt_both, "libvirt src/qemu/qemu_migration.c:1646|1816"},
                {"Migration may lead to data corruption if disks use cache != none", older,
                 "libvirt before 1.2"},
            },
        .remedy =
            {
                {source, "virsh edit {domain}", "<driver … cache='none'/>, restart the guest"},
                {source, "virsh migrate --live --unsafe {domain} qemu+ssh://{destination}/system",
                 "only on a file system that is coherent between hosts"},
            },
        .look = "virsh dumpxml {domain} --xpath //disk/driver",
        .example = "error: Unsafe migration: Migration may lead to data corruption if disks use "
                   "cache other than none or directsync",
    },
    {
        .id = "KVM-STO-023",
        .title = "QEMU cannot write to the image",
        .cause = "The image is opened read-only where it is to be written: a base image in use as "
                 "backing file, a read-only disk, or a node that was not handed over.",
        .patterns =
            {
                {"Read-only block node '{name}' cannot support read-write users", qemu_both,
                 "QEMU block.c:2475|2526"},
                {"Image is read-only", qemu_both, "QEMU block/io.c:3523|3592; block.c:339|341"},
                {"Block node is read-only", qemu_both, "QEMU block.c:2473|2524"},
                {"Block node '{name}' is read-only", qemu_both, "QEMU block.c:2473|2524"},
                {"Cannot export read-only node as writable", qemu_both,
                 "QEMU block/export/export.c:110|113"},
                {"The device is not writable", qemu_both,
                 "QEMU block/file-posix.c:694,1094|707,1115"},
                {"Could not reopen qcow2 layer: {rest}", qemu_both, "QEMU block/qcow2.c:2827|2887"},
                {"Export is read-only", qemu_both, "QEMU nbd/server.c:2398|2791"},
                {"Image is not in {word} format", qemu_both, "QEMU block/qcow2.c:1330|1352"},
            },
        .remedy =
            {
                {destination, "ls -l PATH",
                 "QEMU's user must be able to write the image on the destination"},
                {source, "virsh domblklist {domain} --details", ""},
            },
        .look = "whether another domain uses the image as its backing file",
        .example = "error: internal error: unable to execute QEMU command 'block-export-add': "
                   "Block node is read-only",
    },
    {
        .id = "KVM-STO-024",
        .title = "The image is damaged",
        .cause =
            "QEMU found the image's metadata inconsistent, or marked corrupt by an earlier run.",
        .patterns =
            {
                {"qcow2: Image is corrupt; cannot be opened read/write", qemu_both,
                 "QEMU block/qcow2.c:1445|1467"},
                {"qcow2: Marking image as corrupt: {rest}", qemu_both,
                 "QEMU block/qcow2.c:5920|6011"},
                {"qcow2: Image is corrupt: {rest}", qemu_both, "QEMU block/qcow2.c:1445|1467"},
                {"Could not read L1 table", qemu_both, "QEMU block/qcow2.c:1585|1607"},
                {"Image does not contain a reference count table", qemu_both,
                 "QEMU block/qcow2.c:1518|1540"},
                {"Could not repair dirty image", qemu_both, "QEMU block/qcow2.c:1852|1878"},
                {"Unsupported qcow2 feature(s): {rest}", qemu_both, "QEMU block/qcow2.c:497|500"},
                {"Image is not in qcow2 format", qemu_both, "QEMU block/qcow2.c:1330|1352"},
                {"backing store for {path} is self-referential", libvirt_both,
                 "libvirt src/storage_file/storage_source.c:1362|1402"},
                {"backing store for {path} is self-referential or too deeply nested", libvirt_both,
                 "libvirt src/storage_file/storage_source.c:1362|1402"},
            },
        .remedy =
            {
                {server, "cp --sparse=always IMAGE IMAGE.copy", "work on a copy"},
                {server, "qemu-img check -r leaks IMAGE", "with no guest running on it, anywhere"},
            },
        .look = "whether the guest ran on two hosts at once before",
        .example = "qemu-system-x86_64: qcow2: Marking image as corrupt: Overlaps with refcount "
                   "block; further corruption events will be suppressed",
    },
    {
        .id = "KVM-STO-025",
        .title = "Persistent bitmaps of the image stand in the way",
        .cause = "A dirty bitmap (of a backup program) cannot be carried over as it is, or the "
                 "destination has one of the same name.",
        .patterns =
            {
                {"Bitmap '{name}' in unnamed node can't be migrated", qemu_both,
                 "QEMU migration/block-dirty-bitmap.c:505|507"},
                {"Bitmap '{name}' in a node with auto-generated name '{name2}' can't be migrated",
                 qemu_both, "QEMU migration/block-dirty-bitmap.c:526|528"},
                {"Cannot migrate bitmap '{name}' on node '{name2}': Name is longer than {n} bytes",
                 qemu_both, "QEMU migration/block-dirty-bitmap.c:559|560"},
                {"Bitmap with the same name ('{name}') already exists on destination", qemu_both,
                 "QEMU migration/block-dirty-bitmap.c:805|808"},
                {"Migrated bitmap granularity doesn't match the destination bitmap '{name}' "
                 "granularity",
                 qemu_both, "QEMU migration/block-dirty-bitmap.c:1030|1033"},
                {"Error: Unknown node alias '{name}'", qemu_both,
                 "QEMU migration/block-dirty-bitmap.c:1067|1070"},
                {"Error: Unknown bitmap alias '{name}' on node '{name2}' (alias '{name3}')",
                 qemu_both, "QEMU migration/block-dirty-bitmap.c:1114|1117"},
                {"Error: unknown dirty bitmap '{name}' for block device '{name2}'", qemu_both,
                 "QEMU migration/block-dirty-bitmap.c:1134|1137"},
                {"Unable to read node alias string", qemu_both,
                 "QEMU migration/block-dirty-bitmap.c:1057|1060"},
                {"Unable to read bitmap alias string", qemu_both,
                 "QEMU migration/block-dirty-bitmap.c:1104|1107"},
                {"Failed to read bitmap bits", libvirt_both | qemu_both,
                 "libvirt src/util/vircgroup.c:2679,2690|2679,2690; src/util/virfile.c:2061|2181; "
                 "QEMU migration/block-dirty-bitmap.c:1014|1017"},
                {"Lost persistent bitmaps during inactivation of node '{name}': {rest}", qemu_both,
                 "QEMU block/qcow2.c:2721|2768"},
                {"failed to find data for block node '{name}'", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:2999|3220"},
                {"Invalid mapping given for block-bitmap-mapping: {rest}", qemu_both,
                 "QEMU migration/migration.c:1573|-; migration/options.c:-|1118"},
                {"The node alias '{name}' is {rest}", qemu_both,
                 "QEMU migration/block-dirty-bitmap.c:261|263"},
                {"The node name '{name}' is mapped twice", qemu_both,
                 "QEMU migration/block-dirty-bitmap.c:252|254"},
                {"The bitmap '{name}'/'{name2}' is mapped twice", qemu_both,
                 "QEMU migration/block-dirty-bitmap.c:303|305"},
                {"Unknown flags in migrated dirty bitmap header: {n}", qemu_both,
                 "QEMU migration/block-dirty-bitmap.c:818|821"},
                {"Bitmap migration stream buffer allocation request is too large", qemu_both,
                 "QEMU migration/block-dirty-bitmap.c:1006|1009"},
            },
        .remedy =
            {
                {source, "virsh checkpoint-list {domain}", ""},
                {source, "virsh checkpoint-delete {domain} NAME --metadata",
                 "the next backup is then a full one"},
            },
        .look = "qemu-img info -U of the disk, section bitmaps",
        .example = "qemu-system-x86_64: Bitmap with the same name ('backup-1') already exists on "
                   "destination",
    },
    {
        .id = "KVM-STO-029",
        .title = "An image is in use by another process",
        .cause = "QEMU's hint after it could not lock an image; the line before says which lock.",
        .says = symptom,
        .patterns =
            {
                {"Is another process using the image [{path}]?", qemu_both,
                 "QEMU block/file-posix.c:987|1009"},
                {"Is another process using the image", qemu_both,
                 "QEMU block/file-posix.c:987|1009"},
            },
        .remedy =
            {
                {both, "fuser -v {path}", ""},
                {both, "lslocks", ""},
            },
        .look = "the line before it",
        .example = "Is another process using the image [/mnt/images/vm1.qcow2]?",
    },
    {
        .id = "KVM-STO-030",
        .title = "sanlock's lease area is missing or not usable",
        .cause = "The directory or volume with the leases is not mounted, not writable for "
                 "sanlock, or was not made.",
        .says = usual,
        .patterns =
            {
                {"Unable to create lockspace {path}: parent directory does not exist or is not a "
                 "directory",
                 libvirt_both, "libvirt src/locking/lock_driver_sanlock.c:223|223"},
                {"Unable to query sector size {path}: {rest}", libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:256,261|255,260"},
                {"Unable to allocate lockspace {path}: {rest}", libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:272|271"},
                {"Unable to initialize lockspace {path}: {rest}", libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:288,293|287,292"},
                {"Unable to add lockspace {path}: {rest}", libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:346,351|345,350"},
                {"Unable to save lockspace {path}: {rest}", libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:279|278"},
                {"Unable to allocate lease {path}: {rest}", libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:670|669"},
                {"Unable to initialize lease {path}: {rest}", libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:686,691|685,690"},
                {"Unable to save lease {path}: {rest}", libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:677|676"},
                {"Lockspace location {path} exists, but is not a directory", libvirt_both,
                 "libvirt src/util/virlockspace.c:254|254"},
                {"Sanlock plugin is not initialized", libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:450|449"},
                {"Failed to restrict process: {rest}", libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:973,978|970,975"},
                {"Failed to register lock failure action: {rest}", libvirt_both,
                 "libvirt src/locking/lock_driver_sanlock.c:830,835|828,833"},
            },
        .remedy =
            {
                {both, "findmnt -T /var/lib/libvirt/sanlock",
                 "the same shared directory on both hosts"},
                {both, "systemctl status sanlock.service wdmd.service", ""},
                {both, "grep -v '^#' /etc/libvirt/qemu-sanlock.conf",
                 "host_id must differ between the hosts"},
            },
        .look = "sanlock client log_dump",
        .example = "error: internal error: Unable to add lockspace "
                   "/var/lib/libvirt/sanlock/__LIBVIRT__DISKS__: Invalid argument",
    },
};

} // namespace kvmig::diagnosis::entries
