// SPDX-License-Identifier: MIT
/// Catalogue: ports and addresses to listen on.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry transport_ports[] = {
    {
        .id = "KVM-NET-011",
        .title = "All migration ports of the destination are taken",
        .cause =
            "The range 49152-49215 has 64 ports; every incoming migration holds one, and one more "
            "for its disks. Either too many run at once, or another program sits in the range.",
        .patterns =
            {
                {"Unable to find an unused port in range '{name}' ({range:word})", libvirt_both,
                 "libvirt src/util/virportallocator.c:236|241"},
                {"Failed to find an available port: Address already in use", qemu_both,
                 "QEMU util/qemu-sockets.c:335|333"},
            },
        .remedy =
            {
                {destination, "ss -ltnp 'sport >= 49152 and sport <= 49215'", "who holds them"},
                {destination,
                 "sed -i 's/^#*migration_port_max *=.*/migration_port_max = 49999/' "
                 "/etc/libvirt/qemu.conf",
                 "widen the range, and the firewall with it"},
                {destination, "systemctl restart libvirtd.service", ""},
            },
        .look = "how many migrations run at once",
        .example = "error: internal error: Unable to find an unused port in range 'migration' "
                   "(49152-49215)",
    },
    {
        .id = "KVM-NET-012",
        .title = "The port that was asked for is taken",
        .cause = "The port of --migrateuri, --disks-port or a listener is in use: by another "
                 "migration, by another program, or leaked by libvirt before 10.1, which kept "
                 "ports of --disks-port after the migration.",
        .patterns =
            {
                {"Failed to reserve port {port}", libvirt_both,
                 "libvirt src/util/virportallocator.c:226,274|229,283"},
                {"Failed to bind socket: Address already in use", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnetsocket.c:510|514; QEMU "
                 "util/qemu-sockets.c:314,572|312,565; crypto/afalg.c:61|61"},
                {"Unable to bind to port {port}: Address already in use", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:412,448|418,454; "
                 "src/util/virportallocator.c:179|182"},
                {"Unable to bind to port: Address already in use", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:412,448|418,454; "
                 "src/util/virportallocator.c:179|182"},
                {"Failed to listen on socket: Address already in use", qemu_both,
                 "QEMU util/qemu-sockets.c:322,828|320,801"},
            },
        .remedy =
            {
                {destination, "ss -ltnp", "who holds it"},
                {destination, "systemctl restart libvirtd.service",
                 "when nobody does: libvirt before 10.1 forgets to give such ports back"},
            },
        .look = "leave the port out, so that libvirt chooses",
        .example = "error: internal error: Failed to reserve port 49152",
    },
    {
        .id = "KVM-NET-013",
        .title = "The listen address does not exist on the destination",
        .cause = "--listen-address, or the host part of the migration URI, is no address of the "
                 "destination, so its QEMU cannot bind to it.",
        .patterns =
            {
                {"Failed to bind socket: Cannot assign requested address", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnetsocket.c:510|514; QEMU "
                 "util/qemu-sockets.c:314,572|312,565; crypto/afalg.c:61|61"},
                {"Unable to bind to port: Cannot assign requested address", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:412,448|418,454; "
                 "src/util/virportallocator.c:179|182"},
                {"Failed to find an available port: Cannot assign requested address", qemu_both,
                 "QEMU util/qemu-sockets.c:335|333"},
            },
        .remedy =
            {
                {destination, "ip -brief address", "choose one of these"},
            },
        .look = "the option --listen-address and migration_address in /etc/libvirt/qemu.conf",
        .example = "error: internal error: unable to execute QEMU command 'migrate-incoming': "
                   "Failed to bind socket: Cannot assign requested address",
    },
    {
        .id = "KVM-NET-014",
        .title = "IPv6 was asked for and the destination has none",
        .cause = "The listen address is an IPv6 address, and the destination's kernel or "
                 "configuration has no IPv6.",
        .patterns =
            {
                {"host isn't capable of IPv6", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:2921|3143"},
            },
        .remedy =
            {
                {source,
                 "virsh migrate --live {domain} qemu+ssh://{destination}/system --listen-address "
                 "0.0.0.0",
                 ""},
            },
        .look = "cat /proc/sys/net/ipv6/conf/all/disable_ipv6 on the destination",
        .example = "error: argument unsupported: host isn't capable of IPv6",
    },
    {
        .id = "KVM-NET-023",
        .title = "A socket path is too long",
        .cause = "UNIX sockets have paths of at most 107 bytes; the directory, host or domain name "
                 "makes this one longer.",
        .patterns =
            {
                {"Path {path} too long for unix socket", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:497,714|501,709"},
                {"UNIX socket path '{path}' is too long", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_command.c:4808|4911; QEMU "
                 "util/qemu-sockets.c:929,1013|902,986; net/dgram.c:525,535|525,535"},
            },
        .remedy =
            {
                {source, "ls -ld {path}", "choose a shorter directory or name"},
            },
        .look = "the length of the domain's name and of the state directory",
        .example = "error: Path /run/user/1000/libvirt/qemu/run/a-very-long-name.monitor too long "
                   "for unix socket: File name too long",
    },
    {
        .id = "KVM-NET-024",
        .title = "The migration socket's port may not be bound by QEMU",
        .cause = "The port is below 1024, or SELinux or AppArmor does not let QEMU bind there, or "
                 "the directory of a UNIX socket is not writable for QEMU.",
        .patterns =
            {
                {"Failed to bind socket: Permission denied", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnetsocket.c:510|514; QEMU "
                 "util/qemu-sockets.c:314,572|312,565; crypto/afalg.c:61|61"},
                {"Failed to bind socket to {path}: Permission denied", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnetsocket.c:510|514; QEMU util/qemu-sockets.c:974|947"},
                {"Failed to bind socket to '{path}': {rest}", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnetsocket.c:510|514; QEMU util/qemu-sockets.c:974|947"},
            },
        .remedy =
            {
                {destination, "ausearch -m avc -ts recent", "or: journalctl -k --grep apparmor"},
                {source,
                 "virsh migrate --live {domain} qemu+ssh://{destination}/system --disks-port 49160",
                 "a port above 1024, allowed by the policy"},
            },
        .look = "the port or path, and its security label",
        .example = "error: internal error: unable to execute QEMU command 'nbd-server-start': "
                   "Failed to bind socket: Permission denied",
    },
};

} // namespace kvmig::diagnosis::entries
