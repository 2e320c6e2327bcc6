// SPDX-License-Identifier: MIT
/// Catalogue: device state in QEMU's migration stream that does not fit.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry stream_devices[] = {
    {
        .id = "KVM-STR-001",
        .title = "A device of the source is missing on the destination",
        .cause =
            "The stream brings state of a device that the destination's QEMU was started without: "
            "plugged in on the source, another PCI address, or a missing device module.",
        .patterns =
            {
                {"Unknown savevm section or instance '{device}' {n}. Make sure that your current "
                 "VM setup matches your saved VM setup, including any hotplugged devices",
                 qemu_both, "QEMU migration/savevm.c:2395|2675"},
                {"Unknown savevm section or instance '{device}' {n}", qemu_both,
                 "QEMU migration/savevm.c:2395|2675"},
                {"Unknown section {n}", older, "QEMU before 2.3"},
                {"Unknown savevm section {n}", qemu_both, "QEMU migration/savevm.c:2453|2746"},
                {"Unknown idstr {word} or instance id {n} for load state buffer", qemu_10_0,
                 "QEMU migration/savevm.c:-|3203"},
                {"savevm: unknown section or instance {rest}", older, "QEMU before 2.3"},
            },
        .remedy =
            {
                {source, "virsh dumpxml --migratable {domain} > vm.xml",
                 "with everything that was plugged in, at its addresses"},
                {both, "dpkg -l 'qemu-system*'", "the same device modules"},
            },
        .look =
            "compare the command lines in both QEMU logs; the name holds the device's PCI address",
        .example = "qemu-system-x86_64: Unknown savevm section or instance "
                   "'0000:00:04.0/virtio-blk' 0. Make sure that your current VM setup matches your "
                   "saved VM setup, including any hotplugged devices",
    },
    {
        .id = "KVM-STR-002",
        .title = "A PCI device differs between the hosts",
        .cause = "The configuration space of a device is not what the source's was: another "
                 "revision, number of queues or vectors, an option, or another QEMU.",
        .says = usual,
        .patterns =
            {
                {"get_pci_config_device: Bad config data: i=0x{n} read: {n2:number} device: "
                 "{n3:number} cmask: {n4:number} wmask: {n5:number} w1cmask:{n6:number}",
                 qemu_both, "QEMU hw/pci/pci.c:606|798"},
                {"Bad config data: i=0x{n} read: {n2:number} device: {n3:number}", qemu_both,
                 "QEMU hw/pci/pci.c:606|798"},
                {"Failed to load PCIDevice:config", qemu_both, "QEMU migration/vmstate.c:144|214"},
                {"Failed to load {word}:config", libvirt_both | qemu_both,
                 "libvirt src/conf/virdomainobjlist.c:611|622; "
                 "src/conf/virnwfilterbindingobjlist.c:324|324; QEMU hw/vfio/migration.c:380|277"},
                {"unsupported PCI config data", older, "QEMU before 2.5"},
            },
        .remedy =
            {
                {both, "qemu-system-x86_64 --version", ""},
                {source, "virsh dumpxml --migratable {domain} > vm.xml",
                 "model, queues and vectors as the running guest has them"},
            },
        .look = "the \"Failed to load\" lines after it name the device",
        .example = "qemu-system-x86_64: get_pci_config_device: Bad config data: i=0x9a read: 3 "
                   "device: 2 cmask: ff wmask: 0 w1cmask:0",
    },
    {
        .id = "KVM-STR-003",
        .title = "A virtio device's features differ between the hosts",
        .cause = "The guest's driver uses features that the destination's device does not offer: "
                 "another kernel (vhost, tap), another QEMU, or another option of the device.",
        .says = usual,
        .patterns =
            {
                {"Features 0x{n} unsupported. Allowed features: 0x{n2:number}", qemu_both,
                 "QEMU hw/virtio/virtio.c:3737|3361"},
                {"error while loading state for instance 0x{n} of device '{device}/virtio-net'",
                 qemu_both, "QEMU migration/savevm.c:2419|2703"},
                {"Failed to load virtio-net:virtio", qemu_both, "QEMU migration/vmstate.c:144|214"},
                {"Failed to load virtio-net:{word}", qemu_both,
                 "QEMU migration/vmstate.c:144|214; hw/nvram/fw_cfg.c:1246|1220"},
                {"Failed to load virtio_net:{word}", qemu_both,
                 "QEMU migration/vmstate.c:144|214; hw/nvram/fw_cfg.c:1246|1220"},
            },
        .remedy =
            {
                {both, "uname -r", "kernels and QEMUs alike"},
                {source, "virsh edit {domain}",
                 "restrict the device to what both have: <driver><host tso4='off' …/><guest "
                 "…/></driver>; restart the guest"},
            },
        .look = "the line before it; ethtool -k of the tap device on both hosts",
        .example =
            "qemu-system-x86_64: Features 0x130afffa7 unsupported. Allowed features: 0x179bfffe7",
    },
    {
        .id = "KVM-STR-004",
        .title = "The rings of a virtio device are inconsistent",
        .cause = "What the destination finds in the guest's memory does not fit the device's "
                 "state: memory that did not arrive, a guest that runs twice, or a fault of QEMU "
                 "(free-page hints).",
        .says = usual,
        .patterns =
            {
                {"VQ {n} size 0x{n2:number} < last_avail_idx 0x{n3:number} - used_idx "
                 "0x{n4:number}",
                 qemu_both, "QEMU hw/virtio/virtio.c:3798|3422"},
                {"VQ {n} size 0x{n2:number} Guest index 0x{n3:number} inconsistent with Host index "
                 "0x{n4:number}: delta 0x{n5:number}",
                 qemu_both, "QEMU hw/virtio/virtio.c:3684|3308"},
                {"Guest index 0x{n3:number} inconsistent with Host index 0x{n4:number}", qemu_both,
                 "QEMU hw/virtio/virtio.c:3684|3308"},
                {"VQ {n} address 0x0 inconsistent with Host index 0x{n2:number}", qemu_both,
                 "QEMU hw/virtio/virtio.c:3684|3308"},
                {"Virtqueue size exceeded", qemu_both, "QEMU hw/virtio/virtio.c:1987|1716"},
                {"Guest moved used index from {n} to {n2:number}", qemu_both,
                 "QEMU hw/virtio/virtio.c:1476|1130"},
                {"virtio: zero sized buffers are not allowed", qemu_both,
                 "QEMU hw/virtio/virtio.c:1850|1579"},
            },
        .remedy =
            {
                {both, "virsh -c qemu:///system list", "the guest may run on one host only"},
                {source, "virsh edit {domain}",
                 "<memballoon freePageReporting='off'>, restart the guest"},
            },
        .look = "whether the guest ran on both hosts at any time",
        .example = "qemu-system-x86_64: VQ 0 size 0x100 < last_avail_idx 0x0 - used_idx 0x1",
    },
    {
        .id = "KVM-STR-005",
        .title = "The two QEMUs do not agree about a device's state",
        .cause = "The stream is not what the destination expects at this place: versions or "
                 "machine types differ, or a device has another size.",
        .says = usual,
        .patterns =
            {
                {"Missing section footer for {device}", qemu_both,
                 "QEMU migration/savevm.c:2349|2627"},
                {"Mismatched section id in footer for {device} - read 0x{n} expected 0x{n2:number}",
                 qemu_both, "QEMU migration/savevm.c:2355|2633"},
                {"Read section footer failed: {n}", qemu_both, "QEMU migration/savevm.c:2343|2621"},
                {"Unknown savevm section type {n}", qemu_both, "QEMU migration/savevm.c:2656|3030"},
                {"Expected vmdescription section, but got {n}", qemu_both,
                 "QEMU migration/savevm.c:2742|3138"},
                {"VMSTATE not ending with VMS_END: {word}", qemu_10_0,
                 "QEMU migration/savevm.c:-|880"},
                {"Unknown combination of migration flags: 0x{n}", qemu_both,
                 "QEMU migration/ram.c:4397|4222"},
                {"Illegal RAM offset {n}", qemu_both, "QEMU migration/ram.c:4022,4288|3687,4152"},
                {"Unexpected RAM flags: {n}", qemu_10_0, "QEMU migration/ram.c:-|4116"},
                {"MIG_CMD 0x{n} unknown (len 0x{n2:number})", qemu_both,
                 "QEMU migration/savevm.c:2256|2516"},
                {"vmstate: get_nullptr expected VMS_NULLPTR_MARKER", qemu_both,
                 "QEMU migration/vmstate-types.c:324|348"},
                {"Ack, bad migration stream!", qemu_both, "QEMU migration/ram.c:3532|3371"},
                {"Input validation failed: {rest}", qemu_both, "QEMU migration/vmstate.c:151|221"},
                {"Received TARGET_PAGE_BITS is {n} but local is {n2:number}", qemu_both,
                 "QEMU migration/savevm.c:356|394"},
                {"multifd: received packet magic {n} expected {n2:number}", qemu_both,
                 "QEMU migration/multifd.c:206|200,267"},
                {"multifd: received packet magic {n}, expected {n2:number}", qemu_both,
                 "QEMU migration/multifd.c:206|200,267"},
                {"multifd: received packet version {n} expected {n2:number}", qemu_both,
                 "QEMU migration/multifd.c:212|206,273"},
                {"multifd: received packet version {n}, expected {n2:number}", qemu_both,
                 "QEMU migration/multifd.c:212|206,273"},
                {"multifd: received packet with {n} pages{rest}", qemu_both,
                 "QEMU migration/multifd.c:321|-; migration/multifd-nocomp.c:-|238"},
                {"multifd: received packet with size {n} and expected a size of {n2:number}",
                 qemu_7_2, "QEMU migration/multifd.c:313|-"},
                {"multifd {n}: flags received {n2:number} flags expected {n3:number}", qemu_both,
                 "QEMU migration/multifd-zlib.c:256|214; migration/multifd-zstd.c:252|208"},
                {"multifd {n}: packet size received {n2:number} size expected {n3:number}",
                 qemu_both,
                 "QEMU migration/multifd-zlib.c:305|281; migration/multifd-zstd.c:296|270"},
                {"multifd: offset too long {rest}", qemu_both,
                 "QEMU migration/multifd.c:348|-; migration/multifd-nocomp.c:-|277,289"},
                {"Failed to load XBZRLE page - {rest}", qemu_both,
                 "QEMU migration/ram.c:3492,3503|3331,3342"},
                {"Failed to decompress XBZRLE page at {n}", qemu_both,
                 "QEMU migration/ram.c:4383|4194"},
                {"Failed to load device state: {n}", qemu_both,
                 "QEMU migration/savevm.c:2775|3170"},
                {"Error {n} while loading VM state", qemu_both,
                 "QEMU migration/savevm.c:3076|3479"},
                {"inconsistent stream when loading the gtree", qemu_both,
                 "QEMU migration/vmstate-types.c:799|823"},
            },
        .remedy =
            {
                {both, "qemu-system-x86_64 --version",
                 "the same, or a destination that is newer with the same machine type"},
                {both, "tail -n 30 /var/log/libvirt/qemu/{domain}.log", ""},
            },
        .look = "the first message of the destination's QEMU log",
        .example = "qemu-system-x86_64: Missing section footer for 0000:00:01.3/piix4_pm",
    },
};

} // namespace kvmig::diagnosis::entries
