// SPDX-License-Identifier: MIT
/// Catalogue: names and UUIDs of domains, the same host twice.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry identity[] = {
    {
        .id = "KVM-IDN-001",
        .title = "The destination has another domain of this name",
        .cause = "On the destination a domain of the same name is defined or running, with another "
                 "UUID. Often it is a leftover: an earlier copy that was defined there, or a "
                 "migration back without --undefinesource.",
        .patterns =
            {
                {"domain '{domain}' already exists with uuid {uuid}", libvirt_both,
                 "libvirt src/conf/virdomainobjlist.c:319|325"},
                {"domain with name '{domain}' already exists", libvirt_both,
                 "libvirt src/conf/virdomainobjlist.c:445|451"},
                {"domain '{domain}' is already defined", older, "libvirt before 9.0"},
            },
        .remedy =
            {
                {destination, "virsh -c qemu:///system domstate {domain}",
                 "it must be shut off and truly the leftover before you go on"},
                {destination, "virsh -c qemu:///system undefine {domain} --keep-nvram --keep-tpm",
                 "removes the definition, not the disks"},
                {source,
                 "virsh migrate --live {domain} qemu+ssh://{destination}/system --dname NEWNAME",
                 "instead, to keep both under different names"},
            },
        .look = "virsh -c qemu+ssh://{destination}/system list --all --uuid --name",
        .example = "error: operation failed: domain 'vm1' already exists with uuid "
                   "4dea22b3-1d52-d8f3-2516-782e98ab3fa0",
    },
    {
        .id = "KVM-IDN-002",
        .title = "The destination knows this UUID under another name",
        .cause = "A domain with the same UUID but another name is defined on the destination: a "
                 "copy whose XML kept the UUID, or this domain before it was renamed. libvirt "
                 "identifies a domain by its UUID and refuses.",
        .patterns =
            {
                {"domain '{domain}' is already defined with uuid {uuid}", libvirt_both,
                 "libvirt src/conf/virdomainobjlist.c:289|289"},
            },
        .remedy =
            {
                {destination, "virsh -c qemu:///system undefine {domain} --keep-nvram --keep-tpm",
                 "if it is the stale copy; its disks stay"},
                {destination, "virsh -c qemu:///system edit {domain}",
                 "or give the copy a UUID of its own"},
            },
        .look = "virsh -c qemu+ssh://{destination}/system dominfo {uuid}",
        .example = "error: operation failed: domain 'oldname' is already defined with uuid "
                   "4dea22b3-1d52-d8f3-2516-782e98ab3fa0",
    },
    {
        .id = "KVM-IDN-003",
        .title = "The domain already runs on the destination",
        .cause = "The destination has this domain active, or is starting it. Either it was started "
                 "there by hand, or an earlier migration succeeded and its result was not noticed. "
                 "Two running copies would destroy the disk.",
        .patterns =
            {
                {"domain '{domain}' is already active", libvirt_both,
                 "libvirt src/conf/virdomainobjlist.c:298|298"},
                {"domain '{domain}' is already being started", libvirt_both,
                 "libvirt src/conf/virdomainobjlist.c:304|309"},
                {"unexpected domain {domain} already exists", libvirt_both,
                 "libvirt src/conf/virdomainobjlist.c:541|552"},
                {"VM is already active", libvirt_both, "libvirt src/qemu/qemu_process.c:5723|5902",
                 virt_line},
            },
        .signs = {sign::running_on_both},
        .remedy =
            {
                {destination, "virsh -c qemu:///system domstate --reason {domain}", ""},
                {source, "virsh -c qemu:///system domstate --reason {domain}",
                 "exactly one may run; keep the one whose guest is alive"},
            },
        .look = "compare what both hosts say with virsh domstate --reason {domain} before ending "
                "either",
        .example = "error: Requested operation is not valid: domain 'vm1' is already active",
    },
    {
        .id = "KVM-IDN-004",
        .title = "Source and destination are one host, or two hosts share one UUID",
        .cause = "libvirt compares host UUIDs, not names. They are equal when the URI points back "
                 "at the source, or when both machines were cloned from one image (same SMBIOS "
                 "UUID, or a copied host_uuid).",
        .patterns =
            {
                {"Attempt to migrate guest to the same host {uuid}", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1324|1324; "
                 "src/libvirt-domain.c:3544|3613"},
                {"Attempt to migrate guest to the same host", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1324|1324; "
                 "src/libvirt-domain.c:3544|3613"},
            },
        .remedy =
            {
                {both, "virsh -c qemu:///system capabilities | grep -m1 '<uuid>'",
                 "different machines must show different UUIDs"},
                {destination,
                 "sed -i \"s/^#*host_uuid *=.*/host_uuid = \\\"$(cat "
                 "/proc/sys/kernel/random/uuid)\\\"/\" "
                 "/etc/libvirt/libvirtd.conf",
                 "only when a clone shares the UUID; with modular daemons the file is "
                 "virtqemud.conf"},
                {destination, "systemctl restart libvirtd.service", ""},
            },
        .look = "the URI of the destination, and dmidecode -s system-uuid on both",
        .example = "error: internal error: Attempt to migrate guest to the same host "
                   "7d4e6a5c-1c2e-4b25-9c2b-58cbd24a9d61",
    },
    {
        .id = "KVM-IDN-005",
        .title = "What arrived is not the domain that was announced",
        .cause = "The name or UUID in the migration's data is not the one the destination prepared "
                 "for. Two migrations were mixed up, or a port was reused by another sender.",
        .patterns =
            {
                {"Incoming cookie data had unexpected name {name} vs {name2}", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1282|1282"},
                {"Incoming cookie data had unexpected UUID {uuid} vs {uuid2:word}", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1296|1296"},
                {"UUID received is {uuid} and local is {uuid2:word}", qemu_both,
                 "QEMU migration/savevm.c:485|523"},
                {"UUID is received {uuid}, but local uuid isn't set", qemu_both,
                 "QEMU migration/savevm.c:478|516"},
                {"multifd: received uuid '{uuid}' and expected uuid '{uuid2:word}' for channel",
                 qemu_both, "QEMU migration/multifd.c:221|215"},
            },
        .remedy =
            {
                {source, "virsh -c qemu:///system domjobinfo {domain}",
                 "no job may be running before the next try"},
            },
        .look = "whether two migrations used the same --migrateuri port at the same time",
        .example = "error: internal error: Incoming cookie data had unexpected name vm2 vs vm1",
    },
    {
        .id = "KVM-IDN-006",
        .title = "No such domain on this host",
        .cause = "The daemon that was asked does not know the domain: it has already moved, was "
                 "transient and has ended, belongs to another connection (qemu:///session), or the "
                 "name is misspelt.",
        .patterns =
            {
                {"no domain with matching name '{domain}'", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:1453,11217|1413,10938; "
                 "src/qemu/qemu_migration.c:3445|3653",
                 not_in_daemon_log},
                {"no domain with matching uuid '{uuid}' ({domain})", libvirt_both,
                 "libvirt src/qemu/qemu_domain.c:447|447; src/conf/virdomainobjlist.c:1009|1020",
                 not_in_daemon_log},
                {"no domain with matching uuid '{uuid}'", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:1428|1388", not_in_daemon_log},
                {"failed to get domain '{domain}'", other, "virsh (tools/virsh-util.c)",
                 not_in_daemon_log},
            },
        .codes = {{42}},
        .remedy =
            {
                {source, "virsh -c qemu:///system list --all", ""},
                {destination, "virsh -c qemu:///system list --all", ""},
            },
        .look = "both hosts, and both qemu:///system and qemu:///session",
        .example = "error: Domain not found: no domain with matching name 'vm1'",
    },
};

} // namespace kvmig::diagnosis::entries
