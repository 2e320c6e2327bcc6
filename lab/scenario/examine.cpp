// SPDX-License-Identifier: MIT
#include <lab/guest/settings.hpp>
#include <lab/observe/ping_probe.hpp>
#include <lab/scenario/belongings.hpp>
#include <lab/scenario/guest_domain.hpp>
#include <lab/scenario/real_hosts.hpp>

#include <kvmig/host/remote_command.hpp>
#include <kvmig/libvirt/network.hpp>
#include <kvmig/libvirt/node.hpp>
#include <kvmig/xml/capabilities.hpp>
#include <kvmig/xml/storage.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>

namespace kvmig::lab {

namespace {

/// What images, kernel and their copies take at the most, in either pool.
constexpr bytes room_needed = bytes::mib(700);
/// What QEMU takes beside its guest.
constexpr bytes beside_guest = bytes::mib(128);
/// As long as a guest of one network may take to answer a ping.
constexpr std::chrono::seconds answer_patience{1};

/// What one host told that must be the same on the other.
struct host_facts {
    std::string hostname;
    std::string cpu;
    std::string pool_path;
    std::string local_path;
};

/// Asks one host, and keeps what stands in the way.
class host_examiner {
public:
    host_examiner(const site &where, const site_host &host, examination &into, std::stop_token stop)
        : where_(where), host_(host), into_(into), stop_(std::move(stop)) {}

    [[nodiscard]] std::optional<host_facts> ask() {
        auto on = libvirt::connection::open(host_.uri);
        if (!on) {
            object(std::move(on).error());
            return std::nullopt;
        }
        host_facts out;
        out.hostname = on->hostname();
        ask_about_kvm(*on, out);
        ask_about_memory(*on);
        out.pool_path = ask_about_pool(*on, where_.pool);
        out.local_path = ask_about_pool(*on, where_.local_pool);
        ask_about_network(*on);
        if (out.pool_path.empty() || out.local_path.empty()) return out;
        auto others = belongings_of_others(*on, where_);
        if (!others) {
            object(std::move(others).error());
        } else if (!others->empty()) {
            object(make_error(error_kind::conflict, fmt::format("another lab has things there: {}",
                                                                fmt::join(*others, ", ")))
                       .on(on->hostname())
                       .advise("wait until it has ended; where it is dead, remove them by virsh"));
        }
        return out;
    }

private:
    void object(error problem) { into_.problems.push_back(std::move(problem)); }

    void ask_about_kvm(const libvirt::connection &on, host_facts &out) {
        auto text = on.capabilities();
        if (!text) return object(std::move(text).error());
        auto told = xml::parse_capabilities(*text);
        if (!told) return object(std::move(told).error());
        out.cpu = told->cpu_model;
        const bool kvm = std::any_of(
            told->guests.begin(), told->guests.end(), [](const model::guest_support &each) {
                return each.arch == "x86_64" &&
                       std::find(each.types.begin(), each.types.end(), "kvm") != each.types.end();
            });
        if (kvm) return;
        object(make_error(error_kind::unsupported, "its libvirt offers no KVM for x86_64 guests")
                   .on(on.hostname())
                   .advise("see whether /dev/kvm is there: modprobe kvm_intel or kvm_amd"));
    }

    void ask_about_memory(const libvirt::connection &on) {
        auto memory = libvirt::read_node_memory(on);
        if (!memory) return object(std::move(memory).error());
        const bytes needed = guest_domain{}.memory + beside_guest;
        if (memory->available >= needed) return;
        object(make_error(error_kind::environment,
                          fmt::format("{:.0f} MiB of memory are available, and the guest takes "
                                      "{:.0f} MiB",
                                      memory->available.as_mib(), needed.as_mib()))
                   .on(on.hostname())
                   .advise("free some, or name another host"));
    }

    /// The pool's path; empty where it cannot be used.
    [[nodiscard]] std::string ask_about_pool(const libvirt::connection &on,
                                             const std::string &name) {
        const auto give_up = [&](error problem) {
            object(std::move(problem));
            return std::string();
        };
        auto pool = libvirt::storage_pool::lookup(on, name);
        if (!pool) {
            return give_up(std::move(pool).error().advise(fmt::format(
                "virsh -c {0} pool-define-as {1} {2}, then pool-start {1}", host_.uri, name,
                name == where_.pool
                    ? "netfs --source-host SERVER --source-path EXPORT --target PATH"
                    : "dir --target PATH")));
        }
        auto active = pool->is_active();
        if (!active) return give_up(std::move(active).error());
        if (!*active) {
            return give_up(make_error(error_kind::conflict,
                                      fmt::format("the storage pool '{}' is not started", name))
                               .on(on.hostname())
                               .advise(fmt::format("virsh -c {} pool-start {}", host_.uri, name)));
        }
        auto text = pool->xml();
        if (!text) return give_up(std::move(text).error());
        auto told = xml::parse_storage_pool(*text);
        if (!told) return give_up(std::move(told).error());
        if (told->available && *told->available < room_needed) {
            object(
                make_error(error_kind::environment,
                           fmt::format("{:.0f} MiB are free in the storage pool '{}', and {:.0f} "
                                       "MiB are needed",
                                       told->available->as_mib(), name, room_needed.as_mib()))
                    .on(on.hostname())
                    .advise("free some, or name another pool"));
        }
        return told->target_path;
    }

