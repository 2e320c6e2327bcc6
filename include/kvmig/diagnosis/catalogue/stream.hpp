// SPDX-License-Identifier: MIT
/// Catalogue: QEMU's migration stream as a whole.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry stream[] = {
    {
        .id = "KVM-STR-006",
        .title = "The migration capabilities of the two QEMUs differ",
        .cause = "A capability is set on one side only, as happens when QEMU is driven by hand; "
                 "libvirt sets both.",
        .patterns =
            {
                {"Capability {name} is {word}, but received capability is {word2:word}", qemu_both,
                 "QEMU migration/savevm.c:329|367"},
                {"Received an unexpected compressed page", qemu_7_2, "QEMU migration/ram.c:4251|-"},
            },
        .remedy =
            {
                {both, "virsh qemu-monitor-command {domain} --hmp info migrate_capabilities", ""},
            },
        .look = "migrate_set_capability must be given on both monitors before the migration starts",
        .example = "qemu-system-x86_64: Capability xbzrle is off, but received capability is on",
    },
    {
        .id = "KVM-STR-007",
        .title = "Something else than a QEMU connected to the migration port",
        .cause = "The first bytes are no migration stream: a port scanner, a TLS client against a "
                 "port without TLS (or the reverse), or another program with the wrong port.",
        .says = usual,
        .patterns =
            {
                {"Not a migration stream", qemu_both, "QEMU migration/savevm.c:2477|2781"},
                {"Not a migration stream (bad magic {n})", qemu_10_0, "QEMU migration/cpr.c:-|197"},
                {"Extra incoming migration connection; ignoring", qemu_both,
                 "QEMU migration/socket.c:156|126"},
                {"multifd: received id '{n}' already setup", qemu_both,
                 "QEMU migration/multifd.c:1254|1546"},
                {"multifd: received channel id {n} is greater than number of channels {n2:number}",
                 qemu_10_0, "QEMU migration/multifd.c:-|223"},
                {"Failed to peek at channel", qemu_10_0, "QEMU migration/channel.c:-|130"},
            },
        .remedy =
            {
                {destination, "ss -tn 'sport >= 49152 and sport <= 49215'", "who is connected"},
                {destination, "iptables -I INPUT -p tcp --dport 49152:49215 ! -s SOURCE -j REJECT",
                 "let only the source in"},
            },
        .look = "--tls must be the same on both sides",
        .example = "qemu-system-x86_64: Not a migration stream",
    },
    {
        .id = "KVM-STR-008",
        .title = "The destination could not load the migration stream",
        .cause =
            "This line closes a failure; the lines before it say what it was. With \"Input/output "
            "error\" the stream ended early, and the cause is on the source or in the network.",
        .says = symptom,
        .patterns =
            {
                {"load of migration failed: Invalid argument", qemu_both,
                 "QEMU migration/migration.c:638|893"},
                {"load of migration failed: Input/output error", qemu_both,
                 "QEMU migration/migration.c:638|893"},
                {"load of migration failed: Operation not permitted", qemu_both,
                 "QEMU migration/migration.c:638|893"},
                {"load of migration failed: {rest}", qemu_both,
                 "QEMU migration/migration.c:638|893"},
                {"load of migration failed", qemu_both, "QEMU migration/migration.c:638|893"},
            },
        .remedy =
            {
                {destination, "tail -n 40 /var/log/libvirt/qemu/{domain}.log",
                 "the lines before this one"},
                {source, "tail -n 40 /var/log/libvirt/qemu/{domain}.log", ""},
            },
        .look = "the first error in the destination's log, then the source's log",
        .example = "qemu-system-x86_64: load of migration failed: Invalid argument",
    },
    {
        .id = "KVM-STR-009",
        .title = "A device's state could not be loaded",
        .cause = "QEMU names the device (or its part) whose state did not fit; why stands in the "
                 "line before.",
        .says = symptom,
        .patterns =
            {
                {"error while loading state for instance 0x{n} of device '{device:word}'",
                 qemu_both, "QEMU migration/savevm.c:2419|2703"},
                {"error while loading state section id {n}({name})", qemu_both,
                 "QEMU migration/savevm.c:2459|2756"},
                {"Failed to load {name:word}", libvirt_both | qemu_both,
                 "libvirt src/util/virmodule.c:53|53; src/util/virpci.c:1108|-; QEMU "
                 "hw/nvram/fw_cfg.c:1246|1220; hw/vfio/iommufd.c:-|209"},
                {"Failed to load {word}:{word2:word}", libvirt_both | qemu_both,
                 "libvirt src/util/virmodule.c:53|53; src/util/virpci.c:1108|-; QEMU "
                 "migration/vmstate.c:144|214"},
                {"Load state of device {device} failed", qemu_both,
                 "QEMU migration/savevm.c:2526|2845"},
                {"Load state of device {device} failed: {rest}", qemu_both,
                 "QEMU migration/savevm.c:2526|2845"},
                {"Save of field {rest} failed", qemu_both, "QEMU migration/vmstate.c:385|517"},
                {"pre-save failed: {rest}", qemu_both, "QEMU migration/vmstate.c:332|410"},
                {"post-save failed: {rest}", qemu_10_0, "QEMU migration/vmstate.c:-|551"},
                {"Output state validation failed: {rest}", qemu_both,
                 "QEMU migration/vmstate.c:404|532"},
                {"failed to save SaveStateEntry with id(name): {rest}", qemu_both,
                 "QEMU migration/savevm.c:1266|1468"},
                {"Error while writing VM state", qemu_both, "QEMU migration/savevm.c:1557|1778"},
                {"vmstate_load_state error {n}", qemu_10_0, "QEMU migration/cpr.c:-|210"},
                {"vmstate_save_state error {n}", qemu_10_0, "QEMU migration/cpr.c:-|159"},
            },
        .remedy =
            {
                {destination, "tail -n 40 /var/log/libvirt/qemu/{domain}.log", ""},
            },
        .look = "the line before; the device's name holds its PCI address",
        .example = "qemu-system-x86_64: error while loading state for instance 0x0 of device 'ram'",
    },
    {
        .id = "KVM-STR-010",
        .title = "The return channel between the QEMUs was disturbed",
        .cause = "The source did not understand, or did not get, what the destination sent back: "
                 "it ended, or the network broke.",
        .says = symptom,
        .patterns =
            {
                {"RP: Received invalid message 0x{n} length 0x{n2:number}", qemu_both,
                 "QEMU migration/migration.c:2907|2491"},
                {"RP: Sibling indicated error {n}", qemu_both,
                 "QEMU migration/migration.c:2940|2521"},
                {"Sibling indicated error {n}", qemu_both, "QEMU migration/migration.c:2940|2521"},
                {"RP: Failed reading data for message 0x{n} read {n2:number} expected {n3:number}",
                 qemu_both, "QEMU migration/migration.c:2927|2509"},
                {"RP: Received '{word}' message (0x{n}) {rest}", qemu_7_2,
                 "QEMU migration/migration.c:2916|-"},
                {"Received invalid message 0x{n} length 0x{n2:number}", qemu_both,
                 "QEMU migration/migration.c:2907|2491"},
                {"Failed reading data for message 0x{n} read {n2:number} expected {n3:number}",
                 qemu_both, "QEMU migration/migration.c:2927|2509"},
                {"CMD_PING (0x{n}) received with no return path", qemu_both,
                 "QEMU migration/savevm.c:2287|2562"},
                {"CMD_OPEN_RETURN_PATH failed", qemu_both, "QEMU migration/savevm.c:2278|2538"},
                {"CMD_PACKAGED: Buffer receive fail ret={n} length={n2:number}", qemu_both,
                 "QEMU migration/savevm.c:2161|2380"},
                {"Unreasonably large packaged state: {n}", qemu_both,
                 "QEMU migration/savevm.c:1001,2150|1125,2369"},
                {"Partial read of size {n}, expected {n2:number}", qemu_10_0,
                 "QEMU migration/qemu-file.c:-|592"},
                {"Partial write of size {n}, expected {n2:number}", qemu_10_0,
                 "QEMU migration/qemu-file.c:-|557"},
                {"Unable to read ID string for section {n}", qemu_both,
                 "QEMU migration/savevm.c:2376|2656"},
                {"Failed to read section ID: {n}", qemu_both, "QEMU migration/savevm.c:2441|2734"},
                {"Failed to read instance/version ID: {n}", qemu_both,
                 "QEMU migration/savevm.c:2385|2665"},
                {"Error in migration completion", qemu_10_0, "QEMU migration/migration.c:-|3039"},
                {"Switchover is interrupted", qemu_10_0, "QEMU migration/migration.c:-|2924"},
            },
        .remedy =
            {
                {destination, "tail -n 40 /var/log/libvirt/qemu/{domain}.log", ""},
            },
        .look = "the destination's QEMU log",
        .example = "qemu-system-x86_64: RP: Received invalid message 0x0000 length 0x0000",
    },
    {
        .id = "KVM-STR-011",
        .title = "QEMU could not hand over the disks at the switch",
        .cause = "At the end of the migration the source must let go of the images; a disk (or its "
                 "NFS server) did not answer, or a job still uses it.",
        .patterns =
            {
                {"bdrv_inactivate_all() failed ({n})", qemu_7_2,
                 "QEMU migration/savevm.c:1409,2956|-"},
                {"bdrv_inactivate_all() failed: {n}", qemu_both,
                 "QEMU migration/savevm.c:1409,2956|-; migration/block-active.c:-|42"},
                {"Block inactivate failed during switchover", qemu_10_0,
                 "QEMU migration/migration.c:-|2935"},
                {"Failed to stop the VM", qemu_10_0, "QEMU migration/migration.c:-|2716"},
                {"migration_stop_vm failed, error {n}", qemu_10_0,
                 "QEMU migration/migration.c:-|3988"},
            },
        .remedy =
            {
                {source, "dmesg --level=err,warn", ""},
                {source, "virsh domblkerror {domain}", ""},
                {source, "virsh blockjob {domain} TARGET --info", ""},
            },
        .look = "the storage on the source",
        .example = "qemu-system-x86_64: qemu_savevm_state_complete_precopy_non_iterable: "
                   "bdrv_inactivate_all() failed (-1)",
    },
    {
        .id = "KVM-STR-012",
        .title = "A passed-through device could not save or load its state",
        .cause = "The vendor's VFIO driver refused: another device or firmware on the destination, "
                 "or an error of the device.",
        .says = usual,
        .patterns =
            {
                {"Failed to load device config space", qemu_both,
                 "QEMU hw/vfio/migration.c:380|277"},
                {"Failed loading device config space, end flag incorrect 0x{n}", qemu_both,
                 "QEMU hw/vfio/migration.c:388|285"},
                {"vfio_save_buffer failed {rest}", qemu_7_2, "QEMU hw/vfio/migration.c:505|-"},
                {"Failed to set state RESUMING", qemu_7_2, "QEMU hw/vfio/migration.c:614|-"},
                {"Failed to set state SAVING", qemu_7_2, "QEMU hw/vfio/migration.c:437|-"},
                {"Failed to set state STOP and SAVING", qemu_7_2, "QEMU hw/vfio/migration.c:537|-"},
                {"Failed to set state RUNNING", qemu_7_2, "QEMU hw/vfio/migration.c:775|-"},
                {"Failed to set device state 0x{n}", qemu_7_2, "QEMU hw/vfio/migration.c:745|-"},
                {"Failed setting device in recover state, err: {rest}", qemu_10_0,
                 "QEMU hw/vfio/migration.c:-|173"},
                {"vfio: Failed to save device config space of {rest}", qemu_both,
                 "QEMU hw/vfio/migration.c:589|682"},
                {"vfio: Could not start dirty page tracking", qemu_10_0,
                 "QEMU hw/vfio/common.c:-|1093"},
                {"vfio: Could not stop dirty page tracking", qemu_10_0,
                 "QEMU hw/vfio/common.c:-|1113"},
                {"Failed to start DMA logging", qemu_10_0, "QEMU hw/vfio/common.c:-|1061"},
                {"VFIO migration is not supported with background snapshot", qemu_10_0,
                 "QEMU hw/vfio/migration.c:-|437"},
                {"data_fd out of sync", qemu_10_0, "QEMU hw/vfio/migration.c:-|192"},
                {"Failed to allocate migration data buffer", qemu_10_0,
                 "QEMU hw/vfio/migration.c:-|465"},
                {"Failed to setup VFIO migration region {n}: {rest}", qemu_7_2,
                 "QEMU hw/vfio/migration.c:815|-"},
                {"Invalid zero-sized VFIO migration region {n}", qemu_7_2,
                 "QEMU hw/vfio/migration.c:821|-"},
                {"got DEV_CONFIG_STATE in main migration channel but doing multifd transfer",
                 qemu_10_0, "QEMU hw/vfio/migration.c:-|735"},
                {"qemu_loadvm_approve_switchover failed, err={n} ({rest})", qemu_10_0,
                 "QEMU hw/vfio/migration.c:-|778"},
                {"Recover state is ERROR. Resetting device", qemu_10_0,
                 "QEMU hw/vfio/migration.c:-|155"},
            },
        .remedy =
            {
                {both, "lspci -nnk -s ADDRESS", "the same device, firmware and driver on both"},
                {both, "dmesg | grep -i vfio", ""},
            },
        .look = "the kernel logs of both hosts",
        .example = "qemu-system-x86_64: 0000:01:00.0: Failed to load device config space",
    },
    {
        .id = "KVM-STR-013",
        .title = "The compression of the migration stream failed",
        .cause = "A parallel connection could not compress or decompress: not enough memory, or "
                 "the two QEMUs do not agree about method and version.",
        .says = usual,
        .patterns =
            {
                {"multifd {n}: deflate {rest}", qemu_both, "QEMU migration/multifd-zlib.c:162|146"},
                {"multifd {n}: inflate {rest}", qemu_both, "QEMU migration/multifd-zlib.c:199|175"},
                {"multifd {n}: out of memory for zbuff", qemu_both,
                 "QEMU migration/multifd-zlib.c:207|183; migration/multifd-zstd.c:76,204|66,178"},
                {"multifd {n}: zstd create{rest}", qemu_both,
                 "QEMU migration/multifd-zstd.c:58,185|48,159"},
                {"multifd {n}: initCStream failed with error {rest}", qemu_both,
                 "QEMU migration/multifd-zstd.c:66|56"},
                {"multifd {n}: initDStream failed with error {rest}", qemu_both,
                 "QEMU migration/multifd-zstd.c:193|167"},
                {"multifd {n}: compressStream {rest}", qemu_both,
                 "QEMU migration/multifd-zstd.c:152|134"},
                {"multifd {n}: decompressStream {rest}", qemu_both,
                 "QEMU migration/multifd-zstd.c:289|263"},
                {"multifd {n}: next_packet_size {n2:number} exceeds allocated {n3:number}",
                 qemu_10_0, "QEMU migration/multifd-zlib.c:-|220; migration/multifd-zstd.c:-|214"},
                {"decompress data failed", qemu_7_2, "QEMU migration/ram.c:3668|-"},
                {"compressed data failed!", qemu_7_2, "QEMU migration/ram.c:1438|-"},
                {"Invalid compressed data length: {n}", qemu_7_2,
                 "QEMU migration/ram.c:4105,4374|-"},
            },
        .remedy =
            {
                {source, "virsh migrate --live --parallel {domain} qemu+ssh://{destination}/system",
                 "without --comp-methods"},
                {both, "qemu-system-x86_64 --version", ""},
            },
        .look = "free memory on both hosts, and the QEMU versions",
        .example = "qemu-system-x86_64: multifd 0: inflate returned -3 instead of Z_OK",
    },
    {
        .id = "KVM-STR-014",
        .title = "QEMU met something in the migration that it does not expect",
        .cause = "One side asked for, or was sent, what does not fit its state. Behind it stands a "
                 "broken connection, QEMUs that do not fit, or a fault of QEMU.",
        .says = symptom,
        .patterns =
            {
                {"Misaligned page request, start: {rest}", qemu_both,
                 "QEMU migration/migration.c:2802|2384"},
                {"MIG_RP_MSG_REQ_PAGES {rest}", qemu_10_0, "QEMU migration/ram.c:-|1876"},
                {"MIG_RP_MSG_RECV_BITMAP missing block name", qemu_10_0,
                 "QEMU migration/migration.c:-|2570"},
                {"MSG_RP_RECV_BITMAP only used for recovery", qemu_both,
                 "QEMU migration/migration.c:847|1152"},
                {"Req_Page_id with length {n} expecting {n2:number}", qemu_both,
                 "QEMU migration/migration.c:2973|2557"},
                {"RP: Req_Page_id with length {n} expecting {n2:number}", qemu_both,
                 "QEMU migration/migration.c:2973|2557"},
                {"CMD_OPEN_RETURN_PATH called when RP already open", qemu_both,
                 "QEMU migration/savevm.c:2272|2532"},
                {"ram_save_queue_pages no previous block", qemu_7_2, "QEMU migration/ram.c:2187|-"},
                {"ram_save_queue_pages no block '{name}'", qemu_7_2, "QEMU migration/ram.c:2195|-"},
                {"ram_save_host_page_urgent() failed: {rest}", qemu_10_0,
                 "QEMU migration/ram.c:-|1918"},
                {"ramblock '{name}' bitmap size mismatch (0x{n} != 0x{n2:number})", qemu_both,
                 "QEMU migration/ram.c:4534|4357"},
                {"read bitmap failed for ramblock '{name}': {rest}", qemu_both,
                 "QEMU migration/ram.c:4546|4366"},
                {"ramblock '{name}' end mark incorrect: 0x{n}", qemu_both,
                 "QEMU migration/ram.c:4554|4373"},
                {"Illegal migration status ({word}) detected", qemu_10_0,
                 "QEMU migration/migration.c:-|1578"},
                {"Unknown ending state {n}", qemu_both,
                 "QEMU migration/migration.c:3830,3853|3494,3522"},
                {"loadvm failed: {n}", qemu_both, "QEMU migration/savevm.c:1866|2085"},
                {"multifd synchronization failed", qemu_10_0, "QEMU migration/ram.c:-|3038"},
                {"multifd: received channel version {n} expected {n2:number}", qemu_7_2,
                 "QEMU migration/multifd.c:229|-"},
                {"multifd: received packet magic {n} and expected magic {n2:number}", qemu_both,
                 "QEMU migration/multifd.c:291|200"},
                {"multifd: received packet version {n} and expected version {n2:number}", qemu_both,
                 "QEMU migration/multifd.c:299|206"},
                {"Getting RAM address failed", qemu_10_0, "QEMU migration/ram.c:-|4108"},
                {"Could not send switchover ack RP MSG, err {n} ({rest})", qemu_10_0,
                 "QEMU migration/savevm.c:-|2550"},
                {"Path too long for VMState ({rest})", qemu_both,
                 "QEMU migration/savevm.c:829|920"},
                {"block {name} should not be migrated !", qemu_both,
                 "QEMU migration/ram.c:2473,3549|2122,3388"},
            },
        .remedy =
            {
                {both, "qemu-system-x86_64 --version", ""},
                {both, "tail -n 40 /var/log/libvirt/qemu/{domain}.log", ""},
            },
        .look = "what stands before it in both QEMU logs",
        .example = "qemu-system-x86_64: multifd: received packet version 2 and expected version 1",
    },
};

} // namespace kvmig::diagnosis::entries
