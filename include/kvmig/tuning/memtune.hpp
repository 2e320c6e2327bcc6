// SPDX-License-Identifier: MIT
/// Limits of a domain's memory (`virsh memtune`), and what they put at risk.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/tuning/plan.hpp>

#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::tuning {

/// A limit that is absent is none (`VIR_DOMAIN_MEMORY_PARAM_UNLIMITED`).
struct memtune {
    /// Of the whole QEMU process; the OOM killer enforces it.
    std::optional<bytes> hard_limit = {};
    /// Down to which it is swapped out under pressure.
    std::optional<bytes> soft_limit = {};
    /// Memory and swap together; under cgroup v2 libvirt takes it for swap alone (memory.swap.max).
    std::optional<bytes> swap_hard_limit = {};
    /// QEMU's driver has no use for it.
    std::optional<bytes> min_guarantee = {};

    friend bool operator==(const memtune &, const memtune &) = default;
};

/// What the limits are to hold.
struct memtune_guest {
    /// Its name, for errors and steps.
    std::string domain = {};
    /// What the guest sees.
    bytes memory = {};
    /// From which QEMU's own need is estimated.
    std::uint32_t vcpus = 1;
    bool hugepages = false;             ///< its memory is not counted by the memory controller
    std::optional<bytes> rss = {};      ///< of the running process
    std::optional<bytes> overhead = {}; ///< measured; else estimated

    friend bool operator==(const memtune_guest &, const memtune_guest &) = default;
};

/// What QEMU takes beside the guest's memory, roughly: page tables 1/512 of it, 8 MiB for each
/// vCPU, 16 MiB of video memory, 128 MiB for the rest. No formula is right: block caches, SPICE
/// and mirrors take more, for a while.
[[nodiscard]] constexpr bytes estimated_overhead(bytes memory, std::uint32_t vcpus) noexcept {
    return bytes{memory.count() / 512} + bytes::mib(std::uint64_t{8} * vcpus) + bytes::mib(16) +
           bytes::mib(128);
}

/// A plan to set the limits; hazards are its notes. Fails with `invalid_argument` when
/// `swap_hard_limit` is below `hard_limit`, which libvirt refuses, or a limit is zero.
[[nodiscard]] inline expected<plan> plan_memtune(const memtune_guest &guest, const memtune &from,
                                                 const memtune &to) {
    struct row {
        std::string_view name;
        const std::optional<bytes> &from;
        const std::optional<bytes> &to;
        std::string_view risk;
    };
    const std::array<row, 4> rows = {
        {{"hard_limit", from.hard_limit, to.hard_limit,
          "caps the whole QEMU process: when it needs more, the OOM killer ends the guest"},
         {"swap_hard_limit", from.swap_hard_limit, to.swap_hard_limit,
          "memory and swap together: when both are used up, the OOM killer ends the guest"},
         {"soft_limit", from.soft_limit, to.soft_limit,
          "under pressure the guest is swapped out down to it"},
         {"min_guarantee", from.min_guarantee, to.min_guarantee, ""}}};

    const auto wrong = [&](std::string_view name, std::string what) {
        return fail(
            make_error(error_kind::invalid_argument, fmt::format("{}: {}", name, std::move(what)))
                .about(guest.domain));
    };
    for (const row &r : rows) {
        if (r.to && r.to->count() < 1024) return wrong(r.name, "less than 1 KiB is no limit");
    }
    const auto limit = [](const std::optional<bytes> &value) {
        return value ? value->count() : ~std::uint64_t{0};
    };
    if (limit(to.swap_hard_limit) < limit(to.hard_limit)) {
        return wrong("swap_hard_limit",
                     fmt::format("{} KiB is below hard_limit, {}, and holds memory and swap "
                                 "together",
                                 to.swap_hard_limit->count() / 1024,
                                 to.hard_limit
                                     ? fmt::format("{} KiB", to.hard_limit->count() / 1024)
                                     : std::string("which is none")));
    }

    plan out;
    const bytes overhead = guest.overhead.value_or(estimated_overhead(guest.memory, guest.vcpus));
    const bytes counted = guest.hugepages ? bytes{} : guest.memory;
    if (to.hard_limit && *to.hard_limit < counted + overhead) {
        out.note(fmt::format("hard_limit {:.0f} MiB is less than the {:.0f} MiB that the guest's "
                             "memory and QEMU itself may take: it will be killed once it uses all",
                             to.hard_limit->as_mib(), (counted + overhead).as_mib()));
    }
    if (to.hard_limit && guest.rss && *guest.rss > *to.hard_limit) {
        out.note(fmt::format("the process holds {:.0f} MiB now, more than hard_limit {:.0f} MiB: "
                             "it is swapped out or killed at once",
                             guest.rss->as_mib(), to.hard_limit->as_mib()));
    }
    if (to.swap_hard_limit && to.swap_hard_limit != from.swap_hard_limit) {
        out.note(
            "swap_hard_limit is meant for memory and swap together, but under cgroup v2 libvirt "
            "gives it to memory.swap.max: there it caps swap alone");
    }
    if (guest.hugepages && to.hard_limit) {
        out.note("huge pages are not counted by hard_limit: it holds what QEMU takes beside them");
    }
    if (to.soft_limit && to.hard_limit && *to.soft_limit >= *to.hard_limit) {
        out.note("soft_limit has no effect: it is not below hard_limit");
    }
    if (to.min_guarantee) out.note("min_guarantee has no effect: QEMU's driver has no use for it");

    // What is raised is raised from the outside in, what is lowered from the inside out, so that
    // swap_hard_limit is never below hard_limit on the way.
    std::array<std::size_t, 4> order = {0, 1, 2, 3};
    if (limit(to.hard_limit) > limit(from.swap_hard_limit)) std::swap(order[0], order[1]);
    const auto text = [](const std::optional<bytes> &value) {
        return value ? std::to_string(value->count() / 1024) : std::string("unlimited");
    };
    for (const std::size_t i : order) {
        const row &r = rows[i];
        if (text(r.from) == text(r.to)) continue;
        change step;
        step.what = {target_kind::parameter, std::string(r.name), guest.domain};
        step.from = text(r.from);
        step.to = text(r.to);
        step.why = "one guest cannot starve the others of memory (KiB)";
        step.source = "virsh memtune";
        step.risk = r.to ? r.risk : std::string_view{};
        out.changes.push_back(std::move(step));
    }
    return out;
}

} // namespace kvmig::tuning
