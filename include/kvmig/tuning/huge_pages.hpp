// SPDX-License-Identifier: MIT
/// Huge pages: how many a set of domains needs, and how a host comes to have them.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/model/domain.hpp>
#include <kvmig/tuning/plan.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::tuning {

/// The pages of one size on one NUMA node
/// (`/sys/devices/system/node/nodeN/hugepages/hugepages-SIZEkB/`).
struct huge_page_pool {
    /// The N of `nodeN`.
    std::uint32_t node = 0;
    /// Of one page.
    bytes size = {};
    pages nr = {};   ///< `nr_hugepages`
    pages free = {}; ///< `free_hugepages`, without those that a mapping has reserved

    friend bool operator==(const huge_page_pool &, const huge_page_pool &) = default;
};

/// `/sys/devices/system/node/nodeN/meminfo`.
struct node_memory {
    /// The N of `nodeN`.
    std::uint32_t node = 0;
    /// `MemTotal`, that of huge pages included.
    bytes total = {};
    /// `MemFree`, without that of huge pages.
    bytes free = {};

    friend bool operator==(const node_memory &, const node_memory &) = default;
};

/// What a host has.
struct huge_page_facts {
    /// One for each node and size.
    std::vector<huge_page_pool> pools = {};
    /// One for each node.
    std::vector<node_memory> nodes = {};
    bool compaction = false; ///< `/proc/sys/vm/compact_memory` exists

    /// Nothing when the node has none of this size.
    [[nodiscard]] const huge_page_pool *pool(std::uint32_t node, bytes size) const {
        const auto found = std::find_if(pools.begin(), pools.end(), [&](const huge_page_pool &p) {
            return p.node == node && p.size == size;
        });
        return found == pools.end() ? nullptr : &*found;
    }

    friend bool operator==(const huge_page_facts &, const huge_page_facts &) = default;
};

/// The memory of one NUMA cell of a guest; a guest without cells is one.
struct guest_cell {
    /// Of the cell; it need be no multiple of `page`.
    bytes memory = {};
    bytes page = {};                        ///< of `<page size=…>`, or the host's default
    std::optional<std::uint32_t> node = {}; ///< `<memnode mode='strict'>`; absent: any

    friend bool operator==(const guest_cell &, const guest_cell &) = default;
};

/// A domain's demand; it is not running yet.
struct huge_page_demand {
    /// Its name, for errors.
    std::string domain = {};
    /// At least one.
    std::vector<guest_cell> cells = {};

    friend bool operator==(const huge_page_demand &, const huge_page_demand &) = default;
};

/// Of a domain of one cell, with pages of that size.
[[nodiscard]] inline huge_page_demand demand_of(const model::domain &domain, bytes page) {
    return {domain.name, {{domain.memory, page, std::nullopt}}};
}

/// What 52 bits address, as many as processors have.
inline constexpr bytes most_memory{std::uint64_t{1} << 52U};

/// Pages for the guest's memory: for each cell as many as hold it, since cells share none. A guest
/// of 1 GiB needs 512 pages of 2 MiB. The widely copied 520 holds 16 MiB more, as much as a video
/// memory of that size; QEMU takes that, like all else of its own, from ordinary pages now that
/// only the guest's memory is of the backend (`memory-backend-file`, `-memfd`).
///
/// Fails with `invalid_argument`, naming the domain, when a page's size is no power of two of at
/// least 64 KiB, or larger than the cell (QEMU refuses that), or when a cell is empty.
[[nodiscard]] inline expected<pages> pages_needed(const huge_page_demand &demand) {
    const auto wrong = [&](std::string what) {
        return fail(make_error(error_kind::invalid_argument, std::move(what)).about(demand.domain));
    };
    if (demand.cells.empty()) return wrong("a domain without memory needs no pages");
    std::uint64_t sum = 0;
    for (const guest_cell &cell : demand.cells) {
        const std::uint64_t size = cell.page.count();
        if (size < bytes::kib(64).count() || (size & (size - 1)) != 0) {
            return wrong(fmt::format("{} bytes is no size of a huge page", size));
        }
        if (cell.memory.count() == 0) return wrong("a cell has no memory");
        if (cell.memory > most_memory) return wrong("no machine addresses that much memory");
        if (cell.memory < cell.page) {
            return wrong(fmt::format("a page of {} KiB is larger than the {} KiB of a cell",
                                     size / 1024, cell.memory.count() / 1024));
        }
        sum += pages::holding(cell.memory, cell.page).count();
    }
    return pages{sum};
}

