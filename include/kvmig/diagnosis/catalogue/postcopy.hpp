// SPDX-License-Identifier: MIT
/// Catalogue: post-copy.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry postcopy[] = {
    {
        .id = "KVM-PCP-001",
        .title = "Post-copy is paused: its connection broke",
        .cause = "The guest runs on the destination (or waits there) and part of its memory is "
                 "still on the source. Neither side alone has all of it. Do not destroy or restart "
                 "either: post-copy can be resumed once the network is back.",
        .patterns =
            {
                {"Migration of domain {domain} failed during post-copy; leaving the domain paused",
                 libvirt_both, "libvirt src/qemu/qemu_migration.c:1676|1845"},
                {"Incoming migration of domain '{domain}' failed during post-copy; leaving the "
                 "domain running",
                 libvirt_both, "libvirt src/qemu/qemu_migration.c:1708|1877"},
                {"Detected IO failure for postcopy. Migration paused.", qemu_both,
                 "QEMU migration/migration.c:3574|3195; migration/savevm.c:2603|2977"},
                {"job '{name}' failed in post-copy phase", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1886|2059"},
                {"Postcopy migration is paused by the user", qemu_10_0,
                 "QEMU migration/migration.c:-|1982"},
                {"Migrate recover can only be run when postcopy is paused", qemu_both,
                 "QEMU migration/migration.c:2262|1955"},
            },
        .signs = {sign::paused_postcopy_failed, sign::running_postcopy_failed},
        .remedy =
            {
                {source, "nc -vz {destination} 49152", "first mend the network"},
                {source,
                 "virsh migrate --live --postcopy --postcopy-resume {domain} "
                 "qemu+ssh://{destination}/system",
                 "with the options of the first call"},
            },
        .look = "virsh domstate --reason {domain} on both hosts; the guest must not be started "
                "anew on the source",
        .example = "qemu-system-x86_64: Detected IO failure for postcopy. Migration paused.",
    },
    {
        .id = "KVM-PCP-002",
        .title = "Post-copy has not failed, so there is nothing to resume",
        .cause = "--postcopy-resume is for a post-copy that broke. This one is running, or is not "
                 "post-copy at all.",
        .patterns =
            {
                {"post-copy migration of domain {domain} has not failed", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:2705|2925"},
                {"migration of domain {domain} is not in post-copy phase", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:2697|2917"},
                {"resuming failed post-copy migration of domain {domain} already in progress",
                 libvirt_both, "libvirt src/qemu/qemu_migration.c:2712|2932"},
                {"Cannot resume if there is no paused migration", qemu_both,
                 "QEMU migration/migration.c:2329|2037"},
                {"Postcopy recovery cannot work when release-ram capability is set", qemu_both,
                 "QEMU migration/migration.c:2347|2055"},
                {"migrate-pause is currently only supported during postcopy-active", qemu_both,
                 "QEMU migration/migration.c:2303|2012"},
                {"Postcopy must be started after migration has been started", qemu_both,
                 "QEMU migration/migration.c:1856|1436"},
                {"post-copy can only be started while outgoing migration is in progress",
                 libvirt_both, "libvirt src/qemu/qemu_driver.c:13103|12819"},
                {"switching to post-copy requires migration to be started with "
                 "VIR_MIGRATE_POSTCOPY flag",
                 libvirt_both, "libvirt src/qemu/qemu_driver.c:13110|12825"},
            },
        .remedy =
            {
                {source, "virsh domjobinfo {domain}", ""},
                {source, "virsh migrate-postcopy {domain}",
                 "switches a running pre-copy that was started with --postcopy"},
            },
        .look = "the state of the job on the source",
        .example = "error: Requested operation is not valid: post-copy migration of domain vm1 has "
                   "not failed",
    },
    {
        .id = "KVM-PCP-003",
        .title = "A migration in post-copy cannot be aborted",
        .cause = "The guest already runs on the destination; there is no way back. It can only be "
                 "paused and resumed.",
        .patterns =
            {
                {"cannot abort migration in post-copy mode", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:12593|12316"},
                {"Postcopy migration in progress, cannot cancel", qemu_10_0,
                 "QEMU migration/migration.c:-|2310"},
            },
        .remedy =
            {
                {source, "virsh domjobabort {domain} --postcopy",
                 "pauses it, e.g. to change the network"},
                {source,
                 "virsh migrate --live --postcopy --postcopy-resume {domain} "
                 "qemu+ssh://{destination}/system",
                 ""},
            },
        .look = "virsh domjobinfo {domain}",
        .example =
            "error: Requested operation is not valid: cannot abort migration in post-copy mode",
    },
    {
        .id = "KVM-PCP-004",
        .title = "The kernel does not let QEMU use userfaultfd",
        .cause = "Post-copy needs userfaultfd on the destination: the kernel lacks it, or allows "
                 "it to root alone.",
        .patterns =
            {
                {"Userfaultfd not available: {rest}", qemu_both,
                 "QEMU migration/postcopy-ram.c:380|391"},
                {"userfaultfd not available: {rest}", qemu_both,
                 "QEMU migration/postcopy-ram.c:380|391"},
                {"syscall __NR_userfaultfd failed: {rest}", qemu_7_2,
                 "QEMU migration/postcopy-ram.c:232|-"},
                {"uffd_open() failed: {rest}", qemu_10_0, "QEMU migration/postcopy-ram.c:-|229"},
                {"Postcopy is not supported: {rest}", qemu_both,
                 "QEMU migration/migration.c:1266|-; migration/options.c:-|486"},
                {"Postcopy is not supported", qemu_both,
                 "QEMU migration/migration.c:1266|-; migration/options.c:-|486"},
                {"postcopy_ram_incoming_init: No OS support", qemu_both,
                 "QEMU migration/postcopy-ram.c:1342|1390"},
                {"UFFDIO_API failed: {rest}", qemu_both, "QEMU migration/postcopy-ram.c:241|237"},
                {"Missing userfault features: {rest}", qemu_both,
                 "QEMU migration/postcopy-ram.c:279|275"},
                {"Missing userfault map features: {rest}", qemu_both,
                 "QEMU migration/postcopy-ram.c:444|466"},
                {"Userfault feature detection failed", qemu_10_0,
                 "QEMU migration/postcopy-ram.c:-|297"},
                {"Failed to open userfault fd: {rest}", qemu_both,
                 "QEMU migration/postcopy-ram.c:1165|1210"},
                {"userfault register: {rest}", qemu_both,
                 "QEMU migration/postcopy-ram.c:429,679|730"},
                {"UFFDIO_REGISTER failed: {rest}", qemu_10_0,
                 "QEMU migration/postcopy-ram.c:-|451"},
                {"ram_block_enable_notify failed", qemu_both,
                 "QEMU migration/postcopy-ram.c:1193|1240"},
                {"munlockall() failed: {rest}", qemu_10_0, "QEMU migration/postcopy-ram.c:-|429"},
            },
        .remedy =
            {
                {destination, "sysctl -w vm.unprivileged_userfaultfd=1", ""},
                {destination, "grep USERFAULTFD /boot/config-$(uname -r)", ""},
            },
        .look = "sysctl vm.unprivileged_userfaultfd on the destination",
        .example = "qemu-system-x86_64: postcopy_ram_supported_by_host: userfaultfd not available: "
                   "Operation not permitted",
    },
    {
        .id = "KVM-PCP-005",
        .title = "Post-copy does not go with this memory",
        .cause = "The guest's memory (huge pages on an old kernel, a file, NVDIMM) cannot be "
                 "fetched page by page, or has other page sizes on the two hosts.",
        .patterns =
            {
                {"Userfault on this host does not support huge pages", qemu_both,
                 "QEMU migration/postcopy-ram.c:333|330"},
                {"Postcopy needs matching RAM page sizes (s={n} d={n2:number})", qemu_both,
                 "QEMU migration/savevm.c:1704|1921"},
                {"Postcopy needs matching target page sizes (s={n} d={n2:number})", qemu_both,
                 "QEMU migration/savevm.c:1716|1933"},
                {"Postcopy requires RAM blocks to be a page size multiple, block {name} is {rest}",
                 qemu_both, "QEMU migration/postcopy-ram.c:349|348"},
                {"Target page size bigger than host page size", qemu_both,
                 "QEMU migration/postcopy-ram.c:374|385"},
                {"Host backend files need to be TMPFS or HUGETLBFS only", qemu_10_0,
                 "QEMU migration/postcopy-ram.c:-|358"},
                {"is a nvdimm memory, postcopyis not supported now!", qemu_both,
                 "QEMU migration/ram.c:4458|4281"},
                {"userfault: Region doesn't support COPY", qemu_both,
                 "QEMU migration/postcopy-ram.c:683|734"},
                {"Non-same host page detected on channel {n}: {rest}", qemu_both,
                 "QEMU migration/ram.c:4047|3712"},
            },
        .remedy =
            {
                {both, "virsh dumpxml {domain} --xpath //memoryBacking",
                 "the same page size on both hosts"},
                {source, "virsh migrate --live {domain} qemu+ssh://{destination}/system",
                 "pre-copy works with any memory"},
            },
        .look = "grep Hugepagesize /proc/meminfo on both",
        .example = "qemu-system-x86_64: Postcopy needs matching RAM page sizes (s=200000 d=1000)",
    },
    {
        .id = "KVM-PCP-006",
        .title = "Post-copy and parallel connections exclude each other in this QEMU",
        .cause = "Before QEMU 10.1, multifd and post-copy cannot be used together.",
        .patterns =
            {
                {"Postcopy is not yet compatible with multifd", qemu_10_0,
                 "QEMU migration/options.c:-|496"},
                {"Postcopy preempt is not supported as current migration stream does not support "
                 "multi-channels",
                 qemu_7_2, "QEMU migration/postcopy-ram.c:1645|-"},
            },
        .remedy =
            {
                {source, "virsh migrate --live --postcopy {domain} qemu+ssh://{destination}/system",
                 "without --parallel"},
            },
        .look = "qemu-system-x86_64 --version on both hosts",
        .example = "error: internal error: unable to execute QEMU command "
                   "'migrate-set-capabilities': Postcopy is not yet compatible with multifd",
    },
    {
        .id = "KVM-PCP-007",
        .title = "A device of the guest does not allow post-copy",
        .cause = "VFIO devices and some vhost-user backends have no post-copy.",
        .patterns =
            {
                {"VFIO migration is not supported with postcopy migration", qemu_10_0,
                 "QEMU hw/vfio/migration.c:-|430"},
                {"vhost-user backend not capable of postcopy", qemu_both,
                 "QEMU hw/virtio/vhost-user.c:1951|2126"},
                {"Failed to send postcopy_advise to vhost", qemu_both,
                 "QEMU hw/virtio/vhost-user.c:1833|2008"},
                {"Failed to get postcopy_advise reply from vhost", qemu_both,
                 "QEMU hw/virtio/vhost-user.c:1839|2014"},
                {"Failed to send postcopy_listen to vhost", qemu_both,
                 "QEMU hw/virtio/vhost-user.c:1891|2066"},
                {"Failed to send postcopy_end to vhost", qemu_both,
                 "QEMU hw/virtio/vhost-user.c:1920|2095"},
            },
        .remedy =
            {
                {source, "virsh migrate --live {domain} qemu+ssh://{destination}/system",
                 "pre-copy"},
            },
        .look = "virsh dumpxml {domain}: hostdev and vhost-user devices",
        .example = "error: internal error: unable to execute QEMU command 'migrate': 0000:01:00.0: "
                   "VFIO migration is not supported with postcopy migration",
    },
    {
        .id = "KVM-PCP-008",
        .title = "The switch to post-copy went wrong",
        .cause = "QEMU's two sides disagreed about the state of post-copy, usually because the "
                 "connection broke at that moment.",
        .says = symptom,
        .patterns =
            {
                {"postcopy_start: Migration stream errored", qemu_both,
                 "QEMU migration/migration.c:3239|2791"},
                {"postcopy_start: Migration stream error", qemu_both,
                 "QEMU migration/migration.c:3239|2824"},
                {"Postcopy save non-postcopiable iterables failed", qemu_10_0,
                 "QEMU migration/migration.c:-|2730"},
                {"Postcopy save non-iterable device states failed", qemu_10_0,
                 "QEMU migration/migration.c:-|2773"},
                {"postcopy failed to start", qemu_7_2, "QEMU migration/migration.c:3780|-"},
                {"Failed to establish preempt channel", qemu_10_0,
                 "QEMU migration/migration.c:-|2704"},
                {"CMD_POSTCOPY_ADVISE in wrong postcopy state ({n})", qemu_both,
                 "QEMU migration/savevm.c:1659|1875"},
                {"CMD_POSTCOPY_LISTEN in wrong postcopy state ({n})", qemu_both,
                 "QEMU migration/savevm.c:1921|2141"},
                {"CMD_POSTCOPY_RUN in wrong postcopy state ({n})", qemu_both,
                 "QEMU migration/savevm.c:2014|2230"},
                {"CMD_POSTCOPY_RAM_DISCARD in wrong postcopy state ({n})", qemu_both,
                 "QEMU migration/savevm.c:1761|1978"},
                {"RAM postcopy is enabled but have 0 byte advise", qemu_both,
                 "QEMU migration/savevm.c:1666|1882"},
                {"RAM postcopy is disabled but have 16 byte advise", qemu_both,
                 "QEMU migration/savevm.c:1672|1888"},
                {"loadvm failed during postcopy: {n}", qemu_both,
                 "QEMU migration/savevm.c:1859|2078"},
                {"Unable to open return-path for postcopy", qemu_both,
                 "QEMU migration/migration.c:4271|3963"},
                {"Failed to send packaged data", qemu_10_0, "QEMU migration/migration.c:-|2797"},
                {"resume_prepare() failure detected: {n}", qemu_both,
                 "QEMU migration/migration.c:3510|3122"},
                {"MIG_RP_MSG_RECV_BITMAP has invalid block name '{name}'", qemu_10_0,
                 "QEMU migration/migration.c:-|2398"},
                {"illegal resume_ack value {n}", qemu_both, "QEMU migration/migration.c:2843|2413"},
                {"CMD_POSTCOPY_ADVISE invalid length ({n})", qemu_both,
                 "QEMU migration/savevm.c:1677|1893"},
                {"CMD_POSTCOPY_RAM_DISCARD invalid length ({n})", qemu_both,
                 "QEMU migration/savevm.c:1771,1793|1988,2010"},
                {"CMD_POSTCOPY_RAM_DISCARD invalid version ({n})", qemu_both,
                 "QEMU migration/savevm.c:1777|1994"},
                {"CMD_POSTCOPY_RAM_DISCARD missing nil ({n})", qemu_both,
                 "QEMU migration/savevm.c:1787|2004"},
            },
        .remedy =
            {
                {both, "tail -n 30 /var/log/libvirt/qemu/{domain}.log", ""},
                {source, "virsh domstate --reason {domain}", ""},
            },
        .look = "both QEMU logs, and the network",
        .example = "qemu-system-x86_64: postcopy_start: Migration stream errored -5",
    },
    {
        .id = "KVM-PCP-009",
        .title = "Fetching pages in post-copy failed on the destination",
        .cause = "The thread that serves the guest's page faults got an error from userfaultfd or "
                 "from the kernel; the guest stands still.",
        .says = usual,
        .patterns =
            {
                {"userfault poll: {rest}", qemu_both, "QEMU migration/postcopy-ram.c:957|1000"},
                {"Failed to read full userfault message: {rest}", qemu_both,
                 "QEMU migration/postcopy-ram.c:997|1040"},
                {"Read {n} bytes from userfaultfd expected {n2:number}", qemu_both,
                 "QEMU migration/postcopy-ram.c:1002|1045"},
                {"postcopy_ram_fault_thread: Fault outside guest: {n}", qemu_both,
                 "QEMU migration/postcopy-ram.c:1018|1061"},
                {"POLLERR on poll {n} fd={n2:number}", qemu_both,
                 "QEMU migration/postcopy-ram.c:1056|1099"},
                {"Failed to resolve shared fault on {n}/{rest}", qemu_both,
                 "QEMU migration/postcopy-ram.c:1095|1138"},
                {"Failed to map postcopy_tmp_pages[{n}]: {rest}", qemu_both,
                 "QEMU migration/postcopy-ram.c:1131|1174"},
                {"Failed to map large zero page {rest}", qemu_both,
                 "QEMU migration/postcopy-ram.c:1150|1193"},
                {"Opening userfault_event_fd: {rest}", qemu_both,
                 "QEMU migration/postcopy-ram.c:1181|1227"},
                {"userfault unregister{rest}", qemu_both,
                 "QEMU migration/postcopy-ram.c:436,523|545"},
                {"userfaultfd not available{rest}", qemu_both,
                 "QEMU migration/postcopy-ram.c:380|391"},
                {"Failed to find region for fault {n}", qemu_both,
                 "QEMU hw/virtio/vhost-user.c:1780|1955"},
            },
        .remedy =
            {
                {destination, "dmesg --level=err,warn", ""},
                {destination, "tail -n 40 /var/log/libvirt/qemu/{domain}.log", ""},
                {source, "virsh domstate --reason {domain}",
                 "paused post-copy can be resumed once the cause is gone"},
            },
        .look = "memory limits of the destination's cgroup, and its kernel log",
        .example = "qemu-system-x86_64: postcopy_ram_fault_thread: userfault poll: Bad address",
    },
};

} // namespace kvmig::diagnosis::entries
