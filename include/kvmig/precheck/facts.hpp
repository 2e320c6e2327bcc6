// SPDX-License-Identifier: MIT
/// All that rules look at: plain values, collected once, which can be kept and judged again.
#pragma once

#include <kvmig/core/units.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/model/domain.hpp>
#include <kvmig/model/domain_capabilities.hpp>
#include <kvmig/model/host.hpp>
#include <kvmig/model/job.hpp>
#include <kvmig/model/shared_proof.hpp>
#include <kvmig/model/tried_port.hpp>
#include <kvmig/model/version.hpp>
#include <kvmig/precheck/canary_facts.hpp>
#include <kvmig/precheck/fact.hpp>
#include <kvmig/precheck/nfs_facts.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::precheck {

/// Which disks the migration is to copy.
enum class storage_copy : std::uint8_t {
    none,        ///< storage is shared
    all,         ///< `--copy-storage-all`
    incremental, ///< `--copy-storage-inc`
};

/// The word of `kvmig.facts/1`, which is the enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(storage_copy what) noexcept {
    switch (what) {
    case storage_copy::none: return "none";
    case storage_copy::all: return "all";
    case storage_copy::incremental: return "incremental";
    }
    return "unknown";
}

/// What is known of one disk image or medium, by its path.
struct image {
    bytes capacity;     ///< what the guest sees
    std::string format; ///< as the pool tells: `raw`, `qcow2`, `iso`, …

    friend bool operator==(const image &, const image &) = default;
};

/// What a host's storage pools say about a path.
struct storage_place {
    std::string pool;      ///< the one whose target is the folder of the path; empty: none is
    bool active = false;   ///< libvirt has started it; false also without a pool
    std::string type;      ///< `dir`, `netfs`, `fs`, `logical`, …
    std::string server;    ///< `netfs`: as the pool names it
    std::string directory; ///< `netfs`: what the server exports
    std::string format;    ///< of the pool's source: `nfs`, `ext4`, …
    std::optional<bytes> available;              ///< for new volumes; absent without a pool
    std::optional<kvmig::precheck::image> image; ///< what stands at the path

    friend bool operator==(const storage_place &, const storage_place &) = default;
};

/// The name under which facts about an image are kept: its path, or pool and volume; empty where
/// it has neither, as an image on a server.
[[nodiscard]] inline std::string storage_name(const model::disk_source &of) {
    switch (of.kind) {
    case model::source_kind::file:
    case model::source_kind::block:
    case model::source_kind::dir: return of.path;
    case model::source_kind::volume: return of.pool + "/" + of.volume;
    default: return {};
    }
}

/// Whether something with a name is there, and in use.
enum class presence : std::uint8_t { absent, inactive, active };

/// The word of `kvmig.facts/1`, which is the enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(presence what) noexcept {
    switch (what) {
    case presence::absent: return "absent";
    case presence::inactive: return "inactive";
    case presence::active: return "active";
    }
    return "unknown";
}

/// What both hosts tell.
struct host_facts {
    std::string name; ///< for people: the host's own name, or the URI while that is not known
    std::string uri;  ///< canonical; empty while there is no connection
    fact<std::string> hostname;             ///< `virConnectGetHostname`
    fact<std::string> driver;               ///< `virConnectGetType`
    fact<model::version> libvirt;           ///< the daemon's: `virConnectGetLibVersion`
    fact<model::version> hypervisor;        ///< QEMU's: `virConnectGetVersion`
    fact<model::capabilities> capabilities; ///< `virConnectGetCapabilities`
    /// By path: each image, backing file and medium of the domain.
    by_name<storage_place> storage;
    /// By pool, of those that are active: whether its files answer with a stale handle (ESTALE).
    by_name<bool> stale;

    friend bool operator==(const host_facts &, const host_facts &) = default;
};

/// The job of a domain that runs now.
struct current_job {
    model::job_type type = model::job_type::none;  ///< `none`: no job runs
    std::optional<model::job_operation> operation; ///< absent where the daemon does not tell

