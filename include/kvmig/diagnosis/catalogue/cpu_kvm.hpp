// SPDX-License-Identifier: MIT
/// Catalogue: what KVM on the destination cannot do.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry cpu_kvm[] = {
    {
        .id = "KVM-CPU-007",
        .title = "The time-stamp counters of the hosts do not fit",
        .cause = "The guest's TSC frequency is fixed, the destination's differs by more than 250 "
                 "parts in a million, and its CPU cannot scale.",
        .patterns =
            {
                {"Requested TSC frequency {n} Hz is outside tolerance range ([{n2:number}, "
                 "{n3:number}] Hz) around host frequency {n4:number} Hz and TSC scaling is not "
                 "supported by the host CPU",
                 libvirt_both, "libvirt src/qemu/qemu_process.c:5508|5703"},
                {"Requested TSC frequency {n} Hz is outside tolerance range", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:5508|5703"},
                {"TSC frequency mismatch between VM ({n} kHz) and host ({n2:number} kHz), and TSC "
                 "scaling unavailable",
                 qemu_both, "QEMU target/i386/kvm/kvm.c:818|921"},
                {"Mismatch between user-specified TSC frequency and migrated TSC frequency",
                 qemu_both, "QEMU target/i386/machine.c:320|322"},
                {"host doesn't support invariant TSC", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:4360|4455"},
            },
        .remedy =
            {
                {both, "virsh -c qemu:///system capabilities | grep '<counter'", ""},
                {source, "virsh edit {domain}",
                 "remove the frequency from <timer name='tsc'>, restart the guest"},
            },
        .look = "dmesg | grep -i tsc on both hosts",
        .example = "error: unsupported configuration: Requested TSC frequency 2893202000 Hz is "
                   "outside tolerance range ([2399400000, 2400600000] Hz) around host frequency "
                   "2400000000 Hz and TSC scaling is not supported by the host CPU",
    },
    {
        .id = "KVM-CPU-008",
        .title = "invtsc keeps the guest on this host",
        .cause = "A guest with the invariant TSC moves only when its frequency is written in the "
                 "definition, so that the destination can give the same.",
        .patterns =
            {
                {"domain has 'invtsc' CPU feature but TSC frequency is not specified", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1471|1642"},
                {"State blocked by non-migratable CPU device (invtsc flag)", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:2111|2310; target/i386/hvf/hvf.c:-|259"},
            },
        .remedy =
            {
                {source, "virsh edit {domain}",
                 "<timer name='tsc' frequency='HZ'/> under <clock>, or <feature policy='disable' "
                 "name='invtsc'/>; then restart the guest"},
            },
        .look = "the frequency: virsh capabilities, counter tsc",
        .example = "error: Requested operation is not valid: domain has 'invtsc' CPU feature but "
                   "TSC frequency is not specified",
    },
    {
        .id = "KVM-CPU-010",
        .title = "KVM is not usable on this host",
        .cause = "/dev/kvm is missing or cannot be opened: virtualisation off in the firmware, "
                 "modules not loaded, no nesting in a nested host, or no permission.",
        .patterns =
            {
                {"Could not access KVM kernel module: No such file or directory", qemu_both,
                 "QEMU accel/kvm/kvm-all.c:2376|2595"},
                {"Could not access KVM kernel module: Permission denied", qemu_both,
                 "QEMU accel/kvm/kvm-all.c:2376|2595"},
                {"Could not access KVM kernel module", qemu_both,
                 "QEMU accel/kvm/kvm-all.c:2376|2595"},
                {"Domain requires KVM, but it is not available. Check that virtualization is "
                 "enabled in the host BIOS",
                 libvirt_both, "libvirt src/qemu/qemu_process.c:5539|5732"},
                {"failed to initialize kvm: {rest}", qemu_both,
                 "QEMU softmmu/vl.c:2230|-; system/vl.c:-|2410"},
                {"failed to initialize KVM: {rest}", qemu_both,
                 "QEMU softmmu/vl.c:2230|-; system/vl.c:-|2410"},
                {"kvm version too old", qemu_both, "QEMU accel/kvm/kvm-all.c:2386|2605"},
                {"kvm version not supported", qemu_both, "QEMU accel/kvm/kvm-all.c:2392|2611"},
                {"ioctl(KVM_CREATE_VM) failed: {rest}", qemu_both,
                 "QEMU accel/kvm/kvm-all.c:2426|2464"},
            },
        .remedy =
            {
                {destination, "modprobe kvm_intel || modprobe kvm_amd", ""},
                {destination, "virt-host-validate qemu", ""},
                {destination, "ls -l /dev/kvm", ""},
            },
        .look = "grep -cE 'vmx|svm' /proc/cpuinfo: 0 means off in the firmware, or no nesting",
        .example = "qemu-system-x86_64: failed to initialize kvm: No such file or directory",
    },
    {
        .id = "KVM-CPU-011",
        .title = "A Hyper-V or paravirtual feature is missing on the destination",
        .cause =
            "The destination's kernel or QEMU does not offer an enlightenment that the guest uses.",
        .patterns =
            {
                {"host doesn't support hyperv '{feature}' feature", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:4293,4308|4386,4403"},
                {"host doesn't support hyperv stimer '{feature}' feature", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:4282|4351"},
                {"host doesn't support hyperv tlbflush '{feature}' feature", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:4293,4308|4362,4373"},
                {"host doesn't support paravirtual spinlocks", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:4337|4432"},
                {"Hyper-V {feature} is not supported by kernel", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:1394,1652|1505,1763"},
                {"Hyper-V {feature} requires Hyper-V {feature2:name}", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:1259,1411|1369,1522"},
                {"Guest enabled re-enlightenment notifications, 'tsc-frequency=' has to be "
                 "specified",
                 qemu_both, "QEMU target/i386/machine.c:913|915"},
                {"kernel doesn't allow setting HyperV VP_INDEX", qemu_both,
                 "QEMU hw/i386/x86.c:422|-; hw/i386/x86-common.c:-|433"},
                {"failed to turn on HyperV SynIC in KVM: {rest}", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:1622|1733"},
                {"failed to create HyperV SynIC: {rest}", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:1630|1741"},
                {"failed to enable KVM_CAP_HYPERV_ENFORCE_CPUID: {rest}", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:1669|1780"},
                {"failed to enable KVM_CAP_ENFORCE_PV_FEATURE_CPUID: {rest}", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:1822|2243"},
                {"kernel's vp_index != QEMU's vp_index", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:1612|1723"},
            },
        .remedy =
            {
                {both, "uname -r", "the destination's kernel must not be older"},
                {source, "virsh edit {domain}",
                 "remove the feature under <features><hyperv>, restart the guest"},
            },
        .look = "the kernel and QEMU versions of both hosts",
        .example = "error: unsupported configuration: host doesn't support hyperv "
                   "'reenlightenment' feature",
    },
    {
        .id = "KVM-CPU-012",
        .title = "Nested state of the guest cannot be restored",
        .cause = "The guest itself runs guests, and the destination's kernel cannot take over that "
                 "state.",
        .patterns =
            {
                {"Received nested state when kernel cannot restore it", qemu_both,
                 "QEMU target/i386/machine.c:1196|1198"},
                {"Received nested state size less than min: {rest}", qemu_both,
                 "QEMU target/i386/machine.c:1206|1208"},
                {"Received unsupported nested state size: {rest}", qemu_both,
                 "QEMU target/i386/machine.c:1212|1214"},
                {"Received invalid nested state format: {n}", qemu_both,
                 "QEMU target/i386/machine.c:1221|1223"},
                {"vCPU set in guest-mode inconsistent with migrated kernel nested state", qemu_both,
                 "QEMU target/i386/machine.c:359|361"},
                {"Guest maybe enabled nested virtualization but kernel does not support required "
                 "capabilities to save vCPU nested state",
                 qemu_both, "QEMU target/i386/machine.c:266|268"},
            },
        .remedy =
            {
                {both, "uname -r", ""},
                {guest, "virsh shutdown INNER", "end the inner guests, then migrate"},
            },
        .look = "cat /sys/module/kvm_intel/parameters/nested (or kvm_amd) on both",
        .example = "qemu-system-x86_64: Received nested state when kernel cannot restore it",
    },
    {
        .id = "KVM-CPU-013",
        .title = "KVM refuses a register of the guest",
        .cause = "The destination's kernel or CPU does not take a model-specific register value "
                 "the guest had: a newer CPU, other mitigations, or a kernel that lacks it.",
        .says = usual,
        .patterns =
            {
                {"error: failed to set MSR 0x{n} to 0x{n2:number}", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:3179|3873"},
                {"error: failed to get MSR 0x{n}", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:3948|4644"},
                {"KVM_SET_LAPIC failed: {rest}", qemu_both, "QEMU hw/i386/kvm/apic.c:148|149"},
                {"KVM_SET_CLOCK failed: {rest}", qemu_both, "QEMU hw/i386/kvm/clock.c:192|191"},
                {"prctl(ARCH_REQ_XCOMP_GUEST_PERM) failure for feature bit {n}", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:5658|6431"},
                {"Unsupported MCG_CAP bits: 0x{n}", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:2079|2278"},
                {"vPMU: the lbr-fmt value (0x{n}) does not match the host value (0x{n2:number})",
                 qemu_both, "QEMU target/i386/cpu.c:6456|8187"},
                {"KVM_GET_SUPPORTED_CPUID failed: {rest}", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:270|352"},
                {"KVM get MSR (index=0x{n}) feature failed, {rest}", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:499|609"},
                {"KVM: injection failed, {rest}", qemu_both,
                 "QEMU hw/i386/kvm/apic.c:170,194|171,195; "
                 "target/i386/kvm/kvm.c:4765,4776|5469,5480"},
                {"KVM_X86_SETUP_MCE: {rest}", qemu_both, "QEMU target/i386/kvm/kvm.c:2086|2285"},
            },
        .remedy =
            {
                {both, "uname -r", ""},
                {source, "virsh edit {domain}",
                 "<pmu state='off'/> or a named CPU model instead of host-passthrough; restart the "
                 "guest"},
            },
        .look = "dmesg of the destination at that time",
        .example = "qemu-system-x86_64: error: failed to set MSR 0x345 to 0x3000",
    },
    {
        .id = "KVM-CPU-014",
        .title = "The destination cannot give that many processors",
        .cause = "The guest has more vCPUs than the destination's QEMU, KVM or machine type "
                 "allows, or its pinning names CPUs that are not there.",
        .patterns =
            {
                {"Invalid SMP CPUs {n}. The max CPUs supported by machine '{machine}' is "
                 "{n2:number}",
                 qemu_both, "QEMU hw/core/machine-smp.c:189|256"},
                {"vCPUs count must be a multiple of the vCPU hotplug granularity ({n})",
                 libvirt_both, "libvirt src/qemu/qemu_validate.c:893|840"},
                {"Number of {word} cpus requested ({n}) exceeds the maximum cpus supported by KVM "
                 "({n2:number})",
                 qemu_both, "QEMU accel/kvm/kvm-all.c:2464|2653"},
                {"Maximum CPUs greater than specified machine type limit {n}", libvirt_both,
                 "libvirt src/qemu/qemu_validate.c:858|822"},
                {"CPU topology doesn't match maximum vcpu count", libvirt_both,
                 "libvirt src/qemu/qemu_validate.c:877|831"},
                {"more than {n} vCPUs are only supported on q35-based machine types", libvirt_both,
                 "libvirt src/qemu/qemu_validate.c:904|849"},
                {"cannot set CPU affinity on process {n}: Invalid argument", libvirt_both,
                 "libvirt src/util/virprocess.c:488,556|471,550"},
                {"Setting of vCPU affinity is not supported: {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:1331,4194|1291,4319; "
                 "src/qemu/qemu_process.c:6036|6285"},
                {"Invalid value '{word}' for 'cpuset.cpus': Invalid argument", libvirt_both,
                 "libvirt src/util/vircgroup.c:527"},
                {"Host CPU {n} does not exist", libvirt_both,
                 "libvirt src/security/security_apparmor.c:746|730"},
                {"current -smp configuration requires kernel irqchip and X2APIC API support",
                 qemu_both, "QEMU hw/i386/x86.c:136|-; hw/i386/x86-common.c:-|99"},
            },
        .remedy =
            {
                {destination, "virsh -c qemu:///system maxvcpus kvm", ""},
                {destination, "lscpu -e=cpu,node,online", "pinned CPUs must exist there"},
                {source, "virsh vcpupin {domain}",
                 "and widen the pinning before the move: virsh vcpupin {domain} VCPU 0-N --live"},
            },
        .look = "<cputune> of the domain, and lscpu of the destination",
        .example = "error: cannot set CPU affinity on process 4711: Invalid argument",
    },
};

} // namespace kvmig::diagnosis::entries
