// SPDX-License-Identifier: MIT
/// Catalogue: URIs and SSH.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry transport_ssh[] = {
    {
        .id = "KVM-NET-006",
        .title = "The URI cannot be parsed",
        .cause = "The text is no URI. The usual slip is a colon after the host without a port, "
                 "copied from scp: qemu+ssh://host:/system.",
        .patterns =
            {
                {"Unable to parse URI {uri:word}", libvirt_both,
                 "libvirt src/util/viruri.c:148|148"},
                {"Failed to parse URI: {uri:word}", other, "virsh"},
                {"missing scheme for URI", libvirt_both,
                 "libvirt src/remote/remote_sockets.c:75|75"},
            },
        .remedy =
            {
                {source, "virsh -c qemu+ssh://{destination}/system list",
                 "no colon, unless a port number follows it"},
            },
        .look =
            "the colons, slashes and brackets of the URI: driver+transport://user@host:port/system",
        .example = "error: internal error: Unable to parse URI qemu+ssh://192.168.30.132:/system",
    },
    {
        .id = "KVM-NET-007",
        .title = "The URI names a transport that does not exist",
        .cause = "After the plus sign stands something other than tls, unix, ssh, ext, tcp, "
                 "libssh2 or libssh.",
        .patterns =
            {
                {"transport in URL not recognised (should be tls|unix|ssh|ext|tcp|libssh2|libssh)",
                 libvirt_both, "libvirt src/remote/remote_sockets.c:98|98"},
                {"remote_open: transport in URL not recognised", libvirt_both,
                 "libvirt src/remote/remote_sockets.c:98|98"},
                {"using unix socket and remote server '{host}' is not supported", libvirt_both,
                 "libvirt src/remote/remote_sockets.c:106|105"},
                {"remote_open: for 'ext' transport, command is required", libvirt_both,
                 "libvirt src/remote/remote_driver.c:928|1059"},
                {"Unknown remote mode '{word}'", libvirt_both,
                 "libvirt src/remote/remote_driver.c:862|993"},
                {"Invalid host key verification method: '{word}'", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:928,1059|927,1053"},
                {"Invalid authentication method: '{word}'", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:964,1091|958,1083"},
                {"libssh2 transport support was not enabled", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:1007|1001"},
                {"libssh transport support was not enabled", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:1139|1131"},
                {"netcat path not valid with native proxy mode", libvirt_both,
                 "libvirt src/rpc/virnetclient.c:463|463"},
                {"Failed to parse value of URI component {word}", libvirt_both | qemu_both,
                 "libvirt src/remote/remote_driver.c:709|794; QEMU "
                 "hw/xen/xen-host-pci-device.c:168|230"},
                {"Cannot use direct socket mode for {word} transport", libvirt_both,
                 "libvirt src/remote/remote_sockets.c:395|398"},
            },
        .remedy =
            {
                {source, "virsh -c qemu+ssh://{destination}/system list", ""},
            },
        .look = "the part of the URI between the plus sign and ://",
        .example = "error: invalid argument: remote_open: transport in URL not recognised (should "
                   "be tls|unix|ssh|ext|tcp|libssh2|libssh)",
    },
    {
        .id = "KVM-NET-008",
        .title = "The destination's SSH host key is not known or has changed",
        .cause = "SSH will not talk to a host whose key it does not know, and nobody can be asked. "
                 "What counts is the known_hosts of the user that runs SSH: with --p2p that is "
                 "root (the daemon), not you.",
        .patterns =
            {
                {"Host key verification failed", other, "OpenSSH"},
                {"REMOTE HOST IDENTIFICATION HAS CHANGED", other, "OpenSSH"},
                {"host key for {host} has changed and you have requested strict checking", other,
                 "OpenSSH"},
                {"No {word} host key is known for {host} and you have requested strict checking",
                 other, "OpenSSH"},
                {"SSH HOST KEY VERIFICATION FAILED !!!: Identity of host '{endpoint}' differs from "
                 "stored identity",
                 libvirt_both,
                 "libvirt src/rpc/virnetlibsshsession.c:287|281; "
                 "src/rpc/virnetsshsession.c:462|454"},
                {"SSH host key for '{host}' ({word}) was not accepted", libvirt_both,
                 "libvirt src/rpc/virnetlibsshsession.c:347|317; "
                 "src/rpc/virnetsshsession.c:369|361"},
                {"known hosts file '{path}' does not exist", libvirt_both,
                 "libvirt src/rpc/virnetsshsession.c:1181|1065"},
                {"failed to validate SSH host key: {rest}", libvirt_both,
                 "libvirt src/rpc/virnetlibsshsession.c:374|342; "
                 "src/rpc/virnetsshsession.c:473|462"},
                {"Can't verify the session host key", libvirt_both,
                 "libvirt src/rpc/virnetlibsshsession.c:308|298; "
                 "src/rpc/virnetsshsession.c:312|309"},
            },
        .remedy =
            {
                {source, "ssh-keygen -R {host}", "only when the key changed for a reason you know"},
                {source, "ssh-keyscan -H {host} >> /root/.ssh/known_hosts",
                 "compare the fingerprint with the one on the destination's console"},
                {source, "ssh -o BatchMode=yes root@{host} true", "must succeed as root"},
            },
        .look = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on the destination shows the "
                "true fingerprint",
        .example =
            "error: Cannot recv data: Host key verification failed.: Connection reset by peer",
    },
    {
        .id = "KVM-NET-009",
        .title = "SSH does not let us in",
        .cause = "The destination accepts no key that was offered, and there is nobody to type a "
                 "password. With --p2p the keys of root on the source count; without it, those of "
                 "the user who runs virsh.",
        .patterns =
            {
                {"Permission denied (publickey", other, "OpenSSH", virt_line},
                {"Permission denied (gssapi", other, "OpenSSH", virt_line},
                {"Permission denied (password", other, "OpenSSH", virt_line},
                {"Permission denied (keyboard-interactive", other, "OpenSSH", virt_line},
                {"Permission denied, please try again", other, "OpenSSH", virt_line},
                {"Too many authentication failures", other, "OpenSSH", virt_line},
                {"All provided authentication methods with credentials were rejected by the server",
                 libvirt_both,
                 "libvirt src/rpc/virnetlibsshsession.c:837|755; "
                 "src/rpc/virnetsshsession.c:896|859"},
                {"None of the requested authentication methods are supported by the server",
                 libvirt_both,
                 "libvirt src/rpc/virnetlibsshsession.c:833|752; "
                 "src/rpc/virnetsshsession.c:892|856"},
                {"SSH Agent did not provide any authentication identity", libvirt_both,
                 "libvirt src/rpc/virnetsshsession.c:542|530"},
                {"All identities provided by the SSH Agent were rejected", libvirt_both,
                 "libvirt src/rpc/virnetsshsession.c:546|533"},
                {"authentication with private key '{path}' has failed: {rest}", libvirt_both,
                 "libvirt src/rpc/virnetsshsession.c:592,649|577,630"},
                {"failed to authenticate using SSH agent: {rest}", libvirt_both,
                 "libvirt src/rpc/virnetsshsession.c:530,554|518,540"},
                {"error while opening private key '{path}', wrong passphrase?", libvirt_both,
                 "libvirt src/rpc/virnetlibsshsession.c:469|416"},
                {"error while reading private key '{path}'", libvirt_both,
                 "libvirt src/rpc/virnetlibsshsession.c:463|410"},
                {"keyboard interactive authentication failed: {rest}", libvirt_both,
                 "libvirt src/rpc/virnetsshsession.c:798,805|764,771"},
                {"No authentication methods and credentials provided", libvirt_both,
                 "libvirt src/rpc/virnetlibsshsession.c:898|815; "
                 "src/rpc/virnetsshsession.c:826,940|792,902"},
            },
        .remedy =
            {
                {source, "ssh-copy-id root@{destination}",
                 "as the user that libvirt uses: root for --p2p"},
                {source, "ssh -o BatchMode=yes root@{destination} true",
                 "must succeed without a question"},
            },
        .look = "journalctl -u ssh on the destination says which key or rule failed",
        .example = "error: Cannot recv data: Permission denied "
                   "(publickey,gssapi-keyex,gssapi-with-mic,password).: Connection reset by peer",
    },
    {
        .id = "KVM-NET-010",
        .title = "The SSH server of the destination cannot be reached",
        .cause = "libvirt's connection goes through SSH, and SSH itself gets no connection: no "
                 "server on that port, a firewall, or the wrong host.",
        .patterns =
            {
                {"ssh: connect to host {host} port {port}: Connection refused", other, "OpenSSH"},
                {"ssh: connect to host {host} port {port}: No route to host", other, "OpenSSH"},
                {"ssh: connect to host {host} port {port}: Connection timed out", other, "OpenSSH"},
                {"SSH session handshake failed: {rest}", libvirt_both,
                 "libvirt src/rpc/virnetlibsshsession.c:1181|1073; "
                 "src/rpc/virnetsshsession.c:1279|1165"},
                {"kex_exchange_identification: {rest}", other, "OpenSSH"},
                {"ssh_exchange_identification: {rest}", other, "OpenSSH"},
            },
        .remedy =
            {
                {destination, "systemctl enable --now ssh.service", ""},
                {destination, "iptables -I INPUT -p tcp --dport 22 -j ACCEPT",
                 "if a firewall stands in front of it"},
                {source, "ssh -v root@{destination} true", ""},
            },
        .look = "ss -ltnp on the destination, and MaxStartups in its sshd_config when many "
                "migrations start at once",
        .example = "error: Cannot recv data: ssh: connect to host kvm02 port 22: Connection "
                   "refused: Connection reset by peer",
    },
    {
        .id = "KVM-NET-015",
        .title = "The migration URI is not one that libvirt understands",
        .cause = "--migrateuri (or --disks-uri) must be tcp://host[:port], rdma://host:port or "
                 "unix:///path.",
        .patterns =
            {
                {"unsupported scheme {word} in migration URI {uri:word}", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:3757|3962"},
                {"missing scheme in migration URI: {uri:word}", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:3748,5133|3953,5348"},
                {"missing host in migration URI: {uri:word}", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:3768|3973"},
                {"No URI scheme specified: {uri:word}", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:529|674; src/admin/libvirt-admin.c:129|129"},
                {"URI with tcp scheme did not provide a server part: {uri:word}", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:539|684"},
                {"UNIX disks URI does not include path", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:549,1194|694,1359"},
                {"Unsupported scheme in disks URI: {word}", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:556,1203|701,1368"},
                {"nbd port must be in range 0-65535", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:562|707"},
                {"unknown migration protocol: {word}", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_migration.c:2213|2404; QEMU "
                 "migration/migration.c:509|685,787"},
                {"unknown migration protocol", libvirt_both | qemu_both,
                 "libvirt src/qemu/qemu_migration.c:2213|2404; QEMU "
                 "migration/migration.c:509|685,787"},
                {"Parameter 'uri' expects a valid migration protocol", qemu_both,
                 "QEMU migration/migration.c, QERR_INVALID_PARAMETER_VALUE"},
                {"error parsing port in address '{word}'", qemu_both,
                 "QEMU util/qemu-sockets.c:645|638"},
                {"error parsing address '{word}'", qemu_both,
                 "QEMU util/qemu-sockets.c:657,843|650,816"},
                {"error parsing IPv6 address '{word}'", qemu_both,
                 "QEMU util/qemu-sockets.c:651|644"},
                {"host and/or port not specified", qemu_both, "QEMU util/qemu-sockets.c:415|410"},
                {"port {word} out of range", libvirt_both | qemu_both,
                 "libvirt src/util/virstring.c:990|989; QEMU util/qemu-sockets.c:265|263; "
                 "ui/vnc.c:3811|3833",
                 virt_line},
                {"trailing characters in address '{word}'", qemu_both,
                 "QEMU util/qemu-sockets.c:847|820"},
                {"Missing URI parameter '{word}'", libvirt_both,
                 "libvirt src/util/viruri.c:378|386"},
            },
        .remedy =
            {
                {source,
                 "virsh migrate --live {domain} qemu+ssh://{destination}/system --migrateuri "
                 "tcp://{destination}",
                 ""},
            },
        .look = "the value of --migrateuri or --disks-uri",
        .example =
            "error: argument unsupported: unsupported scheme http in migration URI http://kvm02",
    },
    {
        .id = "KVM-NET-018",
        .title = "The destination lacks the helper that joins SSH to libvirt",
        .cause = "Over SSH libvirt starts virt-ssh-helper, or nc, on the other side. The shell "
                 "there found neither, or another nc that cannot speak to UNIX sockets.",
        .patterns =
            {
                {"virt-ssh-helper: command not found", other, "remote shell"},
                {"virt-ssh-helper: not found", other, "remote shell"},
                {"nc: command not found", other, "remote shell"},
                {"nc: not found", other, "remote shell"},
                {"nc: invalid option -- 'U'", other, "other nc"},
                {"Ncat: Unknown option", other, "nmap's ncat"},
            },
        .remedy =
            {
                {destination, "apt-get install libvirt-daemon-system netcat-openbsd", ""},
                {source,
                 "virsh -c 'qemu+ssh://root@{destination}/system?proxy=netcat&netcat=/usr/bin/nc' "
                 "list",
                 ""},
            },
        .look = "whether the shell of the remote user prints or changes anything at login",
        .example =
            "error: End of file while reading data: sh: 1: nc: not found: Input/output error",
    },
    {
        .id = "KVM-NET-021",
        .title = "The remote side of an SSH connection said something and closed",
        .cause = "libvirt shows what came from SSH's error output; the words between are those of "
                 "SSH or of the remote shell.",
        .says = symptom,
        .patterns =
            {
                {"Cannot recv data: {words}: Connection reset by peer", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:1775,1778|1764,1767"},
                {"Cannot recv data: {words}: Input/output error", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:1775,1778|1764,1767"},
                {"End of file while reading data: {words}: Input/output error", libvirt_both,
                 "libvirt src/rpc/virnetsocket.c:1789,1793|1778,1782", not_in_daemon_log},
            },
        .remedy =
            {
                {source, "ssh root@{destination} virsh -c qemu:///system list",
                 "shows the trouble without libvirt in between"},
            },
        .look = "the words between the colons",
        .example = "error: Cannot recv data: Write failed: Broken pipe: Connection reset by peer",
    },
    {
        .id = "KVM-NET-022",
        .title = "The destination cannot take part in the kind of migration that was asked for",
        .cause = "One side's driver lacks peer-to-peer or direct migration: the URI leads to "
                 "another driver (qemu:///session, xen, test), or the libvirt there is very old.",
        .patterns =
            {
                {"Destination libvirt does not support peer-to-peer migration protocol",
                 libvirt_both, "libvirt src/qemu/qemu_migration.c:5940|6167"},
                {"p2p migration is not supported by the source host", libvirt_both,
                 "libvirt src/libvirt-domain.c:4428|4489"},
                {"direct migration is not supported by the source host", libvirt_both,
                 "libvirt src/libvirt-domain.c:4438|4498"},
                {"Migration APIs with extensible parameters are not supported but extended "
                 "parameters were passed",
                 libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:5948|6175; src/libvirt-domain.c:4305|4381"},
                {"Some parameters are not supported by migration protocol {n}", libvirt_both,
                 "libvirt src/libvirt-domain.c:3571,3620|3640,3690"},
                {"cannot enforce change protection", libvirt_both,
                 "libvirt src/libvirt-domain.c:3876,4071|3947,4142"},
                {"Unable to change target guest XML during migration", libvirt_both,
                 "libvirt src/libvirt-domain.c:4110,4130|4181,4201"},
            },
        .remedy =
            {
                {source, "virsh -c qemu+ssh://{destination}/system version", ""},
            },
        .look = "virsh uri of the connection in use; it must be a qemu system connection",
        .example = "error: operation failed: Destination libvirt does not support peer-to-peer "
                   "migration protocol",
    },
};

} // namespace kvmig::diagnosis::entries
