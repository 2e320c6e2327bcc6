// SPDX-License-Identifier: MIT
/// Catalogue: ownership, SELinux, AppArmor and secrets.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry security[] = {
    {
        .id = "KVM-SEC-005",
        .title = "libvirt may not change the owner of an image",
        .cause =
            "libvirt hands the image to QEMU's user, and the file system refuses: an NFS export "
            "with root_squash treats root as nobody, and only root may give files away.",
        .patterns =
            {
                {"unable to set user and group to '{owner}' on '{path}': Operation not permitted",
                 libvirt_both, "libvirt src/security/security_dac.c:723|730"},
                {"unable to set user and group to '{owner}' on '{path}': Invalid argument",
                 libvirt_both, "libvirt src/security/security_dac.c:723|730"},
                {"unable to set user and group to '{owner}' on '{path}': Permission denied",
                 libvirt_both, "libvirt src/security/security_dac.c:723|730"},
                {"unable to set user and group to '{owner}' on '{path}': Operation not supported",
                 libvirt_both, "libvirt src/security/security_dac.c:723|730"},
                {"cannot chown '{path}' to ({n}, {n2:number}): Operation not permitted",
                 libvirt_both, "libvirt src/storage/storage_util.c:273|273"},
                {"cannot chown '{path}' to group {n}: Operation not permitted", libvirt_both,
                 "libvirt src/util/virfile.c:2820|2949"},
                {"Failed to change ownership of '{path}' to {owner}: Operation not permitted",
                 libvirt_both, "libvirt src/rpc/virnetsocket.c:521|525"},
            },
        .remedy =
            {
                {server, "exportfs -o rw,no_root_squash {destination}:/srv/images",
                 "every client's root becomes master of the images: restrict it by address"},
                {both,
                 "sed -i 's/^#*dynamic_ownership *=.*/dynamic_ownership = 0/' "
                 "/etc/libvirt/qemu.conf",
                 "or keep root_squash and leave ownership alone"},
                {both, "id libvirt-qemu",
                 "with dynamic_ownership=0 this user must own the image, with the same numbers on "
                 "both hosts"},
                {both, "systemctl restart libvirtd.service", ""},
            },
        .look = "ls -ln {path} on both hosts, and exportfs -v on the server",
        .example = "error: unable to set user and group to '64055:64055' on "
                   "'/mnt/images/vm1.qcow2': Operation not permitted",
    },
    {
        .id = "KVM-SEC-006",
        .title = "The file system takes no SELinux label",
        .cause = "libvirt labels images for SELinux, and this file system (NFS v3, or v4 without "
                 "labels) has no place for it.",
        .says = usual,
        .patterns =
            {
                {"unable to set security context '{word}' on '{path}': Operation not supported",
                 libvirt_both, "libvirt src/security/security_selinux.c:1272,1402|1386,1502"},
                {"unable to set security context '{word}' on '{path}': {rest}", libvirt_both,
                 "libvirt src/security/security_selinux.c:1272,1402|1386,1502"},
                {"unable to set security context '{word}' on fd {n}", libvirt_both,
                 "libvirt src/security/security_selinux.c:1402|1502"},
                {"unable to set security context '{word}'", libvirt_both,
                 "libvirt src/security/security_selinux.c:2974|3108"},
                {"Setting different SELinux label on {path} which is already in use", libvirt_both,
                 "libvirt src/security/security_selinux.c:1345|1445"},
                {"unable to get SELinux context of {path}", libvirt_both,
                 "libvirt src/security/security_selinux.c:1323|1423"},
            },
        .remedy =
            {
                {both, "setsebool -P virt_use_nfs 1", ""},
                {both, "mount -o remount,context=system_u:object_r:virt_image_t:s0 MOUNTPOINT",
                 "or a label for the whole mount"},
            },
        .look = "getenforce, and ls -Z {path}",
        .example =
            "error: unable to set security context 'system_u:object_r:svirt_image_t:s0:c1,c2' on "
            "'/mnt/nfs/vm1.qcow2': Operation not supported",
    },
    {
        .id = "KVM-SEC-007",
        .title = "The image is in use with another owner",
        .cause = "Another domain or job holds the image with a different owner or label; libvirt "
                 "refuses to take it away.",
        .patterns =
            {
                {"Setting different DAC user or group on {path} which is already in use",
                 libvirt_both, "libvirt src/security/security_dac.c:780|786"},
                {"child process failed to force owner mode file '{path}'", libvirt_both,
                 "libvirt src/util/virfile.c:2320|2446"},
                {"Setting different {word} label on {path} which is already in use", libvirt_both,
                 "libvirt src/security/security_selinux.c:1345|1445"},
            },
        .remedy =
            {
                {both, "virsh -c qemu:///system list --all", ""},
                {both, "getfattr -d -m trusted.libvirt {path}",
                 "shows who libvirt remembers as the holder"},
            },
        .look = "which domain on either host uses {path}",
        .example = "error: Requested operation is not valid: Setting different DAC user or group "
                   "on /mnt/images/vm1.qcow2 which is already in use",
    },
    {
        .id = "KVM-SEC-008",
        .title = "QEMU is not allowed to open a file",
        .cause = "QEMU's user may not read or write the file: its mode or owner, a directory on "
                 "the way that may not be entered, root_squash, or AppArmor or SELinux.",
        .says = usual,
        .patterns =
            {
                {"Could not open '{path}': Permission denied", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_command.c:9277|9553; src/storage/storage_util.c:134|135; "
                 "QEMU net/tap-linux.c:50|60; net/tap-bsd.c:71,116|71,116",
                 virt_line},
                {"Could not open {path}: Permission denied", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_command.c:9277|9553; src/storage/storage_util.c:134|135; "
                 "QEMU net/tap-linux.c:50|60; net/tap-bsd.c:71,116|71,116",
                 virt_line},
                {"Failed to open file '{path}': Permission denied", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_process.c:4635|4776; src/util/virfile.c:1523|1609; QEMU "
                 "block/nfs.c:537|529; hw/i386/multiboot.c:341|341",
                 virt_line},
                {"Failed to create file '{path}': Permission denied", libvirt_both | qemu_both,
                 "libvirt src/util/virfile.c:577|687; src/storage/storage_util.c:426|425; QEMU "
                 "block/nfs.c:530|522",
                 virt_line},
                {"can't open backing store {path} for guest RAM: Permission denied", qemu_both,
                 "QEMU softmmu/physmem.c:1521|-; system/physmem.c:-|2065"},
                {"Could not reopen qcow2 layer: Permission denied", qemu_both,
                 "QEMU block/qcow2.c:2827|2887"},
                {"Could not open '{path}': Operation not permitted", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_command.c:9277|9553; src/storage/storage_util.c:134|135; "
                 "QEMU net/tap-linux.c:50|60; net/tap-bsd.c:71,116|71,116",
                 virt_line},
            },
        .remedy =
            {
                {destination, "namei -l {path}",
                 "every directory on the way must be open to QEMU's user"},
                {both, "sed -nE '/^(user|group|dynamic_ownership)/p' /etc/libvirt/qemu.conf",
                 "as whom QEMU runs; the same on both hosts"},
                {destination, "journalctl -k --grep 'apparmor=\"DENIED\"'", "AppArmor"},
                {destination, "ausearch -m avc -ts recent", "SELinux"},
                {destination, "chown libvirt-qemu:libvirt-qemu {path}", ""},
                {server, "exportfs -o rw,no_root_squash {destination}:/srv/images",
                 "where QEMU runs as root, which root_squash takes for nobody; mount the store "
                 "anew then"},
            },
        .look =
            "ls -lnZ {path} on both hosts; the numbers of owner and group must mean the same user",
        .example = "qemu-system-x86_64: -blockdev {\"node-name\":\"libvirt-1-storage\"}: Could not "
                   "open '/mnt/images/vm1.qcow2': Permission denied",
    },
    {
        .id = "KVM-SEC-009",
        .title = "AppArmor forbids QEMU a file",
        .cause = "The kernel says so: the profile that libvirt made for this domain does not hold "
                 "the path. Paths in backing files that libvirt did not know of, and sockets or "
                 "files of extra options, are the usual ones.",
        .patterns =
            {
                {"apparmor=\"DENIED\" operation=\"{word}\" profile=\"libvirt-{word2:word}\" "
                 "name=\"{path}\"",
                 other, "kernel"},
                {"apparmor=\"DENIED\" operation=\"{word}\" class=\"{word3:word}\" "
                 "profile=\"libvirt-{word2:word}\" name=\"{path}\"",
                 other, "kernel"},
                {"cannot load AppArmor profile '{word}'", libvirt_both,
                 "libvirt src/security/security_apparmor.c:416|392"},
                {"cannot update AppArmor profile '{word}'", libvirt_both,
                 "libvirt src/security/security_apparmor.c:267|262"},
                {"could not remove profile for '{word}'", libvirt_both,
                 "libvirt src/security/security_apparmor.c:520|498"},
                {"error calling aa_change_profile()", libvirt_both,
                 "libvirt src/security/security_apparmor.c:557|533"},
            },
        .remedy =
            {
                {destination,
                 "echo '  {path} rwk,' >> /etc/apparmor.d/local/abstractions/libvirt-qemu", ""},
                {destination, "systemctl reload apparmor.service", ""},
            },
        .look = "journalctl -k --grep apparmor on the host that refuses",
        .example = "audit: type=1400 audit(1714000000.123:45): apparmor=\"DENIED\" "
                   "operation=\"open\" profile=\"libvirt-4dea22b3-1d52-d8f3-2516-782e98ab3fa0\" "
                   "name=\"/srv/base.qcow2\" pid=1234 comm=\"qemu-system-x86\"",
    },
    {
        .id = "KVM-SEC-010",
        .title = "SELinux forbids QEMU a file",
        .cause = "The kernel says so: QEMU's domain svirt_t has no right to the label of the file. "
                 "On NFS the switch virt_use_nfs is the usual remedy.",
        .patterns =
            {
                {"avc: denied {rest} comm=\"qemu-{word}\" path=\"{path}\" dev=", other, "kernel"},
                {"avc: denied {rest} comm=\"qemu-{word}\" name=\"{path}\" dev=", other, "kernel"},
                {"avc: denied {rest} comm=\"qemu-{word}", other, "kernel"},
            },
        .remedy =
            {
                {both, "setsebool -P virt_use_nfs 1", "for images on NFS"},
                {both, "restorecon -v PATH", ""},
            },
        .look = "ausearch -m avc -ts recent",
        .example = "audit: type=1400 audit(1714000000.123:46): avc:  denied  { open } for  "
                   "pid=1234 comm=\"qemu-kvm\" path=\"/mnt/nfs/vm1.qcow2\" dev=\"0:45\" ino=7 "
                   "scontext=system_u:system_r:svirt_t:s0:c1,c2 "
                   "tcontext=system_u:object_r:nfs_t:s0 tclass=file permissive=0",
    },
    {
        .id = "KVM-SEC-011",
        .title = "The hosts use different security drivers",
        .cause = "The domain carries a label of one security driver, and this host has another, or "
                 "none. Labels do not translate between SELinux and AppArmor.",
        .patterns =
            {
                {"Security driver \"none\" cannot create confined guests", libvirt_both,
                 "libvirt src/security/security_manager.c:187|188"},
                {"security label driver mismatch: '{word}' model configured for domain, but "
                 "hypervisor driver is '{word2:word}'",
                 libvirt_both,
                 "libvirt src/security/security_apparmor.c:546,584|524,561; "
                 "src/security/security_selinux.c:2933,2964|3071,3100"},
                {"Security driver model '{word}' is not available", libvirt_both,
                 "libvirt src/security/security_manager.c:730|744"},
                {"Invalid security label {word}", libvirt_both,
                 "libvirt src/security/security_apparmor.c:791|777; "
                 "src/security/security_selinux.c:2943|3079"},
                {"Unconfined guests are not allowed on this host", libvirt_both,
                 "libvirt src/security/security_manager.c:641|655"},
            },
        .remedy =
            {
                {both, "virsh -c qemu:///system capabilities | grep -A2 '<secmodel>'", ""},
                {source, "virsh dumpxml --migratable {domain}",
                 "pass it with --xml without the foreign <seclabel>"},
            },
        .look = "security_driver in /etc/libvirt/qemu.conf of both hosts",
        .example =
            "error: unsupported configuration: Security driver model 'selinux' is not available",
    },
    {
        .id = "KVM-SEC-012",
        .title = "A secret is missing on the destination",
        .cause = "Encrypted disks, network disks with authentication and encrypted TPM state need "
                 "a libvirt secret with the same UUID and value on both hosts; secrets do not move "
                 "with the domain.",
        .patterns =
            {
                {"no secret with matching uuid '{uuid}'", libvirt_both,
                 "libvirt src/secret/secret_driver.c:85,166|85,149"},
                {"secret '{word}' does not have a value", libvirt_both,
                 "libvirt src/conf/virsecretobj.c:727|725"},
                {"no secret with matching usage '{word}'", libvirt_both,
                 "libvirt src/secret/secret_driver.c:197|180"},
            },
        .codes = {{66}},
        .remedy =
            {
                {source, "virsh -c qemu:///system secret-dumpxml {uuid}",
                 "take the XML and the value over"},
                {destination, "virsh -c qemu:///system secret-define secret.xml", ""},
                {destination, "virsh -c qemu:///system secret-set-value {uuid} --file secret.value",
                 ""},
            },
        .look = "virsh secret-list on both hosts",
        .example = "error: Secret not found: no secret with matching uuid "
                   "'9ec59067-fdbc-a6c0-03ff-df165c0587b8'",
    },
    {
        .id = "KVM-SEC-013",
        .title = "QEMU may not lock memory",
        .cause = "Locked memory, passed-through devices, RDMA and zero-copy need a memory-lock "
                 "limit as large as the guest; libvirt sets it from hard_limit.",
        .says = usual,
        .patterns =
            {
                {"Process can't lock enough memory for using MSG_ZEROCOPY", qemu_both,
                 "QEMU io/channel-socket.c:603|615"},
                {"locking memory failed", qemu_both, "QEMU softmmu/vl.c:754|-; system/vl.c:-|804"},
                {"cannot start RDMA migration with no memory hard limit set", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:3074,5147|3294,5361"},
                {"cannot limit locked memory of process {n} to {n2:number}", libvirt_both,
                 "libvirt src/util/virprocess.c:929|917"},
                {"failed to initialize device BPF map; locked memory limit for libvirtd probably "
                 "needs to be raised",
                 libvirt_both, "libvirt src/util/vircgroupv2devices.c:446|446"},
                {"VFIO_MAP_DMA failed: Cannot allocate memory", qemu_both,
                 "QEMU util/vfio-helpers.c:627|627; hw/vfio/common.c:520|-"},
            },
        .remedy =
            {
                {source, "virsh memtune {domain} --hard-limit LIMIT --live --config",
                 "guest memory and about 1 GiB more"},
            },
        .look = "/proc/PID/limits of QEMU, line \"Max locked memory\"",
        .example = "qemu-system-x86_64: Process can't lock enough memory for using MSG_ZEROCOPY",
    },
    {
        .id = "KVM-SEC-014",
        .title = "The security driver's own files are missing or not readable",
        .cause = "libvirt could not read the contexts, profiles or templates from which it makes "
                 "the label of a domain.",
        .patterns =
            {
                {"template '{path}' does not exist", libvirt_both,
                 "libvirt src/security/security_apparmor.c:329,334|730"},
                {"Failed to read AppArmor profiles list '{path}': {rest}", libvirt_both,
                 "libvirt src/security/security_apparmor.c:87|87"},
                {"cannot read SELinux virtual domain context file '{path}': {rest}", libvirt_both,
                 "libvirt src/security/security_selinux.c:713|807"},
                {"cannot read SELinux virtual image context file {path}: {rest}", libvirt_both,
                 "libvirt src/security/security_selinux.c:735|829"},
                {"cannot open SELinux label_handle: {rest}", libvirt_both,
                 "libvirt src/security/security_selinux.c:645,707|739,801"},
                {"Unable to get current process SELinux context: {rest}", libvirt_both,
                 "libvirt src/security/security_selinux.c:435,578|483,672"},
                {"No category range available", libvirt_both,
                 "libvirt src/security/security_selinux.c:488|536"},
                {"MCS level for existing domain label {word} already reserved", libvirt_both,
                 "libvirt src/security/security_selinux.c:978|1072"},
            },
        .remedy =
            {
                {both, "apt-get install --reinstall libvirt-daemon-system apparmor", ""},
                {both, "aa-status", "or sestatus"},
            },
        .look = "/etc/apparmor.d/libvirt, or /etc/selinux",
        .example = "error: internal error: template '/etc/apparmor.d/libvirt/TEMPLATE.qemu' does "
                   "not exist",
    },
};

} // namespace kvmig::diagnosis::entries
