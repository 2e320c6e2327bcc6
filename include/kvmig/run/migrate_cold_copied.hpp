// SPDX-License-Identifier: MIT
/// A cold migration whose images travel from host to host.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/host/remote_command.hpp>
#include <kvmig/model/connection_uri.hpp>
#include <kvmig/model/path_rule.hpp>
#include <kvmig/run/copied_images.hpp>
#include <kvmig/run/migrate_cold.hpp>
#include <kvmig/run/plan_images.hpp>
#include <kvmig/xml/adapt_paths.hpp>
#include <kvmig/xml/domain.hpp>

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// How the hosts of a copy are reached: by the SSH of this machine, and of the source, unless told
/// otherwise.
struct copy_reach {
    /// Programs on the host of a libvirt URI.
    std::function<expected<ports::host_shell>(const std::string &uri)> shell =
        [](const std::string &uri) { return host::shell_of(uri); };
    /// The source's way to the destination.
    std::vector<std::string> ssh = host::quiet_ssh;
    copy_patience patience{};

    [[nodiscard]] expected<on_host> host(const std::string &uri) const {
        auto found = shell(uri);
        if (!found) return fail(std::move(found).error());
        auto end = host::ssh_end_of(uri);
        const bool named = end && !end->host.empty();
        return on_host(named ? end->host : uri, *std::move(found));
    }
};

/// What is asked of a copy beyond the migration.
struct copy_wish {
    std::vector<model::path_rule> rules{}; ///< paths of the source that are others there
    /// Where the source's SSH reaches the destination; otherwise the host of its URI.
    std::optional<model::uri_authority> address{};
};

namespace detail {

[[nodiscard]] inline expected<void> set_address(copy_plan &plan, const std::string &destination,
                                                const copy_wish &wish) {
    auto to = wish.address ? expected<model::uri_authority>(*wish.address)
                           : host::ssh_end_of(destination);
    if (!to) return fail(std::move(to).error());
    if (to->host.empty()) {
        return fail(make_error(error_kind::invalid_argument,
                               "the images go directly from the source to the destination, and '" +
                                   destination + "' does not tell how the source reaches it")
                        .advise("give the destination's address as the source knows it"));
    }
    plan.login = host::login_of(*to);
    plan.port = to->port.value_or(0);
    return {};
}

} // namespace detail

/// Migrates as `migrate_cold`, and copies every image that the definition names, with its backing
/// chain, from host to host by rsync over SSH; the destination may start the guest once each has
/// proven to be equal. The definition is adapted by the wish's rules. On both hosts are needed:
/// rsync, coreutils, findutils and util-linux, and root's rights; on the source an SSH key that the
/// destination lets in. Fails beyond that as `plan_images` and `copied_images` tell.
template <ports::cold_host H, ports::journal J, ports::clock C = ports::system_clock>
[[nodiscard]] expected<cold_result>
migrate_cold_copied(H &source, const uuid &id, const std::string &name, H &destination, J &journal,
                    const copy_wish &wish = {}, cold_options options = {},
                    const cold_callback &progress = {}, const std::stop_token &stop = {},
                    const sampling &how = {}, const copy_reach &reach = {}, C clock = {}) {
    auto hosts = meet(source, destination);
    if (!hosts) return fail(std::move(hosts).error());
    auto definition = source.definition(id);
    if (!definition) return fail(std::move(definition).error());
    auto guest = xml::parse_domain(*definition);
    if (!guest) return fail(std::move(guest).error());
    auto adapted = xml::with_paths(*definition, wish.rules);
    if (!adapted) return fail(std::move(adapted).error());
    auto here = reach.host(hosts->source.uri);
    if (!here) return fail(std::move(here).error());
    auto there = reach.host(hosts->destination.uri);
    if (!there) return fail(std::move(there).error());
    // Before anything is asked of the hosts' shells: what is refused anyway takes no time.
    if (auto ok = check_domain_for_cold(source, id, name, destination, *hosts); !ok) {
        return fail(std::move(ok).error());
    }
    auto plan = plan_images(*here, *guest, wish.rules, stop);
    if (!plan) return fail(std::move(plan).error());
    if (auto set = detail::set_address(*plan, hosts->destination.uri, wish); !set) {
        return fail(std::move(set).error());
    }
    options.images = to_text(*plan);
    copied_images images(*std::move(here), *std::move(there), *std::move(plan), reach.ssh,
                         reach.patience);
    return migrate_cold(source, id, name, destination, images, *adapted, journal, options, progress,
                        stop, how, std::move(clock));
}

} // namespace kvmig::run
