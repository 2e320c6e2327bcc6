// SPDX-License-Identifier: MIT
#include <lab/scenario/hosts.hpp>

#include <fmt/format.h>
#include <future>

namespace kvmig::lab {

expected<hosts> hosts::connect() {
    auto loop = libvirt::event_loop::start();
    if (!loop) return fail(std::move(loop).error());
    const auto open = [](std::string_view name) {
        return libvirt::connection::open(libvirt_uri(*find_machine(name)));
    };
    // Each takes an SSH key exchange, which is slow under emulation.
    auto other = std::async(std::launch::async, open, "kvm02");
    auto first = open("kvm01");
    auto second = other.get();
    if (!first) return fail(std::move(first).error());
    if (!second) return fail(std::move(second).error());
    return hosts{std::move(*loop), std::move(*first), std::move(*second)};
}

expected<void> hosts::reconnect() {
    if (second_.is_alive()) return {};
    auto again = libvirt::connection::open(libvirt_uri(*find_machine("kvm02")));
    if (!again) return fail(std::move(again).error());
    second_ = *std::move(again);
    return {};
}

expected<std::set<std::string>> inventory(const hosts &on) {
    std::set<std::string> found;
    for (const libvirt::connection *host : {&on.kvm01(), &on.kvm02()}) {
        auto domains = libvirt::domain::list(*host);
        if (!domains) return fail(std::move(domains).error());
        for (const libvirt::domain &domain : *domains) {
            found.insert(fmt::format("{}: domain {}", host->hostname(), domain.name()));
        }
        for (const std::string_view name : {pool_name, local_pool_name}) {
            auto pool = libvirt::storage_pool::lookup(*host, std::string{name});
            if (!pool) return fail(std::move(pool).error());
            if (auto known = pool->refresh(); !known) return fail(std::move(known).error());
            auto volumes = pool->volumes();
            if (!volumes) return fail(std::move(volumes).error());
            for (const libvirt::storage_volume &volume : *volumes) {
                found.insert(
                    fmt::format("{}: volume {} in {}", host->hostname(), volume.name(), name));
            }
        }
    }
    return found;
}

} // namespace kvmig::lab
