// SPDX-License-Identifier: MIT
/// Catalogue: states of the domain or job that do not allow it.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry lifecycle[] = {
    {
        .id = "KVM-LIF-001",
        .title = "The domain is shut off",
        .cause = "A live migration moves a running guest. This one is not running; it may also "
                 "have been ended in the middle.",
        .patterns =
            {
                {"domain is not running", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:1780,1812|1740,1772; "
                 "src/qemu/qemu_domain.c:8452,11887|7145,10816"},
                {"Domain is not running", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:1780,1812|1740,1772; "
                 "src/qemu/qemu_domain.c:8452,11887|7145,10816"},
            },
        .remedy =
            {
                {source, "virsh start {domain}", ""},
                {source,
                 "virsh migrate --offline --persistent {domain} qemu+ssh://{destination}/system",
                 "moves the definition of one that is off"},
            },
        .look = "virsh domstate --reason {domain}",
        .example = "error: Requested operation is not valid: domain is not running",
    },
    {
        .id = "KVM-LIF-002",
        .title = "The domain has snapshots",
        .cause = "Snapshot metadata lives on the source only; libvirt refuses to leave it behind.",
        .patterns =
            {
                {"cannot migrate domain with {n} snapshots", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1390|1561"},
                {"cannot migrate domain with snapshots", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1390|1561"},
            },
        .remedy =
            {
                {source, "virsh snapshot-list {domain} --tree", ""},
                {source, "virsh snapshot-dumpxml {domain} SNAPSHOT > snapshot.xml", "keep each"},
                {source, "virsh snapshot-delete {domain} SNAPSHOT --metadata",
                 "the data in the image stays"},
                {destination, "virsh snapshot-create {domain} snapshot.xml --redefine",
                 "after the move"},
            },
        .look = "parents first when redefining",
        .example =
            "error: Requested operation is not valid: cannot migrate domain with 2 snapshots",
    },
    {
        .id = "KVM-LIF-003",
        .title = "A block job is running",
        .cause = "A backup, copy, commit or pull works on a disk of the domain.",
        .patterns =
            {
                {"domain has active block job", libvirt_both,
                 "libvirt src/qemu/qemu_snapshot.c:2170|2866; src/qemu/qemu_migration.c:1447|1618"},
                {"disk '{disk}' has a blockjob assigned", libvirt_both,
                 "libvirt src/qemu/qemu_blockjob.c:177|181"},
                {"disk '{disk}' already in active block job", libvirt_both,
                 "libvirt src/qemu/qemu_domain.c:8216,8225|6907,6916"},
                {"block device is in use by block-job-complete", qemu_both,
                 "QEMU block/mirror.c:1151|1198"},
                {"Node '{name}' is busy: block device is in use by {rest}", qemu_both,
                 "QEMU block.c:6858|7190"},
                {"Block device is in use by internal backup job", qemu_both,
                 "QEMU block/replication.c:574|567"},
            },
        .remedy =
            {
                {source, "virsh domblklist {domain}", ""},
                {source, "virsh blockjob {domain} TARGET --info", ""},
                {source, "virsh blockjob {domain} TARGET --abort", "or wait for its end"},
            },
        .look = "whether a backup program works on the guest",
        .example = "error: Requested operation is not valid: domain has active block job",
    },
    {
        .id = "KVM-LIF-004",
        .title = "The domain is bound to the connection that started it",
        .cause = "It was started with autodestroy: it ends when that connection ends, and cannot "
                 "go elsewhere.",
        .patterns =
            {
                {"domain is marked for auto destroy", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1439|1610"},
            },
        .remedy =
            {
                {source, "virsh shutdown {domain}", "start it without --autodestroy"},
            },
        .look = "which program started it",
        .example = "error: Requested operation is not valid: domain is marked for auto destroy",
    },
    {
        .id = "KVM-LIF-005",
        .title = "Another migration of this domain is under way",
        .cause = "A migration job of the domain runs, is being monitored by another connection, or "
                 "has not been finished by QEMU.",
        .patterns =
            {
                {"another migration job is already running for domain '{domain}'", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:92|93"},
                {"migration of domain {domain} is being actively monitored by another thread",
                 libvirt_both, "libvirt src/qemu/qemu_migration.c:2690|2910"},
                {"QEMU reports migration is still running", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:2736,3466|2956,3674"},
                {"There's a migration process in progress", qemu_10_0,
                 "QEMU migration/migration.c:-|2068; migration/savevm.c:-|1749"},
                {"domain '{domain}' is being migrated out", libvirt_11_3,
                 "libvirt src/conf/virdomainobjlist.c:-|305"},
                {"domain '{domain}' is not being migrated", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:195|196"},
                {"domain '{domain}' is already being removed", libvirt_both,
                 "libvirt src/conf/virdomainobjlist.c:282|282"},
                {"Can't migrate the vm that was paused due to previous migration", qemu_both,
                 "QEMU migration/migration.c:2367|2078"},
                {"Guest is waiting for an incoming migration", qemu_both,
                 "QEMU migration/migration.c:2362|2073"},
                {"Migration not in expected state: {word}", qemu_both,
                 "QEMU migration/migration.c:2474|2321"},
                {"block device is in use by migration", qemu_7_2, "QEMU migration/block.c:465|-"},
                {"The incoming migration has already been started", qemu_both,
                 "QEMU migration/migration.c:2227|1906"},
                {"domain '{domain}' is not processing incoming migration", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:193|194"},
            },
        .remedy =
            {
                {source, "virsh domjobinfo {domain}", ""},
                {source, "virsh domjobabort {domain}", "unless it is in post-copy"},
                {source, "virsh domjobinfo {domain} --completed", ""},
            },
        .look = "virsh domstate --reason {domain} on both hosts",
        .example = "error: Requested operation is not valid: another migration job is already "
                   "running for domain 'vm1'",
    },
    {
        .id = "KVM-LIF-006",
        .title = "Another operation holds the domain",
        .cause = "libvirt waited 30 seconds for the domain's lock. Whoever holds it (named in "
                 "brackets) has not come back: a migration, a save or a backup, or a monitor "
                 "command that hangs because QEMU hangs on storage.",
        .says = usual,
        .patterns =
            {
                {"cannot acquire state change lock (held by monitor={word} agent={word2:word})",
                 libvirt_both, "libvirt src/conf/virdomainjob.c:463|464"},
                {"cannot acquire state change lock (held by monitor={word})", libvirt_both,
                 "libvirt src/conf/virdomainjob.c:468|468"},
                {"cannot acquire state change lock (held by agent={word})", libvirt_both,
                 "libvirt src/conf/virdomainjob.c:473|472"},
                {"cannot acquire state change lock (held by {rest}) due to max_queued limit",
                 libvirt_both, "libvirt src/conf/virdomainjob.c:491,497|487,491"},
                {"cannot acquire state change lock due to max_queued limit", libvirt_both,
                 "libvirt src/conf/virdomainjob.c:503|495"},
                {"cannot acquire state change lock", libvirt_both,
                 "libvirt src/conf/virdomainjob.c:478|476"},
                {"cannot acquire job mutex", libvirt_both,
                 "libvirt src/conf/virdomainjob.c:509|500"},
            },
        .codes = {{68}},
        .remedy =
            {
                {source, "virsh domjobinfo {domain}", ""},
                {source, "ps -o pid,stat,wchan:32,args -C qemu-system-x86_64",
                 "D in STAT means: hangs on storage"},
                {source, "virsh domjobabort {domain}", "when it is a job that may be ended"},
            },
        .look = "journalctl -u libvirtd, and the storage behind the domain's disks",
        .example = "error: Timed out during operation: cannot acquire state change lock (held by "
                   "monitor=remoteDispatchDomainMigratePerform3Params)",
    },
    {
        .id = "KVM-LIF-007",
        .title = "The migration was cancelled",
        .cause = "Somebody aborted the job: virsh domjobabort, Ctrl-C, --timeout, or a program.",
        .patterns =
            {
                {"{name:word} job: canceled by client", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1235,1880|1405,2053"},
                {"job '{name}' canceled by client", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1880|2053"},
                {"canceled by client", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1235,4888|1405,5086"},
                {"migration out job: canceled by client", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1880|2053"},
            },
        .remedy =
            {
                {source, "virsh domstate --reason {domain}", "the guest goes on at the source"},
                {source, "virsh migrate --live {domain} qemu+ssh://{destination}/system",
                 "when it was not meant"},
            },
        .look = "who or what cancelled it",
        .example = "error: operation aborted: migration out job: canceled by client",
    },
    {
        .id = "KVM-LIF-008",
        .title = "The migration job failed, without a reason",
        .cause = "libvirt only passes on that QEMU ended the job. The reason is in the QEMU logs "
                 "of the two hosts.",
        .says = symptom,
        .patterns =
            {
                {"job '{name}' unexpectedly failed", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1873|2046"},
                {"job '{name}' failed: {rest}", libvirt_both | qemu_10_0,
                 "libvirt src/qemu/qemu_migration.c:1869|2042; QEMU migration/multifd-qpl.c:-|538"},
                {"migration job: unexpectedly failed", older, "libvirt before 6.0"},
                {"{word} job: unexpectedly failed", older, "libvirt before 6.0"},
                {"job '{name}' is not active", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1862|2035"},
                {"{word} job: is not active", older, "libvirt before 6.0"},
                {"Migration failed", qemu_both, "QEMU"},
                {"finish step ignored that migration was cancelled", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:5430,5725|5646,5955; "
                 "src/libvirt-domain.c:3173,3425|3240,3494"},
            },
        .remedy =
            {
                {destination, "tail -n 30 /var/log/libvirt/qemu/{domain}.log", ""},
                {source, "tail -n 30 /var/log/libvirt/qemu/{domain}.log", ""},
                {source, "virsh domjobinfo {domain} --completed --anystats", ""},
            },
        .look = "the QEMU logs of both hosts, at the time of the failure",
        .example = "error: operation failed: job 'migration out' unexpectedly failed",
    },
    {
        .id = "KVM-LIF-009",
        .title = "Statistics and control of a migration are on the source",
        .cause = "The destination does not know how far it is.",
        .patterns =
            {
                {"migration statistics are available only on the source host", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:12449|12173"},
            },
        .remedy =
            {
                {source, "virsh domjobinfo {domain}", ""},
            },
        .look = "which host was asked",
        .example = "error: Operation not supported: migration statistics are available only on the "
                   "source host",
    },
    {
        .id = "KVM-LIF-010",
        .title = "The domain has a saved state",
        .cause = "A managed save image exists for it; it would be left behind, or started twice.",
        .patterns =
            {
                {"Refusing to undefine while domain managed save image exists", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:6563|6616"},
                {"cannot undefine domain with nvram", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:6586|6636"},
                {"cannot delete inactive domain with {n} snapshots", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:6529|6585"},
                {"cannot delete inactive domain with {n} checkpoints", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:6542|6597"},
            },
        .remedy =
            {
                {source, "virsh start {domain}", "goes on from the saved state"},
                {source, "virsh managedsave-remove {domain}", "throws the saved state away"},
            },
        .look = "virsh dominfo {domain}",
        .example = "error: Requested operation is not valid: Refusing to undefine while domain "
                   "managed save image exists",
    },
    {
        .id = "KVM-LIF-011",
        .title = "The domain is transient, or the change would not be kept",
        .cause = "There is no stored definition for what was asked.",
        .patterns =
            {
                {"cannot change persistent config of a transient domain", libvirt_both,
                 "libvirt src/libxl/libxl_driver.c:2263|2250"},
                {"transient domains do not have any persistent config", libvirt_both,
                 "libvirt src/conf/domain_conf.c:4244|4511"},
            },
        .remedy =
            {
                {source, "virsh dumpxml {domain} > vm.xml", ""},
                {source, "virsh define vm.xml", ""},
            },
        .look = "virsh dominfo {domain}, line Persistent",
        .example = "error: Requested operation is not valid: cannot change persistent config of a "
                   "transient domain",
    },
    {
        .id = "KVM-LIF-012",
        .title = "No migration job is running",
        .cause = "A question or command about a migration came when there was none: it had ended, "
                 "or not begun.",
        .patterns =
            {
                {"current job is not outgoing migration in post-copy mode", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:12638|12361"},
                {"cannot abort incoming migration; use virDomainDestroy instead", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:12650|12373"},
                {"no job is active on the domain", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:12645|12368"},
                {"cannot abort {rest}; use virDomainDestroy instead", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:12656|12378"},
                {"'-incoming' was not specified on the command line", qemu_both,
                 "QEMU migration/migration.c:2231|1910"},
            },
        .remedy =
            {
                {source, "virsh domjobinfo {domain} --completed", ""},
                {destination, "virsh domstate --reason {domain}", ""},
            },
        .look = "both hosts: it may have ended well",
        .example = "error: Requested operation is not valid: no job is active on the domain",
    },
    {
        .id = "KVM-LIF-013",
        .title = "The guest could not be resumed",
        .cause = "After the move (or after its failure) QEMU did not start the processors: most "
                 "often because a disk could not be locked or reopened.",
        .says = usual,
        .patterns =
            {
                {"resume operation failed", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:1749|1709; src/qemu/qemu_migration.c:6569|6828"},
                {"Failed to resume guest {domain} after failure", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:253|298"},
            },
        .remedy =
            {
                {both, "virsh domstate --reason {domain}", ""},
                {destination, "tail -n 30 /var/log/libvirt/qemu/{domain}.log", ""},
                {destination, "virsh resume {domain}",
                 "only after making sure that it does not run on the source"},
            },
        .look = "image locks, and the destination's storage",
        .example = "error: internal error: resume operation failed",
    },
};

} // namespace kvmig::diagnosis::entries
