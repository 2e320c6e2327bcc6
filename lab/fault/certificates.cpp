// SPDX-License-Identifier: MIT
/// Failures of TLS: certificates, and the clocks by which they are judged.
#include <lab/fault/fault.hpp>

namespace kvmig::lab {

namespace {

/// An emulated host encrypts hardly more in a second than the usual guest dirties.
guest_domain quiet_guest() {
    guest_domain guest = usual_guest();
    guest.settings.rate = page_rate{30};
    return guest;
}

constexpr std::string_view put_aside =
    "cd /etc/pki/qemu && mkdir -p own && cp -p server-*.pem own/ && ";
constexpr std::string_view put_back = "cd /etc/pki/qemu && cp -p own/server-*.pem .";
constexpr std::string_view at_the_migration =
    "the check does not read certificates: QEMU does when it opens the stream";

} // namespace

std::vector<fault> certificate_faults() {
    static const std::string expire = std::string{put_aside} + "cp -p expired/server-*.pem .";
    static const std::string rename = std::string{put_aside} + "cp -p misnamed/server-*.pem .";
    std::vector<fault> out;
    out.push_back({
        .id = "fail-tls-missing",
        .title = "TLS is asked for, and the destination has no certificates",
        .guest = quiet_guest,
        .certificates = true,
        .breaks = {{"kvm02", "mv /etc/pki/qemu /etc/pki/qemu.away && mkdir /etc/pki/qemu"}},
        .undo = {{"kvm02", "test ! -d /etc/pki/qemu.away || { rmdir /etc/pki/qemu && "
                           "mv /etc/pki/qemu.away /etc/pki/qemu; }"}},
        .tried = attempt::virsh,
        .options = {"--tls"},
        .diagnosed = "KVM-TLS-009",
        .unforeseen = at_the_migration,
        .remedy = {"ls -l /etc/pki/qemu"},
        .by_hand = {{"kvm02", "rmdir /etc/pki/qemu && mv /etc/pki/qemu.away /etc/pki/qemu"}},
    });
    out.push_back({
        .id = "fail-tls-expired",
        .title = "the destination's certificate has expired",
        .guest = quiet_guest,
        .certificates = true,
        .breaks = {{"kvm02", expire}},
        .undo = {{"kvm02", put_back}},
        .tried = attempt::virsh,
        .options = {"--tls"},
        .diagnosed = "KVM-TLS-005",
        .unforeseen = at_the_migration,
        .remedy = {"openssl x509 -noout -enddate", "timedatectl"},
        .by_hand = {{"kvm02", put_back}},
    });
    out.push_back({
        .id = "fail-tls-name",
        .title = "the destination's certificate names another host",
        .guest = quiet_guest,
        .certificates = true,
        .breaks = {{"kvm02", rename}},
        .undo = {{"kvm02", put_back}},
        .tried = attempt::virsh,
        .options = {"--tls"},
        // The source's QEMU refuses; virsh is told what the destination's says of the end.
        .look_into_logs = true,
        .diagnosed = "KVM-TLS-004",
        .unforeseen = at_the_migration,
        .remedy = {"openssl x509 -noout -ext subjectAltName"},
        .by_hand = {{"kvm02", put_back}},
    });
    out.push_back({
        .id = "fail-clock",
        .title =
            "the destination's clock is a year behind, and certificates are not valid there yet",
        .guest = quiet_guest,
        .certificates = true,
        .breaks = {{"kvm02", "date -s '1 year ago'"}},
        .undo = {{"kvm02", "date -s @$(ssh root@kvm01.kvmig.test date +%s)"}},
        .tried = attempt::virsh,
        .options = {"--tls"},
        .diagnosed = "KVM-TLS-006",
        .foreseen = "KVM-TIM-001",
        .remedy = {"date -u"},
        // The lab has no time server.
        .by_hand = {{"kvm02", "date -s @$(ssh root@kvm01.kvmig.test date +%s)"}},
    });
    return out;
}

} // namespace kvmig::lab
