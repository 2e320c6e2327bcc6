// SPDX-License-Identifier: MIT
/// vCPUs against the host's CPUs: how many, where they are pinned, and which model they show.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/domain.hpp>
#include <kvmig/tuning/value.hpp>

#include <cstdint>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::tuning {

using cpu_set = std::set<std::uint32_t>; ///< By the kernel's numbers.

/// The greatest number that is taken; the kernel is built for at most 8192 CPUs.
inline constexpr std::uint32_t most_cpus = 8192;

/// `0-3,8,^2` as libvirt and sysfs write it; what `^` names is taken out of what stands before it.
/// Fails with `invalid_argument`, naming the text.
[[nodiscard]] inline expected<cpu_set> parse_cpu_set(std::string_view text) {
    cpu_set out;
    const auto wrong = [&] {
        return fail(make_error(error_kind::invalid_argument,
                               "'" + std::string(text) + "' is no set of CPUs")
                        .advise("write numbers and ranges, as in 0-3,8,^2"));
    };
    std::string_view rest = trimmed(text);
    if (rest.empty()) return out;
    while (true) {
        const auto comma = rest.find(',');
        std::string_view part = trimmed(rest.substr(0, comma));
        const bool without = part.starts_with('^');
        if (without) part.remove_prefix(1);
        const auto dash = part.find('-');
        const auto first = number<std::uint32_t>(part.substr(0, dash), "CPU");
        const auto last = dash == std::string_view::npos
                              ? first
                              : number<std::uint32_t>(part.substr(dash + 1), "CPU");
        if (!first || !last || *first > *last || *last >= most_cpus) return wrong();
        for (std::uint32_t cpu = *first; cpu <= *last; ++cpu) {
            if (without)
                out.erase(cpu);
            else
                out.insert(cpu);
        }
        if (comma == std::string_view::npos) return out;
        rest = rest.substr(comma + 1);
    }
}

/// A domain's vCPUs and their pins (`<vcpupin>`), by vCPU; one that has none floats.
struct cpu_guest {
    /// Its name, for what is said of it.
    std::string domain = {};
    /// The maximum, those that are not plugged in included; at least 1.
    std::uint32_t vcpus = 1;
    /// The CPUs that a vCPU, counted from 0, may run on.
    std::map<std::uint32_t, cpu_set> pins = {};
    std::string cpu_mode = {}; ///< `host-passthrough`, `host-model`, `custom`, …

    friend bool operator==(const cpu_guest &, const cpu_guest &) = default;
};

/// What is to be said of one guest, each as a sentence. Fails with `invalid_argument` for a pin to
/// a CPU that is not online, a pin to none, or of a vCPU that there is not.
[[nodiscard]] inline expected<std::vector<std::string>> check_guest_cpus(const cpu_guest &guest,
                                                                         const cpu_set &online) {
    std::vector<std::string> out;
    if (guest.vcpus > online.size()) {
        out.push_back(fmt::format("{} has {} vCPUs on {} CPUs: vCPUs that wait for each other "
                                  "spin while the other does not run",
                                  guest.domain, guest.vcpus, online.size()));
    }
    for (const auto &[vcpu, cpus] : guest.pins) {
        const auto wrong = [&, number = vcpu](std::string what) {
            return fail(make_error(error_kind::invalid_argument,
                                   fmt::format("vCPU {} {}", number, std::move(what)))
                            .about(guest.domain));
        };
        if (vcpu >= guest.vcpus) {
            return wrong(fmt::format("is pinned, and there are {}", guest.vcpus));
        }
        if (cpus.empty()) return wrong("is pinned to no CPU");
        for (const std::uint32_t cpu : cpus) {
            if (!online.contains(cpu)) {
                return wrong(fmt::format("is pinned to CPU {}, which is not online", cpu));
            }
        }
    }
    if (!guest.pins.empty()) {
        out.push_back(fmt::format("{} is pinned: a destination needs the same CPU numbers, or an "
                                  "XML with others",
                                  guest.domain));
    }
    if (guest.cpu_mode == "host-passthrough") {
        out.push_back(fmt::format("{} shows the host's own CPU (host-passthrough): it moves only "
                                  "to the same model and microcode; host-model, or a baseline of "
                                  "both hosts (virsh hypervisor-cpu-baseline), moves further",
                                  guest.domain));
    }
    return out;
}

/// What is to be said of the guests of a host together, each as a sentence.
[[nodiscard]] inline std::vector<std::string>
check_cpus_together(const std::vector<cpu_guest> &guests, const cpu_set &online) {
    std::vector<std::string> out;
    std::uint64_t sum = 0;
    std::map<std::uint32_t, std::vector<std::string>>
        alone; // by CPU: those that may go nowhere else
    for (const cpu_guest &guest : guests) {
        sum += guest.vcpus;
        for (const auto &[vcpu, cpus] : guest.pins) {
            if (cpus.size() != 1) continue;
            alone[*cpus.begin()].push_back(fmt::format("{} vCPU {}", guest.domain, vcpu));
        }
    }
    for (const auto &[cpu, who] : alone) {
        if (who.size() > 1) {
            out.push_back(
                fmt::format("CPU {} is all that each of these has: {}", cpu, fmt::join(who, ", ")));
        }
    }
    if (sum > online.size()) {
        out.push_back(fmt::format("the guests have {} vCPUs on {} CPUs: together they should not "
                                  "have more than the host",
                                  sum, online.size()));
    }
    return out;
}

/// Both of all guests of a host. Fails as the first does, and where no CPU is online.
[[nodiscard]] inline expected<std::vector<std::string>>
check_cpus(const std::vector<cpu_guest> &guests, const cpu_set &online) {
    if (online.empty()) {
        return fail(make_error(error_kind::invalid_argument, "a host has at least one CPU")
                        .about("/sys/devices/system/cpu/online"));
    }
    std::vector<std::string> out;
    for (const cpu_guest &guest : guests) {
        auto said = check_guest_cpus(guest, online);
        if (!said) return said;
        out.insert(out.end(), said->begin(), said->end());
    }
    const auto together = check_cpus_together(guests, online);
    out.insert(out.end(), together.begin(), together.end());
    return out;
}

} // namespace kvmig::tuning