    friend bool operator==(const current_job &, const current_job &) = default;
};

/// What the source tells of the domain.
struct source_facts : host_facts {
    /// `virDomainGetState`, `virDomainIsActive`, `virDomainIsPersistent`.
    fact<model::domain_status> status;
    fact<current_job> job;                     ///< of a domain that is off: none
    fact<std::uint32_t> snapshots;             ///< how many: `virDomainSnapshotNum`
    fact<std::vector<std::string>> block_jobs; ///< the targets of the disks that have one
    fact<bool> managed_save; ///< its memory lies in a file: `virDomainHasManagedSaveImage`
    fact<bool> autostart;    ///< it starts with the host: `virDomainGetAutostart`

    friend bool operator==(const source_facts &, const source_facts &) = default;
};

/// A domain that a host knows.
struct known_domain {
    std::string name;    ///< at the destination
    kvmig::uuid uuid;    ///< at the destination
    bool active = false; ///< it has a process; false: it is only defined

    friend bool operator==(const known_domain &, const known_domain &) = default;
};

/// What comparing the guest's CPU with a host's came to.
struct cpu_comparison {
    bool fits = false; ///< the host can give all that the running guest's CPU has
    std::string lacks; ///< libvirt's words for what is missing; may be empty

    friend bool operator==(const cpu_comparison &, const cpu_comparison &) = default;
};

/// Free huge pages of one size, on all NUMA nodes together.
struct free_pages {
    bytes size; ///< of one page; never the usual size
    pages free; ///< by count, not by bytes

    friend bool operator==(const free_pages &, const free_pages &) = default;
};

/// How far a host's clock is ahead of another's.
struct clock_offset {
    std::chrono::milliseconds ahead{0};  ///< negative: behind
    std::chrono::milliseconds within{0}; ///< how far off that can be: what asking took

    friend bool operator==(const clock_offset &, const clock_offset &) = default;
};

/// What the destination tells.
struct destination_facts : host_facts {
    fact<std::optional<known_domain>> same_name; ///< the domain of this name there, if any
    fact<std::optional<known_domain>> same_uuid; ///< the domain of this UUID there, if any
    /// For the guest's type, architecture and machine.
    fact<model::domain_capabilities> domain_capabilities;
    /// `virConnectCompareHypervisorCPU`, with the CPU that the guest has.
    fact<cpu_comparison> cpu;
    fact<bytes> memory_total;     ///< of the host
    fact<bytes> memory_available; ///< free, and held by caches
    /// `virNodeGetFreePages`; empty: it knows the usual size alone.
    fact<std::vector<free_pages>> huge_pages;
    /// The addresses of the destination's own host name, as the source resolves it; empty: none.
    fact<std::vector<std::string>> addresses;
    /// What the source meets at the ends of the range of migration ports of that name.
    fact<std::vector<model::tried_port>> ports;
    fact<clock_offset> clock;     ///< against the source's
    by_name<presence> networks;   ///< libvirt's, that interfaces stand on
    by_name<presence> interfaces; ///< bridges and network cards of the host
    by_name<presence> filters;    ///< nwfilters
    by_name<presence> pools;      ///< those that disks name
    by_name<presence> secrets;    ///< under the names of `model::domain::secrets`

    friend bool operator==(const destination_facts &, const destination_facts &) = default;
};

/// What came of opening a connection from the source itself.
struct opened_connection {
    bool opened = false; ///< the daemon there answered
    std::string said;    ///< why not, in libvirt's words; empty when it was opened

    friend bool operator==(const opened_connection &, const opened_connection &) = default;
};

/// What matters when the source's daemon leads (`--p2p`), or `virsh` on the source: the destination
/// is opened from there, as root.
struct peer_facts {
    std::string uri;                    ///< the destination, as the source opens it
    fact<opened_connection> connection; ///< by `virsh` there; unknown where that is not root

    friend bool operator==(const peer_facts &, const peer_facts &) = default;
};