    void ask_about_network(const libvirt::connection &on) {
        const std::string &name = where_.guest->interface_source;
        if (where_.guest->interface_kind == "network") {
            auto network = libvirt::network::lookup(on, name);
            if (!network) return object(std::move(network).error());
            auto active = network->is_active();
            if (!active) return object(std::move(active).error());
            if (*active) return;
            return object(make_error(error_kind::conflict,
                                     fmt::format("the network '{}' is not started", name))
                              .on(on.hostname())
                              .advise(fmt::format("virsh -c {} net-start {}", host_.uri, name)));
        }
        auto shell = host::shell_of(host_.uri);
        if (!shell) return object(std::move(shell).error());
        auto ran =
            (*shell)({"test", "-e", fmt::format("/sys/class/net/{}/bridge", name)}, {}, stop_);
        if (!ran) return object(std::move(ran).error());
        if (ran->status == 0) return;
        if (ran->status == 1) {
            return object(
                make_error(error_kind::not_found, fmt::format("it has no bridge '{}'", name))
                    .on(on.hostname())
                    .advise("name under [guest] the bridge that its guests are on"));
        }
        object(make_error(error_kind::unreachable,
                          fmt::format("no program can be run there by SSH: {}", ran->err))
                   .on(on.hostname())
                   .advise("see whether `ssh` reaches it without asking for anything"));
    }

    const site &where_;
    const site_host &host_;
    examination &into_;
    std::stop_token stop_;
};

void compare(const site &where, const host_facts &first, const host_facts &second,
             std::vector<error> &problems) {
    const auto same = [&](const std::string &one, const std::string &other, std::string_view what,
                          std::string_view remedy) {
        if (one.empty() || other.empty() || one == other) return;
        problems.push_back(
            make_error(error_kind::conflict, fmt::format("{}: '{}' on {}, '{}' on {}", what, one,
                                                         first.hostname, other, second.hostname))
                .advise(std::string(remedy)));
    };
    if (first.hostname == second.hostname) {
        problems.push_back(
            make_error(error_kind::conflict,
                       fmt::format("both hosts call themselves '{}'", first.hostname))
                .advise("name two hosts, and give each a name of its own: hostnamectl hostname"));
    }
    same(first.cpu, second.cpu, "the hosts have unlike CPUs, and the guest has its host's",
         "name two hosts of one CPU model");
    same(first.pool_path, second.pool_path,
         fmt::format("the pool '{}' lies at two paths", where.pool), "mount the store at one path");
    same(first.local_path, second.local_path,
         fmt::format("the pool '{}' lies at two paths", where.local_pool),
         "name a pool that both hosts have at one path");
}

in_addr raw(const std::string &address) {
    in_addr out{};
    ::inet_pton(AF_INET, address.c_str(), &out);
    return out;
}

bool in_one_network(const std::string &one, const std::string &other, unsigned prefix) {
    const std::uint32_t differs = ntohl(raw(one).s_addr) ^ ntohl(raw(other).s_addr);
    return differs >> (32U - prefix) == 0;
}

/// The address by which this machine goes to another; empty where it cannot.
std::string source_toward(const std::string &address) {
    const host::descriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(guest::control_port);
    to.sin_addr = raw(address);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr *>(&to), sizeof to) != 0) return {};
    sockaddr_in from{};
    socklen_t size = sizeof from;
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr *>(&from), &size) != 0) return {};
    std::array<char, INET_ADDRSTRLEN> text{};
    return ::inet_ntop(AF_INET, &from.sin_addr, text.data(), text.size());
}

/// Where heartbeats go, whether pings can, and whether the guest's address is free.
void examine_way_to_guest(examination &into, bool own_things_there, const std::stop_token &stop) {
    guest_place &place = *into.where.guest;
    if (place.probe.empty()) place.probe = source_toward(place.address);
    if (place.probe.empty() || !in_one_network(place.probe, place.address, place.prefix)) {
        into.problems.push_back(
            make_error(error_kind::environment,
                       fmt::format("this machine reaches {} from {}, which is not in the guest's "
                                   "network {}/{}; the guest knows no way out of that",
                                   place.address, place.probe.empty() ? "nowhere" : place.probe,
                                   place.address, place.prefix))
                .advise("run this on a machine of the guest's network, and name its address there "
                        "as `probe` under [guest]"));
        return;
    }
    auto pings = observe::ping_probe::start(place.address);
    if (!pings) {
        into.where.pings = false;
        into.notes.push_back(
            fmt::format("guests are not pinged: {}; heartbeat and TCP session tell of the pause",
                        describe(pings.error())));
        return;
    }
    // Its own guest, left by a run that was killed, is removed before anything begins.
    if (own_things_there || !pings->wait_for_answer({}, answer_patience, stop)) return;
    into.problems.push_back(
        make_error(error_kind::conflict,
                   fmt::format("{} answers a ping: somebody has this address", place.address))
            .advise("give the guest an `address` that nobody has"));
}

bool has_own_things(const site &where) {
    auto on = hosts::connect(where);
    if (!on) return false;
    auto own = belongings(*on);
    return own && !own->empty();
}

} // namespace

examination examine(site where, const std::stop_token &stop) {
    examination out;
    out.where = std::move(where);
    std::array<std::optional<host_facts>, 2> told;
    {
        auto loop = libvirt::event_loop::start();
        if (!loop) out.problems.push_back(loop.error());
        for (std::size_t i = 0; i < told.size(); ++i) {
            told[i] = host_examiner(out.where, out.where.hosts[i], out, stop).ask();
        }
    }
    if (told[0] && told[1]) compare(out.where, *told[0], *told[1], out.problems);
    const bool own_things = out.problems.empty() && has_own_things(out.where);
    if (own_things) out.notes.emplace_back("an earlier run has left things there, to be removed");
    examine_way_to_guest(out, own_things, stop);
    return out;
}

} // namespace kvmig::lab
