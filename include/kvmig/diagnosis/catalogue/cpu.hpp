// SPDX-License-Identifier: MIT
/// Catalogue: processor models and features.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry cpu[] = {
    {
        .id = "KVM-CPU-001",
        .title = "The destination's processor lacks features the guest has",
        .cause = "The guest's CPU has features that the destination's processor, microcode, kernel "
                 "or QEMU does not offer. A running guest cannot give features back.",
        .patterns =
            {
                {"Host CPU does not provide required features: {features:rest}", libvirt_11_3,
                 "libvirt src/cpu/cpu.c:-|232"},
                {"Host doesn't support requested features", qemu_both,
                 "QEMU target/i386/cpu.c:6466|8196"},
            },
        .remedy =
            {
                {both, "virsh -c qemu:///system domcapabilities > cpu-HOST.xml", "one file a host"},
                {source, "virsh hypervisor-cpu-baseline --file cpus.xml",
                 "both together give the model that fits both"},
                {source, "virsh edit {domain}",
                 "write that model as <cpu mode='custom'>, shut the guest down and start it"},
            },
        .look = "grep -m1 flags /proc/cpuinfo and the microcode package on both hosts",
        .example = "error: the CPU is incompatible with host CPU: Host CPU does not provide "
                   "required features: avx512f, avx512dq",
    },
    {
        .id = "KVM-CPU-002",
        .title = "QEMU could not give the guest the features it had",
        .cause = "The destination's QEMU started and did not enable all features of the source's "
                 "guest: other mitigations or microcode, another QEMU, or a kernel that disables "
                 "them (TSX is the classic).",
        .patterns =
            {
                {"guest CPU doesn't match specification: missing features: {features:rest}",
                 libvirt_both, "libvirt src/cpu/cpu_x86.c:3113|3261"},
                {"guest CPU doesn't match specification: extra features: {features}, missing "
                 "features: {features2:rest}",
                 libvirt_both, "libvirt src/cpu/cpu_x86.c:3103|3253"},
                {"Some features cannot be reliably used with this QEMU: {features:rest}",
                 libvirt_both, "libvirt src/qemu/qemu_process.c:5585|5772"},
            },
        .remedy =
            {
                {source, "virsh edit {domain}",
                 "<feature policy='disable' name='…'/> for each that is missing, then restart the "
                 "guest"},
                {both, "dpkg -l intel-microcode amd64-microcode qemu-system-x86 linux-image-amd64",
                 "the same on both"},
                {both, "grep . /sys/module/kvm_*/parameters/nested",
                 "where svm or vmx is missing: nested virtualization must be alike on both"},
                {destination,
                 "kvm=$(lsmod | grep -o '^kvm_[a-z]*') && modprobe -r $kvm && modprobe $kvm "
                 "nested=1",
                 "gives it, while no guest runs there; to stay, `options kvm_amd nested=1`, or "
                 "kvm_intel, in /etc/modprobe.d/kvm.conf"},
            },
        .look = "lscpu on both hosts, and the \"warning: host doesn't support requested feature\" "
                "lines of the QEMU log",
        .example = "error: operation failed: guest CPU doesn't match specification: missing "
                   "features: hle,rtm",
    },
    {
        .id = "KVM-CPU-003",
        .title = "QEMU gave the guest features that it did not have",
        .cause = "The destination enables more than the source did, and the definition asks for an "
                 "exact match. A newer QEMU or machine type adds features to a model.",
        .patterns =
            {
                {"guest CPU doesn't match specification: extra features: {features:rest}",
                 libvirt_both, "libvirt src/cpu/cpu_x86.c:3108|3257"},
                {"guest CPU doesn't match specification", libvirt_both,
                 "libvirt src/cpu/cpu_x86.c:3122|3269"},
                {"hypervisor provided conflicting CPU data: feature '{feature}' is both enabled "
                 "and disabled at the same time",
                 libvirt_11_3, "libvirt src/cpu/cpu_x86.c:-|3203"},
                {"Host CPU provides forbidden feature '{feature}'", libvirt_both,
                 "libvirt src/cpu/cpu.c:738|822"},
            },
        .remedy =
            {
                {source, "virsh dumpxml --migratable {domain} > vm.xml",
                 "use the live definition, not a hand-made one"},
                {source,
                 "virsh migrate --live {domain} qemu+ssh://{destination}/system --xml vm.xml", ""},
            },
        .look = "whether --xml or --persistent-xml changed the <cpu> element",
        .example = "error: operation failed: guest CPU doesn't match specification: extra "
                   "features: md-clear,ssbd",
    },
    {
        .id = "KVM-CPU-004",
        .title = "The destination does not know the CPU model",
        .cause = "The model's name is newer than the destination's libvirt or QEMU, or of another "
                 "vendor or distribution.",
        .patterns =
            {
                {"Invalid CPU model: {rest}", libvirt_both | qemu_10_0,
                 "libvirt src/qemu/qemu_capabilities.c:4012|4137; QEMU hw/core/machine.c:-|1566"},
                {"unable to find CPU model '{model}'", qemu_both,
                 "QEMU cpu.c:264|-; cpu-target.c:-|62"},
                {"Unknown CPU model {model}", libvirt_both,
                 "libvirt src/cpu/cpu_x86.c:1350,3014|1397,3142; "
                 "src/cpu/cpu_ppc64.c:248,685|248,691"},
                {"CPU model {model} is not supported by hypervisor", libvirt_both,
                 "libvirt src/cpu/cpu_arm.c:648|646; src/cpu/cpu_x86.c:2198|2319"},
                {"unable to find CPU definition '{model}'", older, "QEMU before 2.5"},
                {"unable to find CPU model '{model}'", qemu_both,
                 "QEMU cpu.c:264|-; cpu-target.c:-|62"},
                {"cannot translate CPU model {model} to a supported model", libvirt_both,
                 "libvirt src/cpu/cpu.c:995|1079"},
                {"unknown host CPU model", libvirt_both,
                 "libvirt src/cpu/cpu_s390.c:66|67; src/cpu/cpu_arm.c:459|460"},
                {"unknown host CPU", libvirt_both,
                 "libvirt src/cpu/cpu_arm.c:509,514|506,511; "
                 "src/cpu/cpu_x86.c:1946,1951|2067,2072"},
            },
        .remedy =
            {
                {destination,
                 "virsh -c qemu:///system domcapabilities | grep \"<model usable='yes'\"",
                 "the models it can run"},
                {source, "virsh edit {domain}", "choose one that both know, restart the guest"},
            },
        .look = "the libvirt and QEMU versions of both hosts",
        .example = "error: internal error: Unknown CPU model Skylake-Client-noTSX-IBRS",
    },
    {
        .id = "KVM-CPU-005",
        .title = "The destination does not know a CPU feature",
        .cause = "The definition names a feature that this libvirt's or QEMU's list does not have.",
        .patterns =
            {
                {"Unknown CPU feature {feature}", libvirt_both,
                 "libvirt src/cpu/cpu_arm.c:552|548; src/cpu/cpu_x86.c:992,1374|1040,1421"},
                {"unknown CPU feature: {feature}", libvirt_both,
                 "libvirt src/cpu/cpu_arm.c:552|548; src/cpu/cpu_x86.c:992,1374|1040,1421"},
                {"unknown CPU feature {feature}", libvirt_both,
                 "libvirt src/cpu/cpu_arm.c:552|548; src/cpu/cpu_x86.c:992,1374|1040,1421"},
                {"Feature {feature} required by CPU model {model} not found", libvirt_both,
                 "libvirt src/cpu/cpu_x86.c:1627|1723"},
                {"Property '{word}-x86_64-cpu.{feature}' not found", qemu_both,
                 "QEMU qom/object.c"},
            },
        .remedy =
            {
                {source, "virsh edit {domain}",
                 "remove the feature or set policy='disable', restart the guest"},
            },
        .look = "the libvirt and QEMU versions of both hosts",
        .example = "error: internal error: Unknown CPU feature monitor",
    },
    {
        .id = "KVM-CPU-006",
        .title = "The destination cannot run this CPU mode",
        .cause = "host-model and host-passthrough need KVM: on the destination KVM is not usable, "
                 "or QEMU could not be probed.",
        .patterns =
            {
                {"CPU mode '{name}' for {word} {word2:word} domain on {word3:word} host is not "
                 "supported by hypervisor",
                 libvirt_both, "libvirt src/qemu/qemu_process.c:6298|6528"},
                {"CPU model '{model}' requires KVM or HVF", qemu_both,
                 "QEMU target/i386/cpu.c:6498|8229"},
                {"host CPU model is not supported by hypervisor", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:12199|11906; src/cpu/cpu_arm.c:648|646"},
            },
        .remedy =
            {
                {destination, "virt-host-validate qemu", ""},
                {destination, "modprobe kvm_intel",
                 "or kvm_amd; nested hosts need nested=1 on the outer host"},
            },
        .look = "dmesg --level=err,warn on the destination, after modprobe",
        .example = "error: unsupported configuration: CPU mode 'host-model' for x86_64 kvm domain "
                   "on x86_64 host is not supported by hypervisor",
    },
    {
        .id = "KVM-CPU-009",
        .title = "The processors are of different vendors",
        .cause = "A running guest cannot move between Intel and AMD: the instruction sets differ "
                 "where it cannot be hidden.",
        .patterns =
            {
                {"CPU vendors do not match", libvirt_both,
                 "libvirt src/cpu/cpu_x86.c:2886|3023; src/cpu/cpu_ppc64.c:730|735"},
                {"host CPU vendor does not match required CPU vendor {word}", libvirt_both,
                 "libvirt src/cpu/cpu_x86.c:1869|1990"},
                {"CPU vendor {word} of model {model} differs from vendor {word2:word}",
                 libvirt_both, "libvirt src/cpu/cpu_x86.c:2864|3001; src/cpu/cpu_ppc64.c:721|727"},
                {"CPU vendor {word} not found", libvirt_both,
                 "libvirt src/cpu/cpu_x86.c:2381|2502"},
                {"Unknown CPU vendor {word}", libvirt_both,
                 "libvirt src/cpu/cpu_x86.c:2842,2881|2979,3018; src/cpu/cpu_ppc64.c:714|720"},
            },
        .remedy =
            {
                {source, "virsh shutdown {domain}",
                 "move it switched off: virsh migrate --offline --persistent"},
            },
        .look = "virsh capabilities | grep -m1 '<vendor>' on both hosts",
        .example = "error: the CPU is incompatible with host CPU: host CPU vendor does not match "
                   "required CPU vendor Intel",
    },
    {
        .id = "KVM-CPU-015",
        .title = "The destination's processor supports less than QEMU was asked for",
        .cause = "QEMU masks what the host lacks and says so at its start. With a CPU that must "
                 "match exactly, the migration fails for it; otherwise the guest may misbehave.",
        .says = usual,
        .patterns =
            {
                {"warning: host doesn't support requested feature: {features:rest}", qemu_both,
                 "QEMU target/i386/cpu.c:6331|7974"},
                {"This feature depends on other features that were not requested: {features:rest}",
                 qemu_both, "QEMU target/i386/cpu.c:6231|7859"},
                {"TCG doesn't support requested feature: {features:rest}", qemu_both,
                 "QEMU target/i386/cpu.c:6466|8196"},
            },
        .remedy =
            {
                {source, "virsh edit {domain}", "a CPU model both hosts have, restart the guest"},
            },
        .look = "whether the same lines stand in the source's QEMU log: then they are harmless",
        .example = "qemu-system-x86_64: warning: host doesn't support requested feature: "
                   "CPUID.07H:EBX.hle [bit 4]",
    },
    {
        .id = "KVM-CPU-016",
        .title = "The guest's processor does not fit the destination",
        .cause = "libvirt compared the guest's CPU with the destination's and found that it lacks "
                 "something; what it lacks may stand behind the colon.",
        .says = usual,
        .patterns =
            {
                {"the CPU is incompatible with host CPU: {features:rest}", libvirt_both,
                 "libvirt src/util/virerror.c:1229|1231"},
                {"the CPU is incompatible with host CPU", libvirt_both,
                 "libvirt src/util/virerror.c:1229|1231"},
                {"guest and host CPU are not compatible: {features:rest}", older,
                 "libvirt before 1.3"},
                {"CPUs are incompatible", libvirt_both,
                 "libvirt src/cpu/cpu_x86.c:2911|3047; src/cpu/cpu_ppc64.c:705|711"},
            },
        .codes = {{91}},
        .remedy =
            {
                {source, "virsh dumpxml --migratable {domain} --xpath /domain/cpu > cpu.xml", ""},
                {destination, "virsh hypervisor-cpu-compare cpu.xml --error",
                 "names what is missing"},
                {source, "virsh edit {domain}",
                 "a CPU model that both hosts have, then restart the guest"},
            },
        .look = "virsh -c qemu+ssh://{destination}/system domcapabilities",
        .example = "error: the CPU is incompatible with host CPU",
    },
};

} // namespace kvmig::diagnosis::entries
