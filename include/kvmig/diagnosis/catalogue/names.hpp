// SPDX-License-Identifier: MIT
/// Catalogue: host names and their resolution.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry names[] = {
    {
        .id = "KVM-DNS-001",
        .title = "A host name does not resolve",
        .cause = "The name in the message is unknown to the host that connects. Without "
                 "--migrateuri the destination answers with its own host name, so the source must "
                 "be able to resolve the name that the destination gives itself.",
        .patterns =
            {
                {"Unable to resolve address '{host}' service '{port:word}': Name or service not "
                 "known",
                 libvirt_both, "libvirt src/rpc/virnetsocket.c:348,600|356,598"},
                {"Unable to resolve address '{host}' service '{port:word}': No address associated "
                 "with hostname",
                 libvirt_both, "libvirt src/rpc/virnetsocket.c:348,600|356,598"},
                {"address resolution failed for {endpoint}: Name or service not known", qemu_both,
                 "QEMU util/qemu-sockets.c:273,434|271,429; io/dns-resolver.c:93|93"},
                {"address resolution failed for {endpoint}: No address associated with hostname",
                 qemu_both, "QEMU util/qemu-sockets.c:273,434|271,429; io/dns-resolver.c:93|93"},
                {"Could not resolve hostname {host}: Name or service not known", other, "OpenSSH"},
                {"Could not resolve hostname {host}: No address associated with hostname", other,
                 "OpenSSH"},
                {"Unable to resolve address '{host}' service '{port:word}'", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:348,600|356,598"},
            },
        .remedy =
            {
                {source, "getent ahosts {host}", "must print the destination's address"},
                {both, "echo \"ADDRESS {host}\" >> /etc/hosts",
                 "or repair DNS; ADDRESS is the destination's"},
                {destination,
                 "sed -i 's/^#*migration_host *=.*/migration_host = \"ADDRESS\"/' "
                 "/etc/libvirt/qemu.conf",
                 "or make the destination announce an address"},
                {source,
                 "virsh migrate --live {domain} qemu+ssh://{destination}/system --migrateuri "
                 "tcp://ADDRESS",
                 "or name it for this one migration"},
            },
        .look = "hostname --fqdn on the destination, and getent ahosts of that name on the source",
        .example = "error: Unable to resolve address 'kvm02.lab' service '49155': Name or service "
                   "not known",
    },
    {
        .id = "KVM-DNS-002",
        .title = "The name service does not answer",
        .cause = "The name may exist, but no name server could be asked: resolv.conf points "
                 "nowhere, or the network to the name server is down.",
        .patterns =
            {
                {"Unable to resolve address '{host}' service '{port:word}': Temporary failure in "
                 "name resolution",
                 libvirt_both, "libvirt src/rpc/virnetsocket.c:348,600|356,598"},
                {"address resolution failed for {endpoint}: Temporary failure in name resolution",
                 qemu_both, "QEMU util/qemu-sockets.c:273,434|271,429; io/dns-resolver.c:93|93"},
                {"Could not resolve hostname {host}: Temporary failure in name resolution", other,
                 "OpenSSH"},
            },
        .remedy =
            {
                {source, "getent ahosts {host}", ""},
                {source, "cat /etc/resolv.conf", "the name servers listed must answer"},
                {both, "echo \"ADDRESS {host}\" >> /etc/hosts",
                 "makes migrations independent of DNS"},
            },
        .look = "resolvectl status, and whether the name server can be pinged",
        .example = "error: Unable to resolve address 'kvm02' service '49152': Temporary failure in "
                   "name resolution",
    },
    {
        .id = "KVM-DNS-003",
        .title = "The destination's host name leads to its own loopback",
        .cause = "The destination resolves its own name to 127.0.0.1, 127.0.1.1 or localhost, as "
                 "Debian's installer writes into /etc/hosts. The source would be told to connect "
                 "to itself.",
        .patterns =
            {
                {"hostname on destination resolved to localhost, but migration requires an FQDN",
                 libvirt_both, "libvirt src/qemu/qemu_migration.c:3724|3930"},
            },
        .remedy =
            {
                {destination, "hostnamectl set-hostname {host}",
                 "a fully qualified name that both hosts resolve"},
                {destination, "sed -i '/^127\\.0\\.1\\.1/d' /etc/hosts", ""},
                {destination, "systemctl restart libvirtd.service",
                 "it reads the name at its start"},
                {source,
                 "virsh migrate --live {domain} qemu+ssh://{destination}/system --migrateuri "
                 "tcp://ADDRESS",
                 "or name the address for this one migration"},
            },
        .look = "hostname --fqdn and getent ahosts \"$(hostname)\" on the destination",
        .example = "error: internal error: hostname on destination resolved to localhost, but "
                   "migration requires an FQDN",
    },
};

} // namespace kvmig::diagnosis::entries
