// SPDX-License-Identifier: MIT
/// Failures of names and identities.
#include <lab/fault/fault.hpp>

namespace kvmig::lab {

std::vector<fault> name_faults() {
    std::vector<fault> out;
    out.push_back({
        .id = "fail-fqdn",
        .title = "the destination believes to be called localhost",
        .breaks = {{"kvm02", "hostname localhost"}},
        .undo = {{"kvm02", "hostname kvm02"}},
        .diagnosed = "KVM-DNS-003",
        .foreseen = "KVM-DNS-003",
        .remedy = {"hostnamectl set-hostname"},
    });
    out.push_back({
        .id = "fail-unresolved",
        .title = "the source cannot resolve the name that the destination gives itself",
        .breaks = {{"kvm02", "hostname kvm02.elsewhere.test"}},
        .undo = {{"kvm02", "hostname kvm02"}},
        .diagnosed = "KVM-DNS-002", // the hosts have no name server that could deny the name
        .foreseen = "KVM-DNS-001",
        .remedy = {">> /etc/hosts"},
        .fill = {{"ADDRESS", "192.0.2.12"}},
    });
    out.push_back({
        .id = "fail-name-clash",
        .title = "the destination has another domain of the same name",
        .breaks = {{"kvm02",
                    "printf '%s' '<domain type=\"kvm\"><name>vm1</name><memory "
                    "unit=\"MiB\">64</memory><os><type arch=\"x86_64\" "
                    "machine=\"q35\">hvm</type></os></domain>' >/run/clash.xml && virsh -q define "
                    "/run/clash.xml"}},
        .undo = {{"kvm02", "virsh -q undefine vm1; true"}},
        .diagnosed = "KVM-IDN-001",
        .foreseen = "KVM-IDN-001",
        .remedy = {"domstate vm1", "undefine vm1"},
    });
    out.push_back({
        .id = "fail-same-uuid",
        .title = "both hosts have one UUID, as clones of one image do",
        .breaks = {{"kvm02", "uuid=$(ssh root@kvm01.kvmig.test virsh capabilities | "
                             "sed -n 's/.*<uuid>\\(.*\\)<.uuid>.*/\\1/p') && "
                             "sed -i \"s/^#*host_uuid *=.*/host_uuid = \\\"$uuid\\\"/\" "
                             "/etc/libvirt/libvirtd.conf && systemctl restart libvirtd.service"}},
        .undo = {{"kvm02", "sed -i 's/^host_uuid *=/#&/' /etc/libvirt/libvirtd.conf && systemctl "
                           "restart libvirtd.service"}},
        .tried = attempt::virsh, // the library itself refuses two hosts of one UUID
        .diagnosed = "KVM-IDN-004",
        .foreseen = "KVM-IDN-004",
        .remedy = {"host_uuid = ", "systemctl restart libvirtd.service"},
    });
    return out;
}

} // namespace kvmig::lab
