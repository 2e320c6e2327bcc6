// SPDX-License-Identifier: MIT
/// Rules: host names and their resolution.
#pragma once

#include <kvmig/precheck/rule.hpp>

#include <range/v3/algorithm/all_of.hpp>
#include <string>
#include <string_view>

namespace kvmig::precheck::rules {

/// Whether an address, as `getent ahosts` prints it, leads back to where it is used.
[[nodiscard]] inline bool is_loopback(std::string_view address) {
    return address.starts_with("127.") || address == "::1";
}

/// Prevents that the source is told to connect to itself. Without a migration URI the destination
/// announces its own host name.
inline observations look_loopback_name(const facts &f) {
    const auto &name = f.destination.hostname;
    if (!name.known()) return {missing(f.destination, "the destination's host name", name)};
    const std::vector<std::string> remedy = {
        ssh(f.destination, "hostnamectl set-hostname FQDN"),
        ssh(f.destination, "systemctl restart libvirtd.service"),
        virsh(f.source, {"migrate", "--live", f.domain.name, f.destination.uri}) +
            " --migrateuri tcp://ADDRESS"};
    if (name->starts_with("localhost")) {
        return {{severity::blocks, f.destination.name,
                 "the destination calls itself '" + *name + "'", remedy}};
    }
    // That the addresses are not known is told by `unresolved`.
    const auto &addresses = f.destination.addresses;
    if (!addresses.known() || addresses->empty() || !ranges::all_of(*addresses, is_loopback)) {
        return {};
    }
    return {{severity::blocks, f.source.name,
             "the source resolves '" + *name + "' to " + joined(*addresses), remedy}};
}

inline constexpr rule loopback_name{
    "KVM-DNS-003", "The destination's host name leads to its own loopback",
    "The source connects to the name that the destination gives itself; this one leads the source "
    "to itself.",
    "libvirt: 'hostname on destination resolved to localhost, but migration requires an FQDN'",
    look_loopback_name};

/// Prevents that the source cannot find the destination by the name that it gives itself.
inline observations look_unresolved(const facts &f) {
    const auto &addresses = f.destination.addresses;
    const std::string name = f.destination.hostname.known() ? *f.destination.hostname : "NAME";
    const std::string ask = ssh(f.source, "getent ahosts " + shell_word(name));
    if (!addresses.known()) {
        return {missing(f.source, "whether the source resolves the destination's host name",
                        addresses, {ask})};
    }
    if (!addresses->empty()) return {};
    return {{severity::blocks,
             f.source.name,
             "the source does not resolve '" + name + "'",
             {ask, "echo ADDRESS " + shell_word(name) + " >>/etc/hosts # on both hosts"}}};
}

inline constexpr rule unresolved{
    "KVM-DNS-001", "A host name does not resolve",
    "The source connects to the name that the destination gives itself, and must be able to "
    "resolve it.",
    "libvirt: \"Unable to resolve address 'NAME' service 'PORT'\"", look_unresolved};

/// Prevents that the source takes the destination's name for its own. Silent where that of the
/// destination is not known (`loopback_name` tells) and where both are one host (`same_host`
/// tells).
inline observations look_one_name(const facts &f) {
    if (!f.source.hostname.known()) {
        return {missing(f.source, "the source's host name", f.source.hostname)};
    }
    if (f.source.hostname != f.destination.hostname) return {};
    if (f.source.uri == f.destination.uri) return {};
    return {{severity::warns,
             f.destination.name,
             "both hosts call themselves '" + *f.source.hostname + "'",
             {ssh(f.destination, "hostnamectl set-hostname FQDN"),
              virsh(f.source, {"migrate", "--live", f.domain.name, f.destination.uri}) +
                  " --migrateuri tcp://ADDRESS"}}};
}

inline constexpr rule one_name{
    "KVM-DNS-101", "Both hosts have the same name",
    "The source connects to the name that the destination gives itself, and would find itself.",
    "libvirt, docs/migration: the migration URI defaults to the destination's host name",
    look_one_name};

} // namespace kvmig::precheck::rules
