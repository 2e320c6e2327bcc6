// SPDX-License-Identifier: MIT
/// Collects the facts about a migration from both hosts, for `precheck::check`.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/shared_login.hpp>
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/lookup.hpp>
#include <kvmig/libvirt/network.hpp>
#include <kvmig/libvirt/node.hpp>
#include <kvmig/precheck/facts.hpp>
#include <kvmig/run/check_clock.hpp>
#include <kvmig/run/check_cpu.hpp>
#include <kvmig/run/check_names.hpp>
#include <kvmig/run/check_peer.hpp>
#include <kvmig/run/check_ports.hpp>
#include <kvmig/run/check_storage.hpp>
#include <kvmig/xml/capabilities.hpp>
#include <kvmig/xml/domain.hpp>
#include <kvmig/xml/domain_capabilities.hpp>

#include <array>
#include <future>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// The migration that the facts are for.
struct collect_options {
    precheck::storage_copy copy = precheck::storage_copy::none; ///< whether storage must be shared
    /// The source's daemon is to lead: the source is asked to open the destination.
    bool peer2peer = false;
    /// By which it does; empty: the URI by which the destination is reached from here.
    std::string destination_uri{};
    std::stop_token stop{}; ///< ends what is asked over SSH; what was not told is unknown
};

namespace detail {

/// A value as a fact; an error as the reason why it is not known.
template <class T> [[nodiscard]] precheck::fact<T> as_fact(expected<T> told) {
    if (told) return *std::move(told);
    return precheck::fact<T>::unknown(std::move(told).error().what);
}

/// Text that is read and then parsed, as a fact.
template <class Parse>
[[nodiscard]] auto parsed_fact(expected<std::string> text, Parse parse)
    -> precheck::fact<typename decltype(parse(std::string_view{}))::value_type> {
    using value = typename decltype(parse(std::string_view{}))::value_type;
    if (!text) return precheck::fact<value>::unknown(std::move(text).error().what);
    return as_fact(parse(std::string_view(*text)));
}

/// Presence as a fact: `not_found` means absent.
[[nodiscard]] inline precheck::fact<precheck::presence> as_presence(const expected<bool> &active) {
    using precheck::presence;
    if (active) return *active ? presence::active : presence::inactive;
    if (active.error().kind == error_kind::not_found) return presence::absent;
    return precheck::fact<presence>::unknown(active.error().what);
}
[[nodiscard]] inline precheck::fact<precheck::presence> as_presence(const expected<void> &there) {
    return as_presence(there ? expected<bool>(true) : expected<bool>(fail(there.error())));
}

/// A domain that was looked up, as a fact: `not_found` means that there is none.
[[nodiscard]] inline precheck::fact<std::optional<precheck::known_domain>>
as_known_domain(const expected<libvirt::domain> &found) {
    using told = precheck::fact<std::optional<precheck::known_domain>>;
    if (!found) {
        if (found.error().kind == error_kind::not_found) {
            return std::optional<precheck::known_domain>{};
        }
        return told::unknown(found.error().what);
    }
    const auto status = found->status();
    if (!status) return told::unknown(status.error().what);
    return std::optional(precheck::known_domain{found->name(), found->id(), status->active});
}

/// What both ends are asked for.
inline void collect_host(const libvirt::connection &on, const model::domain &domain,
                         precheck::host_facts &into) {
    into.name = on.hostname();
    into.uri = on.uri();
    into.hostname = on.hostname();
    into.driver = as_fact(on.type());
    into.libvirt = as_fact(on.libvirt_version());
    const auto version = on.hypervisor_version();
    if (version && *version) {
        into.hypervisor = **version;
    } else {
        into.hypervisor = precheck::fact<model::version>::unknown(
            version ? "the daemon does not know it" : version.error().what);
    }
    into.capabilities = parsed_fact(on.capabilities(), xml::parse_capabilities);
    for (const model::disk_source &image : images_of(domain)) {
        into.storage.set(precheck::storage_name(image),
                         as_fact(find_storage(on, image, into.stale)));
    }
}

/// What the source is asked about the domain.
inline void collect_source(const libvirt::domain &domain, const model::domain &told,
                           precheck::source_facts &into) {
    into.status = as_fact(domain.status());
    const bool active = into.status.known() && into.status->active;
    if (auto job = domain.job()) {
        into.job = precheck::current_job{job->type, job->operation};
    } else if (job.error().kind == error_kind::unsupported || !active) {
        into.job = precheck::current_job{}; // some drivers know no jobs, what is off has none
    } else {
        into.job = precheck::fact<precheck::current_job>::unknown(job.error().what);
    }
    into.snapshots = as_fact(domain.snapshots());
    into.managed_save = as_fact(domain.has_managed_save());
    into.autostart = as_fact(domain.autostart());
    std::vector<std::string> busy;
    for (const model::disk &disk : told.disks) {
        if (!active || disk.source.kind == model::source_kind::none) continue;
        const auto job = domain.has_block_job(disk.target);
        if (job) {
            if (*job) busy.push_back(disk.target);
            continue;
        }
        into.block_jobs = precheck::fact<std::vector<std::string>>::unknown(job.error().what);
        return;
    }
    into.block_jobs = busy;
}

/// Free huge pages of every size but the smallest, which is the usual page.
[[nodiscard]] inline expected<std::vector<precheck::free_pages>>
collect_huge_pages(const libvirt::connection &on, const model::capabilities &host) {
    std::vector<precheck::free_pages> out;
    const unsigned cells = host.numa_cells == 0 ? 1 : host.numa_cells;
    bytes usual = host.page_sizes.empty() ? bytes{} : host.page_sizes.front();
    for (const bytes size : host.page_sizes) usual = std::min(usual, size);
    for (const bytes size : host.page_sizes) {
        if (size == usual) continue;
        auto free = libvirt::read_free_pages(on, size, cells);
        if (!free) return fail(std::move(free).error());
        out.push_back({size, *free});
    }
    return out;
}

/// What the destination is asked for by name.
inline void collect_named(const libvirt::connection &on, const model::domain &domain,
                          precheck::destination_facts &into) {
    for (const model::interface &each : domain.interfaces) {
        if (const std::string &name = each.stands_on(); !name.empty()) {
            const auto found = libvirt::network::lookup(on, name);
            into.networks.set(name, as_presence(found ? found->is_active()
                                                      : expected<bool>(fail(found.error()))));
        } else if (each.type == "bridge" || each.type == "direct") {
            into.interfaces.set(each.source,
                                as_presence(libvirt::interface_is_active(on, each.source)));
        }
        if (!each.filter.empty()) {
            into.filters.set(each.filter, as_presence(libvirt::require_filter(on, each.filter)));
        }
    }
    for (const model::disk &disk : domain.disks) {
        if (disk.source.kind != model::source_kind::volume) continue;
        const auto found = libvirt::storage_pool::lookup(on, disk.source.pool);
        into.pools.set(disk.source.pool, as_presence(found ? found->is_active()
                                                           : expected<bool>(fail(found.error()))));
    }
    for (const std::string &each : domain.secrets) {
        into.secrets.set(each, as_presence(libvirt::require_secret(on, each)));
    }
}

/// What only the destination is asked for.
inline void collect_destination(const libvirt::domain &domain,
                                const libvirt::connection &destination, precheck::facts &into) {
    auto &there = into.destination;
    collect_host(destination, into.domain, there);
    there.same_name = as_known_domain(libvirt::domain::lookup(destination, into.domain.name));
    there.same_uuid = as_known_domain(libvirt::domain::lookup(destination, domain.id()));
    // The emulator is the destination's own: its path may differ.
    const libvirt::guest_kind kind{"", into.domain.arch, into.domain.machine, into.domain.type};
    there.domain_capabilities = parsed_fact(libvirt::read_domain_capabilities(destination, kind),
                                            xml::parse_domain_capabilities);
    there.cpu = as_fact(collect_cpu(domain, destination, kind));
    if (const auto memory = libvirt::read_node_memory(destination)) {
        there.memory_total = memory->total;
        there.memory_available = memory->available;
    } else {
        there.memory_total = precheck::fact<bytes>::unknown(memory.error().what);
        there.memory_available = there.memory_total;
    }
    if (there.capabilities.known()) {
        there.huge_pages = as_fact(collect_huge_pages(destination, *there.capabilities));
    }
    collect_named(destination, into.domain, there);
}

/// What the source meets on its way to the destination's own name.
inline void collect_way(const std::string &uri_here, const std::string &name,
                        precheck::destination_facts &into, const std::stop_token &stop,
                        const std::vector<std::string> &ssh) {
    into.addresses = as_fact(resolve_at(uri_here, name, stop, ssh));
    using ports = precheck::fact<std::vector<model::tried_port>>;
    if (!into.addresses.known()) {
        into.ports = ports::unknown(into.addresses.reason());
    } else if (into.addresses->empty()) {
        into.ports = ports::unknown("the source does not resolve '" + name + "'");
    } else {
        into.ports = as_fact(try_ports_at(uri_here, name, migration_ports, stop, ssh));
    }
}

template <class Act> [[nodiscard]] auto at_once(Act act) {
    return std::async(std::launch::async, std::move(act));
}

/// What the source is asked over one login.
inline void collect_over_ssh(const std::string &uri_here, const libvirt::connection &destination,
                             precheck::facts &into, const std::stop_token &stop) {
    const auto login = host::shared_login::to(uri_here, stop);
    const std::vector<std::string> ssh = login.words();
    auto there = at_once([&] { return read_clock_at(destination.uri(), stop); });
    const auto opened = at_once([&] {
        if (!into.peer) return;
        into.peer->connection = as_fact(open_at(uri_here, into.peer->uri, stop, ssh));
    });
    const auto here = read_clock_at(uri_here, stop, ssh);
    collect_way(uri_here, destination.hostname(), into.destination, stop, ssh);
    into.destination.clock = as_fact(compare_clocks(here, there.get()));
    opened.wait();
}

} // namespace detail

