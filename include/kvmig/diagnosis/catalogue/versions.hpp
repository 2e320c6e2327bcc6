// SPDX-License-Identifier: MIT
/// Catalogue: releases, machine types and firmware.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry versions[] = {
    {
        .id = "KVM-VER-001",
        .title = "The destination's QEMU does not know the machine type",
        .cause = "Machine types carry the version of the QEMU that brought them (pc-q35-8.2), and "
                 "distributions add their own names. The destination's QEMU is older or of another "
                 "distribution.",
        .patterns =
            {
                {"Emulator '{path}' does not support machine type '{machine}'", libvirt_both,
                 "libvirt src/qemu/qemu_conf.c:1479|1694; src/qemu/qemu_validate.c:1277|1255"},
                {"unsupported machine type '{machine}'", qemu_both,
                 "QEMU softmmu/vl.c:1592|-; system/vl.c:-|1682"},
                {"-machine {machine}: unsupported machine type", qemu_both,
                 "QEMU softmmu/vl.c:1592|system/vl.c:1682"},
                {"unsupported machine type", qemu_both,
                 "QEMU softmmu/vl.c:1592|-; system/vl.c:-|1682"},
            },
        .remedy =
            {
                {destination, "qemu-system-x86_64 -machine help", "what it knows"},
                {destination, "apt-get install -t bookworm-backports qemu-system-x86",
                 "or any way to a QEMU at least as new as the source's"},
                {source, "virsh edit {domain}",
                 "or choose a machine type both know, and restart the guest"},
            },
        .look = "virsh -c qemu+ssh://{destination}/system domcapabilities --machine {machine}",
        .example = "error: unsupported configuration: Emulator '/usr/bin/qemu-system-x86_64' does "
                   "not support machine type 'pc-q35-8.2'",
    },
    {
        .id = "KVM-VER-002",
        .title = "Source and destination start different machine types",
        .cause = "The destination's QEMU was started with another machine type than the source's: "
                 "an alias such as q35 or pc means a different one in each QEMU.",
        .patterns =
            {
                {"Machine type received is '{machine}' and local is '{machine2:word}'", qemu_both,
                 "QEMU migration/savevm.c:349|387"},
            },
        .remedy =
            {
                {source, "virsh dumpxml {domain} --xpath '//os/type/@machine'",
                 "must be a versioned name, not an alias"},
                {source, "virsh edit {domain}", "write the versioned name, restart the guest"},
            },
        .look = "the command lines in both QEMU logs",
        .example = "qemu-system-x86_64: Machine type received is 'pc-i440fx-6.2' and local is "
                   "'pc-i440fx-7.2'",
    },
    {
        .id = "KVM-VER-003",
        .title = "A device's state is newer than the destination understands",
        .cause = "The source's QEMU writes a newer version of a device's state than the "
                 "destination's can read. Migration to an older QEMU works only within what its "
                 "machine types promise.",
        .patterns =
            {
                {"incoming version_id {n} is too new for local version_id {n2:number}", qemu_both,
                 "QEMU migration/vmstate.c:86|142"},
                {"savevm: unsupported version {n} for '{device}' v{n2:number}", qemu_both,
                 "QEMU migration/savevm.c:2404|2684"},
                {"Unsupported migration stream version", qemu_both,
                 "QEMU migration/savevm.c:2487|2791; migration/cpr.c:-|203"},
                {"SaveVM v2 format is obsolete and don't work anymore", qemu_both,
                 "QEMU migration/savevm.c:2483|2787"},
                {"incoming version_id {n} is too old for local minimum version_id {n2:number}",
                 qemu_both, "QEMU migration/vmstate.c:93|149"},
                {"Received unknown capability {word}", qemu_both,
                 "QEMU migration/savevm.c:395|433"},
                {"Configuration section missing", qemu_both, "QEMU migration/savevm.c:2493|2797"},
            },
        .remedy =
            {
                {both, "qemu-system-x86_64 --version", "the destination's must not be older"},
                {destination, "apt-get install -t bookworm-backports qemu-system-x86", ""},
            },
        .look = "both QEMU logs, first line: the version",
        .example = "qemu-system-x86_64: virtio-net: incoming version_id 12 is too new for local "
                   "version_id 11",
    },
    {
        .id = "KVM-VER-004",
        .title = "QEMU lacks an option or a device that libvirt uses",
        .cause = "The destination's QEMU is older than what libvirt's configuration asks for, or a "
                 "package with the device module is missing.",
        .patterns =
            {
                {"'{device}' is not a valid device model name", qemu_both,
                 "QEMU softmmu/qdev-monitor.c:243|-; system/qdev-monitor.c:-|254"},
                {"Property '{name}' not found", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_monitor.c:979|966; QEMU qom/object.c:1314,1369|1343,1398",
                 virt_line},
                {"invalid accelerator {word}", qemu_both,
                 "QEMU softmmu/vl.c:2216,2281|-; system/vl.c:-|2397,2468"},
                {"Parameter 'type' does not accept value '{word}'", qemu_both,
                 "QEMU qapi/qapi-visit-core.c:407|"},
                {"The command {word} has not been found", qemu_both, "QEMU qapi/qmp-dispatch.c",
                 virt_line},
                {"QEMU binary does not support {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_validate.c:1134|1068,1083"},
                {"is not supported by this QEMU binary", libvirt_both,
                 "libvirt src/qemu/qemu_validate.c:4694,4767|5045,5116"},
                {"is not supported with this QEMU binary", libvirt_both,
                 "libvirt src/qemu/qemu_validate.c:3401|3478,3492"},
                {"not supported by this QEMU binary", libvirt_both,
                 "libvirt src/qemu/qemu_validate.c:4694,4767|5045,5116"},
                {"is not supported by this QEMU", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_validate.c:4694,4767|5045,5116; QEMU "
                 "util/thread-context.c:240|234"},
                {"is not supported with this QEMU", libvirt_both,
                 "libvirt src/qemu/qemu_validate.c:988|928"},
                {"Machine type '{machine}' does not support {rest}", libvirt_11_3 | qemu_both,
                 "libvirt src/qemu/qemu_validate.c:-|1263; QEMU blockdev.c:269|270"},
            },
        .remedy =
            {
                {destination,
                 "apt-get install qemu-system-x86 qemu-system-gui qemu-block-extra "
                 "qemu-system-modules-spice",
                 "modules live in packages of their own"},
                {both, "dpkg -l 'qemu-system*'", "the same packages and versions on both"},
            },
        .look = "the first lines of the destination's QEMU log",
        .example = "qemu-system-x86_64: -device qxl-vga,id=video0: 'qxl-vga' is not a valid device "
                   "model name",
    },
    {
        .id = "KVM-VER-005",
        .title = "The migration feature is missing in QEMU on one side",
        .cause = "Both QEMUs must know a capability before libvirt uses it; one does not.",
        .patterns =
            {
                {"Compressed migration is not supported by QEMU binary", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:12836,12885|12556,12604"},
                {"Migration option '{name}' is not supported by QEMU binary", libvirt_both,
                 "libvirt src/qemu/qemu_migration_params.c:1231|1443"},
                {"incoming RDMA migration is not supported with this QEMU binary", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:2203|2395"},
                {"outgoing RDMA migration is not supported with this QEMU binary", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:5141|5356"},
                {"migration of non-shared storage is not supported with tunnelled migration and "
                 "this QEMU",
                 libvirt_both, "libvirt src/qemu/qemu_migration.c:2609|2828"},
                {"offline migration is not supported by the destination host", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:5955|6181; "
                 "src/libvirt-domain.c:3834,4032|3906,4104"},
                {"offline migration is not supported by the source host", libvirt_both,
                 "libvirt src/libvirt-domain.c:3824,4023|3897,4096"},
                {"fd passing is not supported by this connection", libvirt_both,
                 "libvirt src/libvirt-domain.c:263,7169|263,7296; src/libvirt-qemu.c:166|166"},
                {"QEMU compiled without old-style (blk/-b, inc/-i) block migration", qemu_7_2,
                 "QEMU migration/migration.c:1240|-"},
                {"Use drive_mirror+NBD instead", qemu_7_2, "QEMU migration/migration.c:1242|-"},
                {"multifd is not supported by current protocol", qemu_7_2,
                 "QEMU migration/migration.c:1333|-; migration/multifd.c:919,1174|-"},
                {"QEMU compiled without replication module can't enable COLO", qemu_both,
                 "QEMU migration/migration.c:1249|-; migration/options.c:-|471"},
            },
        .remedy =
            {
                {both, "qemu-system-x86_64 --version", ""},
            },
        .look = "leave out the option, or bring both to the newer QEMU",
        .example = "error: argument unsupported: Migration option 'zero-copy-send' is not "
                   "supported by QEMU binary",
    },
    {
        .id = "KVM-VER-006",
        .title = "The two libvirts do not understand each other's migration data",
        .cause = "The migration cookie of the one holds what the other does not know or finds "
                 "damaged. Normal between releases only when the source is much newer.",
        .patterns =
            {
                {"Unsupported migration cookie feature {word}", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1189|1189"},
                {"Unknown migration cookie feature {word}", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1183|1183"},
                {"Migration cookie was not NULL terminated", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1506|1506"},
                {"missing hostuuid element in migration data", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1314|1314"},
                {"malformed hostuuid element in migration data", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1319|1319"},
                {"missing hostname element in migration data", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1303|1303"},
                {"missing name element in migration data", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1277|1277"},
                {"missing uuid element in migration data", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1290|1290"},
                {"Too many domain elements in migration cookie", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1360|1360"},
                {"malformed <blockDirtyBitmaps> in migration cookie", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1233,1246|1233,1246"},
                {"missing type attribute in migration data", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:908|911"},
                {"missing port attribute in migration data", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:918|921"},
                {"missing tlsPort attribute in migration data", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:924|927"},
                {"missing listen attribute in migration data", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:930|933"},
                {"missing interface information", libvirt_9_0,
                 "libvirt src/qemu/qemu_migration_cookie.c:951|-"},
                {"missing vporttype attribute in migration data", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:967|967"},
                {"Malformed nbd port '{word}'", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:990|990"},
                {"Malformed disk target", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1009|1009"},
                {"Malformed disk capacity: '{word}'", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1018|1018"},
                {"missing migration capability name", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:1137|1137; "
                 "src/qemu/qemu_monitor_json.c:5825|5972"},
                {"unknown graphics type {word}", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:913|916; "
                 "src/qemu/qemu_migration.c:2111|2303"},
                {"missing migration parameter name", libvirt_both,
                 "libvirt src/qemu/qemu_migration_params.c:1394|1625"},
                {"unknown migration parameter '{name}'", libvirt_both,
                 "libvirt src/qemu/qemu_migration_params.c:1400|1631"},
                {"missing value for migration parameter '{name}'", libvirt_both,
                 "libvirt src/qemu/qemu_migration_params.c:1407|1638"},
                {"invalid value '{word}' for migration parameter '{name}'", libvirt_both,
                 "libvirt src/qemu/qemu_migration_params.c:1433|1664"},
                {"domainMigratePrepare2 did not set uri", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:5382|5598; src/libvirt-domain.c:3137|3204"},
                {"domainMigratePrepare3 did not set uri", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:5632|5862; src/libvirt-domain.c:3342|3411"},
                {"domainMigratePrepare did not set uri", libvirt_both,
                 "libvirt src/libvirt-domain.c:3018|3083"},
                {"received unexpected cookie with P2P migration", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:6248|6476"},
                {"migration protocol going backwards {word} => {word2:word}", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:141|142"},
                {"unexpected migration schema: {n}", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:4607|4809"},
            },
        .remedy =
            {
                {both, "virsh -c qemu:///system version", ""},
                {destination, "apt-get install -t bookworm-backports libvirt-daemon-system",
                 "the destination must be at least as new"},
            },
        .look = "the libvirt versions of both hosts",
        .example = "error: internal error: Unsupported migration cookie feature cpu",
    },
    {
        .id = "KVM-VER-007",
        .title = "The destination does not know the processor architecture or guest type",
        .cause = "No emulator for this architecture, or no KVM, is installed on the destination.",
        .patterns =
            {
                {"could not find capabilities for arch={word}", libvirt_both,
                 "libvirt src/conf/capabilities.c:715|702"},
                {"could not find capabilities for domaintype={word}", libvirt_both,
                 "libvirt src/conf/capabilities.c:715|702"},
                {"could not get preferred machine for {path} type={word}", libvirt_both,
                 "libvirt src/qemu/qemu_domain.c:4715|-; src/qemu/qemu_postparse.c:-|974"},
                {"Cannot check QEMU binary {path}: No such file or directory", libvirt_both,
                 "libvirt src/qemu/qemu_capabilities.c:5859|5873"},
                {"Cannot find suitable emulator for {word}", libvirt_9_0,
                 "libvirt src/qemu/qemu_capabilities.c:1797|-"},
            },
        .remedy =
            {
                {destination, "apt-get install qemu-system-x86", ""},
                {destination, "virsh -c qemu:///system capabilities | grep '<arch name='", ""},
            },
        .look = "whether /dev/kvm is there: virt-host-validate qemu",
        .example = "error: invalid argument: could not find capabilities for domaintype=kvm",
    },
    {
        .id = "KVM-VER-008",
        .title = "A firmware image is missing or differs on the destination",
        .cause = "The UEFI image or its variable template is not installed there, lies elsewhere, "
                 "or has another size.",
        .patterns =
            {
                {"Failed to open file '{path}OVMF{word}': No such file or directory", libvirt_both,
                 "libvirt src/util/virfile.c:1523|1609"},
                {"unable to find any master var store for loader: {path}", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:4627|4759"},
                {"Unable to find any firmware to satisfy '{word}'", libvirt_9_0,
                 "libvirt src/qemu/qemu_firmware.c:1427|-"},
                {"unable to find any firmware to satisfy '{word}'", libvirt_9_0,
                 "libvirt src/qemu/qemu_firmware.c:1427|-"},
                {"Could not open '/usr/share/OVMF/{word}': No such file or directory", qemu_both,
                 "QEMU block.c:1673|1673"},
                {"could not load PC BIOS '{path}'", qemu_both,
                 "QEMU hw/i386/x86.c:1180|-; hw/i386/x86-common.c:-|1086"},
                {"failed to find romfile \"{path}\"", qemu_both,
                 "QEMU hw/nubus/nubus-device.c:64|73; hw/pci/pci.c:2457|2541"},
                {"failed to load romfile \"{path}\"", qemu_both, "QEMU hw/pci/pci.c:2492|2576"},
                {"romfile \"{path}\" is empty", qemu_both,
                 "QEMU hw/nubus/nubus-device.c:68|77; hw/pci/pci.c:2461|2544"},
                {"Unable to find nvram template image", libvirt_11_3,
                 "libvirt src/qemu/qemu_process.c:-|4724"},
                {"pflash{n} requires pflash{n2:number}", qemu_both,
                 "QEMU hw/i386/pc_sysfw.c:225|236"},
                {"system firmware block device {device} has invalid size {n}", qemu_both,
                 "QEMU hw/i386/pc_sysfw.c:166|172"},
                {"can't get size of block device {device}", qemu_both,
                 "QEMU hw/i386/pc_sysfw.c:161|167"},
            },
        .remedy =
            {
                {destination, "apt-get install ovmf seabios ipxe-qemu", ""},
                {both, "dpkg -l ovmf seabios ipxe-qemu", "the same versions"},
                {both, "sha256sum /usr/share/OVMF/OVMF_CODE*.fd", ""},
            },
        .look =
            "virsh dumpxml {domain} --xpath //os, and whether these files exist on the destination",
        .example = "error: operation failed: Unable to find any firmware to satisfy 'efi'",
    },
};

} // namespace kvmig::diagnosis::entries
