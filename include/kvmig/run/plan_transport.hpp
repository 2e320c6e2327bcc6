// SPDX-License-Identifier: MIT
/// Which way a live migration takes, in words.
#pragma once

#include <kvmig/migration/options.hpp>
#include <kvmig/run/before_migration.hpp>

#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// Clauses: who leads, by which connections, and where memory and disks are sent. `disks`: whether
/// any are.
[[nodiscard]] inline std::vector<std::string>
describe_transport(const migration::options &o, const host_pair &hosts, bool disks) {
    using migration::flag;
    const std::string &from = hosts.source.hostname;
    const std::string &to = hosts.destination.hostname;
    const std::string &uri = o.destination_uri.empty() ? hosts.destination.uri : o.destination_uri;
    std::vector<std::string> out;
    if (o.direct) {
        out.push_back("the hypervisor on " + from + " leads");
    } else if (o.flags.has(flag::peer2peer)) {
        out.push_back("the daemon on " + from + " leads, and opens " + uri);
    } else {
        out.push_back("this program leads, by " + hosts.source.uri + " and " +
                      hosts.destination.uri);
    }
    if (o.flags.has(flag::offline)) return out; // nothing but the definition moves
    const std::string tls = o.flags.has(flag::tls) ? ", encrypted" : ", in the clear";
    if (o.flags.has(flag::tunnelled)) {
        out.emplace_back("memory goes through the connection of the daemons");
    } else if (o.migrate_uri) {
        out.push_back("memory goes from " + from + " to " + *o.migrate_uri + tls);
    } else {
        out.push_back("memory goes from " + from + " by TCP to the name that " + to +
                      " gives itself, at a port of 49152 to 49215 unless its qemu.conf says "
                      "otherwise" +
                      tls);
    }
    if (!disks) return out;
    if (o.disks_uri) {
        out.push_back("disks go by NBD to " + *o.disks_uri + tls);
    } else if (o.disks_port) {
        out.push_back("disks go by NBD to the same address, port " + std::to_string(*o.disks_port) +
                      tls);
    } else {
        out.push_back("disks go by NBD to the same address, at another port of that range" + tls);
    }
    return out;
}

} // namespace kvmig::run
