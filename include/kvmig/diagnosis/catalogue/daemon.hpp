// SPDX-License-Identifier: MIT
/// Catalogue: daemons and processes that are gone or do not answer.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry daemon[] = {
    {
        .id = "KVM-DMN-001",
        .title = "libvirt's socket is not there",
        .cause = "The daemon's socket unit is not started, or the connection asks for the other "
                 "kind of daemon (libvirtd or the modular ones).",
        .patterns =
            {
                {"Failed to connect socket to '{path}': No such file or directory", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:731|726"},
                {"unable to connect to '{path}': No such file or directory", older,
                 "libvirt before 0.9"},
                {"Failed to connect socket to '{path}': Connection refused", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:731|726"},
                {"Cannot find '{path}' socket", other, "virt-ssh-helper"},
                {"cannot connect to '{path}': {rest}", other, "virt-ssh-helper"},
            },
        .remedy =
            {
                {destination, "systemctl enable --now libvirtd.socket",
                 "virtqemud.socket and virtproxyd.socket with modular daemons"},
                {destination, "systemctl --failed", ""},
            },
        .look = "ls /run/libvirt on the host that is asked, and journalctl -u libvirtd",
        .example = "error: Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such "
                   "file or directory",
    },
    {
        .id = "KVM-DMN-002",
        .title = "The daemon closed the connection without a word",
        .cause = "The remote daemon ended or was restarted in the middle of a call, or the remote "
                 "user may not use the socket and nothing was said.",
        .says = symptom,
        .patterns =
            {
                {"End of file while reading data: : Input/output error", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:1789,1793|1778,1782", not_in_daemon_log},
                {"End of file while reading data: Input/output error", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:1789,1793|1778,1782", not_in_daemon_log},
                {"End of file while reading data", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:1789,1793|1778,1782", not_in_daemon_log},
            },
        .remedy =
            {
                {destination, "journalctl -u libvirtd -u virtqemud --since -10min", ""},
                {source, "ssh root@{destination} virsh -c qemu:///system list", ""},
            },
        .look = "coredumpctl list libvirtd virtqemud on the destination",
        .example = "error: End of file while reading data: : Input/output error",
    },
    {
        .id = "KVM-DMN-003",
        .title = "QEMU ended while libvirt talked to it",
        .cause = "The QEMU process went away. What it said last stands behind the colon, or in the "
                 "domain's log on that host.",
        .says = symptom,
        .patterns =
            {
                {"qemu unexpectedly closed the monitor: {rest}", libvirt_9_0,
                 "libvirt src/qemu/qemu_monitor.c:523|-"},
                {"QEMU unexpectedly closed the monitor (vm='{domain}'): {rest}", libvirt_11_3,
                 "libvirt src/qemu/qemu_monitor.c:-|498"},
                {"QEMU unexpectedly closed the monitor ({rest}", libvirt_11_3,
                 "libvirt src/qemu/qemu_monitor.c:-|498"},
                {"process exited while connecting to monitor: {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:2316|2311"},
                {"process exited while connecting to monitor", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:2316|2311"},
                {"unable to read from monitor: Connection reset by peer", libvirt_both,
                 "libvirt src/qemu/qemu_monitor.c:423|396"},
                {"Unable to read from monitor: Connection reset by peer", libvirt_both,
                 "libvirt src/qemu/qemu_monitor.c:423|396"},
                {"Unable to write to monitor: Broken pipe", libvirt_both,
                 "libvirt src/qemu/qemu_monitor.c:380|353"},
                {"End of file from qemu monitor", libvirt_both,
                 "libvirt src/qemu/qemu_monitor.c:853|828"},
            },
        .remedy =
            {
                {destination, "tail -n 40 /var/log/libvirt/qemu/{domain}.log", ""},
                {destination, "journalctl -k --since -10min", ""},
            },
        .look = "/var/log/libvirt/qemu/{domain}.log on the host that reports it",
        .example = "error: internal error: qemu unexpectedly closed the monitor: "
                   "2026-01-01T00:00:00.000000Z qemu-system-x86_64: ...",
    },
    {
        .id = "KVM-DMN-004",
        .title = "The guest's QEMU ended during the migration",
        .cause = "QEMU died on the way: killed by somebody or for want of memory, crashed, or it "
                 "gave up by itself.",
        .says = usual,
        .patterns =
            {
                // libvirt's word for any end that it did not ask for.
                {"shutting down, reason=crashed", libvirt_both, "libvirt src/qemu/qemu_process.c"},
                // Nothing behind it: libvirt adds what QEMU said last, and it said nothing.
                {"qemu unexpectedly closed the monitor", libvirt_9_0,
                 "libvirt src/qemu/qemu_monitor.c:523|-"},
                {"QEMU unexpectedly closed the monitor (vm='{domain}')", libvirt_11_3,
                 "libvirt src/qemu/qemu_monitor.c:-|498"},
                {"domain is no longer running", older, "libvirt before 6.0"},
                {"guest unexpectedly quit", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:2643,2659|2611,2627; "
                 "src/qemu/qemu_snapshot.c:293,1303|578,1623"},
                {"guest crashed while connecting to the guest agent", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:235|241"},
                {"domain crashed", libvirt_both, "libvirt src/qemu/qemu_driver.c:3801"},
                {"Domain {domain} didn't show up", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:7778|8124"},
            },
        .signs = {sign::crashed},
        .remedy =
            {
                {destination, "tail -n 40 /var/log/libvirt/qemu/{domain}.log", ""},
                {both, "journalctl -k --grep 'Out of memory|segfault|qemu' --since -30min", ""},
            },
        .look = "the QEMU logs of both hosts, then the kernels'",
        .example = "error: internal error: guest unexpectedly quit",
    },
    {
        .id = "KVM-DMN-005",
        .title = "QEMU's monitor does not answer",
        .cause = "QEMU hangs: on storage that does not answer (a hard NFS mount without its "
                 "server), on a lock, or in a long operation.",
        .says = usual,
        .patterns =
            {
                {"QEMU monitor was closed", libvirt_both,
                 "libvirt src/qemu/qemu_monitor.c:801|776"},
                {"Error while processing monitor IO (vm='{domain}')", libvirt_both,
                 "libvirt src/qemu/qemu_monitor.c:534|510"},
                {"Monitor path {path} too big for destination", libvirt_both,
                 "libvirt src/qemu/qemu_monitor.c:243|242"},
                {"failed to connect to monitor socket: {rest}", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_monitor.c:249|248; QEMU "
                 "util/qemu-sockets.c:383,578|380,571; hw/9pfs/9p-proxy.c:1144|-"},
            },
        .remedy =
            {
                {source, "ps -o pid,stat,wchan:32,args -C qemu-system-x86_64",
                 "D in STAT means: waits for storage"},
                {both, "findmnt -t nfs,nfs4", ""},
            },
        .look = "dmesg --level=warn: \"nfs: server … not responding\"",
        .example = "error: internal error: failed to connect to monitor socket: Connection refused",
    },
    {
        .id = "KVM-DMN-006",
        .title = "QEMU was told to end",
        .cause = "A signal ended QEMU: libvirt does so when a migration is over or a domain is "
                 "destroyed, and administrators and the out-of-memory killer do too.",
        .patterns =
            {
                {"terminating on signal {n} from pid {n2:number} ({rest})", qemu_both,
                 "QEMU softmmu/runstate.c:383|-; system/runstate.c:-|456"},
                {"terminating on signal {n} from pid {n2:number}", qemu_both,
                 "QEMU softmmu/runstate.c:383|-; system/runstate.c:-|456"},
                {"shutting down, reason=destroyed", libvirt_both,
                 "libvirt src/qemu/qemu_process.c"},
            },
        .signs = {sign::destroyed, sign::paused_shutting_down},
        .remedy =
            {
                {both, "journalctl --since -30min _COMM=libvirtd", ""},
            },
        .look = "which process has the pid in the message",
        .example = "qemu-system-x86_64: terminating on signal 9 from pid 812 (kill)",
    },
    {
        .id = "KVM-DMN-007",
        .title = "QEMU crashed by a fault of its own",
        .cause = "The process ended by a signal, an assertion or an error of KVM, and left a dump "
                 "or a message.",
        .patterns =
            {
                {"qemu-system-x86[{n}]: segfault at {rest}", other, "kernel"},
                {"Assertion `{name}' failed.", other, "C library"},
                {"KVM internal error. Suberror: {n}", qemu_both,
                 "QEMU accel/kvm/kvm-all.c:2706|2808"},
                {"KVM: entry failed, hardware error 0x{n}", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:5326|6082"},
                {"KVM: unknown exit, hardware reason {n}", qemu_both,
                 "QEMU accel/kvm/kvm-all.c:2975|3211"},
                {"error: kvm run failed {rest}", qemu_both, "QEMU accel/kvm/kvm-all.c:2929|3168"},
                {"Process {n} (qemu-system-x86) of user {n2:number} dumped core", other, "systemd"},
                {"invalid runstate transition: '{word}' -> '{word2:word}'", qemu_both,
                 "QEMU softmmu/runstate.c:214|-; system/runstate.c:-|242"},
                {"KVM: exception {n} exit (error code 0x{n2:number})", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:5342|6098"},
                {"KVM: unknown exit reason {n}", qemu_both, "QEMU target/i386/kvm/kvm.c:5389|6153"},
                {"KVM internal error: {rest}", qemu_both,
                 "QEMU target/i386/kvm/kvm.c:5371|-; accel/kvm/kvm-all.c:-|2808"},
            },
        .remedy =
            {
                {both, "coredumpctl info qemu-system-x86_64", ""},
                {both, "qemu-system-x86_64 --version", ""},
            },
        .look = "the last lines of the domain's log, and the known faults of this QEMU",
        .example = "kernel: qemu-system-x86[812]: segfault at 18 ip 000055d0c8a3f5c4 sp "
                   "00007ffd5d9f8a10 error 4 in qemu-system-x86_64[55d0c8600000+5d5000]",
    },
    {
        .id = "KVM-DMN-008",
        .title = "libvirt's daemon has too many connections or open files",
        .cause = "A limit of the daemon is reached: clients, files, or processes.",
        .patterns =
            {
                {"Too many open files", other, "C library, EMFILE"},
                {"The overall maximum number of clients must not be less than the number of "
                 "clients waiting for authentication",
                 libvirt_both, "libvirt src/rpc/virnetserver.c:374,460|374,459"},
                {"Unable to create migration thread: {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:4242|4445"},
                {"cannot fork child process: Resource temporarily unavailable",
                 libvirt_both | qemu_7_2,
                 "libvirt src/util/vircommand.c:298,803|292,819; QEMU util/oslib-win32.c:293|-; "
                 "util/oslib-posix.c:617|-"},
            },
        .remedy =
            {
                {destination, "virt-admin srv-clients-set libvirtd --max-clients 10000", ""},
                {destination, "systemctl show libvirtd.service -p LimitNOFILE", ""},
            },
        .look = "virt-admin srv-clients-info libvirtd, and ls /proc/PID/fd | wc -l",
        .example = "error: Unable to create socket: Too many open files",
    },
    {
        .id = "KVM-DMN-009",
        .title = "The domain's log daemon is not there",
        .cause = "virtlogd (or virtlockd) does not answer, so QEMU cannot be started.",
        .patterns =
            {
                {"Failed to connect socket to '{path}virtlogd-sock': No such file or directory",
                 libvirt_both, "libvirt src/rpc/virnetsocket.c:731|726"},
                {"Failed to connect socket to '{path}virtlockd-sock': No such file or directory",
                 libvirt_both, "libvirt src/rpc/virnetsocket.c:731|726"},
                {"Failed to connect socket to '{path}virtlogd-sock': Connection refused",
                 libvirt_both, "libvirt src/rpc/virnetsocket.c:731|726"},
                {"Failed to connect socket to '{path}virtlockd-sock': Connection refused",
                 libvirt_both, "libvirt src/rpc/virnetsocket.c:731|726"},
                {"Failed to connect socket to '{path}virtlogd-sock': {rest}", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:731|726"},
                {"Failed to connect socket to '{path}virtlockd-sock': {rest}", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:731|726"},
                {"can't connect to virtlogd: {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:7688"},
                {"failed to create logfile {path}: {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_domain.c:6822,6989|5716; src/qemu/qemu_virtiofs.c:231|-"},
                {"cannot create log directory {path}: {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:7270|7607"},
            },
        .remedy =
            {
                {destination, "systemctl enable --now virtlogd.socket virtlockd.socket", ""},
                {destination, "df -h /var/log", ""},
            },
        .look = "journalctl -u virtlogd",
        .example = "error: Failed to connect socket to '/var/run/libvirt/virtlogd-sock': No such "
                   "file or directory",
    },
    {
        .id = "KVM-DMN-010",
        .title = "The QEMU driver of libvirt is not installed or not loaded",
        .cause = "The daemon is there, and without the driver for QEMU.",
        .patterns =
            {
                {"{word} state driver is not active", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:1115|1076"},
                {"qemu state driver is not active", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:1115|1076"},
                {"no connection driver available for {uri:word}", libvirt_both,
                 "libvirt src/util/virerror.c:972|974"},
                {"no connection driver available", libvirt_both,
                 "libvirt src/util/virerror.c:971|973"},
                {"Unable to find '{path}' driver: {rest}", libvirt_both, "libvirt src/driver.c"},
                {"failed to load module '{path}' {rest}", libvirt_both | qemu_both,
                 "libvirt src/util/virmodule.c:53|53; QEMU hw/nvram/fw_cfg.c:1246|1220; "
                 "hw/vfio/iommufd.c:-|209"},
                {"network state driver is not active", libvirt_both,
                 "libvirt src/network/bridge_driver.c:769|828"},
            },
        .codes = {{5}},
        .remedy =
            {
                {destination, "apt-get install libvirt-daemon-system libvirt-daemon-driver-qemu",
                 ""},
                {destination, "systemctl restart libvirtd.service", ""},
            },
        .look = "virsh -c qemu:///system version on that host",
        .example = "error: no connection driver available for qemu:///system",
    },
    {
        .id = "KVM-DMN-011",
        .title = "Control groups refuse what the domain asks for",
        .cause =
            "A cgroup controller is missing, or a value of the definition is out of the range that "
            "this kernel and cgroup version take: CPU shares of 1-10000 on v2, 2-262144 on v1.",
        .patterns =
            {
                {"Invalid value '{word}' for 'cpu.weight': {rest}", libvirt_both,
                 "libvirt src/util/vircgroup.c:527"},
                {"Invalid value '{word}' for 'cpu.shares': {rest}", libvirt_both,
                 "libvirt src/util/vircgroup.c:527"},
                {"Unable to write to '/sys/fs/cgroup{path}'", libvirt_both,
                 "libvirt src/util/virfile.c"},
                {"cgroup cpu is required for scheduler tuning", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:2554,6020|2563,6269; "
                 "src/hypervisor/domain_cgroup.c:582|580"},
                {"Cgroup CPU controller is not mounted", libvirt_both,
                 "libvirt src/qemu/qemu_driver.c:8230,9198|7983,8949"},
                {"Failed to create v{n} controller {word} for group: {rest}", libvirt_both,
                 "libvirt src/util/vircgroupv1.c:672|672"},
                {"Invalid value '{word}' for '{word2:word}': Invalid argument",
                 libvirt_both | qemu_both,
                 "libvirt src/util/vircgroup.c:526|526; QEMU net/filter.c:161|-; "
                 "block/nfs.c:-|126"},
                {"shares '{n}' must be in range [2, 262144]", libvirt_both,
                 "libvirt src/util/vircgroupv1.c:1908|1878; src/util/vircgroupv2.c:1504|1504"},
                {"shares '{n}' must be in range [1, 10000]", libvirt_both,
                 "libvirt src/util/vircgroupv1.c:1908|1878; src/util/vircgroupv2.c:1504|1504"},
            },
        .remedy =
            {
                {both, "stat -fc %T /sys/fs/cgroup", "cgroup2fs is v2; the hosts should be alike"},
                {source, "virsh schedinfo {domain} --set cpu_shares=100 --live --config",
                 "a value that both take"},
            },
        .look = "<cputune>, <blkiotune> and <memtune> of the domain",
        .example = "error: Invalid value '1048576' for 'cpu.weight': Numerical result out of range",
    },
    {
        .id = "KVM-DMN-012",
        .title = "The helper for persistent reservations is not working",
        .cause = "A disk uses SCSI persistent reservations, and qemu-pr-helper on this host is "
                 "missing or ended.",
        .patterns =
            {
                {"pr helper {path} didn't show up", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:2874|2889"},
                {"pr helper {path} died unexpectedly: {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:2892|2907"},
                {"pr helper died and reported: {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:2896|2911"},
                {"pr helper socked did not show up", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:2903|2918"},
                {"'{path}' is not a suitable pr helper: {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:2828|2841"},
            },
        .remedy =
            {
                {destination, "apt-get install qemu-system-common", ""},
                {destination, "ls -l /usr/bin/qemu-pr-helper", ""},
            },
        .look = "<reservations> of the disk",
        .example = "error: operation failed: pr helper died and reported: failed to open multipath",
    },
};

} // namespace kvmig::diagnosis::entries
