// SPDX-License-Identifier: MIT
/// Catalogue: who may speak to libvirt.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry security_access[] = {
    {
        .id = "KVM-SEC-001",
        .title = "polkit wants to ask, and nobody can be asked",
        .cause = "The user is neither root nor in the group libvirt, so libvirt asks polkit, and "
                 "in this session there is no agent that could show a question.",
        .patterns =
            {
                {"no polkit agent available to authenticate action '{word}'", libvirt_both,
                 "libvirt src/util/virpolkit.c:139|139", not_in_daemon_log},
                {"polkit text authentication agent unavailable", libvirt_both,
                 "libvirt src/util/virpolkit.c:182,287|182,287", not_in_daemon_log},
            },
        .codes = {{94}},
        .remedy =
            {
                {here, "usermod -aG libvirt USER", "then log in anew"},
                {here, "sudo virsh -c qemu:///system list", ""},
            },
        .look = "groups of the user, and /etc/polkit-1/rules.d",
        .example = "error: authentication unavailable: no polkit agent available to authenticate "
                   "action 'org.libvirt.unix.manage'",
    },
    {
        .id = "KVM-SEC-002",
        .title = "libvirt's access rules refuse this user",
        .cause = "polkit, or libvirt's own access control, said no: for this user and this action "
                 "there is no permission.",
        .patterns =
            {
                {"access denied by policy", libvirt_both, "libvirt src/util/virpolkit.c:143|143",
                 not_in_daemon_log},
                {"user cancelled authentication process", libvirt_both,
                 "libvirt src/util/virpolkit.c:136|136", not_in_daemon_log},
                {"access denied from security manager", libvirt_both, "libvirt src/access",
                 not_in_daemon_log},
                {"access denied: '{word}' denied access", libvirt_both,
                 "libvirt src/util/virerror.c VIR_ERR_ACCESS_DENIED", not_in_daemon_log},
                {"operation forbidden for read only access", libvirt_both,
                 "libvirt src/util/virerror.c VIR_ERR_OPERATION_DENIED", not_in_daemon_log},
                {"read only access prevents {rest}", libvirt_both, "libvirt src/internal.h:484|507",
                 not_in_daemon_log},
            },
        .codes = {{79}, {88}, {29}},
        .remedy =
            {
                {here, "usermod -aG libvirt USER", "then log in anew; or use root"},
            },
        .look = "/etc/polkit-1/rules.d and access_drivers in /etc/libvirt/libvirtd.conf; a URI "
                "with --readonly cannot migrate",
        .example = "error: authentication failed: access denied by policy",
    },
    {
        .id = "KVM-SEC-003",
        .title = "SASL authentication did not come about",
        .cause = "The destination's TCP or TLS socket asks for SASL, and both sides have no common "
                 "mechanism, no credentials, or the wrong ones.",
        .patterns =
            {
                {"Failed to start SASL negotiation: {rest}", libvirt_both,
                 "libvirt src/rpc/virnetsaslcontext.c:460,555|459,554"},
                {"Failed to step SASL negotiation: {rest}", libvirt_both,
                 "libvirt src/rpc/virnetsaslcontext.c:509|508"},
                {"failed to initialize SASL library: {rest}", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnetsaslcontext.c:80,96|80,96; QEMU softmmu/vl.c:2230|-; "
                 "system/vl.c:-|2410"},
                {"SASL mechanism {word} not supported by server", libvirt_both,
                 "libvirt src/remote/remote_driver.c:4046|3722"},
                {"Failed to create SASL client context: {rest}", libvirt_both,
                 "libvirt src/rpc/virnetsaslcontext.c:208,245|208,245"},
                {"no SASL mechanisms are available", libvirt_both,
                 "libvirt src/rpc/virnetsaslcontext.c:411|410"},
                {"Failed to make auth credentials", libvirt_both,
                 "libvirt src/remote/remote_driver.c:3928|3609"},
                {"No authentication callback available", libvirt_both,
                 "libvirt src/remote/remote_driver.c:3939|3620"},
                {"Failed to collect auth credentials", libvirt_both,
                 "libvirt src/remote/remote_driver.c:3945|3626"},
                {"negotiation SSF {n} was not strong enough", libvirt_both,
                 "libvirt src/remote/remote_driver.c:4175|3850"},
                {"no client username was found", libvirt_both,
                 "libvirt src/rpc/virnetsaslcontext.c:295|295"},
                {"requested authentication type {word} rejected", libvirt_both,
                 "libvirt src/remote/remote_driver.c:3616|3297"},
                {"unsupported authentication type {word}", libvirt_both,
                 "libvirt src/remote/remote_driver.c:3653|3334"},
                {"No worthy mechs found", other, "Cyrus SASL"},
                {"SASL client identity '{word}' not allowed by ACL", libvirt_both,
                 "libvirt src/rpc/virnetsaslcontext.c:165|165"},
            },
        .remedy =
            {
                {here, "apt-get install libsasl2-modules-gssapi-mit libsasl2-modules", ""},
                {destination, "grep -n auth_tcp /etc/libvirt/libvirtd.conf",
                 "\"none\" only in a closed lab"},
                {source, "virsh -c qemu+ssh://{destination}/system list", "SSH needs no SASL"},
            },
        .look = "mech_list in /etc/sasl2/libvirt.conf of both hosts",
        .example = "error: authentication failed: Failed to start SASL negotiation: -4 (SASL(-4): "
                   "no mechanism available: No worthy mechs found)",
    },
    {
        .id = "KVM-SEC-004",
        .title = "This user may not open libvirt's socket",
        .cause = "libvirt's socket is there, and its mode or group keeps this user out. Over SSH "
                 "it is the remote user that counts.",
        .patterns =
            {
                {"Failed to connect socket to '{path}': Permission denied", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:731|726"},
                {"Ncat: Permission denied", other, "nmap's ncat"},
                {"nc: unix connect failed: Permission denied", other, "nc"},
                {"Permission denied: cannot connect to '{path}'", other, "virt-ssh-helper"},
                {"Failed to connect socket to '{path}': Operation not permitted", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:731|726"},
            },
        .remedy =
            {
                {destination, "usermod -aG libvirt USER",
                 "the remote user; it takes effect at the next login"},
                {destination, "ls -l /run/libvirt/libvirt-sock", ""},
                {source, "virsh -c qemu+ssh://root@{destination}/system list", ""},
            },
        .look = "unix_sock_group and unix_sock_rw_perms in /etc/libvirt/libvirtd.conf, SocketGroup "
                "of the socket unit",
        .example =
            "error: End of file while reading data: Ncat: Permission denied.: Input/output error",
    },
};

} // namespace kvmig::diagnosis::entries
