// SPDX-License-Identifier: MIT
/// Catalogue: guest memory and huge pages.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry memory[] = {
    {
        .id = "KVM-MEM-001",
        .title = "The destination has too little memory",
        .cause = "QEMU could not get the guest's memory: not enough free, a limit of the cgroup or "
                 "of overcommitment, or a host that promised it twice.",
        .patterns =
            {
                {"cannot set up guest memory '{name}': Cannot allocate memory", qemu_both,
                 "QEMU softmmu/physmem.c:1976|-; system/physmem.c:-|1867"},
                {"cannot set up guest memory '{name}'", qemu_both,
                 "QEMU softmmu/physmem.c:1976|-; system/physmem.c:-|1867"},
                {"Cannot set up guest memory '{name}'", qemu_both,
                 "QEMU softmmu/physmem.c:1976|-; system/physmem.c:-|1867"},
                {"os_mem_prealloc: Insufficient free host memory pages available to allocate guest "
                 "RAM",
                 older, "QEMU 2.x to 6.x"},
                {"qemu_prealloc_mem: preallocating memory failed: {rest}", qemu_both,
                 "QEMU util/oslib-posix.c:551|573,632"},
                {"qemu_prealloc_mem: preallocating memory failed", qemu_both,
                 "QEMU util/oslib-posix.c:551|573,632"},
            },
        .remedy =
            {
                {destination, "free -m",
                 "\"available\" must exceed the guest's memory and QEMU's own few hundred MiB"},
                {destination, "sync; echo 3 > /proc/sys/vm/drop_caches", ""},
                {destination, "sysctl -w vm.overcommit_memory=1",
                 "only when overcommitment is wanted"},
                {source, "virsh setmem {domain} SIZE --live",
                 "or let the balloon shrink the guest first"},
            },
        .look = "virsh -c qemu+ssh://{destination}/system nodememstats",
        .example =
            "qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory",
    },
    {
        .id = "KVM-MEM-002",
        .title = "The destination has too few huge pages",
        .cause = "The guest's memory stands on huge pages, and the destination has not enough of "
                 "that size free (on the right NUMA node).",
        .patterns =
            {
                {"unable to map backing store for guest RAM: Cannot allocate memory", qemu_both,
                 "QEMU softmmu/physmem.c:1597|-; system/physmem.c:-|1468"},
                {"unable to map backing store for guest RAM: {rest}", qemu_both,
                 "QEMU softmmu/physmem.c:1597|-; system/physmem.c:-|1468"},
                {"unable to map backing store for hugepages: {rest}", older, "QEMU before 2.4"},
                {"can't open backing store {path} for guest RAM: No such file or directory",
                 qemu_both, "QEMU softmmu/physmem.c:1521|-; system/physmem.c:-|2065"},
                {"os_mem_prealloc: Insufficient free host memory pages", older, "QEMU 2.x to 6.x"},
                {"hugetlbfs filesystem is not mounted or disabled by administrator config",
                 libvirt_both,
                 "libvirt src/qemu/qemu_conf.c:1563|1779; src/qemu/qemu_command.c:3133|3054"},
                {"Unable to find any usable hugetlbfs mount for {n} KiB", libvirt_both,
                 "libvirt src/qemu/qemu_conf.c:1575|1790"},
                {"Unable to find any usable hugetlbfs mount for {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_conf.c:1575|1790"},
                {"page size {n} is not available on node {n2:number}", libvirt_both,
                 "libvirt src/util/virnuma.c:574|534"},
                {"page size {n} is not available", libvirt_both,
                 "libvirt src/util/virnuma.c:579|539"},
                {"Unable to allocate {n} pages. Allocated only {n2:number}", libvirt_both,
                 "libvirt src/util/virnuma.c:955|916"},
                {"not a hugetlbfs mount: '{path}'", libvirt_both,
                 "libvirt src/util/virfile.c:3480|3651"},
                {"memory size 0x{n} must be equal to or larger than page size 0x{n2:number}",
                 qemu_both, "QEMU softmmu/physmem.c:1565|-; system/physmem.c:-|1436"},
            },
        .remedy =
            {
                {destination, "virsh -c qemu:///system freepages --all", ""},
                {destination, "virsh -c qemu:///system allocpages 2048 COUNT --add",
                 "pages needed = guest memory / page size"},
                {destination, "sysctl vm.nr_hugepages",
                 "read it back: the kernel may have found fewer"},
                {destination, "systemctl restart libvirtd.service",
                 "when hugetlbfs was mounted after libvirtd had started"},
            },
        .look = "grep Huge /proc/meminfo, and per node under /sys/devices/system/node",
        .example =
            "qemu-system-x86_64: unable to map backing store for guest RAM: Cannot allocate memory",
    },
    {
        .id = "KVM-MEM-003",
        .title = "The kernel killed QEMU for want of memory",
        .cause = "The host ran out of memory (or the domain reached its own limit), and the kernel "
                 "chose QEMU.",
        .patterns =
            {
                {"Out of memory: Killed process {n} (qemu{rest}", other, "kernel"},
                {"Out of memory: Kill process {n} (qemu{rest}", other, "kernel"},
                {"Memory cgroup out of memory: Killed process {n} (qemu{rest}", other, "kernel"},
                {"oom-kill:constraint={word},task=qemu{rest}", other, "kernel"},
                {"oom_reaper: reaped process {n} (qemu{rest}", other, "kernel"},
                {"A process of this unit has been killed by the OOM killer. machine-qemu{rest}",
                 other, "systemd"},
            },
        .signs = {sign::out_of_memory_killed},
        .remedy =
            {
                {destination, "free -m", ""},
                {source, "virsh memtune {domain}",
                 "a hard_limit that leaves no room for QEMU's own memory kills it"},
                {source, "virsh memtune {domain} --hard-limit -1 --live", ""},
            },
        .look = "journalctl -k --grep \"Out of memory\" on both hosts",
        .example = "kernel: Out of memory: Killed process 4711 (qemu-system-x86) "
                   "total-vm:9437184kB, anon-rss:8388608kB, file-rss:0kB, shmem-rss:4kB, UID:64055 "
                   "pgtables:17000kB oom_score_adj:0",
    },
    {
        .id = "KVM-MEM-004",
        .title = "Source and destination lay the guest's memory out differently",
        .cause = "A block of guest memory has another size or page size on the destination. RAM: "
                 "the memory differs. ROMs and flash: another build of the firmware or of the "
                 "network boot ROMs.",
        .patterns =
            {
                {"Size mismatch: {name}: 0x{n} != 0x{n2:number}: {rest}", qemu_both,
                 "QEMU softmmu/physmem.c:1844|-; system/physmem.c:-|1734"},
                {"Length mismatch: {name}: 0x{n} in != 0x{n2:number}: {rest}", older,
                 "QEMU before 5.0"},
                {"Length mismatch: {name}: {n} in != {n2:number}", older, "QEMU before 2.3"},
                {"Mismatched RAM page size {name} (local) {n} != {n2:number}", qemu_both,
                 "QEMU migration/ram.c:4332|4015"},
                {"Mismatched GPAs for block {name} {n}!= {n2:number}", qemu_both,
                 "QEMU migration/ram.c:4343|4025"},
                {"Size too large: {name}: 0x{n} > 0x{n2:number}: {rest}", qemu_both,
                 "QEMU softmmu/physmem.c:1852|-; system/physmem.c:-|1742"},
            },
        .remedy =
            {
                {both, "dpkg -l ovmf seabios ipxe-qemu qemu-system-data",
                 "the same versions on both hosts"},
                {source, "virsh dumpxml --migratable {domain}",
                 "memory, slots and firmware must be those of the running guest"},
            },
        .look = "the block's name: pc.ram is the guest's memory, pc.bios and system.flash0 the "
                "firmware, *.rom a network boot ROM",
        .example = "qemu-system-x86_64: Size mismatch: 0000:00:03.0/virtio-net-pci.rom: 0x40000 != "
                   "0x80000: Invalid argument",
    },
    {
        .id = "KVM-MEM-005",
        .title = "The destination lacks a block of guest memory",
        .cause = "The source sends memory of a device (firmware variables, video memory, a memory "
                 "module) that the destination's QEMU was started without.",
        .patterns =
            {
                {"Unknown ramblock \"{name}\", cannot accept migration", qemu_both,
                 "QEMU migration/ram.c:4353|4058"},
                {"RAM block not found", qemu_10_0, "QEMU migration/ram.c:-|4455"},
                {"Can't find block {name}", qemu_both, "QEMU migration/ram.c:3544|3383"},
                {"multifd: unknown ram block {name}", qemu_both,
                 "QEMU migration/multifd.c:338|-; migration/multifd-nocomp.c:-|267"},
                {"CMD_POSTCOPY_RAM_DISCARD Failed to read RAMBlock ID", qemu_both,
                 "QEMU migration/savevm.c:1782|1999"},
                {"ram blocks mismatch (Number of blocks {n} vs {n2:number})", qemu_both,
                 "QEMU migration/rdma.c:3944|3926"},
            },
        .remedy =
            {
                {source, "virsh dumpxml --migratable {domain} > vm.xml",
                 "the definition of the running guest, with everything that was plugged in"},
            },
        .look = "compare the two command lines in the QEMU logs",
        .example = "qemu-system-x86_64: Unknown ramblock \"0000:00:02.0/vga.vram\", cannot accept "
                   "migration",
    },
    {
        .id = "KVM-MEM-006",
        .title = "Memory of the guest cannot be bound as its definition says",
        .cause = "NUMA nodes or memory policies in the definition do not exist on the destination.",
        .patterns =
            {
                {"NUMA node {n} is out of range", libvirt_both,
                 "libvirt src/util/virnuma.c:114|113"},
                {"NUMA node {n} is unavailable", libvirt_both,
                 "libvirt src/util/virnuma.c:1016|977"},
                {"NUMA node {n} is not available", libvirt_both,
                 "libvirt src/util/virnuma.c:350,570|530,1088"},
                {"cannot bind memory to host NUMA nodes: {rest}", qemu_both,
                 "QEMU backends/hostmem.c:376|414"},
                {"cannot bind memory to host NUMA nodes", qemu_both,
                 "QEMU backends/hostmem.c:376|414"},
                {"NUMA isn't available on this host", libvirt_both,
                 "libvirt src/util/virnuma.c:206,387|204,350"},
                {"Invalid value '{word}' for 'cpuset.mems': {rest}", libvirt_both,
                 "libvirt src/util/vircgroup.c:527"},
                {"numad is not available on this host", libvirt_both,
                 "libvirt src/util/virnuma.c:84|83"},
            },
        .remedy =
            {
                {destination, "numactl --hardware", ""},
                {source, "virsh numatune {domain}", ""},
            },
        .look = "<numatune> and <memnode> of the domain against the destination's nodes",
        .example = "error: unsupported configuration: NUMA node 1 is unavailable",
    },
    {
        .id = "KVM-MEM-007",
        .title = "A memory module of the guest has no fixed place",
        .cause = "A DIMM without slot and address might land elsewhere on the destination, so "
                 "libvirt refuses.",
        .patterns =
            {
                {"domain's dimm info lacks slot ID or base address", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1485|1655"},
            },
        .remedy =
            {
                {source, "virsh dumpxml {domain}",
                 "wait until the hot-plugged module shows <address type='dimm'>, or restart the "
                 "guest"},
            },
        .look = "<devices><memory> of the live definition",
        .example = "error: Requested operation is not valid: domain's dimm info lacks slot ID or "
                   "base address",
    },
    {
        .id = "KVM-MEM-008",
        .title = "The guest has memory with a hardware error",
        .cause =
            "A machine check poisoned a page of the guest; its content is lost and cannot be sent.",
        .patterns =
            {
                {"Can't migrate this vm with hardware poisoned memory, please reboot the vm and "
                 "try again",
                 qemu_10_0, "QEMU migration/migration.c:-|2084"},
                {"Guest MCE Memory Error at QEMU addr {rest}", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:635,639|779,783"},
                {"QEMU got Hardware memory error at addr {rest}", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:604|748"},
                {"Hardware memory error at addr {rest}", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:604|748"},
            },
        .remedy =
            {
                {guest, "reboot", ""},
                {source, "journalctl -k --grep 'Memory failure'",
                 "the host's memory module is going bad"},
            },
        .look = "rasdaemon or edac-util on the source",
        .example = "error: internal error: unable to execute QEMU command 'migrate': Can't migrate "
                   "this vm with hardware poisoned memory, please reboot the vm and try again",
    },
    {
        .id = "KVM-MEM-009",
        .title = "Memory changed its size while it was sent",
        .cause = "Memory was resized by a hot-plug, a firmware update at reboot, or a virtio-mem "
                 "device during the migration.",
        .patterns =
            {
                {"RAM block '{name}' resized during precopy.", qemu_both,
                 "QEMU migration/ram.c:4644|4470"},
                {"RAM block '{name}' resized during precopy", qemu_both,
                 "QEMU migration/ram.c:4644|4470"},
                {"RAM block '{name}' resized during postcopy state: {n}", qemu_both,
                 "QEMU migration/ram.c:4674|4502"},
                {"RAM block '{name}' discard of resized RAM failed", qemu_both,
                 "QEMU migration/ram.c:4658|4486"},
                {"Property '{name}' changed from 0x{n} to 0x{n2:number}", qemu_both,
                 "QEMU hw/virtio/virtio-mem.c:971,986|1362,1377"},
                {"Property '{name}' size changed from 0x{n} to 0x{n2:number}", qemu_both,
                 "QEMU hw/virtio/virtio-mem.c:971,980|1362,1371"},
            },
        .remedy =
            {
                {source, "virsh domjobabort {domain}", ""},
                {source, "virsh migrate --live {domain} qemu+ssh://{destination}/system",
                 "again, and leave the memory alone meanwhile"},
            },
        .look = "who changes memory or reboots the guest during the migration",
        .example = "qemu-system-x86_64: RAM block 'pc.ram' resized during precopy.",
    },
    {
        .id = "KVM-MEM-010",
        .title = "File-backed memory of the guest does not fit",
        .cause = "The file or device behind the guest's memory has another size or alignment on "
                 "the destination, or cannot be used.",
        .patterns =
            {
                {"backing store size 0x{n} does not match 'size' option 0x{n2:number}", qemu_7_2,
                 "QEMU softmmu/physmem.c:2060|-"},
                {"backing store align 0x{n} is larger than 'align' option 0x{n2:number}", qemu_both,
                 "QEMU softmmu/physmem.c:2068|-; system/physmem.c:-|2022"},
                {"host lacks kvm mmu notifiers, -mem-path unsupported", qemu_both,
                 "QEMU softmmu/physmem.c:2052|-; system/physmem.c:-|2000"},
                {"cannot set up private guest memory for {name}: KVM required", qemu_10_0,
                 "QEMU system/physmem.c:-|1882"},
                {"unable to create hugepage path {path}: {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_conf.c:1660|1816"},
                {"can't open backing store {path} for guest RAM: {rest}", qemu_both,
                 "QEMU softmmu/physmem.c:1521|-; system/physmem.c:-|2065"},
            },
        .remedy =
            {
                {destination, "ls -l PATH", "the file behind <memory> or <memoryBacking>"},
                {destination, "df -h /dev/shm", ""},
            },
        .look = "<memoryBacking> and <memory model='nvdimm'> of the domain",
        .example = "qemu-system-x86_64: backing store size 0x40000000 does not match 'size' option "
                   "0x80000000",
    },
};

} // namespace kvmig::diagnosis::entries
