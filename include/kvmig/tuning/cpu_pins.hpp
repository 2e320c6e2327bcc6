// SPDX-License-Identifier: MIT
/// Where a domain's threads may run (`virsh vcpupin`, `emulatorpin`): from what is to what is
/// wanted, held against the host's CPUs and NUMA cells.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/model/numa_cell.hpp>
#include <kvmig/tuning/cpu.hpp>
#include <kvmig/tuning/plan.hpp>

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::tuning {

/// A set that is absent is no pin: the thread runs on any CPU.
struct cpu_pins {
    std::map<std::uint32_t, std::optional<cpu_set>> vcpus = {}; ///< every vCPU that there is
    std::optional<cpu_set> emulator = {};                       ///< QEMU's other threads

    friend bool operator==(const cpu_pins &, const cpu_pins &) = default;
};

/// `0-3,8`, as `parse_cpu_set` reads it.
[[nodiscard]] inline std::string to_text(const cpu_set &cpus) {
    std::string out;
    for (auto at = cpus.begin(); at != cpus.end();) {
        const std::uint32_t first = *at;
        std::uint32_t last = first;
        for (++at; at != cpus.end() && *at == last + 1; ++at) last = *at;
        out += fmt::format("{}{}", out.empty() ? "" : ",", first);
        if (last != first) out += fmt::format("-{}", last);
    }
    return out;
}

/// The same, or `any`.
[[nodiscard]] inline std::string to_text(const std::optional<cpu_set> &cpus) {
    return cpus ? to_text(*cpus) : std::string("any");
}

/// Reads a set of CPUs or `any`; fails with `invalid_argument`, for a set that is empty too.
[[nodiscard]] inline expected<std::optional<cpu_set>> parse_pin(std::string_view text) {
    if (text == "any") return std::optional<cpu_set>{};
    auto cpus = parse_cpu_set(text);
    if (!cpus) return fail(std::move(cpus).error());
    if (cpus->empty()) {
        return fail(make_error(error_kind::invalid_argument,
                               "'" + std::string(text) + "' leaves no CPU to run on")
                        .advise("write numbers and ranges, as in 0-3,8, or any"));
    }
    return *std::move(cpus);
}

/// Reads `VCPU:CPULIST`, as `0:2-3` or `0:any`; fails with `invalid_argument`, naming the text.
[[nodiscard]] inline expected<std::pair<std::uint32_t, std::optional<cpu_set>>>
parse_vcpu_pin(std::string_view text) {
    const auto colon = text.find(':');
    const auto vcpu = number<std::uint32_t>(text.substr(0, colon), text);
    if (colon == std::string_view::npos || !vcpu) {
        return fail(make_error(error_kind::invalid_argument,
                               "'" + std::string(text) + "' is no pin of a vCPU")
                        .advise("write VCPU:CPULIST, as in 0:2-3"));
    }
    auto cpus = parse_pin(text.substr(colon + 1));
    if (!cpus) return fail(std::move(cpus).error().about(std::string(text)));
    return std::pair{*vcpu, *std::move(cpus)};
}

/// What pins are held against.
struct cpu_pins_host {
    cpu_set online = {};                      ///< the CPUs of the host that run now
    std::vector<model::numa_cell> cells = {}; ///< empty: not told

    friend bool operator==(const cpu_pins_host &, const cpu_pins_host &) = default;
};

/// The domain, and whether its run is pinned or its definition.
struct cpu_pins_guest {
    std::string domain = {}; ///< its name, for messages and commands
    bytes memory = {};       ///< what it may have, against that of a cell
    bool live = false;       ///< its run, not its definition

    friend bool operator==(const cpu_pins_guest &, const cpu_pins_guest &) = default;
};

namespace detail {

/// The numbers of the cells that a set has CPUs in.
[[nodiscard]] inline std::vector<std::uint32_t> cells_of(const cpu_set &cpus,
                                                         const std::vector<model::numa_cell> &all) {
    std::vector<std::uint32_t> out;
    for (const model::numa_cell &cell : all) {
        if (std::any_of(cell.cpus.begin(), cell.cpus.end(),
                        [&](std::uint32_t cpu) { return cpus.contains(cpu); })) {
            out.push_back(cell.id);
        }
    }
    return out;
}

/// What the pins mean for the memory, where the host has several cells.
inline void note_cells(plan &out, const cpu_pins_guest &guest, const cpu_pins &to,
                       const cpu_pins_host &host) {
    if (host.cells.size() < 2) return;
    cpu_set together;
    for (const auto &[vcpu, cpus] : to.vcpus) {
        if (!cpus) return;
        together.insert(cpus->begin(), cpus->end());
    }
    const auto cells = cells_of(together, host.cells);
    if (cells.size() == host.cells.size()) return; // as good as anywhere
    if (cells.size() > 1) {
        out.note(fmt::format("{}: its vCPUs run in the NUMA cells {}: what lies in the memory of "
                             "the one is far from the others",
                             guest.domain, fmt::join(cells, ", ")));
        return;
    }
    for (const model::numa_cell &cell : host.cells) {
        if (cells.empty() || cell.id != cells.front() || cell.memory >= guest.memory) continue;
        out.note(fmt::format("{}: its vCPUs run in the NUMA cell {}, which has {:.0f} MiB of "
                             "memory, and the guest {:.0f} MiB: the rest is far from them",
                             guest.domain, cell.id, cell.memory.as_mib(), guest.memory.as_mib()));
    }
}

} // namespace detail

/// A plan to pin: a step for each thread that moves. Fails with `invalid_argument` for a vCPU that
/// there is not, and for a CPU that is not online; a pin that stays is not looked at.
[[nodiscard]] inline expected<plan> plan_cpu_pins(const cpu_pins_guest &guest, const cpu_pins &from,
                                                  const cpu_pins &to, const cpu_pins_host &host) {
    plan out;
    const auto step = [&](const std::string &thread, const std::optional<cpu_set> &was,
                          const std::optional<cpu_set> &wanted) -> expected<void> {
        if (was == wanted) return {};
        if (wanted) {
            cpu_set absent;
            std::set_difference(wanted->begin(), wanted->end(), host.online.begin(),
                                host.online.end(), std::inserter(absent, absent.end()));
            if (!absent.empty()) {
                return fail(make_error(error_kind::invalid_argument,
                                       fmt::format("{}: CPU {} of '{}' is not online", thread,
                                                   to_text(absent), to_text(*wanted)))
                                .about(guest.domain)
                                .advise("the host has the CPUs " + to_text(host.online)));
            }
        }
        change one;
        one.what = {target_kind::parameter, thread, guest.domain};
        one.from = to_text(was);
        one.to = to_text(wanted);
        one.why = "the thread keeps its CPU's caches, and shares it with whom you choose";
        one.source = "virsh vcpupin, emulatorpin; libvirt docs/formatdomain, CPU Tuning";
        one.risk = "it waits while others have these CPUs, though others are idle";
        out.changes.push_back(std::move(one));
        if (guest.live && was &&
            std::includes(was->begin(), was->end(), host.online.begin(), host.online.end())) {
            out.note(guest.domain + ": libvirt takes no pin away from what runs: put back, it "
                                    "names every CPU of the host");
        }
        return {};
    };
    for (const auto &[vcpu, wanted] : to.vcpus) {
        const auto was = from.vcpus.find(vcpu);
        if (was == from.vcpus.end()) {
            return fail(
                make_error(error_kind::invalid_argument, fmt::format("there is no vCPU {}", vcpu))
                    .about(guest.domain)
                    .advise(fmt::format("it has {}, counted from 0", from.vcpus.size())));
        }
        if (auto can = step(fmt::format("vcpu{}", vcpu), was->second, wanted); !can) {
            return fail(std::move(can).error());
        }
    }
    if (auto can = step("emulator", from.emulator, to.emulator); !can) {
        return fail(std::move(can).error());
    }
    if (!out.empty()) detail::note_cells(out, guest, to, host);
    return out;
}

} // namespace kvmig::tuning