namespace detail {

/// Pages by node and size.
using huge_page_count = std::map<std::pair<std::uint32_t, bytes>, std::uint64_t>;

[[nodiscard]] inline std::string size_text(bytes size) {
    const std::uint64_t kib = size.count() / 1024;
    if (kib % (std::uint64_t{1} << 20U) == 0) return fmt::format("{} GiB", kib >> 20U);
    if (kib % 1024U == 0) return fmt::format("{} MiB", kib >> 10U);
    return fmt::format("{} KiB", kib);
}

/// Shares out the pages that may lie anywhere: first to where pages lie free, then to where most
/// memory is free, then to where memory can be freed.
class huge_page_placement {
public:
    huge_page_placement(const huge_page_facts &facts, bytes keep) : facts_(facts) {
        std::map<std::uint32_t, std::uint64_t> held;
        for (const huge_page_pool &p : facts.pools) {
            idle_[{p.node, p.size}] = p.free.count();
            held[p.node] += p.nr.size(p.size).count();
        }
        for (const node_memory &n : facts.nodes) {
            const std::uint64_t taken = held[n.node] + keep.count();
            room_[n.node] = n.total.count() - std::min(n.total.count(), taken);
            free_[n.node] = std::min(n.free.count(), room_[n.node]);
        }
    }

    void on_node(std::uint32_t node, bytes size, std::uint64_t count) {
        std::uint64_t &idle = idle_[{node, size}];
        const std::uint64_t taken = std::min(idle, count);
        idle -= taken;
        needed[{node, size}] += count;
        const std::uint64_t fresh = (count - taken) * size.count();
        for (auto *left : {&room_, &free_}) (*left)[node] -= std::min((*left)[node], fresh);
    }

    void anywhere(bytes size, std::uint64_t count) {
        for (const huge_page_pool &p : facts_.pools) {
            if (p.size != size || count == 0) continue;
            const std::uint64_t taken = std::min(idle_[{p.node, size}], count);
            on_node(p.node, size, taken);
            count -= taken;
        }
        for (auto *left : {&free_, &room_}) count -= where_most(*left, size, count);
        // What fits nowhere goes to one node, whose error names it.
        if (const huge_page_pool *any = most(room_, size)) on_node(any->node, size, count);
    }

    huge_page_count needed;

private:
    using bytes_by_node = std::map<std::uint32_t, std::uint64_t>;

    [[nodiscard]] const huge_page_pool *most(bytes_by_node &left, bytes size) const {
        const huge_page_pool *best = nullptr;
        for (const huge_page_pool &p : facts_.pools) {
            if (p.size != size) continue;
            if (best == nullptr || left[p.node] > left[best->node]) best = &p;
        }
        return best;
    }
    /// Node after node, those with most left first; how many found their place.
    std::uint64_t where_most(bytes_by_node &left, bytes size, std::uint64_t count) {
        std::uint64_t placed = 0;
        while (placed != count) {
            const huge_page_pool *best = most(left, size);
            const std::uint64_t fits = best == nullptr ? 0 : left[best->node] / size.count();
            if (fits == 0) break;
            const std::uint64_t taken = std::min(fits, count - placed);
            on_node(best->node, size, taken);
            placed += taken;
        }
        return placed;
    }

