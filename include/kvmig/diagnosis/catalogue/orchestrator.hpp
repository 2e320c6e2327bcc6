// SPDX-License-Identifier: MIT
/// Catalogue: refusals of Nova, Proxmox, KubeVirt and oVirt.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry orchestrator[] = {
    {
        .id = "KVM-ORC-001",
        .title = "Nova: the destination has too little disk",
        .cause = "Nova compares the free disk of the destination with the (virtual, or "
                 "over-committed) size of the instance's disks.",
        .patterns =
            {
                {"Disk of instance is too large(available on destination host:{n} < "
                 "need:{n2:number})",
                 other, "openstack/nova nova/virt/libvirt/driver.py"},
                {"Disk of instance is too large", other,
                 "openstack/nova nova/virt/libvirt/driver.py"},
            },
        .remedy =
            {
                {destination, "df -h /var/lib/nova/instances", ""},
                {here,
                 "openstack server migrate --live-migration --block-migration --disk-overcommit "
                 "SERVER",
                 ""},
            },
        .look = "openstack hypervisor show HOST",
        .example = "Migration pre-check error: Unable to migrate "
                   "4dea22b3-1d52-d8f3-2516-782e98ab3fa0: Disk of instance is too large(available "
                   "on destination host:10737418240 < need:21474836480)",
    },
    {
        .id = "KVM-ORC-002",
        .title = "Nova: block migration on shared storage",
        .cause = "The instances' directory is shared, and block migration would copy each disk "
                 "over itself.",
        .patterns =
            {
                {"is not on local storage: Block migration can not be used with shared storage.",
                 other, "openstack/nova nova/virt/libvirt/driver.py"},
                {"is not on shared storage: {rest}", other,
                 "openstack/nova nova/virt/libvirt/driver.py"},
            },
        .remedy =
            {
                {here, "openstack server migrate --live-migration --shared-migration SERVER",
                 "block migration only without shared storage"},
            },
        .look = "findmnt /var/lib/nova/instances on both hosts",
        .example =
            "kvm02 is not on local storage: Block migration can not be used with shared storage.",
    },
    {
        .id = "KVM-ORC-003",
        .title = "Nova: the processors do not fit",
        .cause = "The destination's CPU lacks something of the source's (virConnectCompareCPU).",
        .patterns =
            {
                {"Unacceptable CPU info: CPU doesn't have compatibility. {rest}", other,
                 "openstack/nova nova/virt/libvirt/driver.py"},
                {"Unacceptable CPU info", other, "openstack/nova nova/virt/libvirt/driver.py"},
            },
        .remedy =
            {
                {both, "grep -n -A5 '^\\[libvirt\\]' /etc/nova/nova.conf",
                 "cpu_mode=custom with cpu_models that all hosts have"},
            },
        .look = "virsh capabilities on both hosts",
        .example = "Unacceptable CPU info: CPU doesn't have compatibility. 0 Refer to "
                   "http://libvirt.org/html/libvirt-libvirt-host.html#virCPUCompareResult",
    },
    {
        .id = "KVM-ORC-004",
        .title = "Nova: the destination has too little memory",
        .cause = "After the allocation ratio, the host that was forced has less memory than the "
                 "instance needs.",
        .patterns =
            {
                {"Lack of memory(host:{n} <= instance:{n2:number})", other,
                 "openstack/nova nova/conductor/tasks/live_migrate.py"},
            },
        .remedy =
            {
                {here, "openstack server migrate --live-migration SERVER",
                 "let the scheduler choose"},
            },
        .look = "openstack hypervisor show HOST",
        .example =
            "Migration pre-check error: Unable to migrate 4dea22b3-1d52-d8f3-2516-782e98ab3fa0 to "
            "kvm02: Lack of memory(host:512 <= instance:4096)",
    },
    {
        .id = "KVM-ORC-005",
        .title = "Nova: the migration takes longer than Nova waits",
        .cause = "Memory is dirtied faster than sent, and the completion time-out (800 s per GiB "
                 "unless set) is past.",
        .patterns =
            {
                {"Live migration not completed after {n} sec", other,
                 "openstack/nova nova/virt/libvirt/migration.py"},
                {"Live migration not completed after {n} seconds", other, "openstack/nova"},
            },
        .remedy =
            {
                {both, "grep -n live_migration /etc/nova/nova.conf",
                 "live_migration_permit_auto_converge, live_migration_permit_post_copy, "
                 "live_migration_timeout_action=force_complete"},
                {here, "openstack server migration force complete SERVER MIGRATION", ""},
            },
        .look = "openstack server migration show SERVER MIGRATION",
        .example = "Live migration not completed after 3200 sec",
    },
    {
        .id = "KVM-ORC-006",
        .title = "Proxmox: the VM uses local devices",
        .cause = "A PCI, USB, serial or parallel device, virtiofs or ivshmem of this node is "
                 "configured.",
        .patterns =
            {
                {"can't migrate VM which uses local devices: {rest}", other,
                 "proxmox/qemu-server src/PVE/QemuMigrate.pm"},
                {"can't migrate running VM which uses mapped devices: {rest}", other,
                 "proxmox/qemu-server src/PVE/QemuMigrate.pm"},
            },
        .remedy =
            {
                {here, "qm config VMID", ""},
                {here, "qm set VMID --delete hostpci0", ""},
            },
        .look = "resource mappings that exist on both nodes",
        .example = "can't migrate VM which uses local devices: hostpci0",
    },
    {
        .id = "KVM-ORC-007",
        .title = "Proxmox: a running VM needs --online",
        .cause = "qm migrate moves a stopped VM unless told otherwise.",
        .patterns =
            {
                {"can't migrate running VM without --online", other,
                 "proxmox/qemu-server src/PVE/QemuMigrate.pm"},
            },
        .remedy =
            {
                {here, "qm migrate VMID TARGET --online", ""},
            },
        .look = "qm status VMID",
        .example = "can't migrate running VM without --online",
    },
    {
        .id = "KVM-ORC-008",
        .title = "Proxmox: a local CD-ROM is in the drive",
        .cause = "An ISO image or drive of this node is attached, also in a snapshot.",
        .patterns =
            {
                {"can't migrate local cdrom drive", other,
                 "proxmox/qemu-server src/PVE/QemuMigrate.pm"},
                {"local cdrom image", other, "proxmox/qemu-server src/PVE/QemuMigrate.pm"},
            },
        .remedy =
            {
                {here, "qm set VMID --ide2 none,media=cdrom", ""},
            },
        .look = "qm config VMID and each of its snapshots",
        .example = "can't migrate local cdrom drive",
    },
    {
        .id = "KVM-ORC-009",
        .title = "Proxmox: the storage is not available on the node",
        .cause = "The storage is not configured for, or not enabled on, the target node.",
        .patterns =
            {
                {"storage '{pool}' is not available on node '{host}'", other, "PVE storage"},
            },
        .remedy =
            {
                {here, "pvesm status", ""},
                {here, "qm migrate VMID TARGET --online --targetstorage STORAGE", ""},
            },
        .look = "nodes= in /etc/pve/storage.cfg",
        .example = "storage 'local-lvm' is not available on node 'pve2'",
    },
    {
        .id = "KVM-ORC-010",
        .title = "Proxmox: snapshots on local disks",
        .cause = "A local disk that is not replicated has snapshots, which cannot move with a "
                 "running VM.",
        .patterns =
            {
                {"online storage migration not possible if non-replicated snapshot exists", other,
                 "proxmox/qemu-server src/PVE/QemuMigrate.pm"},
                {"online storage migration not possible if snapshot exists", other,
                 "proxmox/qemu-server src/PVE/QemuMigrate.pm"},
            },
        .remedy =
            {
                {here, "qm listsnapshot VMID", ""},
                {here, "qm delsnapshot VMID SNAPSHOT", ""},
            },
        .look = "whether the VM can be moved stopped",
        .example = "online storage migration not possible if non-replicated snapshot exists",
    },
    {
        .id = "KVM-ORC-011",
        .title = "Proxmox: the migration tunnel came up too slowly",
        .cause = "The SSH tunnel was not there in time, as happens with many migrations at once.",
        .says = usual,
        .patterns =
            {
                {"Timeout, migration socket {rest} did not get ready", other,
                 "proxmox/qemu-server src/PVE/QemuMigrate.pm"},
            },
        .remedy =
            {
                {here, "qm migrate VMID TARGET --online --migration_type insecure",
                 "on a trusted network; or fewer at once"},
            },
        .look = "the load of both nodes",
        .example = "Timeout, migration socket unix:/run/qemu-server/100.migrate did not get ready",
    },
    {
        .id = "KVM-ORC-012",
        .title = "KubeVirt: a volume cannot be used from two nodes",
        .cause = "Live migration needs ReadWriteMany for every PersistentVolumeClaim.",
        .patterns =
            {
                {"is not shared, live migration requires that all PVCs must be shared (using "
                 "ReadWriteMany access mode)",
                 other, "kubevirt/kubevirt pkg/virt-handler/vm.go"},
                {"cannot migrate VMI: PVC {name} is not shared, live migration requires that all "
                 "PVCs must be shared",
                 other, "kubevirt/kubevirt pkg/virt-handler/vm.go"},
            },
        .remedy =
            {
                {here,
                 "kubectl get pvc -o custom-columns=NAME:.metadata.name,MODES:.spec.accessModes",
                 ""},
            },
        .look = "a storage class that offers ReadWriteMany",
        .example = "cannot migrate VMI: PVC rootdisk is not shared, live migration requires that "
                   "all PVCs must be shared (using ReadWriteMany access mode)",
    },
    {
        .id = "KVM-ORC-013",
        .title = "KubeVirt: the pod network binding does not move",
        .cause = "A bridge binding on the pod network keeps the pod's address, which changes with "
                 "the node.",
        .patterns =
            {
                {"cannot migrate VMI which does not use masquerade or a migratable plugin to "
                 "connect to the pod network",
                 other, "kubevirt/kubevirt"},
                {"cannot migrate VMI which does not use masquerade to connect to the pod network",
                 older, "kubevirt/kubevirt before 1.1"},
            },
        .remedy =
            {
                {here, "kubectl edit vm NAME", "masquerade instead of bridge under interfaces"},
            },
        .look = "kubectl get vmi NAME -o yaml, conditions",
        .example = "cannot migrate VMI which does not use masquerade or a migratable plugin to "
                   "connect to the pod network",
    },
    {
        .id = "KVM-ORC-014",
        .title = "oVirt: the host is the one it already runs on",
        .cause = "The target that was chosen is the current host.",
        .patterns =
            {
                {"Cannot migrate VM. source and destination is the same.", other,
                 "oVirt/ovirt-engine AppErrors.properties"},
            },
        .remedy =
            {
                {here, "virsh -r list", "on the host in question"},
            },
        .look = "choose another host, or let the engine choose",
        .example = "Cannot migrate VM. source and destination is the same.",
    },
};

} // namespace kvmig::diagnosis::entries
