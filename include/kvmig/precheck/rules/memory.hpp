// SPDX-License-Identifier: MIT
/// Rules: memory and huge pages.
#pragma once

#include <kvmig/precheck/rule.hpp>

#include <range/v3/algorithm/find.hpp>
#include <string>

namespace kvmig::precheck::rules {

/// An amount for people: `512 MiB`.
[[nodiscard]] inline std::string in_mib(bytes amount) {
    return std::to_string(amount.count() >> 20U) + " MiB";
}

/// Prevents a guest that the destination's memory cannot hold. It blocks where that is certain: the
/// guest locks more than there is; that is all it may have, whatever its balloon took. Elsewhere
/// the host may swap, and the kernel may kill. Silent with huge pages (`huge_pages_missing` tells).
inline observations look_memory(const facts &f) {
    if (f.domain.hugepages) return {};
    const bytes needed =
        f.domain.locked ? f.domain.memory : f.domain.current_memory.value_or(f.domain.memory);
    const auto &total = f.destination.memory_total;
    const auto &available = f.destination.memory_available;
    const std::vector<std::string> remedy = {
        virsh(f.destination, {"nodememstats"}),
        virsh(f.source, {"setmem", f.domain.name}) +
            " SIZE --live # smaller, where the guest has a balloon"};
    const auto found = [&](severity how, const std::string &against) {
        return observations{{how, f.destination.name,
                             "the guest has " + in_mib(needed) + ", the destination " + against,
                             remedy}};
    };
    if (total.known() && needed > *total) {
        return found(f.domain.locked ? severity::blocks : severity::warns,
                     in_mib(*total) + " in all" + (f.domain.locked ? "" : ", without swap"));
    }
    if (available.known() && needed > *available && f.domain.locked) {
        return found(severity::blocks,
                     in_mib(*available) + " available, and the guest's memory is locked");
    }
    if (!total.known()) return {missing(f.destination, "how much memory is there", total)};
    if (!available.known()) {
        return {missing(f.destination, "how much memory is available there", available)};
    }
    if (needed > *available) return found(severity::warns, in_mib(*available) + " available");
    return {};
}

inline constexpr rule memory_short{
    "KVM-MEM-001", "The destination has too little memory",
    "QEMU needs the guest's memory there, and some of its own. Where the host runs out of it, the "
    "kernel ends a process, perhaps another guest.",
    "QEMU: \"cannot set up guest memory 'pc.ram': Cannot allocate memory\"", look_memory};

/// Prevents a start without the huge pages that the guest stands on. Silent without huge pages.
inline observations look_huge_pages(const facts &f) {
    if (!f.domain.hugepages) return {};
    const auto &told = f.destination.huge_pages;
    const std::string allocate = virsh(f.destination, {"allocpages"}) + " SIZE COUNT";
    if (!told.known()) {
        return {missing(f.destination, "which huge pages are free there", told, {allocate})};
    }
    const auto &sizes = f.domain.hugepage_sizes;
    if (sizes.size() > 1 || (sizes.empty() && told->size() > 1)) {
        return {{severity::unknown,
                 f.destination.name,
                 sizes.empty() ? "which size of huge pages is the destination's default is not "
                                 "known: libvirt does not tell"
                               : "how many huge pages of each size the guest needs is not known: "
                                 "its nodes have pages of several sizes",
                 {virsh(f.destination, {"freepages", "--all"})}}};
    }
    if (sizes.empty() && told->empty()) {
        return {{severity::blocks,
                 f.destination.name,
                 "the destination has no huge pages",
                 {allocate}}};
    }
    const bytes size = sizes.empty() ? told->front().size : sizes.front();
    const auto pool = ranges::find(*told, size, &free_pages::size);
    const pages needed =
        pages::holding(f.domain.memory, bytes{std::max<std::uint64_t>(size.count(), 1)});
    const pages free = pool == told->end() ? pages{} : pool->free;
    if (free >= needed) return {};
    const std::string kib = std::to_string(size.count() >> 10U);
    return {{severity::blocks,
             f.destination.name,
             "the guest needs " + std::to_string(needed.count()) + " pages of " + kib +
                 " KiB, and " + std::to_string(free.count()) + " are free",
             {virsh(f.destination, {"freepages", "--all"}),
              virsh(f.destination,
                    {"allocpages", kib, std::to_string(needed.count() - free.count()), "--add"})}}};
}

inline constexpr rule huge_pages{
    "KVM-MEM-002", "The destination has too few huge pages",
    "Memory on huge pages is taken in full when QEMU starts; what is missing ends it there.",
    "QEMU: 'unable to map backing store for guest RAM: Cannot allocate memory'", look_huge_pages};

/// Prevents the refusal of memory modules without a place.
inline observations look_modules(const facts &f) {
    observations out;
    for (const model::memory_device &each : f.domain.memory_devices) {
        if (each.model != "dimm" || each.placed) continue;
        out.push_back({severity::blocks,
                       f.source.name,
                       "a DIMM has no slot and base address",
                       {virsh(f.source, {"dumpxml", f.domain.name, "--xpath", "//memory"}),
                        virsh(f.source, {"shutdown", f.domain.name}) +
                            " # then start it: a DIMM gets its address when QEMU starts"}});
    }
    return out;
}

inline constexpr rule modules{
    "KVM-MEM-007", "A memory module of the guest has no fixed place",
    "On the destination it might land at another address than the running guest uses.",
    "libvirt: \"domain's dimm info lacks slot ID or base address\"", look_modules};

} // namespace kvmig::precheck::rules