/// How fast the guest changes its memory.
struct dirtied_memory {
    byte_rate rate;                    ///< bytes a second of pages that were written to
    std::chrono::milliseconds over{0}; ///< for so long it was looked at

    friend bool operator==(const dirtied_memory &, const dirtied_memory &) = default;
};

/// What the way from the source to the destination carried.
struct measured_link {
    byte_rate rate; ///< `moved` in the time `over`
    bytes moved;    ///< what was sent to measure it
    /// As dd(1) at the destination timed it.
    std::chrono::milliseconds over{0};

    friend bool operator==(const measured_link &, const measured_link &) = default;
};

/// What no rule asks for, but a forecast does.
struct load_facts {
    fact<dirtied_memory> dirty;                     ///< `virDomainStartDirtyRateCalc`
    fact<std::chrono::milliseconds> downtime_limit; ///< `virDomainMigrateGetMaxDowntime`
    fact<byte_rate> speed_limit;                    ///< `virDomainMigrateGetMaxSpeed`
    fact<measured_link> link;                       ///< by one SSH connection between the hosts

    friend bool operator==(const load_facts &, const load_facts &) = default;
};

/// The whole.
struct facts {
    model::domain domain;                   ///< from the source's XML
    storage_copy copy = storage_copy::none; ///< as asked for
    source_facts source;                    ///< where the guest is
    destination_facts destination;          ///< where it is to go
    std::optional<nfs_facts> nfs;           ///< absent: nobody asked
    /// By the image's name: what tokens in its folder proved; only of those that were probed.
    by_name<model::shared_answer> shared;
    std::optional<peer_facts> peer;     ///< absent: nobody asked
    std::optional<load_facts> load;     ///< absent: nobody asked
    std::optional<canary_facts> canary; ///< absent: none was sent

    friend bool operator==(const facts &, const facts &) = default;
};

/// Calls `visit(name, fact)` for every single fact about the hosts, those with names included.
template <class Facts, class Visitor> void for_each_fact(Facts &all, Visitor visit) {
    const auto named = [&](const char *what, auto &facts_by_name) {
        for (auto &[name, told] : facts_by_name.all()) visit(what, told);
    };
    const auto host = [&](auto &of) {
        visit("hostname", of.hostname);
        visit("driver", of.driver);
        visit("libvirt", of.libvirt);
        visit("hypervisor", of.hypervisor);
        visit("capabilities", of.capabilities);
        named("storage", of.storage);
        named("stale", of.stale);
    };
    host(all.source);
    visit("status", all.source.status);
    visit("job", all.source.job);
    visit("snapshots", all.source.snapshots);
    visit("block_jobs", all.source.block_jobs);
    visit("managed_save", all.source.managed_save);
    visit("autostart", all.source.autostart);
    auto &there = all.destination;
    host(there);
    visit("same_name", there.same_name);
    visit("same_uuid", there.same_uuid);
    visit("domain_capabilities", there.domain_capabilities);
    visit("cpu", there.cpu);
    visit("memory_total", there.memory_total);
    visit("memory_available", there.memory_available);
    visit("huge_pages", there.huge_pages);
    visit("addresses", there.addresses);
    visit("ports", there.ports);
    visit("clock", there.clock);
    named("networks", there.networks);
    named("interfaces", there.interfaces);
    named("filters", there.filters);
    named("pools", there.pools);
    named("secrets", there.secrets);
    named("shared", all.shared);
    if (all.peer) visit("peer", all.peer->connection);
    if (all.load) {
        visit("dirty", all.load->dirty);
        visit("downtime_limit", all.load->downtime_limit);
        visit("speed_limit", all.load->speed_limit);
        visit("link", all.load->link);
    }
    if (!all.nfs) return;
    for (auto &server : all.nfs->servers) visit("nfs_exports", server.exports);
    if (all.nfs->source) visit("nfs_mounts", all.nfs->source->mounts);
    if (all.nfs->destination) visit("nfs_mounts", all.nfs->destination->mounts);
}

} // namespace kvmig::precheck
