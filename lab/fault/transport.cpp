// SPDX-License-Identifier: MIT
/// Failures on the way to the destination: ports, SSH, the URI, the daemon, the link.
#include <lab/fault/fault.hpp>
#include <lab/machine/provision.hpp>

namespace kvmig::lab {

std::vector<fault> transport_faults() {
    std::vector<fault> out;
    out.push_back({
        .id = "fail-no-route",
        .title = "the destination's firewall rejects the migration ports",
        .breaks = {{"kvm02", "iptables -A INPUT -p tcp --dport 49152:49215 -j REJECT "
                             "--reject-with icmp-host-prohibited"}},
        .undo = {{"kvm02", "iptables -F INPUT"}},
        .diagnosed = "KVM-NET-001",
        .foreseen = "KVM-NET-001",
        .remedy = {"iptables -I INPUT -p tcp --dport 49152:49215 -j ACCEPT"},
    });
    out.push_back({
        .id = "fail-firewall",
        .title = "the destination's firewall drops what comes to the migration ports",
        // The kernel's usual two minutes of patience teach nothing that seconds do not.
        .breaks = {{"kvm01", "sysctl -qw net.ipv4.tcp_syn_retries=2"},
                   {"kvm02", "iptables -A INPUT -p tcp --dport 49152:49215 -j DROP"}},
        .undo = {{"kvm01", "sysctl -qw net.ipv4.tcp_syn_retries=6"},
                 {"kvm02", "iptables -F INPUT"}},
        .diagnosed = "KVM-NET-002",
        .foreseen = "KVM-NET-002",
        .remedy = {"iptables -I INPUT -p tcp --dport 49152:49215 -j ACCEPT"},
    });
    out.push_back({
        .id = "fail-ssh-key",
        .title = "the source does not know the destination's SSH host key",
        .breaks = {{"kvm01", "cp ~/.ssh/known_hosts ~/.ssh/known_hosts.whole && "
                             "sed -i /^kvm02/d ~/.ssh/known_hosts"}},
        .undo = {{"kvm01", "cp ~/.ssh/known_hosts.whole ~/.ssh/known_hosts"}},
        .diagnosed = "KVM-NET-008",
        .foreseen = "KVM-NET-008",
        .remedy = {"ssh-keyscan -H", "ssh -o BatchMode=yes root@"},
    });
    out.push_back({
        .id = "fail-ssh-denied",
        .title = "the destination does not accept the source's SSH key",
        // As on a host that was never set up for it: a new key, and a password that root knows.
        .breaks = {{"kvm02", "echo root:lab | chpasswd && sed -i 's/^PasswordAuthentication "
                             "no/PasswordAuthentication yes\\nPermitRootLogin yes/' "
                             "/etc/ssh/sshd_config.d/kvmig.conf && systemctl reload ssh.service"},
                   {"kvm01", "cd ~/.ssh && mkdir -p whole && mv id_ed25519* whole/ && "
                             "ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519 && "
                             "printf '#!/bin/sh\\necho lab\\n' >~/password && "
                             "chmod 700 ~/password"}},
        .undo = {{"kvm01", "cd ~/.ssh && mv whole/* . 2>/dev/null; true"}},
        .diagnosed = "KVM-NET-009",
        .foreseen = "KVM-NET-009",
        .remedy = {"ssh-copy-id root@", "ssh -o BatchMode=yes root@"},
        .typed = "SSH_ASKPASS=~/password SSH_ASKPASS_REQUIRE=force",
    });
    out.push_back({
        .id = "fail-uri",
        .title = "a colon without a port in the destination's URI",
        .tried = attempt::virsh,
        .uri = "qemu+ssh://kvm02.kvmig.test:/system",
        .diagnosed = "KVM-NET-006",
        .remedy = {"virsh -c qemu+ssh://"},
    });
    out.push_back({
        .id = "fail-daemon-down",
        .title = "libvirt's daemon does not run on the destination",
        .breaks = {{"kvm02", "systemctl stop libvirtd.socket libvirtd-ro.socket "
                             "libvirtd-admin.socket libvirtd.service"}},
        .undo = {{"kvm02", "systemctl start libvirtd.socket libvirtd.service"}},
        .tried = attempt::virsh,
        .diagnosed = "KVM-DMN-001",
        .unforeseen = "without the daemon no fact of the destination can be had: the check ends "
                      "in the same error",
        .remedy = {"systemctl enable --now libvirtd.socket"},
    });
    out.push_back({
        .id = "fail-link-cut",
        .title = "the link between the hosts is cut while memory is copied",
        .breaks = {{"kvm02", "iptables -I INPUT -s 192.0.2.11 -j DROP && "
                             "iptables -I OUTPUT -d 192.0.2.11 -j DROP"}},
        .undo = {{"kvm02", "iptables -F INPUT; iptables -F OUTPUT"}},
        .tried = attempt::library,
        .diagnosed = "KVM-NET-019",
        .unforeseen = "it breaks later",
        .by_hand = {{"kvm02", "iptables -F INPUT && iptables -F OUTPUT"}},
    });
    out.push_back({
        .id = "fail-link-cut-block",
        .title = "the link between the hosts is cut while a disk is copied",
        .pool = local_pool_name,
        .breaks = {{"kvm02", "iptables -I INPUT -s 192.0.2.11 -j DROP && "
                             "iptables -I OUTPUT -d 192.0.2.11 -j DROP"}},
        .undo = {{"kvm02", "iptables -F INPUT; iptables -F OUTPUT"}},
        .tried = attempt::library,
        .options = {"--copy-storage-all"},
        .diagnosed = "KVM-NET-019",
        .unforeseen = "it breaks later",
        .by_hand = {{"kvm02", "iptables -F INPUT && iptables -F OUTPUT"}},
    });
    out.push_back({
        .id = "fail-link-cut-postcopy",
        .title = "the connection that brings the guest's memory is cut in post-copy",
        // Ended for both sides at once: were its packets dropped, TCP would go on hoping.
        .breaks = {{"kvm02", "iptables -I INPUT -p tcp --syn --dport 49152:49215 -j REJECT "
                             "--reject-with tcp-reset && "
                             "ss -K 'sport >= 49152 and sport <= 49215'"}},
        .undo = {{"kvm02", "iptables -F INPUT"}},
        .tried = attempt::library,
        .options = {"--postcopy"},
        .diagnosed = "KVM-PCP-001",
        .unforeseen = "it breaks later",
        .remedy = {"--postcopy-resume"},
        .remedy_moves = true,
        .by_hand = {{"kvm02", "iptables -F INPUT"}},
    });
    out.push_back({
        .id = "fail-host-killed",
        .title = "the destination loses its power while memory is copied",
        .breaks = {{"kvm02", {}, power::cut}},
        .undo = {{"kvm02", {}, power::on}, {"kvm02", started_by_hand}},
        .tried = attempt::library,
        // As of a cut link: nobody can say more of a host that is silent.
        .diagnosed = "KVM-NET-019",
        .unforeseen = "it breaks later",
        .by_hand = {{"kvm02", {}, power::on}, {"kvm02", started_by_hand}},
    });
    out.push_back({
        .id = "fail-ports-taken",
        .title = "other programs hold all ports of the destination's migration range",
        .breaks = {{"kvm02", "printf 'migration_port_min = 49152\\nmigration_port_max = 49153\\n' "
                             ">>/etc/libvirt/qemu.conf && systemctl restart libvirtd.service && "
                             "systemd-run -q --unit=squatter sh -c 'nc -lk 49152 & nc -lk 49153'"}},
        .undo = {{"kvm02", "systemctl stop squatter.service 2>/dev/null; sed -i "
                           "/^migration_port_/d /etc/libvirt/qemu.conf && systemctl restart "
                           "libvirtd.service"}},
        .diagnosed = "KVM-NET-011",
        .unforeseen = "the check tries ports of the usual range, and one that answers is open",
        .remedy = {"ss -ltnp", "migration_port_max = 49999", "systemctl restart libvirtd.service"},
    });
    return out;
}

} // namespace kvmig::lab
