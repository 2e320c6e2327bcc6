// SPDX-License-Identifier: MIT
#include <lab/cli/ends.hpp>
#include <lab/cli/inside.hpp>
#include <lab/cli/out_of_reach.hpp>
#include <lab/topology/paths.hpp>
#include <lab/topology/topology.hpp>

#include <future>
#include <unistd.h>

namespace kvmig::lab::cli {

namespace {

/// A lab host's name becomes its URI; whether it was one. A URI stays.
expected<bool> resolve(std::string &end) {
    const machine_spec *machine = find_machine(end);
    if (machine == nullptr) return false;
    if (machine->role != machine_role::host) {
        return fail(make_error(error_kind::invalid_argument,
                               "'" + end + "' is a machine of the lab, but runs no libvirt")
                        .advise("use kvm01 or kvm02"));
    }
    end = libvirt_uri(*machine);
    return true;
}

} // namespace

std::optional<exit_status> moved_inside(std::string &from, std::string &to, const std::string &lab,
                                        const context &ctx) {
    bool in_lab = false;
    for (std::string *end : {&from, &to}) {
        auto resolved = resolve(*end);
        if (!resolved) return report(resolved.error());
        in_lab = in_lab || *resolved;
    }
    if (!in_lab || is_inside()) return std::nullopt;
    const auto paths = paths_of(lab);
    return paths ? again_inside(*paths, ctx) : report(paths.error());
}

expected<std::pair<libvirt::connection, libvirt::connection>> open_both(const std::string &from,
                                                                        const std::string &to) {
    const out_of_reach apart;
    const libvirt::open_options how{.ask_credentials = isatty(STDIN_FILENO) == 1};
    const auto open = [how](const std::string &uri) { return libvirt::connection::open(uri, how); };
    // At once, unless a person may be asked for a password: one question at a time.
    const auto policy = how.ask_credentials ? std::launch::deferred : std::launch::async;
    auto other = std::async(policy, open, to);
    auto source = open(from);
    if (!source) return fail(std::move(source).error());
    auto destination = other.get();
    if (!destination) return fail(std::move(destination).error());
    return std::pair{*std::move(source), *std::move(destination)};
}

} // namespace kvmig::lab::cli
