// SPDX-License-Identifier: MIT
/// What a host tells about itself: memory, huge pages, and what it offers to domains.
#pragma once

#include <kvmig/core/units.hpp>
#include <kvmig/libvirt/connection.hpp>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::libvirt {

/// A host's memory, of all NUMA nodes together.
struct node_memory {
    bytes total;     ///< 0 where the driver does not tell
    bytes available; ///< free, and held by buffers and caches
};

/// `virNodeGetMemoryStats`.
[[nodiscard]] inline expected<node_memory> read_node_memory(const connection &on) {
    constexpr int all = VIR_NODE_MEMORY_STATS_ALL_CELLS;
    const auto problem = [&] {
        return fail(last_error("cannot read the host's memory", on.hostname()));
    };
    int count = 0;
    if (virNodeGetMemoryStats(on.raw(), all, nullptr, &count, 0) < 0) return problem();
    std::vector<virNodeMemoryStats> told(static_cast<std::size_t>(count));
    if (count > 0 && virNodeGetMemoryStats(on.raw(), all, told.data(), &count, 0) < 0) {
        return problem();
    }
    node_memory out;
    for (int i = 0; i < count; ++i) {
        const virNodeMemoryStats &each = told[static_cast<std::size_t>(i)];
        const std::string_view field = each.field;
        const bytes amount = bytes::kib(each.value);
        if (field == VIR_NODE_MEMORY_STATS_TOTAL) out.total = amount;
        if (field == VIR_NODE_MEMORY_STATS_FREE || field == VIR_NODE_MEMORY_STATS_BUFFERS ||
            field == VIR_NODE_MEMORY_STATS_CACHED) {
            out.available = out.available + amount;
        }
    }
    return out;
}

/// Free pages of one size on the first `cells` NUMA nodes together (`virNodeGetFreePages`).
[[nodiscard]] inline expected<pages> read_free_pages(const connection &on, bytes size,
                                                     unsigned cells) {
    auto kib = static_cast<unsigned>(size.count() >> 10U);
    std::vector<unsigned long long> counts(cells);
    const int told = virNodeGetFreePages(on.raw(), 1, &kib, 0, cells, counts.data(), 0);
    if (told < 0) {
        return fail(last_error("cannot read the free pages of " + std::to_string(kib) + " KiB",
                               on.hostname()));
    }
    std::uint64_t sum = 0;
    for (int i = 0; i < told; ++i) sum += counts[static_cast<std::size_t>(i)];
    return pages{sum};
}

/// The host's CPUs that are online, by the kernel's numbers (`virNodeGetCPUMap`).
[[nodiscard]] inline expected<std::set<std::uint32_t>> read_online_cpus(const connection &on) {
    unsigned char *map = nullptr;
    unsigned online = 0;
    const int count = virNodeGetCPUMap(on.raw(), &map, &online, 0);
    if (count < 0) return fail(last_error("cannot read the host's CPUs", on.hostname()));
    std::set<std::uint32_t> out;
    for (std::uint32_t cpu = 0; cpu < static_cast<std::uint32_t>(count); ++cpu) {
        if (((unsigned{map[cpu / 8]} >> (cpu % 8)) & 1U) != 0) out.insert(cpu);
    }
    std::free(map);
    return out;
}

/// Which kind of guest is asked about; what is empty is left to the host's default.
struct guest_kind {
    std::string emulator; ///< path on the host
    std::string arch;     ///< `x86_64`, …
    std::string machine;  ///< `pc-q35-7.2`, `q35`, …
    std::string type;     ///< `kvm`, `qemu`, …
};

/// The domain capabilities XML, for `xml::parse_domain_capabilities`.
[[nodiscard]] inline expected<std::string> read_domain_capabilities(const connection &on,
                                                                    const guest_kind &of) {
    const auto given = [](const std::string &text) {
        return text.empty() ? nullptr : text.c_str();
    };
    char *text = virConnectGetDomainCapabilities(on.raw(), given(of.emulator), given(of.arch),
                                                 given(of.machine), given(of.type), 0);
    if (text == nullptr) {
        return fail(last_error("cannot read the domain capabilities", on.hostname()));
    }
    return take_text(text);
}

/// Compares a `<cpu>` with what the host's hypervisor can give. Nothing when it fits; otherwise
/// libvirt's words for what is missing.
[[nodiscard]] inline expected<std::optional<std::string>>
compare_cpu(const connection &on, const guest_kind &of, const std::string &cpu_xml) {
    const auto given = [](const std::string &text) {
        return text.empty() ? nullptr : text.c_str();
    };
    const int answer = virConnectCompareHypervisorCPU(
        on.raw(), given(of.emulator), given(of.arch), given(of.machine), given(of.type),
        cpu_xml.c_str(), VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE);
    if (answer == VIR_CPU_COMPARE_IDENTICAL || answer == VIR_CPU_COMPARE_SUPERSET) {
        return std::nullopt;
    }
    error problem = last_error("cannot compare the CPU", on.hostname());
    if (answer == VIR_CPU_COMPARE_INCOMPATIBLE) return std::string();
    if (problem.libvirt && problem.libvirt->code == VIR_ERR_CPU_INCOMPATIBLE) {
        const std::string &said = problem.what;
        return said.substr(said.find(": ") + 2);
    }
    return fail(std::move(problem));
}

} // namespace kvmig::libvirt
