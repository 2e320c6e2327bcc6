// SPDX-License-Identifier: MIT
/// Catalogue: a target definition that does not fit the source's.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry definition[] = {
    {
        .id = "KVM-DEF-001",
        .title = "The definition for the destination has another amount of memory",
        .cause = "--xml (or --persistent-xml) changes the memory of a running guest; its layout "
                 "must stay as it is.",
        .patterns =
            {
                {"Target domain max memory {n} does not match source {n2:number}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:20722|21748"},
                {"Target domain current memory {n} does not match source {n2:number}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:20732|21757"},
                {"Target maximum memory size '{n}' doesn't match source '{n2:number}'",
                 libvirt_both, "libvirt src/conf/domain_conf.c:20741|21765"},
                {"Target domain memory slots count '{n}' doesn't match source '{n2:number}'",
                 libvirt_both, "libvirt src/conf/domain_conf.c:20750|21773"},
                {"Target memory device {rest} doesn't match source {rest2:rest}", libvirt_both,
                 "libvirt src/qemu/qemu_domain.c:8362|7056; src/conf/domain_conf.c:20767|21789"},
                {"Target memory device {rest} doesn't match source", libvirt_both,
                 "libvirt src/qemu/qemu_domain.c:8362|7056; src/conf/domain_conf.c:20767|21789"},
                {"Target domain memory device count {n} does not match source {n2:number}",
                 libvirt_both, "libvirt src/conf/domain_conf.c:21375|22436"},
                {"Target NVDIMM {rest} doesn't match source NVDIMM", libvirt_both,
                 "libvirt src/conf/domain_conf.c:20841|21843"},
                {"Target memoryBacking source '{word}' doesn't match source memoryBacking "
                 "source'{word2:word}'",
                 libvirt_both, "libvirt src/qemu/qemu_domain.c:8349|7044"},
                {"Target memoryBacking source '{word}' doesn't match source memoryBacking source "
                 "'{word2:word}'",
                 libvirt_both, "libvirt src/qemu/qemu_domain.c:8349|7044"},
            },
        .remedy =
            {
                {source, "virsh dumpxml --migratable {domain} > vm.xml",
                 "change only what differs between the hosts: paths, bridges"},
                {source,
                 "virsh migrate --live {domain} qemu+ssh://{destination}/system --xml vm.xml", ""},
                {source, "virsh setmem {domain} SIZE --live", "resize before or after, not during"},
            },
        .look = "diff of virsh dumpxml --migratable {domain} and the file given",
        .example = "error: unsupported configuration: Target domain max memory 1048576 does not "
                   "match source 2097152",
    },
    {
        .id = "KVM-DEF-002",
        .title = "The definition for the destination has other devices",
        .cause = "--xml lists more or fewer devices than the running guest has: it was made from "
                 "the stored definition, or before something was plugged in.",
        .patterns =
            {
                {"Target domain disk count {n} does not match source {n2:number}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:21098|22176"},
                {"Target domain {what} count {n} does not match source {n2:number}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:21098|22176 and below"},
                {"Target domain count of sysinfo does not match source", libvirt_both,
                 "libvirt src/conf/domain_conf.c:21087|22165"},
                {"Target domain IOMMU device count does not match source", libvirt_both,
                 "libvirt src/conf/domain_conf.c:21387|22448"},
                {"Target domain vsock device count does not match source", libvirt_both,
                 "libvirt src/conf/domain_conf.c:21398|22458"},
                {"Target domain pstore device count does not match source", libvirt_11_3,
                 "libvirt src/conf/domain_conf.c:-|22468"},
                {"Target timer presence '{word}' does not match source '{word2:word}'",
                 libvirt_both, "libvirt src/conf/domain_conf.c:19364|20336"},
                {"Target domain timers do not match source", libvirt_both,
                 "libvirt src/conf/domain_conf.c:21072|22150"},
            },
        .remedy =
            {
                {source, "virsh dumpxml --migratable {domain} > vm.xml",
                 "of the running guest, not --inactive"},
                {source,
                 "virsh migrate --live {domain} qemu+ssh://{destination}/system --xml vm.xml", ""},
            },
        .look = "diff of virsh dumpxml --migratable {domain} and the file given",
        .example =
            "error: unsupported configuration: Target domain disk count 1 does not match source 2",
    },
    {
        .id = "KVM-DEF-003",
        .title = "The definition for the destination changes a network card",
        .cause = "The MAC address, model or MTU of a card cannot change while the guest runs; only "
                 "what it is plugged into may.",
        .patterns =
            {
                {"Target network card mac {mac} does not match source {mac2:word}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:19757|20775"},
                {"Target network card model {word} does not match source {word2:word}",
                 libvirt_both, "libvirt src/conf/domain_conf.c:19766,19773|20783,20790"},
                {"Target network card MTU {n} does not match source {n2:number}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:19781|20798"},
            },
        .remedy =
            {
                {source, "virsh dumpxml --migratable {domain} > vm.xml", ""},
            },
        .look = "change only <source> of <interface>",
        .example = "error: unsupported configuration: Target network card mac 52:54:00:aa:bb:cc "
                   "does not match source 52:54:00:12:34:56",
    },
    {
        .id = "KVM-DEF-004",
        .title = "The definition for the destination has another name",
        .cause = "A new name is given with --dname, not in the XML.",
        .patterns =
            {
                {"Target domain name '{domain}' does not match source '{domain2:word}'",
                 libvirt_both, "libvirt src/conf/domain_conf.c:21024|22102"},
            },
        .remedy =
            {
                {source,
                 "virsh migrate --live {domain2} qemu+ssh://{destination}/system --dname {domain}",
                 ""},
            },
        .look = "<name> in the file given with --xml",
        .example = "error: unsupported configuration: Target domain name 'vm1new' does not match "
                   "source 'vm1'",
    },
    {
        .id = "KVM-DEF-005",
        .title = "The definition for the destination is another domain's",
        .cause = "The UUID or generation id differs: the file belongs to another domain, or was "
                 "copied and renamed.",
        .patterns =
            {
                {"Target domain uuid {uuid} does not match source {uuid2:word}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:20994|22072"},
                {"Target domain genid {uuid} does not match source {uuid2:word}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:21013|22091"},
                {"Target domain requested genid does not match source", libvirt_both,
                 "libvirt src/conf/domain_conf.c:21001|22079"},
            },
        .remedy =
            {
                {source, "virsh dumpxml --migratable {domain} > vm.xml", ""},
            },
        .look = "<uuid> and <genid> in the file given with --xml",
        .example = "error: unsupported configuration: Target domain uuid "
                   "11111111-2222-3333-4444-555555555555 does not match source "
                   "4dea22b3-1d52-d8f3-2516-782e98ab3fa0",
    },
    {
        .id = "KVM-DEF-006",
        .title =
            "The definition for the destination has another machine, architecture or processor",
        .cause = "Machine type, architecture, vCPUs, features or firmware of a running guest "
                 "cannot change.",
        .patterns =
            {
                {"Target domain machine type {word} does not match source {word2:word}",
                 libvirt_both, "libvirt src/conf/domain_conf.c:21054|22132"},
                {"Target domain architecture {word} does not match source {word2:word}",
                 libvirt_both, "libvirt src/conf/domain_conf.c:21047|22125"},
                {"Target domain virt type {word} does not match source {word2:word}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:20982|22060"},
                {"Target domain OS type {word} does not match source {word2:word}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:21040|22118"},
                {"Target domain SMBIOS mode {word} does not match source {word2:word}",
                 libvirt_both, "libvirt src/conf/domain_conf.c:21061|22139"},
                {"Target domain vCPU max {n} does not match source {n2:number}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:20937|22015"},
                {"Target CPU {rest} does not match source {rest2:rest}", libvirt_both,
                 "libvirt src/conf/cpu_conf.c:1049|1096"},
                {"Target CPU feature count {n} does not match source {n2:number}", libvirt_both,
                 "libvirt src/conf/cpu_conf.c:1133|1180"},
                {"State of vCPU '{n}' differs between source and destination definitions",
                 libvirt_both, "libvirt src/conf/domain_conf.c:20948|22026"},
                {"vcpu enable order of vCPU '{n}' differs between source and destination "
                 "definitions",
                 libvirt_both, "libvirt src/conf/domain_conf.c:20955|22033"},
                {"State of feature '{feature}' differs: source: {rest}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:20312|21347"},
                {"State of HyperV enlightenment feature '{feature}' differs: source: {rest}",
                 libvirt_both, "libvirt src/conf/domain_conf.c:20457|21497"},
                {"State of KVM feature '{feature}' differs: source: {rest}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:20552|21585"},
                {"State of Xen feature '{feature}' differs: source: {rest}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:20513|21548"},
                {"HyperV spinlock retry count differs: source: {rest}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:20472|21510"},
                {"HyperV vendor_id differs: source: {rest}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:20483|21520"},
                {"State of HyperV stimer direct feature differs: source: {rest}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:20500|21536"},
                {"dirty ring size of KVM feature '{feature}' differs: source: {rest}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:20569|21601"},
                {"SMM TSEG differs: source: {rest}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:20582|21613"},
                {"Size of SMM TSEG size differs: source: {rest}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:20597|21628"},
                {"Target TSC frequency {n} does not match source {n2:number}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:19373|20345"},
                {"Target TSC mode {word} does not match source {word2:word}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:19380|20352"},
                {"Target timer {word} does not match source {word2:word}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:19356|20328"},
            },
        .remedy =
            {
                {source, "virsh dumpxml --migratable {domain} > vm.xml", ""},
                {source,
                 "virsh migrate --live {domain} qemu+ssh://{destination}/system --xml vm.xml", ""},
            },
        .look = "diff of virsh dumpxml --migratable {domain} and the file given",
        .example = "error: unsupported configuration: Target domain machine type pc-q35-7.2 does "
                   "not match source pc-q35-6.2",
    },
    {
        .id = "KVM-DEF-007",
        .title = "The definition for the destination changes a device",
        .cause =
            "Something of a device that the guest sees differs: its model, address, or an option.",
        .patterns =
            {
                {"Target {what} does not match source", libvirt_both,
                 "libvirt src/conf/domain_conf.c:19356|20328 and below"},
                {"Target {what} doesn't match source", libvirt_both,
                 "libvirt src/conf/domain_conf.c:20679|21705 and below"},
                {"Target device virtio options don't match the source", libvirt_both,
                 "libvirt src/conf/domain_conf.c:19529|20505"},
                {"Changing device type to/from spicevmc would change default target channel name",
                 libvirt_both, "libvirt src/conf/domain_conf.c:20051|21090"},
            },
        .remedy =
            {
                {source, "virsh dumpxml --migratable {domain} > vm.xml",
                 "change only paths, bridges and graphics addresses"},
                {source,
                 "virsh migrate --live {domain} qemu+ssh://{destination}/system --xml vm.xml", ""},
            },
        .look = "diff of virsh dumpxml --migratable {domain} and the file given",
        .example = "error: unsupported configuration: Target video card vram 16384 does not match "
                   "source 65536",
    },
    {
        .id = "KVM-DEF-008",
        .title = "The definition for the destination is no valid domain XML",
        .cause = "The file given with --xml or --persistent-xml cannot be read as a domain.",
        .patterns =
            {
                {"(domain_definition):{n}: {rest}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:19279"},
                {"missing domain type attribute", libvirt_both,
                 "libvirt src/conf/domain_conf.c:17699|18690"},
                {"unexpected domain type {word}", libvirt_both,
                 "libvirt src/conf/domain_conf.c:27170|28778"},
                {"no domain XML passed", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:3822|4027"},
                {"XML document failed to validate against schema: {rest}", libvirt_both,
                 "libvirt src/util/virerror.c:1232|1234"},
                {"unknown device '{word}'", libvirt_both,
                 "libvirt src/conf/domain_conf.c:13647|14494"},
            },
        .remedy =
            {
                {source, "virt-xml-validate vm.xml domain", ""},
                {source, "virsh dumpxml --migratable {domain} > vm.xml", ""},
            },
        .look = "the line that the message names",
        .example = "error: (domain_definition):17: Opening and ending tag mismatch: disk line 12 "
                   "and devices",
    },
};

} // namespace kvmig::diagnosis::entries