/// Asks both hosts at once, and fails only when the domain itself cannot be read: whatever else
/// cannot be had is a fact that is not known, with the reason. Nothing is changed anywhere; active
/// pools with images of the domain are refreshed, by which libvirt stops one that it cannot read.
/// `uri_here` is how the source is reached from here, by which it is asked, over SSH, how it
/// resolves the destination's name, and whether it can open the destination; both hosts are asked
/// for their clocks in that way.
[[nodiscard]] inline expected<precheck::facts> collect_facts(const libvirt::domain &domain,
                                                             const libvirt::connection &destination,
                                                             const std::string &uri_here,
                                                             const collect_options &how = {}) {
    auto text = domain.xml();
    if (!text) return fail(std::move(text).error());
    auto told = xml::parse_domain(*text);
    if (!told) return fail(std::move(told).error().on(domain.on().hostname()));
    precheck::facts out;
    out.domain = *std::move(told);
    out.copy = how.copy;
    if (how.peer2peer) {
        out.peer.emplace().uri =
            how.destination_uri.empty() ? destination.uri() : how.destination_uri;
    }
    // The hosts answer at the same time, and SSH takes its own; each writes facts of its own.
    const std::array<std::future<void>, 3> asked{
        detail::at_once([&] {
            detail::collect_host(domain.on(), out.domain, out.source);
            detail::collect_source(domain, out.domain, out.source);
        }),
        detail::at_once([&] { detail::collect_destination(domain, destination, out); }),
        detail::at_once([&] { detail::collect_over_ssh(uri_here, destination, out, how.stop); }),
    };
    for (const std::future<void> &each : asked) each.wait();
    return out;
}

} // namespace kvmig::run
