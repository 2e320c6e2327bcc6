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
#include <kvmig/run/plan_cold.hpp>
#include <kvmig/run/plan_images.hpp>
#include <kvmig/xml/comparable.hpp>

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
    copy_patience patience{}; ///< how long a broken link between the hosts is waited for
    /// Where libvirt's system daemon keeps the memory of guests that it saved, on both hosts.
    std::string saved_states = "/var/lib/libvirt/qemu/save";

    /// The host that a URI names, as commands reach it.
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

/// The memory that will be saved, as the last of the images. It has its size once it is written.
[[nodiscard]] inline expected<void> add_state(copy_plan &images, const cold_plan &plan,
                                              const copy_reach &reach, const copy_wish &wish) {
    auto differs = xml::difference(plan.definition, plan.adapted, "source", "destination");
    if (!differs) return fail(std::move(differs).error());
    if (!differs->empty()) {
        return fail(make_error(error_kind::unsupported,
                               "the saved memory of '" + plan.name +
                                   "' holds its definition as it is at the source, and the rules "
                                   "for paths change it")
                        .about(plan.name)
                        .advise("keep the paths, or let the guest be shut down"));
    }
    const std::string path = reach.saved_states + "/" + plan.name + ".save";
    images.images.push_back({image_kind::file, "state", path, model::adapted(wish.rules, path),
                             plan.guest.memory, plan.guest.memory});
    return {};
}

} // namespace detail

/// A plan, and the shells of the hosts between which its images go.
struct cold_copy {
    cold_plan plan; ///< with its `images`
    on_host here;   ///< the source
    on_host there;  ///< the destination
};

/// Plans as `plan_cold`, and looks for every image that the definition names, with its backing
/// chain; where each goes is the wish's rules' to say. Fails beyond that as `plan_images` tells,
/// and for a destination that the source has no address of; with `unsupported` where memory is to
/// be kept, and rules change the definition that it holds.
template <ports::cold_host H>
[[nodiscard]] expected<cold_copy>
plan_cold_copied(H &source, const uuid &id, const std::string &name, H &destination,
                 const copy_wish &wish = {}, const cold_options &options = {},
                 const std::stop_token &stop = {}, const copy_reach &reach = {}) {
    auto plan = plan_cold(source, id, name, destination, options, wish.rules);
    if (!plan) return fail(std::move(plan).error());
    auto here = reach.host(plan->hosts.source.uri);
    if (!here) return fail(std::move(here).error());
    auto there = reach.host(plan->hosts.destination.uri);
    if (!there) return fail(std::move(there).error());
    auto images = plan_images(*here, plan->guest, wish.rules, stop);
    if (!images) return fail(std::move(images).error());
    if (auto set = detail::set_address(*images, plan->hosts.destination.uri, wish); !set) {
        return fail(std::move(set).error());
    }
    if (plan->origin().stop == migration::stop_method::save) {
        if (auto added = detail::add_state(*images, *plan, reach, wish); !added) {
            return fail(std::move(added).error());
        }
    }
    plan->images = *std::move(images);
    return cold_copy{*std::move(plan), *std::move(here), *std::move(there)};
}

/// Migrates the domain `id` (called `name` in messages) cold, and copies its images from host to
/// host by rsync over SSH; the destination may start the guest once each has proven to be equal. On
/// both hosts are needed: rsync, coreutils, findutils and util-linux, and root's rights; on the
/// source an SSH key that the destination lets in. Refused as `plan_cold_copied` and
/// `copied_images` tell, and done as `carry_out_cold` tells.
template <ports::cold_host H, ports::journal J, ports::clock C = ports::system_clock>
[[nodiscard]] expected<cold_result>
migrate_cold_copied(H &source, const uuid &id, const std::string &name, H &destination, J &journal,
                    const copy_wish &wish = {}, const cold_options &options = {},
                    const cold_callback &progress = {}, const std::stop_token &stop = {},
                    const sampling &how = {}, const copy_reach &reach = {}, C clock = {}) {
    auto planned = plan_cold_copied(source, id, name, destination, wish, options, stop, reach);
    if (!planned) return fail(std::move(planned).error());
    auto &[plan, here, there] = *planned;
    copied_images images(std::move(here), std::move(there), *plan.images, reach.ssh,
                         reach.patience);
    return carry_out_cold(source, destination, images, journal, plan, progress, stop, how,
                          std::move(clock));
}

} // namespace kvmig::run
