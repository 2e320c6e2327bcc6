// SPDX-License-Identifier: MIT
/// Rules: who the hosts and the domain are.
#pragma once

#include <kvmig/precheck/rule.hpp>

#include <string>

namespace kvmig::precheck::rules {

/// Prevents a move of a guest onto the host where it runs, and between hosts that libvirt takes for
/// one. libvirt compares host UUIDs, not names; where a driver tells none, name and URI are taken.
inline observations look_same_host(const facts &f) {
    const auto &here = f.source.capabilities;
    const auto &there = f.destination.capabilities;
    const bool uuids = here.known() && there.known() && here->host_uuid && there->host_uuid;
    if (uuids) {
        if (*here->host_uuid != *there->host_uuid) return {};
        return {{severity::blocks,
                 f.destination.name,
                 "both hosts have the UUID " + here->host_uuid->text(),
                 {ssh(f.destination, "dmidecode -s system-uuid"),
                  ssh(f.destination, "cat /proc/sys/kernel/random/uuid") +
                      " # the host_uuid for libvirtd.conf or virtqemud.conf there, when one "
                      "machine is a clone of the other"}}};
    }
    if (f.source.hostname.known() && f.source.hostname == f.destination.hostname &&
        !f.source.uri.empty() && f.source.uri == f.destination.uri) {
        return {{severity::blocks, f.destination.name,
                 "source and destination are both " + *f.source.hostname + " at " + f.source.uri}};
    }
    observations out;
    for (const host_facts *host : {static_cast<const host_facts *>(&f.source),
                                   static_cast<const host_facts *>(&f.destination)}) {
        if (!host->capabilities.known()) {
            out.push_back(missing(*host, "the host's UUID", host->capabilities));
        } else if (!host->capabilities->host_uuid) {
            out.push_back({severity::unknown, host->name,
                           "the host's UUID is not known: its daemon tells none"});
        }
    }
    return out;
}

inline constexpr rule same_host{
    "KVM-IDN-004", "Source and destination are one host, or two hosts share one UUID",
    "libvirt takes two hosts with one UUID for one, and does not migrate a guest onto the host on "
    "which it runs.",
    "libvirt: 'Attempt to migrate guest to the same host'", look_same_host};

/// Prevents a clash with another domain of the name at the destination. Silent where the domain of
/// that name has the same UUID: it is this one.
inline observations look_name_taken(const facts &f) {
    const auto &found = f.destination.same_name;
    if (!found.known()) {
        return {missing(f.destination, "whether a domain is called '" + f.domain.name + "' there",
                        found)};
    }
    if (!*found) return {};
    if (!f.domain.uuid) {
        return {{severity::unknown, f.destination.name,
                 "a domain '" + f.domain.name +
                     "' is there, and whether it is this one is not "
                     "known: the XML has no UUID"}};
    }
    if ((**found).uuid == *f.domain.uuid) return {};
    return {{severity::blocks,
             f.destination.name,
             "the domain '" + f.domain.name + "' there has the UUID " + (**found).uuid.text() +
                 ", this one has " + f.domain.uuid->text(),
             {virsh(f.destination, {"domrename", f.domain.name, f.domain.name + "-old"}),
              virsh(f.source, {"migrate", "--live", f.domain.name, f.destination.uri}) +
                  " --dname NEW-NAME"}}};
}

inline constexpr rule name_taken{
    "KVM-IDN-001", "The destination has another domain of this name",
    "Names are unique on a host: the destination refuses the guest when it is prepared.",
    "libvirt: \"domain 'NAME' already exists with uuid UUID\"", look_name_taken};

/// Prevents a clash with a domain that has this UUID under another name.
inline observations look_uuid_taken(const facts &f) {
    const auto &found = f.destination.same_uuid;
    if (!found.known()) {
        return {missing(f.destination, "whether a domain has this UUID there", found)};
    }
    if (!*found || (**found).name == f.domain.name) return {};
    return {{severity::blocks,
             f.destination.name,
             "the UUID " + (**found).uuid.text() + " belongs to the domain '" + (**found).name +
                 "' there",
             {virsh(f.destination, {"dominfo", (**found).name}),
              virsh(f.destination, {"undefine", (**found).name}) +
                  " # when nobody needs it: its definition goes, its disks stay"}}};
}

inline constexpr rule uuid_taken{
    "KVM-IDN-002", "The destination knows this UUID under another name",
    "UUIDs are unique on a host: the destination refuses the guest when it is prepared.",
    "libvirt: \"domain 'NAME' is already defined with uuid UUID\"", look_uuid_taken};

/// Prevents a second instance of a guest that runs at the destination already.
inline observations look_already_running(const facts &f) {
    const auto &found = f.destination.same_uuid;
    // That it is not known is told by `uuid_taken`, which asks for the same fact.
    if (!found.known() || !*found || !(**found).active) return {};
    return {{severity::blocks,
             f.destination.name,
             "the domain '" + (**found).name + "' with this UUID is active there",
             {virsh(f.source, {"domstate", f.domain.name, "--reason"}),
              virsh(f.destination, {"domstate", (**found).name, "--reason"})}}};
}

inline constexpr rule already_running{
    "KVM-IDN-003", "The domain already runs on the destination",
    "Two instances of one guest would write to the same disks. Find out which of them is the right "
    "one.",
    "libvirt: \"domain is already active as 'NAME'\"", look_already_running};

/// Tells of a definition that the migration may replace. Silent while that is not known: see
/// `uuid_taken`.
inline observations look_definition_there(const facts &f) {
    const auto &found = f.destination.same_uuid;
    if (!found.known() || !*found || (**found).active || (**found).name != f.domain.name) {
        return {};
    }
    return {{severity::info,
             f.destination.name,
             "an inactive definition of '" + f.domain.name + "' is there; --persistent replaces it",
             {virsh(f.destination, {"dumpxml", f.domain.name, "--inactive"})}}};
}

inline constexpr rule definition_there{
    "KVM-IDN-101", "The destination has a definition of this domain",
    "It may be older than the one here, and comes to hold once the guest is shut off there.",
    "libvirt, virDomainMigrate3: VIR_MIGRATE_PERSIST_DEST", look_definition_there};

} // namespace kvmig::precheck::rules
