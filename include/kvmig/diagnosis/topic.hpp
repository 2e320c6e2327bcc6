// SPDX-License-Identifier: MIT
/// The topics under which causes stand; each lends its letters to the ids of its entries.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace kvmig::diagnosis {

/// What a cause is about. The topics are those of the prechecks, and those that only a migration
/// under way can meet.
enum class topic : std::uint8_t {
    identity,     ///< names, UUIDs, the same host twice
    names,        ///< host names and their resolution
    transport,    ///< sockets, ports, SSH, URIs
    tls,          ///< certificates and encrypted channels
    security,     ///< authentication, polkit, ownership, SELinux, AppArmor
    versions,     ///< releases and machine types
    cpu,          ///< processor models and features
    memory,       ///< guest memory and huge pages
    storage,      ///< disks, images, pools, media, locks
    network,      ///< bridges, networks and interfaces of the guest
    devices,      ///< devices that do not move
    definition,   ///< the target's definition does not fit the source's
    options,      ///< flags and parameters that exclude or need one another
    lifecycle,    ///< the domain's or the job's state does not allow it
    postcopy,     ///< post-copy
    stream,       ///< QEMU's migration stream and device state
    daemon,       ///< a daemon or QEMU process that is gone or does not answer
    time,         ///< clocks
    load,         ///< too much memory dirtied, too little bandwidth
    orchestrator, ///< refusals of Nova, Proxmox, KubeVirt, oVirt
};

/// A topic's name and the letters of its ids.
struct topic_name {
    topic about;            ///< in one row alone
    std::string_view code;  ///< `NET` in `KVM-NET-003`
    std::string_view title; ///< for people
};

/// All topics, in the order of the documents.
inline constexpr std::array topics{
    topic_name{topic::identity, "IDN", "identity"},
    topic_name{topic::names, "DNS", "names and resolution"},
    topic_name{topic::transport, "NET", "transport and ports"},
    topic_name{topic::tls, "TLS", "TLS"},
    topic_name{topic::security, "SEC", "security"},
    topic_name{topic::versions, "VER", "versions and machine type"},
    topic_name{topic::cpu, "CPU", "CPU"},
    topic_name{topic::memory, "MEM", "memory and huge pages"},
    topic_name{topic::storage, "STO", "storage and media"},
    topic_name{topic::network, "NIC", "network of the guest"},
    topic_name{topic::devices, "DEV", "devices"},
    topic_name{topic::definition, "DEF", "definition of the domain"},
    topic_name{topic::options, "OPT", "options"},
    topic_name{topic::lifecycle, "LIF", "lifecycle"},
    topic_name{topic::postcopy, "PCP", "post-copy"},
    topic_name{topic::stream, "STR", "migration stream"},
    topic_name{topic::daemon, "DMN", "daemons and processes"},
    topic_name{topic::time, "TIM", "time"},
    topic_name{topic::load, "LOD", "load and progress"},
    topic_name{topic::orchestrator, "ORC", "orchestrators"},
};

/// The topic's name for people, e.g. `"transport and ports"`.
[[nodiscard]] constexpr std::string_view to_string(topic about) noexcept {
    for (const topic_name &name : topics) {
        if (name.about == about) return name.title;
    }
    return "unknown";
}

/// The topic whose letters an id such as `KVM-NET-003` carries; null when there is none.
[[nodiscard]] constexpr const topic_name *topic_of(std::string_view id) noexcept {
    for (const topic_name &name : topics) {
        if (id.size() > 8 && id.substr(0, 4) == "KVM-" && id.substr(4, 3) == name.code) {
            return &name;
        }
    }
    return nullptr;
}

} // namespace kvmig::diagnosis
