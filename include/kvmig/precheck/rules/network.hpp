// SPDX-License-Identifier: MIT
/// Rules: what the guest's network cards and consoles are attached to.
#pragma once

#include <kvmig/precheck/rule.hpp>

#include <string>

namespace kvmig::precheck::rules {

/// Whether an interface of a type has what it stands on; `what` as in `the bridge`. Silent where a
/// libvirt network leads to it: on the other host it may lead elsewhere.
inline observations look_interfaces(const facts &f, const std::string &type,
                                    const std::string &what) {
    observations out;
    for (const model::interface &each : f.domain.interfaces) {
        if (each.type != type || !each.stands_on().empty()) continue;
        const auto told = f.destination.interfaces.of(each.source);
        const std::string look = ssh(f.destination, "ip link show dev " + shell_word(each.source));
        if (!told.known()) {
            out.push_back(missing(f.destination,
                                  "whether " + what + " '" + each.source + "' is there", told,
                                  {look}));
        } else if (*told == presence::absent) {
            out.push_back({severity::blocks,
                           f.destination.name,
                           what + " '" + each.source + "' is not there",
                           {look}});
        } else if (*told == presence::inactive) {
            out.push_back({severity::warns,
                           f.destination.name,
                           what + " '" + each.source + "' is there and down",
                           {ssh(f.destination, "ip link set up dev " + shell_word(each.source))}});
        }
    }
    return out;
}

/// Prevents a start without the bridge that an interface stands on.
inline observations look_bridge(const facts &f) {
    return look_interfaces(f, "bridge", "the bridge");
}

inline constexpr rule bridge{
    "KVM-NIC-001", "The bridge does not exist on the destination",
    "The guest's network card is plugged into a bridge of this name on either host.",
    "libvirt: \"Cannot get interface MTU on 'br0': No such device\"", look_bridge};

/// Prevents a start without the card under a macvtap interface.
inline observations look_macvtap(const facts &f) {
    return look_interfaces(f, "direct", "the device");
}

inline constexpr rule macvtap{
    "KVM-NIC-004", "The device under a macvtap interface does not exist on the destination",
    "<interface type='direct'> names a network card of the host, which may have another name "
    "there.",
    "libvirt: \"Unable to get index for interface eth1: No such device\"", look_macvtap};

/// Prevents a start without a virtual network. A stopped one is told by `network_stopped`.
inline observations look_network_missing(const facts &f) {
    observations out;
    for (const model::interface &each : f.domain.interfaces) {
        const std::string &name = each.stands_on();
        if (name.empty()) continue;
        const auto told = f.destination.networks.of(name);
        if (!told.known()) {
            out.push_back(
                missing(f.destination, "whether the network '" + name + "' is there", told));
        } else if (*told == presence::absent) {
            out.push_back({severity::blocks,
                           f.destination.name,
                           "the network '" + name + "' is not defined there",
                           {virsh(f.source, {"net-dumpxml", name, "--inactive"}) + " >network.xml",
                            virsh(f.destination, {"net-define", "network.xml"}),
                            virsh(f.destination, {"net-start", name})}});
        }
    }
    return out;
}

inline constexpr rule network_missing{
    "KVM-NIC-003", "The virtual network does not exist on the destination",
    "The guest's network card is plugged into a network of this name on either host.",
    "libvirt: \"Network not found: no network with matching name 'NAME'\"", look_network_missing};

/// Prevents a start while a virtual network is stopped.
inline observations look_network_stopped(const facts &f) {
    observations out;
    for (const model::interface &each : f.domain.interfaces) {
        const std::string &name = each.stands_on();
        if (name.empty()) continue;
        const auto told = f.destination.networks.of(name);
        if (!told.known() || *told != presence::inactive) continue;
        out.push_back({severity::blocks,
                       f.destination.name,
                       "the network '" + name + "' is stopped",
                       {virsh(f.destination, {"net-start", name}),
                        virsh(f.destination, {"net-autostart", name})}});
    }
    return out;
}

inline constexpr rule network_stopped{
    "KVM-NIC-002", "The virtual network is stopped on the destination",
    "libvirt does not start a network by itself.", "libvirt: \"network 'NAME' is not active\"",
    look_network_stopped};

/// Prevents a start without the network filter of an interface.
inline observations look_filter(const facts &f) {
    observations out;
    for (const model::interface &each : f.domain.interfaces) {
        if (each.filter.empty()) continue;
        const auto told = f.destination.filters.of(each.filter);
        if (!told.known()) {
            out.push_back(
                missing(f.destination, "whether the filter '" + each.filter + "' is there", told));
        } else if (*told == presence::absent) {
            out.push_back({severity::blocks,
                           f.destination.name,
                           "the filter '" + each.filter + "' is not defined there",
                           {virsh(f.source, {"nwfilter-dumpxml", each.filter}) + " >filter.xml",
                            virsh(f.destination, {"nwfilter-define", "filter.xml"})}});
        }
    }
    return out;
}

inline constexpr rule filter{"KVM-NIC-009", "A network filter is missing on the destination",
                             "libvirt puts the filter in place before the guest runs.",
                             "libvirt: \"referenced filter 'NAME' is missing\"", look_filter};

/// Warns of connections that cannot move: QEMU's user-mode network ends them in the process that
/// is left behind.
inline observations look_user_network(const facts &f) {
    observations out;
    for (const model::interface &each : f.domain.interfaces) {
        if (each.type != "user") continue;
        out.push_back({severity::warns,
                       f.source.name,
                       "an interface is of the type 'user'",
                       {virsh(f.source, {"domiflist", f.domain.name})}});
    }
    return out;
}

inline constexpr rule user_network{
    "KVM-NIC-101", "Connections through the user-mode network break",
    "They end in sockets of the source's QEMU process, which do not move.",
    "QEMU, docs: network user", look_user_network};

/// Prevents a console that cannot listen: an address of one host is seldom the other's. Silent for
/// loopback, for "every address" and for sockets.
inline observations look_listen(const facts &f) {
    observations out;
    for (const model::graphics &each : f.domain.graphics) {
        for (const std::string &listen : each.listen) {
            const bool everywhere = listen == "0.0.0.0" || listen == "::" ||
                                    listen == "127.0.0.1" || listen == "::1" || listen.empty() ||
                                    listen.front() == '/';
            const bool numeric =
                listen.find_first_not_of("0123456789abcdefABCDEF.:") == std::string::npos;
            if (everywhere || !numeric) continue;
            out.push_back({severity::unknown,
                           f.destination.name,
                           "whether the destination has the address " + listen + ", where " +
                               each.type + " listens, is not known: libvirt does not tell",
                           {ssh(f.destination, "ip -brief address"),
                            virsh(f.source, {"edit", f.domain.name}) +
                                " # listen='0.0.0.0', from the next start on"}});
        }
    }
    return out;
}

inline constexpr rule listen_address{
    "KVM-NIC-011", "The address for graphics does not exist on the destination",
    "QEMU ends at its start when it cannot listen where the definition says.",
    "QEMU: 'Failed to bind socket: Cannot assign requested address'", look_listen};

} // namespace kvmig::precheck::rules