    const huge_page_facts &facts_;
    huge_page_count idle_;
    bytes_by_node room_; ///< without the pages there are, and what stays for the host
    bytes_by_node free_; ///< of that, what nothing else uses now
};

/// What all of them need by node and size; every error of a demand is one.
[[nodiscard]] inline expected<huge_page_count>
place(const huge_page_facts &facts, const std::vector<huge_page_demand> &demands, bytes keep) {
    const auto known = [&](const guest_cell &cell) {
        return std::any_of(facts.pools.begin(), facts.pools.end(), [&](const huge_page_pool &p) {
            return p.size == cell.page && (!cell.node || p.node == *cell.node);
        });
    };
    for (const huge_page_demand &demand : demands) {
        if (auto count = pages_needed(demand); !count) return fail(std::move(count.error()));
        for (const guest_cell &cell : demand.cells) {
            if (known(cell)) continue;
            std::string where = cell.node ? fmt::format("node {} of ", *cell.node) : std::string{};
            return fail(
                make_error(error_kind::unsupported, fmt::format("{}this host has no pages of {}",
                                                                where, size_text(cell.page)))
                    .about(demand.domain));
        }
    }
    huge_page_placement placement(facts, keep);
    // Those that have no choice come first.
    for (const bool bound : {true, false}) {
        for (const huge_page_demand &demand : demands) {
            for (const guest_cell &cell : demand.cells) {
                if (cell.node.has_value() != bound) continue;
                const std::uint64_t count = pages::holding(cell.memory, cell.page).count();
                if (bound) {
                    placement.on_node(*cell.node, cell.page, count);
                } else {
                    placement.anywhere(cell.page, count);
                }
            }
        }
    }
    return std::move(placement.needed);
}

} // namespace detail

/// The file that holds the number of pages of a size on a node.
[[nodiscard]] inline std::string nr_hugepages_file(std::uint32_t node, bytes size) {
    return fmt::format("/sys/devices/system/node/node{}/hugepages/hugepages-{}kB/nr_hugepages",
                       node, size.count() / 1024);
}

/// Raises the pools until the domains can start: what is free is used, what is in use is left, and
/// nothing is ever given back. `keep` stays on every node for QEMU itself and the host.
///
/// Fails with `invalid_argument` for a demand that makes no sense, `unsupported` for a size or
/// node that the host has not, `environment` when a node's memory does not hold the pages.
[[nodiscard]] inline expected<plan> plan_huge_pages(const huge_page_facts &facts,
                                                    const std::vector<huge_page_demand> &demands,
                                                    bytes keep = bytes::mib(512)) {
    const auto needed = detail::place(facts, demands, keep);
    if (!needed) return fail(needed.error());

    std::map<std::uint32_t, bytes> fresh; // by node
    for (const auto &[where, count] : *needed) {
        const huge_page_pool &pool = *facts.pool(where.first, where.second);
        const std::uint64_t more = count - std::min(count, pool.free.count());
        fresh[where.first] = fresh[where.first] + pages{more}.size(where.second);
    }
    for (const node_memory &node : facts.nodes) {
        const auto asked = fresh.find(node.node);
        if (asked == fresh.end() || asked->second.count() == 0) continue;
        bytes held;
        for (const huge_page_pool &p : facts.pools) {
            if (p.node == node.node) held = held + p.nr.size(p.size);
        }
        if (held + asked->second + keep > node.total) {
            return fail(
                make_error(error_kind::environment,
                           fmt::format("{:.0f} MiB more in huge pages do not fit: of {:.0f} MiB "
                                       "{:.0f} MiB are huge pages already, and {:.0f} MiB stay "
                                       "for the host",
                                       asked->second.as_mib(), node.total.as_mib(), held.as_mib(),
                                       keep.as_mib()))
                    .about(fmt::format("node{}", node.node)));
        }
    }

    plan out;
    plan compaction;
    // Large pages first: small ones would break up the room that they need.
    std::vector<std::pair<std::pair<std::uint32_t, bytes>, std::uint64_t>> order(needed->begin(),
                                                                                 needed->end());
    std::stable_sort(order.begin(), order.end(),
                     [](const auto &a, const auto &b) { return a.first.second > b.first.second; });
    for (const auto &[where, count] : order) {
        const auto [node, size] = where;
        const huge_page_pool &pool = *facts.pool(node, size);
        if (count <= pool.free.count()) continue;
        change step;
        step.what.name = nr_hugepages_file(node, size);
        step.from = std::to_string(pool.nr.count());
        step.to = std::to_string(pool.nr.count() + count - pool.free.count());
        step.why = fmt::format("{} pages of {} are needed on node {}, {} are free", count,
                               detail::size_text(size), node, pool.free.count());
        step.source = "Documentation/admin-guide/mm/hugetlbpage.rst";
        step.risk = "memory in huge pages is lost to all else, and is neither swapped nor merged";
        if (size >= bytes::gib(1)) {
            step.risk += "; pages of 1 GiB are seldom to be had once a host has run for a while: "
                         "reserve them at boot (hugepagesz=1G hugepages=N)";
        }
        out.changes.push_back(std::move(step));
    }
    if (out.empty()) return out;
    if (!facts.compaction) {
        out.note("this kernel cannot compact memory: fewer pages than asked for may be had");
        return out;
    }
    change compact;
    compact.what.name = "/proc/sys/vm/compact_memory";
    compact.to = "1";
    compact.trigger = true;
    compact.why = "free memory is brought together, so that more huge pages can be had";
    compact.source = "Documentation/admin-guide/sysctl/vm.rst";
    compact.risk = "processes stall for moments while their pages move";
    compaction.changes.push_back(std::move(compact));
    compaction.append(std::move(out));
    return compaction;
}

