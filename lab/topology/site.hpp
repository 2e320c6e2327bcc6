// SPDX-License-Identifier: MIT
/// Where scenarios play, as data: two hosts, a store, and where a guest stands on them. The lab's
/// own machines are one such site; hosts of an inventory (inventory.hpp) are another.
#pragma once

#include <lab/topology/topology.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace kvmig::lab {

struct site_host {
    std::string uri;               ///< of its libvirt, as it is opened from here
    std::string peer_uri;          ///< as the other host opens it; empty: likewise
    std::string migration_address; ///< where it takes guests in; empty: by the name it has itself
};

/// Where a guest stands on hosts that are not the lab's own.
struct guest_place {
    std::string interface_kind;   ///< `bridge` or `network`
    std::string interface_source; ///< the name of either, on both hosts
    std::string address;          ///< IPv4, which nobody else has
    unsigned prefix = 24;         ///< of its network
    std::string probe;            ///< this machine's own address there: who hears the heartbeats
    std::string kernel;           ///< paths on both hosts
    std::string initramfs;
};

/// Its first host is where guests start, its second where they go.
struct site {
    std::array<site_host, 2> hosts;
    std::string pool;       ///< libvirt's, of the store that both hosts share
    std::string local_pool; ///< of each host's own disk; at one path on both
    /// What the names of domains and volumes begin with. Where it is empty, all that the hosts have
    /// is the lab's.
    std::string prefix;
    std::optional<guest_place> guest; ///< none: as the lab's own hosts have it
    bool pings = true;                ///< whether guests are pinged
};

/// The lab's own hosts, as they are reached inside the lab's namespace.
[[nodiscard]] site nested_site();

/// The guest's MAC address in a place: of the network's range for QEMU, told apart by its address.
[[nodiscard]] std::string mac_of(const guest_place &place);

} // namespace kvmig::lab
