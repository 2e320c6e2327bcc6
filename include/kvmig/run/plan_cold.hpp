// SPDX-License-Identifier: MIT
/// What a cold migration will do, decided before anything is touched.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/origin.hpp>
#include <kvmig/migration/sighting.hpp>
#include <kvmig/model/domain.hpp>
#include <kvmig/model/path_rule.hpp>
#include <kvmig/ports/cold_host.hpp>
#include <kvmig/run/before_migration.hpp>
#include <kvmig/run/copy_plan.hpp>
#include <kvmig/run/whereabouts.hpp>
#include <kvmig/xml/adapt_paths.hpp>
#include <kvmig/xml/domain.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// What becomes of the guest at both ends.
struct cold_options {
    /// Once the destination has the guest, the source's definition is removed.
    bool undefine_source = false;
    /// A guest that ran is started at the destination; one that was shut off never is.
    bool start = true;
    /// A guest that runs is not shut down: its memory is saved to a file, which is copied with its
    /// images, and it goes on at the destination where it stood.
    bool keep_state = false;
};

/// A cold migration that may begin.
struct cold_plan {
    uuid id;                           ///< which it keeps
    std::string name;                  ///< at the source, and there
    host_pair hosts;                   ///< two different ones
    host_answer before;                ///< the source's
    std::string definition;            ///< the source's XML of the persistent domain
    std::string adapted;               ///< what the destination is given
    model::domain guest;               ///< as the definition tells
    cold_options options;              ///< as they were asked for
    std::optional<copy_plan> images{}; ///< those that are copied; absent: both hosts share them

    /// How things stand before it, for the journal.
    [[nodiscard]] migration::origin origin() const {
        const bool runs = before.active();
        return {.kind = migration::kind::cold,
                .source_was = runs ? migration::activity::running : migration::activity::off,
                .stop = !runs                ? migration::stop_method::none
                        : options.keep_state ? migration::stop_method::save
                                             : migration::stop_method::shutdown,
                .shared_storage = !images,
                .source_persistent = true,
                .destination_defined = false,
                .persist_destination = true,
                .undefine_source = options.undefine_source,
                .start_at_destination = runs && options.start};
    }
};

/// Fails unless the domain is defined at the source, runs or is shut off there, and its UUID and
/// name are free at the destination.
template <ports::cold_host H>
[[nodiscard]] expected<void> check_domain_for_cold(H &source, const uuid &id,
                                                   const std::string &name, H &destination,
                                                   const host_pair &hosts) {
    using model::domain_state;
    const auto refused = [&](error_kind kind, const model::host &on, const std::string &what) {
        return make_error(kind, "the domain '" + name + "' " + what).on(on.hostname).about(name);
    };
    auto here = source.status(id);
    if (!here) return fail(std::move(here).error());
    if (!*here) return fail(refused(error_kind::not_found, hosts.source, "does not exist"));
    const model::domain_status &now = **here;
    if (!now.persistent) {
        return fail(refused(error_kind::conflict, hosts.source,
                            "is transient: nothing is left of it once it is shut down")
                        .advise("define it, or migrate it live"));
    }
    const bool runs = now.state == domain_state::running || now.state == domain_state::blocked;
    if (now.active && !runs) {
        return fail(refused(error_kind::conflict, hosts.source,
                            "is " + std::string(to_string(now.state)) +
                                ", and cannot hear that it is to shut down")
                        .advise("let it run on, or migrate it live"));
    }
    if (migration::sight(now, false).why == migration::seen_reason::saved) {
        return fail(refused(error_kind::conflict, hosts.source,
                            "has its memory saved at the source, which would stay behind")
                        .advise("start it, or drop what was saved with `virsh -c " +
                                hosts.source.uri + " managedsave-remove " + name + "`"));
    }
    if (now.active) {
        if (auto free = check_no_job(source, id, name, hosts.source.hostname); !free) return free;
    }
    auto there = destination.status(id);
    if (!there) return fail(std::move(there).error());
    if (*there) {
        return fail(
            refused(error_kind::conflict, hosts.destination,
                    (**there).active ? "is active at the destination already"
                                     : "is defined at the destination already")
                .advise((**there).active
                            ? "find out which of the two is the right one"
                            : "compare it with the source's, and remove it with `virsh -c " +
                                  hosts.destination.uri + " undefine " + name + "`"));
    }
    auto other = destination.named(name);
    if (!other) return fail(std::move(other).error());
    if (*other) {
        return fail(refused(error_kind::conflict, hosts.destination,
                            "has a namesake at the destination, with the UUID " + (**other).text())
                        .advise("rename one of the two with `virsh domrename`"));
    }
    return {};
}

/// Asks both hosts, and changes nothing; `carry_out_cold` does what comes of it. The definition is
/// adapted by `rules`. Fails as `meet` and `check_domain_for_cold` tell, and for a definition that
/// cannot be read.
template <ports::cold_host H>
[[nodiscard]] expected<cold_plan> plan_cold(H &source, const uuid &id, const std::string &name,
                                            H &destination, const cold_options &options = {},
                                            const std::vector<model::path_rule> &rules = {}) {
    auto hosts = meet(source, destination);
    if (!hosts) return fail(std::move(hosts).error());
    if (auto ok = check_domain_for_cold(source, id, name, destination, *hosts); !ok) {
        return fail(std::move(ok).error());
    }
    host_answer before = ask(source, id, hosts->source.hostname);
    if (before.unread) return fail(*std::move(before.unread));
    auto definition = source.definition(id);
    if (!definition) return fail(std::move(definition).error());
    auto guest = xml::parse_domain(*definition);
    if (!guest) return fail(std::move(guest).error());
    auto adapted = xml::with_paths(*definition, rules);
    if (!adapted) return fail(std::move(adapted).error());
    return cold_plan{id,
                     name,
                     *std::move(hosts),
                     std::move(before),
                     *std::move(definition),
                     *std::move(adapted),
                     *std::move(guest),
                     options};
}

} // namespace kvmig::run
