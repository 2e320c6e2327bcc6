// SPDX-License-Identifier: MIT
/// Catalogue: images, pools and mounts that cannot be reached.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry storage[] = {
    {
        .id = "KVM-STO-002",
        .title = "The image is not there on the destination",
        .cause =
            "No file at that path on the destination: the shared storage is not mounted there, is "
            "mounted elsewhere, or the target of a storage copy was not made beforehand.",
        .says = usual,
        .patterns =
            {
                {"Cannot access storage file '{path}' (as uid:{n}, gid:{n2:number}): No such file "
                 "or directory",
                 libvirt_both, "libvirt src/storage_file/storage_source.c:1271|1314"},
                {"Cannot access storage file '{path}': No such file or directory", libvirt_both,
                 "libvirt src/storage_file/storage_source.c:1283|1324"},
                {"Path '{path}' is not accessible: No such file or directory", libvirt_9_0,
                 "libvirt src/util/vircgroup.c:467,2190,2257"},
                {"Unable to access {path}: No such file or directory", libvirt_9_0,
                 "libvirt src/qemu/qemu_namespace.c:1177"},
                {"Unable to allow access for disk path {path}: No such file or directory", older,
                 "libvirt before 1.0 (cgroups)"},
                {"Could not open '{path}': No such file or directory", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_command.c:9277|9553; src/storage/storage_util.c:134|135; "
                 "QEMU net/tap-linux.c:50|60; net/tap-bsd.c:71,116|71,116",
                 virt_line},
                {"Could not open {path}: No such file or directory", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_command.c:9277|9553; src/storage/storage_util.c:134|135; "
                 "QEMU net/tap-linux.c:50|60; net/tap-bsd.c:71,116|71,116",
                 virt_line},
                {"Failed to open file '{path}': No such file or directory",
                 libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_process.c:4635|4776; src/util/virfile.c:1523|1609; QEMU "
                 "block/nfs.c:537|529; hw/i386/multiboot.c:341|341",
                 virt_line},
                {"cannot open file '{path}': No such file or directory", libvirt_both,
                 "libvirt src/util/vircommand.c:3340|3387"},
                {"could not open disk image {path}: No such file or directory", older,
                 "QEMU before 2.6"},
                {"cannot stat file '{path}': No such file or directory", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_driver.c:10671|-; "
                 "src/storage_file/storage_source.c:161|161; QEMU util/oslib-posix.c:139|153"},
                {"stat of '{path}' failed: No such file or directory", libvirt_both,
                 "libvirt src/util/virfile.c:2222,2668|2346,2799; "
                 "src/storage/storage_util.c:263|263"},
                {"unable to set user and group to '{owner}' on '{path}': No such file or directory",
                 libvirt_both, "libvirt src/security/security_dac.c:723|730"},
                {"no storage vol with matching path '{path}'", libvirt_both,
                 "libvirt src/storage/storage_util.c:1606|1595; "
                 "src/storage/storage_driver.c:1678,1681|1677,1680"},
            },
        .remedy =
            {
                {both, "findmnt -t nfs,nfs4", "the store, from the same server and folder on both"},
                {destination, "mount -t nfs SERVER:EXPORT MOUNTPOINT",
                 "what findmnt shows on the source; make it last in /etc/fstab"},
                {destination, "virsh -c qemu:///system pool-list --all",
                 "or, where a pool mounts it:"},
                {destination, "virsh -c qemu:///system pool-start POOL", ""},
                {destination, "ls -l {path}", ""},
                {source,
                 "virsh migrate --live --copy-storage-all {domain} qemu+ssh://{destination}/system",
                 "when the storage is not meant to be shared"},
            },
        .look = "findmnt -t nfs,nfs4 on both hosts; the same server and directory at the same path",
        .example = "error: Cannot access storage file '/var/lib/libvirt/images/vm1.qcow2': No such "
                   "file or directory",
    },
    {
        .id = "KVM-STO-003",
        .title = "The destination may not read the image",
        .cause = "libvirt tried the file as QEMU's user and was refused: root_squash on the "
                 "export, different numeric ids on the two hosts, the file's mode, or SELinux.",
        .says = usual,
        .patterns =
            {
                {"Cannot access storage file '{path}' (as uid:{uid:number}, gid:{gid:number}): "
                 "Permission denied",
                 libvirt_both, "libvirt src/storage_file/storage_source.c:1271|1314"},
                {"Cannot access storage file '{path}': Permission denied", libvirt_both,
                 "libvirt src/storage_file/storage_source.c:1283|1324"},
                {"Path '{path}' is not accessible: Permission denied", libvirt_9_0,
                 "libvirt src/util/vircgroup.c:467,2190,2257"},
                {"Unable to access {path}: Permission denied", libvirt_9_0,
                 "libvirt src/qemu/qemu_namespace.c:1177"},
                {"Cannot access backing file '{path}' of storage file '{path2}' (as "
                 "uid:{uid:number}, gid:{gid:number}): Permission denied",
                 libvirt_both, "libvirt src/storage_file/storage_source.c:1276|1318"},
                {"Cannot access backing file '{path}' of storage file '{path2}': Permission denied",
                 libvirt_both, "libvirt src/storage_file/storage_source.c:1287|1328"},
            },
        .remedy =
            {
                {both, "id libvirt-qemu", "the numbers must be equal on both hosts"},
                {destination, "namei -l {path}", ""},
                {server, "exportfs -v",
                 "root_squash keeps root from reading what is not world-readable"},
                {both, "setsebool -P virt_use_nfs 1", "with SELinux"},
                {server, "chown {uid}:{gid} {path}", "as the message names them"},
            },
        .look = "ls -ln {path} on both hosts",
        .example = "error: Cannot access storage file '/mnt/nfs/vm1.qcow2' (as uid:64055, "
                   "gid:64055): Permission denied",
    },
    {
        .id = "KVM-STO-004",
        .title = "A backing file is not there on the destination",
        .cause =
            "The image's chain names a base image that the destination does not have at that path.",
        .says = usual,
        .patterns =
            {
                {"Cannot access backing file '{path}' of storage file '{path2}' (as uid:{n}, "
                 "gid:{n2:number}): No such file or directory",
                 libvirt_both, "libvirt src/storage_file/storage_source.c:1276|1318"},
                {"Cannot access backing file '{path}' of storage file '{path2}': No such file or "
                 "directory",
                 libvirt_both, "libvirt src/storage_file/storage_source.c:1287|1328"},
                {"Could not open backing file: Could not open '{path}': No such file or directory",
                 qemu_both, "QEMU block.c"},
                {"Could not open backing file: {rest}", qemu_both, "QEMU block.c:3525|3690"},
                {"could not find image '{path}' in chain for '{path2}'", libvirt_both,
                 "libvirt src/storage_file/storage_source.c:312|312"},
                {"could not find image '{path}' beneath '{path2}' in chain for '{path3:name}'",
                 libvirt_both, "libvirt src/storage_file/storage_source.c:308|308"},
                {"inaccessible backing store volume {path}", libvirt_both,
                 "libvirt src/storage/storage_util.c:935|930"},
                {"could not find backing store index '{n}' in chain for '{path}'", libvirt_both,
                 "libvirt src/storage_file/storage_source.c:303|303"},
                {"could not find base image in chain for '{path}'", libvirt_both,
                 "libvirt src/storage_file/storage_source.c:316|316"},
                {"failed to resolve relative backing name: base image is not in backing chain",
                 libvirt_both, "libvirt src/storage_file/storage_source.c:764|808"},
            },
        .remedy =
            {
                {source, "qemu-img info -U --backing-chain {path2}",
                 "every file of the chain must exist on the destination"},
                {destination, "ls -l {path}", ""},
            },
        .look = "relative names of backing files are looked up beside the overlay",
        .example = "error: Cannot access backing file '/srv/base/debian.qcow2' of storage file "
                   "'/mnt/images/vm1.qcow2' (as uid:64055, gid:64055): No such file or directory",
    },
    {
        .id = "KVM-STO-005",
        .title = "The storage gives I/O errors: the mount is gone or broken",
        .cause = "The file exists by name and cannot be read: an NFS server that went away under a "
                 "soft mount, a mount that was taken off, or a failing disk.",
        .says = usual,
        .patterns =
            {
                {"Failed to open file '{path}': Input/output error", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_process.c:4635|4776; src/util/virfile.c:1523|1609; QEMU "
                 "block/nfs.c:537|529; hw/i386/multiboot.c:341|341",
                 virt_line},
                {"Could not open '{path}': Input/output error", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_command.c:9277|9553; src/storage/storage_util.c:134|135; "
                 "QEMU net/tap-linux.c:50|60; net/tap-bsd.c:71,116|71,116",
                 virt_line},
                {"Cannot access storage file '{path}' (as uid:{n}, gid:{n2:number}): Input/output "
                 "error",
                 libvirt_both, "libvirt src/storage_file/storage_source.c:1271|1314"},
                {"Cannot access storage file '{path}': Input/output error", libvirt_both,
                 "libvirt src/storage_file/storage_source.c:1283|1324"},
                {"Path '{path}' is not accessible: Input/output error", libvirt_9_0,
                 "libvirt src/util/vircgroup.c:467,2190,2257"},
                {"Unable to access {path}: Input/output error", libvirt_9_0,
                 "libvirt src/qemu/qemu_namespace.c:1177"},
                {"unable to set user and group to '{owner}' on '{path}': Input/output error",
                 libvirt_both, "libvirt src/security/security_dac.c:723|730"},
                {"cannot read header '{path}': Input/output error", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:10803|10525; "
                 "src/storage_file/storage_source.c:183|183"},
                {"Failed to read file '{path}': Input/output error", libvirt_both | qemu_both,
                 "libvirt src/util/virfile.c:1530|1616; QEMU hw/core/loader.c:369,394|372,397"},
                {"cannot stat file '{path}': Input/output error", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_driver.c:10671|-; "
                 "src/storage_file/storage_source.c:161|161; QEMU util/oslib-posix.c:139|153"},
                {"Could not read image for determining its format: Input/output error", qemu_both,
                 "QEMU block.c:1058|1030"},
                {"Could not read qcow2 header: Input/output error", qemu_both,
                 "QEMU block/qcow2.c:1311|1333"},
                {"cannot migrate domain with I/O error", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1433|1604"},
                {"job '{name}' failed due to I/O error", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1939|2114"},
            },
        .signs = {sign::paused_io_error},
        .remedy =
            {
                {both, "findmnt -T {path}", "is the store mounted, and from where?"},
                {both, "mount -a -t nfs,nfs4", "mount it again; virsh pool-start for a pool"},
                {source, "virsh resume {domain}",
                 "a guest that I/O errors paused goes on when the store is back"},
            },
        .look =
            "dmesg --level=err,warn on the host, the server's log, and virsh domblkerror {domain}",
        .example = "error: Failed to open file '/mnt/CentOS6.8.qcow2': Input/output error",
    },
    {
        .id = "KVM-STO-006",
        .title = "The NFS handle is stale",
        .cause = "The server no longer knows the file or the file system behind the mount: it was "
                 "exported anew without a fixed fsid, moved, or restored.",
        .patterns =
            {
                {"Cannot access storage file '{path}' (as uid:{n}, gid:{n2:number}): Stale file "
                 "handle",
                 libvirt_both, "libvirt src/storage_file/storage_source.c:1271|1314"},
                {"Cannot access storage file '{path}': Stale file handle", libvirt_both,
                 "libvirt src/storage_file/storage_source.c:1283|1324"},
                {"Path '{path}' is not accessible: Stale file handle", libvirt_9_0,
                 "libvirt src/util/vircgroup.c:467,2190,2257"},
                {"Unable to access {path}: Stale file handle", libvirt_9_0,
                 "libvirt src/qemu/qemu_namespace.c:1177"},
                {"Failed to open file '{path}': Stale file handle", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_process.c:4635|4776; src/util/virfile.c:1523|1609; QEMU "
                 "block/nfs.c:537|529; hw/i386/multiboot.c:341|341",
                 virt_line},
                {"Could not open '{path}': Stale file handle", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_command.c:9277|9553; src/storage/storage_util.c:134|135; "
                 "QEMU net/tap-linux.c:50|60; net/tap-bsd.c:71,116|71,116",
                 virt_line},
                {"unable to set user and group to '{owner}' on '{path}': Stale file handle",
                 libvirt_both, "libvirt src/security/security_dac.c:723|730"},
                {"cannot open directory '{path}': Stale file handle", libvirt_both,
                 "libvirt src/util/virfile.c:2910|3039"},
                {"cannot stat file '{path}': Stale file handle", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_driver.c:10671|-; "
                 "src/storage_file/storage_source.c:161|161; QEMU util/oslib-posix.c:139|153"},
                {"{path:word}: Stale file handle", other, "C library, ESTALE", virt_line},
                {"Stale NFS file handle", older, "C library before 2.16, ESTALE", virt_line},
            },
        .remedy =
            {
                {destination, "umount -l MOUNTPOINT", "on the host that says so"},
                {destination, "mount MOUNTPOINT", "when /etc/fstab has it; or, where a pool does:"},
                {destination, "virsh -c qemu:///system pool-destroy POOL", ""},
                {destination, "virsh -c qemu:///system pool-start POOL", ""},
                {server, "exportfs -v", "give the export a fixed fsid="},
            },
        .look = "dmesg on the clients, exportfs -v on the server",
        .example = "error: Cannot access storage file '/mnt/images/vm1.qcow2': Stale file handle",
    },
    {
        .id = "KVM-STO-007",
        .title = "The storage is read-only",
        .cause =
            "The export or the mount is read-only on this host, and the disk is to be written.",
        .patterns =
            {
                {"Could not open '{path}': Read-only file system", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_command.c:9277|9553; src/storage/storage_util.c:134|135; "
                 "QEMU net/tap-linux.c:50|60; net/tap-bsd.c:71,116|71,116",
                 virt_line},
                {"Cannot access storage file '{path}' (as uid:{n}, gid:{n2:number}): Read-only "
                 "file system",
                 libvirt_both, "libvirt src/storage_file/storage_source.c:1271|1314"},
                {"Cannot access storage file '{path}': Read-only file system", libvirt_both,
                 "libvirt src/storage_file/storage_source.c:1283|1324"},
                {"Path '{path}' is not accessible: Read-only file system", libvirt_9_0,
                 "libvirt src/util/vircgroup.c:467,2190,2257"},
                {"Failed to open file '{path}': Read-only file system", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_process.c:4635|4776; src/util/virfile.c:1523|1609; QEMU "
                 "block/nfs.c:537|529; hw/i386/multiboot.c:341|341",
                 virt_line},
                {"Failed to create file '{path}': Read-only file system", libvirt_both | qemu_both,
                 "libvirt src/util/virfile.c:577|687; src/storage/storage_util.c:426|425; QEMU "
                 "block/nfs.c:530|522",
                 virt_line},
                {"unable to set user and group to '{owner}' on '{path}': Read-only file system",
                 libvirt_both, "libvirt src/security/security_dac.c:723|730"},
                {"cannot create file '{path}': Read-only file system", libvirt_both,
                 "libvirt src/util/virfile.c:694|804; src/qemu/qemu_process.c:-|7110"},
                {"cannot create path '{path}': Read-only file system", libvirt_both,
                 "libvirt src/storage/storage_util.c:248,2818|248,2797"},
                {"The device is not writable: Read-only file system", qemu_both,
                 "QEMU block/file-posix.c:694,1094|707,1115"},
            },
        .remedy =
            {
                {destination, "findmnt -T {path} -o TARGET,SOURCE,OPTIONS", ""},
                {server, "exportfs -o rw {destination}:/srv/images",
                 "and make it last in /etc/exports"},
                {destination, "mount -o remount,rw MOUNTPOINT", ""},
            },
        .look = "exportfs -v on the server, findmnt on the client",
        .example = "qemu-system-x86_64: -blockdev "
                   "{\"driver\":\"file\",\"filename\":\"/mnt/images/vm1.qcow2\"}: Could not open "
                   "'/mnt/images/vm1.qcow2': Read-only file system",
    },
    {
        .id = "KVM-STO-021",
        .title = "A storage pool is missing or stopped on the destination",
        .cause = "The disk is a volume of a pool (or is to be created in one) that the destination "
                 "does not know or has not started.",
        .patterns =
            {
                {"storage pool '{pool}' containing volume '{path}' is not active", libvirt_both,
                 "libvirt src/conf/domain_conf.c:30062|31653"},
                {"storage pool '{pool}' is not active", libvirt_both,
                 "libvirt src/storage/storage_driver.c:1080,1222|1079,1221"},
                {"no storage pool with matching name '{pool}'", libvirt_both,
                 "libvirt src/storage/storage_driver.c:469,2047|468,2046"},
                {"no storage pool with matching uuid '{word}' ({pool})", libvirt_both,
                 "libvirt src/storage/storage_driver.c:443,447|442,446"},
                {"no storage vol with matching name '{path}'", libvirt_both,
                 "libvirt src/storage/storage_driver.c:1532,1809|1531,1808"},
                {"no storage pool with matching target path '{path}'", libvirt_both,
                 "libvirt src/storage/storage_driver.c:1735,1739|1734,1738"},
                {"Storage pool not found: {rest}", libvirt_both,
                 "libvirt src/util/virerror.c:1103|1105"},
            },
        .codes = {{49}},
        .remedy =
            {
                {destination, "virsh -c qemu:///system pool-list --all", ""},
                {destination, "virsh -c qemu:///system pool-start {pool}", ""},
                {source, "virsh pool-dumpxml {pool} > pool.xml",
                 "then on the destination: virsh pool-define pool.xml, pool-autostart, pool-start"},
            },
        .look = "the pool's state and target path on both hosts",
        .example = "error: Storage pool not found: no storage pool with matching name 'images'",
    },
    {
        .id = "KVM-STO-022",
        .title = "The NFS server refuses or is not reached at mounting",
        .cause = "The pool or mount could not be mounted: the export does not exist, this client "
                 "is not allowed, or the server does not answer.",
        .patterns =
            {
                {"mount.nfs: access denied by server while mounting {path:word}", other,
                 "nfs-utils"},
                {"mount.nfs: Connection refused", other, "nfs-utils"},
                {"mount.nfs: Connection timed out", other, "nfs-utils"},
                {"mount.nfs: No route to host", other, "nfs-utils"},
                {"mount.nfs: mounting {path:word} failed, reason given by server: No such file or "
                 "directory",
                 other, "nfs-utils"},
                {"mount.nfs: Protocol not supported", other, "nfs-utils"},
                {"mount.nfs: requested NFS version or transport protocol is not supported", other,
                 "nfs-utils"},
                {"mount.nfs: Failed to resolve server {host}: {rest}", other, "nfs-utils"},
                {"no storage pools were found on host '{host}'", libvirt_both,
                 "libvirt src/storage/storage_backend_gluster.c:481|476; "
                 "src/storage/storage_backend_fs.c:170|170"},
                {"nfs: server {host} not responding", other, "kernel"},
                {"clnt_create: RPC: {rest}", other, "showmount"},
            },
        .remedy =
            {
                {here, "showmount -e SERVER", ""},
                {server, "exportfs -v", "this host's address must be among the clients"},
                {server, "systemctl status nfs-server.service", ""},
                {both, "mount -t nfs SERVER:/srv/images MOUNTPOINT", ""},
            },
        .look = "rpcinfo -p SERVER, and the firewall of the server: ports 2049 and 111",
        .example = "error: internal error: Child process (/usr/bin/mount -o nodev,nosuid,noexec "
                   "nfs.lab:/srv/images /mnt/images) unexpected exit status 32: mount.nfs: access "
                   "denied by server while mounting nfs.lab:/srv/images",
    },
    {
        .id = "KVM-STO-026",
        .title = "The image cannot be accessed, for another reason",
        .cause = "libvirt could not open or read the image; the reason stands behind the path.",
        .says = usual,
        .patterns =
            {
                {"Cannot access storage file '{path}' (as uid:{n}, gid:{n2:number}): {rest}",
                 libvirt_both, "libvirt src/storage_file/storage_source.c:1271|1314"},
                {"Cannot access storage file '{path}': {rest}", libvirt_both,
                 "libvirt src/storage_file/storage_source.c:1283|1324"},
                {"Cannot access backing file '{path}' of storage file '{path2}': {rest}",
                 libvirt_both, "libvirt src/storage_file/storage_source.c:1287|1328"},
                {"Cannot access backing file '{path}' of storage file '{path2}' (as uid:{n}, "
                 "gid:{n2:number}): {rest}",
                 libvirt_both, "libvirt src/storage_file/storage_source.c:1276|1318"},
                {"Could not open '{path}': {rest}", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_command.c:9277|9553; src/storage/storage_util.c:134|135; "
                 "QEMU net/tap-linux.c:50|60; net/tap-bsd.c:71,116|71,116",
                 virt_line},
                {"cannot read header '{path}': {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:10803|10525; "
                 "src/storage_file/storage_source.c:183|183"},
                {"cannot seek to start of '{path}': {rest}", libvirt_both,
                 "libvirt src/storage_file/storage_source.c:178|178; "
                 "src/storage/storage_util.c:1817|1806"},
                {"failed to seek to end of {path}: {rest}", libvirt_both,
                 "libvirt src/storage_file/storage_source.c:647|691"},
            },
        .remedy =
            {
                {destination, "ls -l {path}", ""},
                {destination, "findmnt -T {path}", ""},
            },
        .look = "the words after the path, and dmesg of the destination",
        .example = "error: Cannot access storage file '/mnt/images/vm1.qcow2': Transport endpoint "
                   "is not connected",
    },
    {
        .id = "KVM-STO-028",
        .title = "A medium cannot be reached from the destination",
        .cause =
            "A CD-ROM, floppy or other medium in a drive of the guest exists only on the source.",
        .patterns =
            {
                {"Could not open '{path}.iso': No such file or directory", qemu_both,
                 "QEMU block.c:1673|1673", virt_line},
                {"Cannot access storage file '{path}.iso': No such file or directory", libvirt_both,
                 "libvirt src/storage_file/storage_source.c:1283|1324"},
                {"Cannot access storage file '{path}.iso' (as uid:{n}, gid:{n2:number}): No such "
                 "file or directory",
                 libvirt_both, "libvirt src/storage_file/storage_source.c:1271|1314"},
                {"Cannot access storage file '/dev/sr{n}': {rest}", libvirt_both,
                 "libvirt src/storage_file/storage_source.c:1283|1324"},
                {"Could not open '/dev/sr{n}': {rest}", qemu_both,
                 "QEMU net/tap-linux.c:50|60; net/tap-bsd.c:71,116|71,116"},
                {"No medium found", other, "C library, ENOMEDIUM"},
                {"Device '{device}' has no medium", qemu_both,
                 "QEMU block/qapi-sysemu.c:456|-; block/monitor/block-hmp-cmds.c:222|219"},
            },
        .remedy =
            {
                {source, "virsh domblklist {domain} --details", ""},
                {source, "virsh change-media {domain} TARGET --eject --live", ""},
            },
        .look = "virsh dumpxml {domain}: disks of device cdrom and floppy",
        .example = "error: Cannot access storage file '/home/admin/debian-12.iso': No such file or "
                   "directory",
    },
};

} // namespace kvmig::diagnosis::entries
