// SPDX-License-Identifier: MIT
/// Catalogue: flags and parameters that exclude or need one another.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry options[] = {
    {
        .id = "KVM-OPT-001",
        .title = "Two options exclude each other",
        .cause = "libvirt cannot do both in one migration; the flags stand in the message.",
        .patterns =
            {
                {"Flags '{name}' and '{name2}' are mutually exclusive", libvirt_both,
                 "libvirt src/internal.h:336|345"},
                {"{name:word} in {word2:word} must not be set together with {word3:word}",
                 libvirt_both, "libvirt src/internal.h virReportInvalidArg"},
                {"Options --{name:word} and --{name2:word} are mutually exclusive", other, "virsh"},
                {"Option --{name:word} is required by option --{name2:word}", other, "virsh"},
                {"Flag '{name}' is required by flag '{name2}'", libvirt_both,
                 "libvirt src/internal.h:386|395"},
                {"unsupported flags (0x{n}) in function {word}", libvirt_both,
                 "libvirt src/internal.h:282|293"},
                {"migrate: Unexpected migration flag 'dname' not provided", other, "virsh"},
            },
        .remedy =
            {
                {source, "virsh migrate --live {domain} qemu+ssh://{destination}/system",
                 "leave one of the two out"},
            },
        .look = "virsh help migrate",
        .example = "error: Flags 'VIR_MIGRATE_TUNNELLED' and 'VIR_MIGRATE_PARALLEL' are mutually "
                   "exclusive",
    },
    {
        .id = "KVM-OPT-002",
        .title = "Tunnelled migration needs --p2p, and little else goes with it",
        .cause = "The tunnel goes through the daemons' own connection: it needs peer-to-peer, and "
                 "there is no place in it for other URIs, addresses, ports, disks of their own or "
                 "several connections.",
        .patterns =
            {
                {"Usage of listen-address is forbidden when migration URI uses UNIX transport "
                 "method",
                 libvirt_both, "libvirt src/qemu/qemu_driver.c:11441,11682|11155,11393"},
                {"Tunnelled migration requested but invalid RPC method called", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:11108,11338|10830,11060"},
                {"cannot perform tunnelled migration without using peer2peer flag", libvirt_both,
                 "libvirt src/libvirt-domain.c:3883,4078|3954,4149"},
                {"migration URI is not supported by tunnelled migration", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:5870|6100"},
                {"listen address is not supported by tunnelled migration", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:5877|6106"},
                {"disk port address is not supported by tunnelled migration", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:5884|6112"},
                {"tunnelled offline migration does not make sense", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:2595,3550|2814,3757"},
                {"tunnelled migration requested but NULL stream passed", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:3621|3828"},
                {"tunnelFD argument is required for tunnelled migration", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:4591|4794"},
                {"use virDomainMigrateToURI3 for peer-to-peer migration", libvirt_both,
                 "libvirt src/libvirt-domain.c:4235|4302"},
                {"Unexpected dconnuri parameter with non-peer2peer migration", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:6263|6491"},
                {"Unable to override peer2peer migration URI", libvirt_both,
                 "libvirt src/libvirt-domain.c:3588|3658"},
                {"cannot pass pipe for tunnelled migration", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:3119|3340"},
                {"cannot create pipe for tunnelled migration", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:5249|5463"},
            },
        .remedy =
            {
                {source,
                 "virsh migrate --live --p2p --tunnelled {domain} qemu+ssh://{destination}/system",
                 ""},
                {source,
                 "virsh migrate --live --p2p --tls {domain} qemu+ssh://{destination}/system",
                 "encrypts without a tunnel"},
            },
        .look = "the options beside --tunnelled",
        .example = "error: Requested operation is not valid: cannot perform tunnelled migration "
                   "without using peer2peer flag",
    },
    {
        .id = "KVM-OPT-003",
        .title = "Post-copy needs a live, direct migration",
        .cause = "Post-copy runs the guest on the destination while memory still comes: it cannot "
                 "start paused, offline or through a tunnel.",
        .patterns =
            {
                {"post-copy migration is not supported with non-live or paused migration",
                 libvirt_both, "libvirt src/qemu/qemu_migration.c:2570,3559|2790,3766"},
                {"post-copy is not supported with tunnelled migration", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:2577,3565|2796,3772"},
                {"Enable postcopy with migrate_set_capability before the start of migration",
                 qemu_both, "QEMU migration/migration.c:1850|1430"},
                {"resuming failed post-copy migration requires post-copy to be enabled",
                 libvirt_both, "libvirt src/qemu/qemu_migration.c:2668|2888"},
                {"resuming failed post-copy migration requires change protection", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:2680|2900"},
            },
        .remedy =
            {
                {source, "virsh migrate --live --postcopy {domain} qemu+ssh://{destination}/system",
                 "without --suspend, --offline and --tunnelled"},
            },
        .look = "the options of the command",
        .example = "error: argument unsupported: post-copy migration is not supported with "
                   "non-live or paused migration",
    },
    {
        .id = "KVM-OPT-004",
        .title = "An offline migration needs --persistent",
        .cause = "Nothing runs, so the definition is all that moves; it must be kept on the "
                 "destination.",
        .patterns =
            {
                {"offline migration must be specified with the persistent flag set", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:2590,3545|2809,3752"},
            },
        .remedy =
            {
                {source,
                 "virsh migrate --offline --persistent {domain} qemu+ssh://{destination}/system",
                 ""},
            },
        .look = "the disks do not move with it: they must be shared, or copied",
        .example = "error: Requested operation is not valid: offline migration must be specified "
                   "with the persistent flag set",
    },
    {
        .id = "KVM-OPT-005",
        .title = "A feature is tuned that was not switched on",
        .cause = "libvirt takes the tuning of a feature only together with the feature.",
        .patterns =
            {
                {"Turn parallel migration on to tune it", libvirt_both,
                 "libvirt src/qemu/qemu_migration_params.c:667|787"},
                {"Turn auto convergence on to tune it", libvirt_both,
                 "libvirt src/qemu/qemu_migration_params.c:660|780"},
                {"Turn xbzrle compression on to tune it", libvirt_both,
                 "libvirt src/qemu/qemu_migration_params.c:567|660"},
                {"Turn multithread compression on to tune it", libvirt_both,
                 "libvirt src/qemu/qemu_migration_params.c:560|653"},
                {"Turn zlib compression on to tune it", libvirt_11_3,
                 "libvirt src/qemu/qemu_migration_params.c:-|667"},
                {"Turn zstd compression on to tune it", libvirt_11_3,
                 "libvirt src/qemu/qemu_migration_params.c:-|674"},
                {"No compression algorithm selected for parallel migration", libvirt_11_3,
                 "libvirt src/qemu/qemu_migration_params.c:-|681"},
            },
        .remedy =
            {
                {source,
                 "virsh migrate --live --parallel --parallel-connections 4 {domain} "
                 "qemu+ssh://{destination}/system",
                 "--parallel beside --parallel-connections"},
                {source,
                 "virsh migrate --live --auto-converge --auto-converge-initial 30 {domain} "
                 "qemu+ssh://{destination}/system",
                 "--auto-converge beside its figures"},
                {source,
                 "virsh migrate --live --comp-methods xbzrle --comp-xbzrle-cache 67108864 {domain} "
                 "qemu+ssh://{destination}/system",
                 "--comp-methods beside its figures"},
            },
        .look = "virsh help migrate",
        .example = "error: invalid argument: Turn parallel migration on to tune it",
    },
    {
        .id = "KVM-OPT-006",
        .title = "Zero-copy does not go with these options",
        .cause = "Zero-copy sends pages straight from the guest's memory: only with parallel "
                 "connections, without compression and without TLS, on Linux 5.x and later.",
        .patterns =
            {
                {"zero-copy is only available for parallel migration", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:2602|2821"},
                {"Zero copy only available for non-compressed non-TLS multifd migration", qemu_both,
                 "QEMU migration/migration.c:1316,1581|-; migration/options.c:-|540,1126"},
                {"Zero copy currently only available on Linux", qemu_both,
                 "QEMU migration/migration.c:1322|-; migration/options.c:-|546"},
                {"Zero copy send feature not detected in host kernel", qemu_both,
                 "QEMU migration/socket.c:102|76"},
                {"Requested Zero Copy feature is not available: {rest}", qemu_both,
                 "QEMU io/channel.c:95|104"},
                {"Requested Zero Copy feature is not available", qemu_both,
                 "QEMU io/channel.c:95|104"},
            },
        .remedy =
            {
                {source,
                 "virsh migrate --live --parallel --zerocopy {domain} "
                 "qemu+ssh://{destination}/system",
                 ""},
            },
        .look = "uname -r, and the memory-lock limit of QEMU",
        .example = "error: Requested operation is not valid: zero-copy is only available for "
                   "parallel migration",
    },
    {
        .id = "KVM-OPT-007",
        .title = "The compression method does not go with the mode",
        .cause = "zlib and zstd compress parallel connections; xbzrle and mt go without them. With "
                 "parallel connections there is one method.",
        .patterns =
            {
                {"Compression method '{word}' is only supported with parallel migration",
                 libvirt_11_3, "libvirt src/qemu/qemu_migration_params.c:-|614"},
                {"Compression method '{word}' isn't supported with parallel migration",
                 libvirt_11_3, "libvirt src/qemu/qemu_migration_params.c:-|605"},
                {"Only one compression method could be specified with parallel compression",
                 libvirt_11_3, "libvirt src/qemu/qemu_migration_params.c:-|621"},
                {"Compression method '{word}' is specified twice", libvirt_both,
                 "libvirt src/qemu/qemu_migration_params.c:532|596"},
                {"Unsupported compression method '{word}'", libvirt_both,
                 "libvirt src/qemu/qemu_migration_params.c:525|589"},
                {"Multifd is not compatible with compress", qemu_7_2,
                 "QEMU migration/migration.c:1357|-"},
                {"Multifd is not compatible with xbzrle", qemu_10_0,
                 "QEMU migration/options.c:-|595"},
                {"RDMA and XBZRLE can't be used together", qemu_10_0,
                 "QEMU migration/migration.c:-|773"},
                {"RDMA and multifd can't be used together", qemu_10_0,
                 "QEMU migration/migration.c:-|777"},
                {"Postcopy preempt not compatible with compress", qemu_7_2,
                 "QEMU migration/migration.c:1350|-"},
                {"Cannot use compression with mapped-ram", qemu_10_0,
                 "QEMU migration/migration.c:-|2100"},
            },
        .remedy =
            {
                {source,
                 "virsh migrate --live --parallel --comp-methods zstd {domain} "
                 "qemu+ssh://{destination}/system",
                 ""},
                {source,
                 "virsh migrate --live --comp-methods xbzrle {domain} "
                 "qemu+ssh://{destination}/system",
                 "or xbzrle without --parallel"},
            },
        .look = "the libvirt version: zlib and zstd came with 9.4",
        .example = "error: invalid argument: Compression method 'zstd' is only supported with "
                   "parallel migration",
    },
    {
        .id = "KVM-OPT-008",
        .title = "A migration parameter is out of range",
        .cause = "QEMU or libvirt does not take the value; the message says what would do.",
        .patterns =
            {
                {"Parameter 'cache size' expects {rest}", qemu_both,
                 "QEMU migration/page_cache.c:48|48"},
                {"Parameter '{name}' expects a power of two no less than the target page size",
                 qemu_both, "QEMU migration/migration.c:1526|options.c:1071"},
                {"Parameter '{name}' expects a value between {n} and {n2:number}", qemu_both,
                 "QEMU migration/migration.c:1503|options.c:1040"},
                {"Parameter '{name}' expects an integer in the range of {n} to {n2:word}",
                 qemu_both, "QEMU migration/migration.c:1459|options.c:987"},
                {"Parameter '{name}' expects {rest}", qemu_both,
                 "QEMU hw/virtio/virtio-rng.c:214|215"},
                {"Parameter 'vcpu_dirty_limit' must be greater than 1 MB/s", qemu_10_0,
                 "QEMU migration/options.c:-|1150"},
                {"migration parameter '{name}' must be less than {n}", libvirt_both,
                 "libvirt src/qemu/qemu_migration_params.c:365,426|430,491"},
                {"bandwidth must be less than {n}", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:12943,14093|12661,13803; "
                 "src/qemu/qemu_migration.c:1160|1325"},
                {"Type mismatch for '{name}' migration parameter", libvirt_both,
                 "libvirt src/qemu/qemu_migration_params.c:332|397"},
                {"malformed disk path: {path}", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:293|347"},
                {"invalid tlsPort number: {word}", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:2126|2318"},
                {"keepalive interval {n} too large", libvirt_both,
                 "libvirt src/rpc/virkeepalive.c:251|251"},
            },
        .remedy =
            {
                {source, "virsh help migrate", ""},
            },
        .look = "the value of the option that the message names",
        .example =
            "error: internal error: unable to execute QEMU command 'migrate-set-parameters': "
            "Parameter 'multifd_channels' expects a value between 1 and 255",
    },
    {
        .id = "KVM-OPT-009",
        .title = "The dirty limit needs KVM's dirty ring",
        .cause = "QEMU limits each vCPU's writes only when KVM tracks them in a ring, which is "
                 "fixed at the guest's start.",
        .patterns =
            {
                {"dirty-limit requires KVM with accelerator property 'dirty-ring-size' set",
                 qemu_10_0, "QEMU migration/options.c:-|587"},
                {"dirty page limit feature requires KVM with accelerator property "
                 "'dirty-ring-size' set",
                 qemu_both, "QEMU softmmu/dirtylimit.c:482|-; system/dirtylimit.c:-|517"},
                {"dirty-limit conflicts with auto-converge", qemu_10_0,
                 "QEMU migration/options.c:-|581"},
            },
        .remedy =
            {
                {source, "virsh edit {domain}",
                 "<features><kvm><dirty-ring state='on' size='4096'/></kvm></features>, restart "
                 "the guest"},
                {source,
                 "virsh migrate --live --auto-converge {domain} qemu+ssh://{destination}/system",
                 "or the older way"},
            },
        .look = "virsh dumpxml {domain} --xpath //dirty-ring",
        .example =
            "error: internal error: unable to execute QEMU command 'migrate-set-capabilities': "
            "dirty-limit requires KVM with accelerator property 'dirty-ring-size' set",
    },
    {
        .id = "KVM-OPT-010",
        .title = "QEMU's migration capabilities contradict each other",
        .cause = "These capabilities were asked for together and do not go together in this QEMU.",
        .patterns =
            {
                {"Postcopy is not compatible with ignore-shared", qemu_both,
                 "QEMU migration/migration.c:1271|-; migration/options.c:-|491"},
                {"Background-snapshot is not compatible with {rest}", qemu_both,
                 "QEMU migration/migration.c:1301|-; migration/options.c:-|526"},
                {"Background-snapshot is not supported by host kernel", qemu_both,
                 "QEMU migration/migration.c:1285|-; migration/options.c:-|510"},
                {"Mapped-ram migration is incompatible with {rest}", qemu_10_0,
                 "QEMU migration/options.c:-|602,608"},
                {"Mapped-ram only available for non-compressed non-TLS multifd migration",
                 qemu_10_0, "QEMU migration/options.c:-|1134"},
                {"Cannot use TLS with mapped-ram", qemu_10_0, "QEMU migration/migration.c:-|2095"},
                {"Capability 'switchover-ack' requires capability 'return-path'", qemu_10_0,
                 "QEMU migration/options.c:-|574"},
                {"Postcopy preempt requires postcopy-ram", qemu_both,
                 "QEMU migration/migration.c:1339|-; migration/options.c:-|554"},
                {"Postcopy preempt must be set before incoming starts", qemu_10_0,
                 "QEMU migration/options.c:-|559"},
                {"Multifd must be set before incoming starts", qemu_10_0,
                 "QEMU migration/options.c:-|567"},
                {"Command options are incompatible with current migration capabilities", qemu_7_2,
                 "QEMU migration/migration.c:2382|-"},
                {"Migration capabilities can only be set by a migration job", libvirt_both,
                 "libvirt src/qemu/qemu_migration_params.c:936|1107"},
                {"Cannot use {word} with CPR", qemu_10_0, "QEMU migration/migration.c:-|2117"},
                {"Migration requires multi-channel URIs (e.g. tcp)", qemu_10_0,
                 "QEMU migration/migration.c:-|242"},
                {"Migration requires seekable transport (e.g. file)", qemu_10_0,
                 "QEMU migration/migration.c:-|236"},
                {"Migration requires streamable transport (eg unix)", qemu_10_0,
                 "QEMU migration/migration.c:-|255"},
                {"Please enable replication before COLO", qemu_both,
                 "QEMU migration/migration.c:1251|-; migration/options.c:-|473"},
            },
        .remedy =
            {
                {source, "virsh migrate --live {domain} qemu+ssh://{destination}/system",
                 "plain, then one option more at a time"},
            },
        .look = "which options led to the capabilities named",
        .example = "error: internal error: unable to execute QEMU command "
                   "'migrate-set-capabilities': Background-snapshot is not compatible with multifd",
    },
};

} // namespace kvmig::diagnosis::entries
