// SPDX-License-Identifier: MIT
/// What is refused before a migration starts, because libvirt would refuse it later, or in words
/// that explain little. The full prechecks are `kvmig/precheck`'s.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/option_rules.hpp>
#include <kvmig/model/connection_uri.hpp>
#include <kvmig/model/host.hpp>
#include <kvmig/ports/hypervisor.hpp>

#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

namespace detail {

/// One objection is told as it is, several as causes of one error.
[[nodiscard]] inline expected<void> refuse(std::vector<migration::objection> found) {
    if (found.empty()) return {};
    if (found.size() > 1) return fail(migration::refusal(std::move(found)));
    return fail(make_error(error_kind::invalid_argument, std::move(found.front().what))
                    .advise(std::move(found.front().remedy)));
}

} // namespace detail

/// The hosts of a migration, as they present themselves.
struct host_pair {
    model::host source;      ///< where the guest is
    model::host destination; ///< another host than `source`
};

/// Fails when both are one host, or two hosts with one host UUID, which libvirt takes for one.
[[nodiscard]] inline expected<void> check_distinct(const host_pair &hosts) {
    const model::host &from = hosts.source;
    const model::host &to = hosts.destination;
    const bool same_uuid = from.uuid && to.uuid && *from.uuid == *to.uuid;
    const bool same_name = from.hostname == to.hostname;
    if (same_uuid && !same_name) {
        return fail(make_error(error_kind::conflict, "the hosts " + from.hostname + " and " +
                                                         to.hostname + " have the same host UUID " +
                                                         from.uuid->text() +
                                                         ", and libvirt would take them for one")
                        .on(to.hostname)
                        .advise("give one of them a host_uuid of its own in "
                                "/etc/libvirt/libvirtd.conf (or virtqemud.conf), and restart the "
                                "daemon"));
    }
    const bool one = same_uuid || (same_name && !(from.uuid && to.uuid) && from.uri == to.uri);
    if (one) {
        return fail(make_error(error_kind::invalid_argument,
                               "source and destination are the same host " + from.hostname)
                        .on(from.hostname)
                        .advise("name another host as the destination"));
    }
    return {};
}

/// Asks both hosts who they are; fails unless they are two.
template <ports::hypervisor H> [[nodiscard]] expected<host_pair> meet(H &source, H &destination) {
    auto from = source.host();
    if (!from) return fail(std::move(from).error());
    if (source.same_connection(destination)) {
        return fail(make_error(error_kind::invalid_argument,
                               "source and destination are one connection, to " + from->hostname)
                        .on(from->hostname)
                        .advise("name another host as the destination"));
    }
    auto to = destination.host();
    if (!to) return fail(std::move(to).error());
    host_pair hosts{*std::move(from), *std::move(to)};
    if (auto ok = check_distinct(hosts); !ok) return fail(std::move(ok).error());
    return hosts;
}

/// Everything in the options that cannot work, for these hosts too.
[[nodiscard]] inline expected<void> check_options(const migration::options &options,
                                                  const host_pair &hosts) {
    std::vector<migration::objection> found = migration::validate(options);
    for (const model::host *each : {&hosts.source, &hosts.destination}) {
        auto more = migration::validate_for(options, each->libvirt, each->hostname);
        found.insert(found.end(), more.begin(), more.end());
    }
    if (options.flags.has(migration::flag::peer2peer)) {
        const std::string &uri =
            options.destination_uri.empty() ? hosts.destination.uri : options.destination_uri;
        const auto parsed = model::connection_uri::parse(uri);
        if (parsed && parsed->alias.empty() && !parsed->remote() && parsed->transport != "ext") {
            found.push_back({"peer2peer: the daemon on " + hosts.source.hostname + " is to open '" +
                                 uri + "', which is its own host",
                             "give destination_uri as that daemon can reach the destination"});
        }
    }
    if (!found.empty()) return fail(migration::refusal(std::move(found)));
    return {};
}

/// Fails while a job is active on the domain.
template <ports::hypervisor H>
[[nodiscard]] expected<void> check_no_job(H &source, const uuid &id, const std::string &name,
                                          const std::string &hostname) {
    auto job = source.job(id);
    if (!job) {
        // Some drivers know no jobs, and so have none.
        if (job.error().kind == error_kind::unsupported) return {};
        return fail(std::move(job).error());
    }
    if (job->type == model::job_type::none) return {};
    const std::string which =
        job->operation ? " (" + std::string(to_string(*job->operation)) + ")" : "";
    return fail(
        make_error(error_kind::conflict, "the domain '" + name + "' has an active job" + which)
            .on(hostname)
            .about(name)
            .advise("wait for it, or end it with `virsh domjobabort " + name + "`"));
}

/// Fails when the domain is unknown at the source, does not run while its memory is to be moved,
/// has a job already, or is active at the destination too.
template <ports::hypervisor H>
[[nodiscard]] expected<void> check_domain(H &source, const uuid &id, const std::string &name,
                                          H &destination, const migration::options &options,
                                          const host_pair &hosts) {
    const std::string &from = hosts.source.hostname;
    const auto about = [&](error_kind kind, const std::string &what) {
        return make_error(kind, "the domain '" + name + "' " + what).on(from).about(name);
    };
    auto status = source.status(id);
    if (!status) return fail(std::move(status).error());
    if (!*status) {
        return fail(about(error_kind::not_found, "does not exist")
                        .advise("`virsh -c " + hosts.source.uri +
                                " list --all` lists those that "
                                "do"));
    }
    if (!(**status).active && !options.flags.has(migration::flag::offline)) {
        return fail(about(error_kind::conflict,
                          "does not run: it is " + std::string(to_string((**status).state)))
                        .advise("start it, or move its definition alone with the flags offline "
                                "and persist_dest and without live"));
    }
    // A broken post-copy migration is active on both sides, with its job.
    if (options.flags.has(migration::flag::postcopy_resume)) return {};

    auto there = destination.status(id);
    if (!there) return fail(std::move(there).error());
    if (*there && (**there).active) {
        return fail(make_error(error_kind::conflict, "a domain with the UUID of '" + name +
                                                         "' is active at the destination: " +
                                                         std::string(to_string((**there).state)))
                        .on(hosts.destination.hostname)
                        .about(id.text())
                        .advise("find out which of the two is the right one, and destroy the "
                                "other"));
    }
    return (**status).active ? check_no_job(source, id, name, from) : expected<void>();
}

/// All of it; gives the hosts. Nothing is changed anywhere.
template <ports::hypervisor H>
[[nodiscard]] expected<host_pair> check_before_migration(H &source, const uuid &id,
                                                         const std::string &name, H &destination,
                                                         const migration::options &options) {
    // What needs no host is told first.
    if (auto found = migration::validate(options); !found.empty()) {
        return fail(migration::refusal(std::move(found)));
    }
    auto met = meet(source, destination);
    if (!met) return met;
    const host_pair &hosts = *met;
    if (auto ok = check_options(options, hosts); !ok) return fail(std::move(ok).error());
    if (auto ok = check_domain(source, id, name, destination, options, hosts); !ok) {
        return fail(std::move(ok).error());
    }
    return met;
}

} // namespace kvmig::run
