// SPDX-License-Identifier: MIT
/// Catalogue: emulated devices that do not move.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry devices_models[] = {
    {
        .id = "KVM-DEV-003",
        .title = "A device model of the guest is not migratable",
        .cause = "QEMU marks the device as one that cannot be sent.",
        .patterns =
            {
                {"State blocked by non-migratable device '{device:word}'", qemu_both,
                 "QEMU migration/savevm.c:1117|1256"},
                {"Device {device} is not migratable, but --only-migratable was specified",
                 qemu_both, "QEMU hw/core/qdev.c:517|445"},
                {"disallowing migration blocker (--only-migratable) for: {rest}", qemu_both,
                 "QEMU migration/migration.c:2207|1812"},
                {"{device:word} does not support migration", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_migration.c:1559|1726; QEMU hw/remote/proxy.c:109|108"},
                {"Migration is disabled when using feature 'peer mode' in device 'ivshmem'",
                 qemu_both, "QEMU hw/misc/ivshmem.c:904|-; hw/misc/ivshmem-pci.c:-|903"},
                {"'peer' devices are not migratable", qemu_both,
                 "QEMU hw/misc/ivshmem.c:970|-; hw/misc/ivshmem-pci.c:-|971"},
                {"ERROR: Cannot migrate while device properties (subsys/subsys_ven) differ",
                 qemu_both, "QEMU hw/net/e1000e.c:547|546"},
            },
        .remedy =
            {
                {source, "virsh dumpxml {domain}", ""},
                {source, "virsh detach-device {domain} device.xml --live",
                 "or shut down, remove it, start"},
            },
        .look = "which element of the definition the device is",
        .example = "error: Requested operation is not valid: cannot migrate domain: State blocked "
                   "by non-migratable device '0000:00:05.0/ich9_ahci'",
    },
    {
        .id = "KVM-DEV-004",
        .title = "virtiofs keeps the guest on this host",
        .cause = "The state of virtiofsd could not be moved: libvirt 9.0 refuses always, later "
                 "ones unless virtiofsd and its configuration support it.",
        .patterns =
            {
                {"migration with virtiofs device is not supported", libvirt_9_0,
                 "libvirt src/qemu/qemu_migration.c:1534|-"},
                {"migration with this virtiofs device is not supported", libvirt_11_3,
                 "libvirt src/qemu/qemu_migration.c:-|1701"},
                {"Back-end of {device} device {word} (tag: \"{name}\") does not support migration "
                 "through qemu",
                 qemu_10_0, "QEMU hw/virtio/vhost-user-fs.c:-|362"},
                {"Back-end does not support migration state transfer", qemu_10_0,
                 "QEMU hw/virtio/vhost-user.c:-|2901,2964"},
                {"Back-end did not accept migration state transfer", qemu_10_0,
                 "QEMU hw/virtio/vhost-user.c:-|2935"},
                {"vhost transport does not support migration state transfer", qemu_10_0,
                 "QEMU hw/virtio/vhost.c:-|2216,2227"},
                {"Failed to initiate state transfer: {rest}", qemu_10_0,
                 "QEMU hw/virtio/vhost.c:-|2268,2360"},
                {"Failed to set up state transfer pipe: {rest}", qemu_10_0,
                 "QEMU hw/virtio/vhost.c:-|2244,2336"},
            },
        .remedy =
            {
                {guest, "umount MOUNTPOINT", ""},
                {source, "virsh detach-device {domain} filesystem.xml --live",
                 "the <filesystem> element in a file"},
            },
        .look = "virtiofsd --version; 1.11 and later can migrate with --migration-mode",
        .example = "error: Requested operation is not valid: migration with virtiofs device is not "
                   "supported",
    },
    {
        .id = "KVM-DEV-005",
        .title = "A 9p share that the guest has mounted blocks migration",
        .cause = "While the guest has the share mounted, QEMU holds state that does not move.",
        .patterns =
            {
                {"Migration is disabled when VirtFS export path '{path}' is mounted in the guest "
                 "using mount_tag '{name}'",
                 qemu_both, "QEMU hw/9pfs/9p.c:1527|1578"},
            },
        .remedy =
            {
                {guest, "umount -a -t 9p", ""},
            },
        .look = "virsh dumpxml {domain} --xpath //filesystem",
        .example =
            "error: Requested operation is not valid: cannot migrate domain: Migration is disabled "
            "when VirtFS export path '/srv/share' is mounted in the guest using mount_tag 'share'",
    },
    {
        .id = "KVM-DEV-006",
        .title = "3D graphics keep the guest on this host",
        .cause = "virgl and rutabaga keep state in the host's graphics driver.",
        .patterns =
            {
                {"virgl is not yet migratable", qemu_both,
                 "QEMU hw/display/virtio-gpu-base.c:169|186"},
                {"rutabaga is not yet migratable", qemu_10_0,
                 "QEMU hw/display/virtio-gpu-rutabaga.c:-|1098"},
                {"OpenGL is not supported by the display", qemu_7_2, "QEMU softmmu/vl.c:1889|-"},
            },
        .remedy =
            {
                {source, "virsh edit {domain}",
                 "<acceleration accel3d='no'/> in <video>, no <gl enable='yes'/>, restart the "
                 "guest"},
            },
        .look = "virsh dumpxml {domain} --xpath //video",
        .example = "error: Requested operation is not valid: cannot migrate domain: virgl is not "
                   "yet migratable",
    },
    {
        .id = "KVM-DEV-007",
        .title = "A shared-memory device cannot move in this role",
        .cause = "Only an ivshmem device with role master carries its memory along; others, and "
                 "the old kind, do not.",
        .patterns =
            {
                {"shmem device '{name}' cannot be migrated, only shmem with role='{word}' can be "
                 "migrated",
                 libvirt_both, "libvirt src/qemu/qemu_migration.c:1502|1666"},
                {"migration with legacy shmem device is not supported", libvirt_9_0,
                 "libvirt src/qemu/qemu_migration.c:1497|-"},
            },
        .remedy =
            {
                {source, "virsh detach-device {domain} shmem.xml --live", ""},
                {source, "virsh edit {domain}",
                 "<shmem name='…' role='master'> with model ivshmem-plain, restart the guest"},
            },
        .look = "virsh dumpxml {domain} --xpath //shmem",
        .example = "error: Requested operation is not valid: shmem device 'shm0' cannot be "
                   "migrated, only shmem with role='master' can be migrated",
    },
    {
        .id = "KVM-DEV-010",
        .title = "The TPM keeps the guest on this host",
        .cause = "The TPM emulator (swtpm) on this host cannot hand over its state, or cannot with "
                 "its state on shared storage.",
        .patterns =
            {
                {"(on destination side) does not support the --migration option needed for "
                 "migration with shared storage",
                 libvirt_both, "libvirt src/qemu/qemu_tpm.c:675|864"},
                {"The slirp-helper doesn't support migration", libvirt_both,
                 "libvirt src/qemu/qemu_slirp.c:261|252"},
                {"the running swtpm does not support migration with shared storage", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1559|1726"},
                {"Migration disabled: TPM emulator does not support migration", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:535|563"},
            },
        .remedy =
            {
                {both, "apt-get install -t bookworm-backports swtpm",
                 "0.8 or later; then restart the guest"},
                {both, "findmnt -T /var/lib/libvirt/swtpm", "or keep this directory local"},
            },
        .look = "swtpm --version on both hosts",
        .example = "error: this function is not supported by the connection driver: the running "
                   "swtpm does not support migration with shared storage",
    },
    {
        .id = "KVM-DEV-011",
        .title = "The destination's TPM cannot take the state over",
        .cause = "The encrypted state of the TPM could not be decrypted: the secret on the "
                 "destination is another. Or swtpm there failed.",
        .patterns =
            {
                {"tpm-emulator: Setting the stateblob (type {n}) failed with a TPM error "
                 "0x{n2:number} {rest}",
                 qemu_both, "QEMU backends/tpm/tpm_emulator.c:840|867"},
                {"tpm-emulator: could not set state blob type {n} : {rest}", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:814|841"},
                {"tpm-emulator: Writing the stateblob (type {n}) failed; {rest}", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:822|849"},
                {"tpm-emulator: Reading response from writing stateblob (type {n}) failed; {rest}",
                 qemu_both, "QEMU backends/tpm/tpm_emulator.c:832|859"},
                {"tpm-emulator: Getting the stateblob (type {n}) failed with a TPM error "
                 "0x{n2:number} {rest}",
                 qemu_both, "QEMU backends/tpm/tpm_emulator.c:719|746"},
                {"tpm-emulator: could not get state blob type {n} : {rest}", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:712|739"},
                {"tpm-emulator: Could not read stateblob (type {n}); expected {rest}", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:745|772"},
                {"tpm-emulator: TPM result for CMD_INIT: 0x{n} {rest}", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:408|434"},
                {"tpm-emulator: Could not lock storage within 3 seconds: {rest}", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:323|347"},
                {"tpm-emulator: TPM result for CMD_LOCK_STORAGE: 0x{n} {rest}", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:330|354"},
                {"tpm-emulator: probing failed : {rest}", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:245|267"},
                {"tpm-emulator: TPM does not implement minimum set of required capabilities for "
                 "TPM {rest}",
                 qemu_both, "QEMU backends/tpm/tpm_emulator.c:281|303"},
            },
        .remedy =
            {
                {both, "virsh -c qemu:///system secret-list", "the same UUID, and the same value"},
                {source, "virsh -c qemu:///system secret-get-value UUID", ""},
                {destination, "virsh -c qemu:///system secret-set-value UUID --file secret.value",
                 ""},
            },
        .look = "/var/log/swtpm/libvirt/qemu/{domain}-swtpm.log on the destination",
        .example = "qemu-kvm: tpm-emulator: Setting the stateblob (type 1) failed with a TPM error "
                   "0x21 decryption error",
    },
    {
        .id = "KVM-DEV-012",
        .title = "swtpm is missing or cannot start on the destination",
        .cause = "The guest has an emulated TPM, and the destination has no working swtpm for it.",
        .patterns =
            {
                {"Could not run '{path}' to create config files. exitstatus: {n}", libvirt_both,
                 "libvirt src/qemu/qemu_tpm.c:296|319"},
                {"Could not run '{path} --reconfigure'. exitstatus: {n}", libvirt_both,
                 "libvirt src/qemu/qemu_tpm.c:524|584"},
                {"swtpm died and reported: {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_tpm.c:996|1198"},
                {"swtpm died unexpectedly", libvirt_both, "libvirt src/qemu/qemu_tpm.c:993|1195"},
                {"swtpm didn't show up", libvirt_both, "libvirt src/qemu/qemu_tpm.c:976|1178"},
                {"swtpm socket did not show up", libvirt_both,
                 "libvirt src/qemu/qemu_tpm.c:1003|1205"},
                {"Could not get process id of swtpm", libvirt_both,
                 "libvirt src/qemu/qemu_tpm.c:892|1084"},
                {"Could not create TPM directory {path}", libvirt_both,
                 "libvirt src/qemu/qemu_tpm.c:181|181"},
                {"Unable to find 'swtpm' binary in $PATH", libvirt_both,
                 "libvirt src/util/virtpm.c:298|303"},
                // Of other programs too it is said, such as dnsmasq, at each start of the daemon.
                {"Unable to find 'swtpm_setup' binary in $PATH", libvirt_both,
                 "libvirt src/util/virtpm.c:298|303"},
                {"Unable to find 'swtpm_ioctl' binary in $PATH", libvirt_both,
                 "libvirt src/util/virtpm.c:298|303"},
                {"Could not run '{path}'. exitstatus: {n}; Check error log '{path2}' for details.",
                 libvirt_both, "libvirt src/qemu/qemu_tpm.c:437|507"},
                {"TPM version '{word}' is not supported", libvirt_both,
                 "libvirt src/qemu/qemu_validate.c:4616|4974"},
                {"Could not create directory {path} as {n}:{n2:number}", libvirt_both,
                 "libvirt src/qemu/qemu_tpm.c:194|195"},
                {"does not support passing a passphrase using a file descriptor", libvirt_both,
                 "libvirt src/qemu/qemu_tpm.c:325|347"},
                {"does not support passing passphrase via file descriptor", libvirt_both,
                 "libvirt src/qemu/qemu_tpm.c:637|605"},
                {"Could not chown on swtpm logfile {path}: {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_tpm.c:810|1002"},
                {"'{path}' is not emulating TPM device. Error: {rest}", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:623|648"},
            },
        .remedy =
            {
                {destination, "apt-get install swtpm swtpm-tools", ""},
                {destination, "journalctl -k --grep 'apparmor=\"DENIED\".*swtpm'", ""},
            },
        .look = "/var/log/swtpm/libvirt/qemu/ on the destination",
        .example = "error: internal error: Could not run '/usr/bin/swtpm_setup'. exitstatus: 1; "
                   "Check error log '/var/log/swtpm/libvirt/qemu/vm1-swtpm.log' for details.",
    },
    {
        .id = "KVM-DEV-014",
        .title = "A memory-encrypted guest cannot be migrated",
        .cause = "The guest's memory is encrypted (SEV, SEV-SNP, TDX), and QEMU has no way to hand "
                 "it over.",
        .patterns =
            {
                {"SEV: Migration is not implemented", qemu_both, "QEMU target/i386/sev.c:892|1121"},
                {"SEV-SNP: Migration is not implemented", qemu_10_0,
                 "QEMU target/i386/sev.c:-|1348"},
            },
        .remedy =
            {
                {source, "virsh shutdown {domain}",
                 "move it switched off: virsh migrate --offline --persistent"},
            },
        .look = "virsh dumpxml {domain} --xpath //launchSecurity",
        .example = "error: Requested operation is not valid: cannot migrate domain: SEV: Migration "
                   "is not implemented",
    },
    {
        .id = "KVM-DEV-015",
        .title = "A Hyper-V passthrough setting keeps the guest on this host",
        .cause = "hv-passthrough takes whatever the host has; the destination may have other.",
        .patterns =
            {
                {"'hv-passthrough' CPU flag prevents migration, use explicit set of hv-* flags "
                 "instead",
                 qemu_both, "QEMU target/i386/kvm/kvm.c:1575|1686"},
                {"'hv-no-nonarch-coresharing=auto' CPU flag prevents migration", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:1587|1698"},
            },
        .remedy =
            {
                {source, "virsh edit {domain}",
                 "<hyperv mode='custom'> with the features both hosts have, restart the guest"},
            },
        .look = "virsh dumpxml {domain} --xpath //hyperv",
        .example =
            "error: Requested operation is not valid: cannot migrate domain: 'hv-passthrough' CPU "
            "flag prevents migration, use explicit set of hv-* flags instead",
    },
    {
        .id = "KVM-DEV-016",
        .title = "A channel of the guest blocks migration",
        .cause = "QEMU's own vdagent channel (or another character device) keeps state that does "
                 "not move.",
        .patterns =
            {
                {"The vdagent chardev doesn't yet support migration", qemu_both,
                 "QEMU ui/vdagent.c:919|924"},
            },
        .remedy =
            {
                {source, "virsh edit {domain}",
                 "use a spicevmc channel with SPICE graphics, or none; restart the guest"},
            },
        .look = "virsh dumpxml {domain} --xpath //channel",
        .example = "error: Requested operation is not valid: cannot migrate domain: The vdagent "
                   "chardev doesn't yet support migration",
    },
    {
        .id = "KVM-DEV-021",
        .title = "The TPM emulator of the guest failed",
        .cause = "QEMU could not talk to swtpm, or swtpm answered with an error.",
        .says = usual,
        .patterns =
            {
                {"tpm-emulator: Could not {rest}", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:295,401|318,427"},
                {"tpm-emulator: TPM result for {rest}", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:302,408|325,434"},
                {"tpm-emulator: Failed to {rest}", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:505|533"},
                {"tpm-emulator: could not send INIT: {rest}", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:401|427"},
                {"tpm-emulator: tpm chardev '{name}' not found", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:601|626"},
                {"tpm-emulator: No valid chardev found at '{name}'", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:606|631"},
                {"tpm-emulator: Expecting to read {n} bytes but would get {n2:number}", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:728|755"},
                {"tpm-emulator: Out of memory allocating {n} bytes", qemu_both,
                 "QEMU backends/tpm/tpm_emulator.c:738|765"},
            },
        .remedy =
            {
                {destination, "tail -n 30 /var/log/swtpm/libvirt/qemu/{domain}-swtpm.log", ""},
                {destination, "journalctl -k --grep 'apparmor=\"DENIED\".*swtpm'", ""},
            },
        .look = "whether swtpm still runs: pgrep -a swtpm",
        .example =
            "qemu-system-x86_64: tpm-emulator: TPM result for CMD_STOP: 0x9 operation failed",
    },
};

} // namespace kvmig::diagnosis::entries
