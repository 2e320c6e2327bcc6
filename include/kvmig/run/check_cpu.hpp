// SPDX-License-Identifier: MIT
/// Whether the CPU that a guest has fits the destination.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/node.hpp>
#include <kvmig/precheck/facts.hpp>
#include <kvmig/xml/cpu.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::run {

namespace detail {

/// The features that libvirt names behind the last colon of `said`, and where they begin; none
/// where it says something else there.
struct named_features {
    std::vector<std::string_view> names;
    std::size_t at = 0;
};
[[nodiscard]] inline named_features features_in(std::string_view said) {
    const auto colon = said.rfind(": ");
    named_features out{{}, colon == std::string_view::npos ? 0 : colon + 2};
    for (std::string_view rest = said.substr(out.at); !rest.empty();) {
        const auto comma = std::min(rest.find(", "), rest.size());
        out.names.push_back(rest.substr(0, comma));
        if (out.names.back().find(' ') != std::string_view::npos) return {};
        rest.remove_prefix(std::min(comma + 2, rest.size()));
    }
    return out;
}

} // namespace detail

/// What libvirt says that a CPU lacks on a host (`there`, its words), without the features that it
/// says to be lacking where the guest runs with them (`here`): QEMU adds such to some models, e.g.
/// topoext to EPYC, and tells of them only when they run. Empty when nothing is left.
[[nodiscard]] inline std::string lacked_there_alone(std::string_view there, std::string_view here) {
    const auto lacked = detail::features_in(there);
    if (lacked.names.empty()) return std::string(there);
    const auto had = detail::features_in(here).names;
    std::string left;
    for (const std::string_view each : lacked.names) {
        if (std::find(had.begin(), had.end(), each) != had.end()) continue;
        left += (left.empty() ? "" : ", ") + std::string(each);
    }
    return left.empty() ? left : std::string(there.substr(0, lacked.at)) + left;
}

/// Whether the destination can give the CPU that the guest has: of one that runs, the features that
/// QEMU gave it, for these are what the destination's QEMU must give again (libvirt,
/// qemuProcessUpdateLiveGuestCPU). What the definition asked for and QEMU left out does not count.
[[nodiscard]] inline expected<precheck::cpu_comparison>
collect_cpu(const libvirt::domain &domain, const libvirt::connection &destination,
            const libvirt::guest_kind &kind) {
    auto text = domain.xml();
    if (!text) return fail(std::move(text).error());
    auto cpu = xml::cpu_of(*text);
    if (!cpu) return fail(std::move(cpu).error());
    if (!*cpu) return precheck::cpu_comparison{true, ""};
    auto there = libvirt::compare_cpu(destination, kind, **cpu);
    if (!there) return fail(std::move(there).error());
    if (!*there) return precheck::cpu_comparison{true, ""};
    auto here = libvirt::compare_cpu(domain.on(), kind, **cpu);
    if (!here) return fail(std::move(here).error());
    auto lacks = *here ? lacked_there_alone(**there, **here) : **there;
    return precheck::cpu_comparison{lacks.empty() && !(**there).empty(), std::move(lacks)};
}

} // namespace kvmig::run
