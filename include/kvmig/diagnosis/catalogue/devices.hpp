// SPDX-License-Identifier: MIT
/// Catalogue: devices of the host in the guest.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry devices[] = {
    {
        .id = "KVM-DEV-001",
        .title = "A passed-through device keeps the guest on this host",
        .cause =
            "The guest holds a device of this host (PCI, USB or SCSI). Its state cannot be sent.",
        .patterns =
            {
                {"cannot migrate a domain with <hostdev mode='subsystem' type='{word}'>",
                 libvirt_both, "libvirt src/qemu/qemu_migration.c:1288,1317|1458,1487"},
                {"cannot migrate a domain with <hostdev mode='capabilities'>", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1275|1445"},
                {"cannot migrate a domain with <interface type='{word}'>", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1313|1483"},
                {"domain has assigned non-USB host devices", older, "libvirt before 8.0"},
                {"Domain with assigned host devices cannot be migrated", older,
                 "libvirt before 1.0"},
                {"domain has assigned host devices", older, "libvirt before 1.0"},
                {"VFIO device doesn't support migration", qemu_7_2,
                 "QEMU hw/vfio/migration.c:888|-"},
                {"{device:word}: VFIO migration is not supported in kernel", qemu_10_0,
                 "QEMU hw/vfio/migration.c:-|1084"},
                {"VFIO migration is not supported in kernel", qemu_10_0,
                 "QEMU hw/vfio/migration.c:-|1084"},
                {"{device:word}: Migration is disabled for VFIO device", qemu_10_0,
                 "QEMU hw/vfio/migration.c:-|1076"},
                {"Migration couldn't be initialized for VFIO device, err: {rest}", qemu_10_0,
                 "QEMU hw/vfio/migration.c:-|1087"},
                {"VFIO device doesn't support device and IOMMU dirty tracking", qemu_10_0,
                 "QEMU hw/vfio/migration.c:-|1100,1106"},
                {"Multiple VFIO devices migration is supported only if all of them support P2P "
                 "migration",
                 qemu_10_0, "QEMU hw/vfio/common.c:-|120,129"},
                {"Multiple VFIO devices migration is supported only if all of them support P2P",
                 qemu_10_0, "QEMU hw/vfio/common.c:-|120,129"},
            },
        .remedy =
            {
                {source, "virsh nodedev-list --cap pci",
                 "and virsh dumpxml {domain} to see which it holds"},
                {source,
                 "kvmig migrate {domain} --from qemu:///system --to "
                 "qemu+ssh://{destination}/system --detach-hostdevs",
                 "detaches PCI devices, and attaches those that --hostdev-map names, or of the "
                 "same kind at the same address"},
                {source, "virsh detach-device {domain} device.xml --live",
                 "or by hand: the <hostdev> (or <interface>) element in a file"},
                {source, "virsh migrate --live {domain} qemu+ssh://{destination}/system", ""},
                {destination, "virsh attach-device {domain} device.xml --live",
                 "with the address there, when the destination has such a device"},
            },
        .look = "<teaming> bonds the device with a virtio interface, so that the guest keeps its "
                "network while it moves",
        .example = "error: Operation not supported: cannot migrate a domain with <hostdev "
                   "mode='subsystem' type='pci'>",
    },
    {
        .id = "KVM-DEV-002",
        .title = "A virtual IOMMU and a passed-through device together cannot be migrated",
        .cause = "With a vIOMMU QEMU cannot track which memory the device writes.",
        .patterns =
            {
                {"{device:word}: Migration is currently not supported with vIOMMU enabled",
                 qemu_10_0, "QEMU hw/vfio/migration.c:-|1116"},
                {"Migration is currently not supported with vIOMMU enabled", qemu_10_0,
                 "QEMU hw/vfio/migration.c:-|1116"},
            },
        .remedy =
            {
                {source, "virsh detach-device {domain} device.xml --live", ""},
                {source, "virsh edit {domain}", "or remove <iommu>, restart the guest"},
            },
        .look = "virsh dumpxml {domain} --xpath //iommu",
        .example = "error: Requested operation is not valid: cannot migrate domain: 0000:01:00.0: "
                   "Migration is currently not supported with vIOMMU enabled",
    },
    {
        .id = "KVM-DEV-008",
        .title = "A vDPA device cannot be migrated",
        .cause = "This libvirt (and QEMU) has no way to move the state of a vDPA network card.",
        .patterns =
            {
                {"vDPA devices cannot be migrated", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1516|1679"},
                {"vdpa devices cannot be migrated", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1516|1679"},
                {"SVQ Invalid device feature flags, offer: 0x{n}, ok: 0x{n2:number}", qemu_both,
                 "QEMU hw/virtio/vhost-shadow-virtqueue.c:58|58"},
            },
        .remedy =
            {
                {source, "virsh detach-interface {domain} vdpa --live", ""},
            },
        .look = "virsh domiflist {domain}",
        .example = "error: Requested operation is not valid: vDPA devices cannot be migrated",
    },
    {
        .id = "KVM-DEV-009",
        .title = "A helper of the user-mode network cannot be migrated",
        .cause =
            "The guest's network runs through a slirp helper process whose state does not move.",
        .patterns =
            {
                {"a slirp-helper cannot be migrated", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1524|1687"},
                {"cannot migrate this domain without dbus-vmstate support", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1542|1709"},
            },
        .remedy =
            {
                {source, "virsh edit {domain}",
                 "<interface type='network'> or 'bridge' instead of 'user', restart the guest"},
            },
        .look = "virsh domiflist {domain}",
        .example = "error: Requested operation is not valid: a slirp-helper cannot be migrated",
    },
    {
        .id = "KVM-DEV-013",
        .title = "vhost or vhost-user cannot log what it writes",
        .cause = "Without dirty logging in the backend (an old vhost kernel module or vhost-user "
                 "program), memory that the device writes would be lost.",
        .patterns =
            {
                {"Migration disabled: vhost lacks VHOST_F_LOG_ALL feature", qemu_both,
                 "QEMU hw/virtio/vhost.c:1487|1594"},
                {"Migration disabled: vhost-user backend lacks VHOST_USER_PROTOCOL_F_LOG_SHMFD "
                 "feature",
                 qemu_both, "QEMU hw/virtio/vhost-user.c:2095|2270"},
                {"Migration disabled: failed to allocate shared memory", qemu_both,
                 "QEMU hw/virtio/vhost.c:1490|1597"},
                {"vhost-scsi does not support migration in all cases", qemu_both,
                 "QEMU hw/scsi/vhost-scsi.c:207|264"},
                {"vhost: Failed to start logging", qemu_10_0, "QEMU hw/virtio/vhost.c:-|1115"},
                {"vhost-user-scsi does not support migration", qemu_both,
                 "QEMU hw/remote/proxy.c:109|108"},
                {"vhost_set_mem_table failed{rest}", qemu_both, "QEMU hw/virtio/vhost.c:602|"},
            },
        .remedy =
            {
                {source, "virsh edit {domain}",
                 "<driver name='qemu'/> instead of vhost, or a newer backend; restart the guest"},
            },
        .look = "lsmod | grep vhost, and the version of the vhost-user program",
        .example = "error: Requested operation is not valid: cannot migrate domain: Migration "
                   "disabled: vhost lacks VHOST_F_LOG_ALL feature.",
    },
    {
        .id = "KVM-DEV-017",
        .title = "A host device that the definition names is missing or taken on the destination",
        .cause = "The definition asks for a device of the host (PCI, USB, mediated) that is not "
                 "there or is in use.",
        .patterns =
            {
                {"Device {device} not found: could not access {path}", libvirt_both,
                 "libvirt src/util/virpci.c:1470|1881"},
                {"PCI device {device} is in use by driver {word}, domain {domain}", libvirt_both,
                 "libvirt src/hypervisor/virhostdev.c:96|98"},
                {"PCI device {device} is in use", libvirt_both,
                 "libvirt src/hypervisor/virhostdev.c:102|103"},
                {"PCI device {device} is not assignable", libvirt_both,
                 "libvirt src/hypervisor/virhostdev.c:701|689"},
                {"USB device {device} is in use by driver {word}, domain {domain}", libvirt_both,
                 "libvirt src/hypervisor/virhostdev.c:1335|1325"},
                {"USB device {device} is already in use", libvirt_both,
                 "libvirt src/hypervisor/virhostdev.c:1341|1330"},
                {"Did not find USB device {rest}", libvirt_both,
                 "libvirt src/util/virusb.c:213|213"},
                {"Unmanaged PCI device {device} must be manually detached from the host",
                 libvirt_both, "libvirt src/hypervisor/virhostdev.c:790|776"},
                {"PCI device {device} allocated from network {network} is already in use by domain "
                 "{domain}",
                 libvirt_both, "libvirt src/qemu/qemu_process.c:5837|6005"},
                {"Failed to load PCI stub module {word}", libvirt_9_0,
                 "libvirt src/util/virpci.c:1126|-"},
                {"host doesn't support passthrough of host PCI devices", libvirt_both,
                 "libvirt src/qemu/qemu_hostdev.c:180|-; src/qemu/qemu_domain.c:-|9938"},
                {"Device {device} is behind a switch lacking ACS and cannot be assigned",
                 libvirt_both, "libvirt src/util/virpci.c:2174|2598"},
                {"mediated device '{device}' not found", libvirt_both,
                 "libvirt src/qemu/qemu_hotplug.c:5547|6025; src/util/virmdev.c:145|144"},
                {"vfio {device:word}: group {n} is not viable", qemu_both,
                 "QEMU util/vfio-helpers.c:352|352"},
                {"unable to open vhost-vsock device", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:6943|7280"},
            },
        .remedy =
            {
                {destination, "virsh -c qemu:///system nodedev-list --tree", ""},
                {source, "virsh detach-device {domain} device.xml --live",
                 "before the move, attach the destination's own after it"},
            },
        .look = "lspci -nnk on the destination, and dmesg | grep -i iommu",
        .example = "error: Device 0000:03:00.0 not found: could not access "
                   "/sys/bus/pci/devices/0000:03:00.0/config: No such file or directory",
    },
    {
        .id = "KVM-DEV-018",
        .title = "A device was plugged in or out while the migration ran",
        .cause = "QEMU does not change devices during a migration.",
        .patterns =
            {
                {"device_add not allowed while migrating", qemu_both,
                 "QEMU softmmu/qdev-monitor.c:672|-; system/qdev-monitor.c:-|679"},
                {"device_del not allowed while migrating", qemu_both,
                 "QEMU softmmu/qdev-monitor.c:917|-; system/qdev-monitor.c:-|902"},
                {"Config synchronization is not allowed during migration", qemu_10_0,
                 "QEMU system/qdev-monitor.c:-|967"},
                {"Migration is not finalized yet", qemu_both, "QEMU monitor/qmp-cmds.c:130|85"},
                {"migration: partially unplugged device on failure", qemu_both,
                 "QEMU migration/migration.c:3950|3619"},
            },
        .remedy =
            {
                {source, "virsh domjobinfo {domain}", "wait until it has ended"},
            },
        .look = "who else manages this domain",
        .example = "error: internal error: unable to execute QEMU command 'device_add': device_add "
                   "not allowed while migrating",
    },
    {
        .id = "KVM-DEV-019",
        .title = "The network fail-over device cannot be unplugged from the guest",
        .cause = "With <teaming> the guest must let go of the passed-through card first; its "
                 "driver did not.",
        .patterns =
            {
                {"couldn't unplug primary device", qemu_both, "QEMU hw/net/virtio-net.c:3470|3709"},
                {"Primary device not found", qemu_both, "QEMU hw/net/virtio-net.c:927|931"},
                {"failover primary device must be on PCIExpress bus", qemu_both,
                 "QEMU hw/pci/pci.c:2228|2300"},
                {"failover primary device is not an Ethernet device", qemu_both,
                 "QEMU hw/pci/pci.c:2235|2307"},
                {"failover: primary device must be in its own PCI slot", qemu_both,
                 "QEMU hw/pci/pci.c:2242|2314"},
                {"Cannot attach more than one primary device to '{name}': '{name2}' and '{name3}'",
                 qemu_both, "QEMU hw/net/virtio-net.c:3527|3767"},
                {"Device with failover_pair_id needs to have id", qemu_both,
                 "QEMU hw/net/virtio-net.c:3506|3746"},
            },
        .remedy =
            {
                {guest, "modprobe net_failover", "the guest's kernel must know the pair"},
                {source, "virsh detach-device {domain} device.xml --live", ""},
            },
        .look = "dmesg inside the guest",
        .example = "qemu-system-x86_64: couldn't unplug primary device",
    },
    {
        .id = "KVM-DEV-020",
        .title = "A device listed by QEMU blocks the migration",
        .cause =
            "QEMU gives a reason that this catalogue does not know; it stands behind the colon.",
        .says = usual,
        .patterns =
            {
                {"cannot migrate domain: {reason}", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1414|1585"},
                {"disallowing migration blocker (migration/snapshot in progress) for: {rest}",
                 qemu_both, "QEMU migration/migration.c:2194|1798"},
            },
        .remedy =
            {
                {source, "virsh qemu-monitor-command {domain} --hmp info migrate",
                 "lists QEMU's blocked reasons"},
            },
        .look = "the reason that QEMU names",
        .example = "error: Requested operation is not valid: cannot migrate domain: NVMM: "
                   "Migration not supported",
    },
    {
        .id = "KVM-DEV-022",
        .title = "vhost on the destination has too few memory slots",
        .cause = "The guest's memory (with its plugged-in modules) needs more pieces than vhost "
                 "there can map.",
        .patterns =
            {
                {"vhost backend memory slots limit is less than current number of present memory "
                 "slots",
                 qemu_7_2, "QEMU hw/virtio/vhost.c:1514|-"},
                {"used ({n}) vhost backend memory slots exceed the device limit ({n2:number})",
                 qemu_10_0, "QEMU hw/virtio/vhost.c:-|74"},
                {"some memory device (like virtio-mem) decided how many memory slots to use",
                 qemu_10_0, "QEMU hw/virtio/vhost.c:-|1541"},
                {"vhost backend memory slots limit ({n}) is less than current number of used "
                 "({n2:number})",
                 qemu_10_0, "QEMU hw/virtio/vhost.c:-|1633"},
            },
        .remedy =
            {
                {destination, "modprobe -r vhost && modprobe vhost max_mem_regions=509",
                 "with no guest running"},
                {both, "cat /sys/module/vhost/parameters/max_mem_regions",
                 "the same on both hosts"},
            },
        .look = "how many memory modules the guest has",
        .example = "qemu-system-x86_64: vhost backend memory slots limit is less than current "
                   "number of present memory slots",
    },
};

} // namespace kvmig::diagnosis::entries
