// SPDX-License-Identifier: MIT
/// Catalogue: connections that are not made or break.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry transport[] = {
    {
        .id = "KVM-NET-001",
        .title = "The destination's firewall rejects the port",
        .cause = "The answer to the connection was an ICMP error, which a firewall that rejects "
                 "sends for a closed port. Migration data uses ports 49152-49215 unless told "
                 "otherwise, and one more per migration for disks. The other reason for the same "
                 "words is that the network truly has no route to the host; then a ping fails too.",
        .says = usual,
        .patterns =
            {
                {"unable to connect to server at '{endpoint}': No route to host", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:627|625"},
                {"Failed to connect to '{endpoint}': No route to host", libvirt_both | qemu_both,
                 "libvirt src/storage/storage_backend_gluster.c:125|125; QEMU "
                 "util/qemu-sockets.c:383,578|380,571; hw/9pfs/9p-proxy.c:1144|-"},
                {"unable to connect to '{endpoint}': No route to host", older,
                 "libvirt before 0.9"},
                {"unable to connect to destination: {endpoint}: No route to host", other,
                 "SLES 11 documentation"},
            },
        .remedy =
            {
                {destination, "firewall-cmd --permanent --add-port=49152-49215/tcp",
                 "where firewalld runs"},
                {destination, "firewall-cmd --reload", ""},
                {destination, "iptables -I INPUT -p tcp --dport 49152:49215 -j ACCEPT",
                 "without firewalld"},
                {source, "nc -vz {host} {port}",
                 "\"refused\" is good news: the port is open and QEMU not yet there"},
                {source, "virsh migrate --live {domain} qemu+ssh://{host}/system --p2p --tunnelled",
                 "or send the data through libvirt's own connection"},
            },
        .look = "ping {host} from the source tells a rejected port from a missing route; nft list "
                "ruleset on the destination",
        .corrects =
            "An article widely copied blames missing SSH keys for this message. SSH has nothing to "
            "do with it: the connection that fails goes to the migration port, and by then the SSH "
            "connection to libvirt has already worked. The destination rejects the port.",
        .example = "error: unable to connect to server at 'KVM2:49152': No route to host",
    },
    {
        .id = "KVM-NET-002",
        .title = "The destination drops packets to the port",
        .cause = "Nothing answered at all: a firewall that drops instead of rejecting, a wrong "
                 "VLAN, a wrong address, or packets too large for the path.",
        .says = usual,
        .patterns =
            {
                {"unable to connect to server at '{endpoint}': Connection timed out", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:627|625"},
                {"Failed to connect to '{endpoint}': Connection timed out",
                 libvirt_both | qemu_both,
                 "libvirt src/storage/storage_backend_gluster.c:125|125; QEMU "
                 "util/qemu-sockets.c:383,578|380,571; hw/9pfs/9p-proxy.c:1144|-"},
            },
        .remedy =
            {
                {source, "nc -vz -w 5 {host} {port}", ""},
                {destination, "iptables -I INPUT -p tcp --dport 49152:49215 -j ACCEPT",
                 "if a firewall drops them"},
                {source, "ping -M do -s 1472 -c 3 {host}",
                 "fails when the MTU is smaller on the way"},
            },
        .look = "nft list ruleset on the destination; ip route get {host} on the source",
        .example = "error: unable to connect to server at 'kvm02:49152': Connection timed out",
    },
    {
        .id = "KVM-NET-003",
        .title = "libvirt does not listen for TCP or TLS on the destination",
        .cause =
            "Nothing listens on libvirt's own port. The URI asks for qemu+tcp (16509) or qemu+tls "
            "(16514), and the destination's socket for it is not enabled, as is the default.",
        .says = usual,
        .patterns =
            {
                {"unable to connect to server at '{host}:16509': Connection refused", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:627|625"},
                {"unable to connect to server at '{host}:16514': Connection refused", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:627|625"},
            },
        .remedy =
            {
                {destination, "systemctl enable --now libvirtd-tcp.socket",
                 "for qemu+tcp; virtproxyd-tcp.socket with modular daemons; needs auth_tcp in "
                 "libvirtd.conf"},
                {destination, "systemctl enable --now libvirtd-tls.socket", "for qemu+tls"},
                {source, "virsh -c qemu+ssh://{host}/system list",
                 "or go through SSH, which needs neither"},
            },
        .look = "ss -ltnp on the destination",
        .example = "error: unable to connect to server at 'kvm02:16509': Connection refused",
    },
    {
        .id = "KVM-NET-004",
        .title = "Nothing listens on the port",
        .cause = "The host is reached and answers that nobody listens there. On a migration port "
                 "that means that the destination's QEMU has already ended, or that the wrong host "
                 "or port was named.",
        .says = usual,
        .patterns =
            {
                {"unable to connect to server at '{endpoint}': Connection refused", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:627|625"},
                {"Failed to connect to '{endpoint}': Connection refused", libvirt_both | qemu_both,
                 "libvirt src/storage/storage_backend_gluster.c:125|125; QEMU "
                 "util/qemu-sockets.c:383,578|380,571; hw/9pfs/9p-proxy.c:1144|-"},
            },
        .remedy =
            {
                {destination, "tail -n 30 /var/log/libvirt/qemu/{domain}.log", "why QEMU ended"},
                {destination, "ss -ltnp", ""},
            },
        .look = "the destination's QEMU log; the real cause is usually there",
        .example = "error: unable to connect to server at 'kvm02:49153': Connection refused",
    },
    {
        .id = "KVM-NET-005",
        .title = "The source has no network that reaches the destination",
        .cause = "The kernel knows no route to that address: no interface in that network, or no "
                 "default route.",
        .patterns =
            {
                {"unable to connect to server at '{endpoint}': Network is unreachable",
                 libvirt_both, "libvirt src/rpc/virnetsocket.c:627|625"},
                {"Failed to connect to '{endpoint}': Network is unreachable",
                 libvirt_both | qemu_both,
                 "libvirt src/storage/storage_backend_gluster.c:125|125; QEMU "
                 "util/qemu-sockets.c:383,578|380,571; hw/9pfs/9p-proxy.c:1144|-"},
                {"connect to host {host} port {port}: Network is unreachable", other, "OpenSSH"},
            },
        .remedy =
            {
                {source, "ip route get {host}", ""},
                {source, "ip -brief address", ""},
            },
        .look = "whether the address family fits: an IPv6 address needs IPv6 on both",
        .example =
            "error: unable to connect to server at '2001:db8::2:49152': Network is unreachable",
    },
    {
        .id = "KVM-NET-016",
        .title = "The connection to the port broke while it was made",
        .cause = "The host answered and closed again at once: a proxy, a wrapper or an intrusion "
                 "filter between the hosts, or a listener that ended.",
        .says = usual,
        .patterns =
            {
                {"unable to connect to server at '{endpoint}': Connection reset by peer",
                 libvirt_both, "libvirt src/rpc/virnetsocket.c:627|625"},
                {"Failed to connect to '{endpoint}': Connection reset by peer",
                 libvirt_both | qemu_both,
                 "libvirt src/storage/storage_backend_gluster.c:125|125; QEMU "
                 "util/qemu-sockets.c:383,578|380,571; hw/9pfs/9p-proxy.c:1144|-"},
            },
        .remedy =
            {
                {destination, "tail -n 30 /var/log/libvirt/qemu/{domain}.log", ""},
            },
        .look = "what stands between the hosts on port {port}",
        .example = "error: unable to connect to server at 'kvm02:49152': Connection reset by peer",
    },
    {
        .id = "KVM-NET-017",
        .title = "A connection to a port failed",
        .cause = "libvirt or QEMU could not connect; why stands behind the colon, or was cut off. "
                 "Nothing more can be said from this alone.",
        .says = symptom,
        .patterns =
            {
                {"unable to connect to server at '{endpoint}'", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:627|625"},
                {"Failed to connect to '{endpoint}': {rest}", libvirt_both | qemu_both,
                 "libvirt src/storage/storage_backend_gluster.c:125|125; QEMU "
                 "util/qemu-sockets.c:383,578|380,571; hw/9pfs/9p-proxy.c:1144|-"},
                {"Failed to connect to '{path}': {rest}", libvirt_both | qemu_both,
                 "libvirt src/storage/storage_backend_gluster.c:125|125; QEMU "
                 "util/qemu-sockets.c:383,578|380,571; hw/9pfs/9p-proxy.c:1144|-",
                 virt_line},
                {"Failed to bind socket: {rest}", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnetsocket.c:510|514; QEMU "
                 "util/qemu-sockets.c:314,572|312,565; crypto/afalg.c:61|61"},
                {"Unable to bind to port: {rest}", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:412,448|418,454; "
                 "src/util/virportallocator.c:179|182"},
                {"Unable to bind to port {port}: {rest}", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:412,448|418,454; "
                 "src/util/virportallocator.c:179|182"},
                {"Failed to listen on socket: {rest}", qemu_both,
                 "QEMU util/qemu-sockets.c:322,828|320,801"},
                {"Unable to accept connection: {rest}", qemu_both,
                 "QEMU io/channel-socket.c:390|394", virt_line},
                {"Failed to create socket: {rest}", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_vhost_user_gpu.c:128|127; src/qemu/qemu_agent.c:156|156; "
                 "QEMU util/qemu-sockets.c:817,1006|790,979; crypto/afalg.c:56|56",
                 virt_line},
            },
        .remedy =
            {
                {source, "nc -vz {host} {port}", ""},
            },
        .look = "the rest of the message, and the log of the other host",
        .example = "error: unable to connect to server at 'kvm02:49152': Protocol not available",
    },
    {
        .id = "KVM-NET-019",
        .title = "The connection between the daemons went silent",
        .cause =
            "libvirt's keepalive went unanswered: six times five seconds unless set otherwise. The "
            "network broke or is choked by the migration itself, the other daemon hangs, or its "
            "host has lost its power.",
        .says = usual,
        .patterns =
            {
                {"connection closed due to keepalive timeout", libvirt_both,
                 "libvirt src/rpc/virkeepalive.c:134|134"},
                {"Disconnected from {uri:word} due to keepalive timeout", other, "virsh"},
            },
        .signs = {sign::keepalive_timeout},
        .remedy =
            {
                {source, "ss -K 'dst {destination} and dport >= 49152 and dport <= 49215'",
                 "while migrations hang: ends at once what TCP would wait for a quarter of an "
                 "hour"},
                {source, "virsh migrate-setspeed {domain} 100",
                 "MiB/s; leave room for the control connection"},
                {both,
                 "sed -i 's/^#*keepalive_count *=.*/keepalive_count = 20/' /etc/libvirt/qemu.conf",
                 "be more patient between the daemons"},
                {both, "systemctl restart libvirtd.service", ""},
            },
        .look =
            "whether {destination} answers a ping; journalctl -u libvirtd there, and the load of "
            "the link",
        .example = "error: internal error: connection closed due to keepalive timeout",
    },
    {
        .id = "KVM-NET-020",
        .title = "The connection to the other daemon was lost",
        .cause = "The control connection ended while it was needed. Behind it stands a daemon that "
                 "was restarted or crashed, or a network that broke.",
        .says = symptom,
        .patterns =
            {
                {"client socket is closed", libvirt_both,
                 "libvirt src/rpc/virnetclient.c:2152|2171"},
                {"Lost connection to destination host", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:910,1242|1050,1412"},
                {"received hangup / error event on socket", older, "libvirt before 2.0"},
                {"received hangup event on socket", libvirt_both,
                 "libvirt src/rpc/virnetclient.c:1796|1805"},
                {"received error event on socket", libvirt_both,
                 "libvirt src/rpc/virnetclient.c:1802|1811"},
                {"Cannot write data: Broken pipe", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:1832|1821"},
                {"Cannot write data: Connection reset by peer", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:1832|1821"},
                {"Cannot recv data: Connection reset by peer", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:1775,1778|1764,1767"},
                {"Cannot recv data: Input/output error", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:1775,1778|1764,1767"},
                {"End of file while writing data", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:1837|1826"},
                {"Cannot recv data: Connection timed out", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:1775,1778|1764,1767"},
                {"Cannot recv data: No route to host", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:1775,1778|1764,1767"},
                {"Disconnected from {uri:word} due to end of file", other, "virsh"},
                {"Disconnected from {uri:word} due to I/O error", other, "virsh"},
                {"stream is closed", libvirt_both,
                 "libvirt src/rpc/virnetclientstream.c:207,233|207,233"},
            },
        .signs = {sign::connection_lost},
        .remedy =
            {
                {destination, "journalctl -u libvirtd -u virtqemud -u virtproxyd --since -10min",
                 "was the daemon restarted, or did it crash?"},
                {source, "virsh domstate --reason {domain}",
                 "before post-copy the guest goes on at the source"},
            },
        .look = "the journal of the destination's daemon, and the network between the hosts",
        .example = "error: operation failed: Lost connection to destination host",
    },
    {
        .id = "KVM-NET-025",
        .title = "The connection between the two QEMUs broke",
        .cause = "One QEMU closed the migration connection, or the network did. The one that gave "
                 "up first has the reason in its log.",
        .says = symptom,
        .patterns =
            {
                {"Unable to read from socket: Connection reset by peer", qemu_both,
                 "QEMU io/channel-socket.c:530,650|542,668"},
                {"Unable to read from socket: Connection timed out", qemu_both,
                 "QEMU io/channel-socket.c:530,650|542,668"},
                {"Unable to read from socket: No route to host", qemu_both,
                 "QEMU io/channel-socket.c:530,650|542,668"},
                {"Unable to read from socket: Bad file descriptor", qemu_both,
                 "QEMU io/channel-socket.c:530,650|542,668"},
                {"Unable to write to socket: Broken pipe", qemu_both,
                 "QEMU io/channel-socket.c:610,693|622,711"},
                {"Unable to write to socket: Connection reset by peer", qemu_both,
                 "QEMU io/channel-socket.c:610,693|622,711"},
                {"Unable to write to socket: Connection timed out", qemu_both,
                 "QEMU io/channel-socket.c:610,693|622,711"},
                {"Unable to write to socket: No route to host", qemu_both,
                 "QEMU io/channel-socket.c:610,693|622,711"},
                {"Unable to write to socket: Bad file descriptor", qemu_both,
                 "QEMU io/channel-socket.c:610,693|622,711"},
                {"Unable to write to socket: Network is unreachable", qemu_both,
                 "QEMU io/channel-socket.c:610,693|622,711"},
                {"failed to receive packet via multifd channel {n}: {rest}", qemu_both,
                 "QEMU migration/multifd.c:1244|1533"},
                {"Channel error: Input/output error", qemu_10_0,
                 "QEMU migration/qemu-file.c:-|164"},
                {"tunnelled migration failed to read from qemu", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:4183|4386"},
                {"poll failed in migration tunnel", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:4143|4346"},
                {"failed to read from wakeup fd", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_migration.c:4161|4364; QEMU "
                 "hw/xen/xen-bus-helper.c:125|156"},
                {"failed to wakeup migration tunnel", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:4264|4467"},
                {"Unable to read from socket: {rest}", libvirt_both | qemu_both,
                 "libvirt src/util/vircgroup.c:551|551; src/util/vircgroupv2.c:282|282; QEMU "
                 "io/channel-socket.c:530,650|542,668"},
                {"Unable to write to socket: {rest}", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_cgroup.c:859|897; src/util/vircgroup.c:531|531; QEMU "
                 "io/channel-socket.c:610,693|622,711"},
                {"multifd: unexpected EOF after packet header", qemu_10_0,
                 "QEMU migration/multifd.c:-|1334"},
                {"multifd: received empty device state packet", qemu_10_0,
                 "QEMU migration/multifd.c:-|1402"},
                {"channel {n} has already quit", qemu_7_2, "QEMU migration/multifd.c:419,622|-"},
                {"handshake failed: {n}", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:1315|766; QEMU "
                 "migration/migration.c:3521|3147"},
            },
        .remedy =
            {
                {destination, "tail -n 30 /var/log/libvirt/qemu/{domain}.log", ""},
                {source, "tail -n 30 /var/log/libvirt/qemu/{domain}.log", ""},
            },
        .look = "the QEMU log of the other host, then the network (ethtool -S, ip -s link)",
        .example = "qemu-system-x86_64: Unable to write to socket: Broken pipe",
    },
};

} // namespace kvmig::diagnosis::entries