/// One thing that the destination of a migration needs.
struct huge_page_finding {
    /// The destination has it.
    bool met = false;
    /// A clause: what is needed, and what is there.
    std::string what = {};
};

/// What the destination must have for a domain whose memory is of huge pages. In post-copy a page
/// is sent whole when the guest touches it: `rate`, where known, tells how long that stalls it.
[[nodiscard]] inline expected<std::vector<huge_page_finding>>
destination_needs(const huge_page_demand &demand, const huge_page_facts &destination,
                  std::optional<byte_rate> rate = std::nullopt) {
    if (auto count = pages_needed(demand); !count) return fail(std::move(count.error()));
    std::vector<huge_page_finding> out;
    std::map<std::pair<bytes, std::optional<std::uint32_t>>, std::uint64_t> wanted;
    for (const guest_cell &cell : demand.cells) {
        wanted[{cell.page, cell.node}] += pages::holding(cell.memory, cell.page).count();
    }
    for (const auto &[which, count] : wanted) {
        const auto &[size, node] = which;
        std::uint64_t free = 0;
        bool known = false;
        for (const huge_page_pool &p : destination.pools) {
            if (p.size != size || (node && p.node != *node)) continue;
            known = true;
            // A cell that is bound to the node takes its pages from there.
            const auto bound = node ? wanted.end() : wanted.find({size, p.node});
            const std::uint64_t taken = bound == wanted.end() ? 0 : bound->second;
            free += p.free.count() - std::min(p.free.count(), taken);
        }
        const std::string where = node ? fmt::format(" on node {}", *node) : std::string{};
        const std::string text = detail::size_text(size);
        if (!known) {
            out.push_back({false, fmt::format("the destination has no pages of {}{}: the domain "
                                              "cannot start there, and post-copy needs pages of "
                                              "the same size on both sides",
                                              text, where)});
            continue;
        }
        out.push_back({free >= count, fmt::format("{} pages of {}{} are needed, {} are free", count,
                                                  text, where, free)});
        if (rate && rate->per_second() != 0) {
            const double stall = rate->time_for(size).count();
            out.push_back({stall < 0.3, fmt::format("in post-copy each page of {} stalls the guest "
                                                    "for {:.0f} ms",
                                                    text, stall * 1000)});
        }
    }
    return out;
}

} // namespace kvmig::tuning
