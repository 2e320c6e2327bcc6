// SPDX-License-Identifier: MIT
/// Rules: security drivers and secrets.
#pragma once

#include <kvmig/precheck/rule.hpp>

#include <range/v3/algorithm/contains.hpp>
#include <string>
#include <utility>

namespace kvmig::precheck::rules {

/// Prevents a start where a label cannot be given. Silent for domains without labels.
inline observations look_security_model(const facts &f) {
    if (f.domain.security_models.empty()) return {};
    const auto &told = f.destination.capabilities;
    if (!told.known()) return {missing(f.destination, "the destination's security drivers", told)};
    observations out;
    const auto &there = told->security_models;
    for (const std::string &each : f.domain.security_models) {
        if (ranges::contains(there, each)) continue;
        std::string seen = "the domain has a label of " + each + ", the destination's drivers: ";
        seen += there.empty() ? "none" : joined(there);
        out.push_back({severity::blocks,
                       f.destination.name,
                       std::move(seen),
                       {virsh(f.destination, {"capabilities"}) + " | grep -A2 '<secmodel>'",
                        ssh(f.destination, "grep security_driver /etc/libvirt/qemu.conf")}});
    }
    return out;
}

inline constexpr rule security_model{
    "KVM-SEC-011", "The hosts use different security drivers",
    "The running guest's label names its driver, and the destination must have the same.",
    "libvirt: \"Security driver model 'NAME' is not available\"", look_security_model};

/// Prevents a start without the secrets of encrypted disks, network disks and TPM state.
inline observations look_secret(const facts &f) {
    observations out;
    for (const std::string &each : f.domain.secrets) {
        const auto told = f.destination.secrets.of(each);
        if (!told.known()) {
            out.push_back(
                missing(f.destination, "whether the secret '" + each + "' is there", told));
        } else if (*told == presence::absent) {
            out.push_back({severity::blocks,
                           f.destination.name,
                           "the secret '" + each + "' is not defined there",
                           {virsh(f.source, {"secret-list"}),
                            virsh(f.source, {"secret-dumpxml"}) + " UUID >secret.xml",
                            virsh(f.destination, {"secret-define", "secret.xml"}),
                            virsh(f.destination, {"secret-set-value"}) + " UUID --interactive"}});
        }
    }
    return out;
}

inline constexpr rule secret{
    "KVM-SEC-012", "A secret is missing on the destination",
    "The destination's libvirt gives QEMU the key from its own store; keys do not move along.",
    "libvirt: 'Secret not found: no secret with matching uuid'", look_secret};

} // namespace kvmig::precheck::rules
