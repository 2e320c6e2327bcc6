// SPDX-License-Identifier: MIT
/// Rules: whether the daemons can move guests at all, and whether their data gets through.
#pragma once

#include <kvmig/precheck/rule.hpp>

#include <range/v3/algorithm/contains.hpp>
#include <string>

namespace kvmig::precheck::rules {

/// Prevents a migration between drivers that cannot migrate, or not to one another.
inline observations look_cannot_migrate(const facts &f) {
    observations out;
    const auto &here = f.source.driver;
    const auto &there = f.destination.driver;
    if (here.known() && there.known() && *here != *there) {
        out.push_back({severity::blocks,
                       f.destination.name,
                       "the source's driver is " + *here + ", the destination's is " + *there,
                       {virsh(f.source, {"uri"}), virsh(f.destination, {"uri"})}});
    } else if (!here.known()) {
        out.push_back(missing(f.source, "the driver", here));
    } else if (!there.known()) {
        out.push_back(missing(f.destination, "the driver", there));
    }
    for (const host_facts *host : {static_cast<const host_facts *>(&f.source),
                                   static_cast<const host_facts *>(&f.destination)}) {
        const auto &told = host->capabilities;
        if (!told.known()) {
            out.push_back(missing(*host, "whether the host can migrate live", told));
            continue;
        }
        const auto &ways = told->migration_transports;
        if (told->live_migration && ranges::contains(ways, "tcp")) continue;
        out.push_back({severity::blocks,
                       host->name,
                       told->live_migration
                           ? "its capabilities name no migration over tcp, but: " + joined(ways)
                           : "its capabilities name no live migration",
                       {virsh(*host, {"capabilities"}) + " | grep -A6 '<migration_features>'"}});
    }
    return out;
}

inline constexpr rule cannot_migrate{
    "KVM-NET-022", "The destination cannot take part in the kind of migration that was asked for",
    "Both daemons must run the same driver, and one that moves running guests.",
    "libvirt, docs/formatcaps: migration_features", look_cannot_migrate};

/// The ports of which the source heard `answer`, for people; empty when there is none.
[[nodiscard]] inline std::string ports_of(const std::vector<model::tried_port> &tried,
                                          model::port_answer answer) {
    std::string out;
    for (const model::tried_port &each : tried) {
        if (each.answer != answer) continue;
        out += (out.empty() ? "" : ", ") + std::to_string(each.port);
    }
    return out;
}

/// Ports that the source does not get through to, and why.
inline observations look_ports(const facts &f, model::port_answer answer, const char *words) {
    const auto &tried = f.destination.ports;
    if (!tried.known()) {
        return {missing(f.source, "whether the source gets through to the migration ports", tried)};
    }
    const std::string stuck = ports_of(*tried, answer);
    if (stuck.empty()) return {};
    return {{severity::blocks,
             f.destination.name,
             words + (": " + stuck),
             {ssh(f.destination, "iptables -I INPUT -p tcp --dport 49152:49215 -j ACCEPT"),
              ssh(f.destination, "firewall-cmd --permanent --add-port=49152-49215/tcp"),
              ssh(f.destination, "firewall-cmd --reload")}}};
}

/// Prevents that QEMU's connection for the migration is refused on the way. A port at which nobody
/// listens yet answers too, unless a firewall does so for it.
inline observations look_ports_rejected(const facts &f) {
    return look_ports(f, model::port_answer::rejected,
                      "the way to ports of the migration is rejected");
}

inline constexpr rule ports_rejected{
    "KVM-NET-001", "The destination's firewall rejects the port",
    "QEMU's data goes straight from host to host, to a port of 49152-49215 on the destination; "
    "libvirt's own connection, over SSH, gets through all the same.",
    "libvirt: \"unable to connect to server at 'HOST:PORT': No route to host\"",
    look_ports_rejected};

/// Prevents that the migration waits for minutes, for an answer that a firewall swallows. Silent
/// where the facts are missing: `ports_rejected` tells that.
inline observations look_ports_dropped(const facts &f) {
    if (!f.destination.ports.known()) return {};
    return look_ports(f, model::port_answer::dropped, "nothing answers for ports of the migration");
}

inline constexpr rule ports_dropped{
    "KVM-NET-002", "The destination drops packets to the port",
    "What is dropped is noticed only after the kernel's patience, two minutes by default.",
    "libvirt: \"unable to connect to server at 'HOST:PORT': Connection timed out\"",
    look_ports_dropped};

/// Prevents the same for want of a network. Silent as `ports_dropped`.
inline observations look_no_network(const facts &f) {
    const auto &tried = f.destination.ports;
    if (!tried.known()) return {};
    if (!ranges::contains(*tried, model::port_answer::unreachable, &model::tried_port::answer)) {
        return {};
    }
    return {{severity::blocks,
             f.source.name,
             "its kernel knows no network that leads there",
             {ssh(f.source, "ip route"), ssh(f.source, "ip -brief address")}}};
}

inline constexpr rule no_network{
    "KVM-NET-005", "The source has no network that reaches the destination",
    "Migration data goes from host to host, whatever way the controller has to both.",
    "libvirt: \"unable to connect to server at 'HOST:PORT': Network is unreachable\"",
    look_no_network};

} // namespace kvmig::precheck::rules
