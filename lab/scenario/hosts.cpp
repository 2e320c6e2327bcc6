// SPDX-License-Identifier: MIT
#include <lab/scenario/hosts.hpp>

#include <functional>
#include <future>
#include <utility>

namespace kvmig::lab {

expected<hosts> hosts::connect(const site &where) {
    auto loop = libvirt::event_loop::start();
    if (!loop) return fail(std::move(loop).error());
    const auto open = [](const site_host &host) { return libvirt::connection::open(host.uri); };
    // Each takes an SSH key exchange, which is slow under emulation.
    auto other = std::async(std::launch::async, open, std::cref(where.hosts[1]));
    auto first = open(where.hosts[0]);
    auto second = other.get();
    if (!first) return fail(std::move(first).error());
    if (!second) return fail(std::move(second).error());
    return hosts{where, std::move(*loop), std::move(*first), std::move(*second)};
}

expected<void> hosts::reconnect() {
    for (const auto &[host, place] : {std::pair{&first_, 0U}, {&second_, 1U}}) {
        if (host->is_alive()) continue;
        auto again = libvirt::connection::open(where_.hosts[place].uri);
        if (!again) return fail(std::move(again).error());
        *host = *std::move(again);
    }
    return {};
}

migration::options hosts::toward(const libvirt::connection &to, migration::options how) const {
    const site_host &there = where_.hosts[to.hostname() == second_.hostname() ? 1 : 0];
    if (how.flags.has(migration::flag::peer2peer) && how.destination_uri.empty()) {
        how.destination_uri = there.peer_uri;
    }
    if (!how.migrate_uri && !there.migration_address.empty()) {
        how.migrate_uri = "tcp://" + there.migration_address;
    }
    return how;
}

} // namespace kvmig::lab
