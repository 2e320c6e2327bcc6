// SPDX-License-Identifier: MIT
#include <kvmig/tuning/huge_pages.hpp>
#include <kvmig/tuning/transparent_huge_pages.hpp>
#include <support/catch.hpp>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

using namespace kvmig;
using namespace kvmig::tuning;

namespace {

constexpr bytes two_mib = bytes::mib(2);
constexpr bytes one_gib = bytes::gib(1);

huge_page_demand guest(std::string name, std::vector<guest_cell> cells) {
    return {std::move(name), std::move(cells)};
}

/// Two nodes of 8 GiB, each with both sizes and nothing reserved.
huge_page_facts two_nodes() {
    huge_page_facts f;
    f.compaction = true;
    for (const std::uint32_t node : {0U, 1U}) {
        f.nodes.push_back({node, bytes::gib(8), bytes::gib(6)});
        f.pools.push_back({node, two_mib, pages{0}, pages{0}});
        f.pools.push_back({node, one_gib, pages{0}, pages{0}});
    }
    return f;
}

/// What the kernel makes of a plan when it has all the memory asked for.
huge_page_facts applied(huge_page_facts f, const plan &all) {
    for (const change &step : all.changes) {
        if (step.trigger) continue;
        bool found = false;
        for (huge_page_pool &p : f.pools) {
            if (nr_hugepages_file(p.node, p.size) != step.what.name) continue;
            found = true;
            CHECK(step.from == std::to_string(p.nr.count()));
            const std::uint64_t more = std::stoull(step.to) - p.nr.count();
            p.nr = pages{p.nr.count() + more};
            p.free = pages{p.free.count() + more};
            for (node_memory &n : f.nodes) {
                if (n.node == p.node) n.free = n.free - pages{more}.size(p.size);
            }
        }
        CHECK(found);
    }
    return f;
}

} // namespace

TEST_CASE("pages needed are counted for each cell of a guest") {
    struct row {
        std::vector<guest_cell> cells;
        std::uint64_t pages;
    };
    const row rows[] = {
        {{{one_gib, two_mib, {}}}, 512}, // not the 520 that is widely copied
        {{{one_gib, one_gib, {}}}, 1},
        {{{bytes::mib(1025), two_mib, {}}}, 513},
        // Cells share no page: two of 1025 MiB, not one of 2050 MiB.
        {{{bytes::mib(1025), two_mib, 0}, {bytes::mib(1025), two_mib, 1}}, 1026},
        {{{one_gib, two_mib, 0}, {bytes::gib(2), one_gib, 1}}, 514},
    };
    for (const row &r : rows) CHECK(pages_needed(guest("vm", r.cells)) == pages{r.pages});

    model::domain domain;
    domain.name = "vm1";
    domain.memory = bytes::gib(4);
    const auto demand = demand_of(domain, two_mib);
    CHECK(demand.domain == "vm1");
    CHECK(pages_needed(demand) == pages{2048});
}

TEST_CASE("a demand that makes no sense is named") {
    const auto wrong = [](std::vector<guest_cell> cells) {
        const auto count = pages_needed(guest("vm9", std::move(cells)));
        REQUIRE_FALSE(count);
        CHECK(count.error().kind == error_kind::invalid_argument);
        CHECK(count.error().object == "vm9");
    };
    wrong({});
    wrong({{bytes{0}, two_mib, {}}});
    wrong({{one_gib, bytes{0}, {}}});
    wrong({{one_gib, bytes::kib(4), {}}});
    wrong({{one_gib, bytes::mib(3), {}}});
    wrong({{bytes::mib(512), one_gib, {}}});
    wrong({{bytes{~std::uint64_t{0}}, two_mib, {}}});
}

TEST_CASE("what is free is used, what is in use is left, and compaction comes first") {
    huge_page_facts f = two_nodes();
    f.pools[0].nr = pages{300};
    f.pools[0].free = pages{100}; // 200 in use
    const auto made = plan_huge_pages(f, {guest("vm", {{one_gib, two_mib, 0}})});
    REQUIRE(made);
    REQUIRE(made->changes.size() == 2);
    CHECK(made->changes[0].what.name == "/proc/sys/vm/compact_memory");
    CHECK(made->changes[0].trigger);
    CHECK(made->changes[1].what.name ==
          "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages");
    CHECK(made->changes[1].from == "300");
    CHECK(made->changes[1].to == "712"); // 200 + 512
    f.compaction = false;
    const auto without = plan_huge_pages(f, {guest("vm", {{one_gib, two_mib, 0}})});
    CHECK(without->changes.size() == 1);
    CHECK(without->notes.size() == 1);
}

TEST_CASE("nothing is done, nor given back, when enough is free") {
    huge_page_facts f = two_nodes();
    f.pools[0].nr = f.pools[0].free = pages{4000};
    CHECK(plan_huge_pages(f, {guest("vm", {{one_gib, two_mib, 0}})})->empty());
    CHECK(plan_huge_pages(f, {})->empty());
}

TEST_CASE("pages that may lie anywhere go where pages and then memory are free") {
    huge_page_facts f = two_nodes();
    f.pools[0].nr = f.pools[0].free = pages{100};
    f.nodes[1].free = bytes::gib(7);
    const auto made = plan_huge_pages(f, {guest("any", {{one_gib, two_mib, {}}}),
                                          guest("bound", {{bytes::mib(40), two_mib, 0}})});
    REQUIRE(made);
    // 20 of the 100 free ones are for the guest that is bound to node 0, whatever the order.
    REQUIRE(made->changes.size() == 2);
    CHECK(made->changes[1].what.name == nr_hugepages_file(1, two_mib));
    CHECK(made->changes[1].to == "432"); // 512 - 80
}

TEST_CASE("what fits on two nodes together is shared out, whatever uses their memory now") {
    huge_page_facts f = two_nodes();
    // The page cache has nearly all; it can be had back. 7.5 GiB of each node are for guests.
    for (node_memory &n : f.nodes) n.free = bytes::gib(1);
    const auto made = plan_huge_pages(f, {guest("vm", {{bytes::gib(15), two_mib, {}}})});
    REQUIRE(made);
    REQUIRE(made->changes.size() == 3);
    CHECK(made->changes[1].to == "3840");
    CHECK(made->changes[2].to == "3840");
    CHECK_FALSE(plan_huge_pages(f, {guest("vm", {{bytes::mib(15362), two_mib, {}}})}));
    // Nor may an idle node be filled to the last page.
    f.nodes[0].free = bytes::mib(7900);
    f.nodes[1].free = bytes::mib(7800);
    CHECK(plan_huge_pages(f, {guest("vm", {{bytes::mib(7850), two_mib, {}}})}));
}

TEST_CASE("pages of 1 GiB come before those that would break up their room") {
    const auto made = plan_huge_pages(
        two_nodes(), {guest("vm", {{one_gib, two_mib, 0}, {bytes::gib(2), one_gib, 0}})});
    REQUIRE(made);
    REQUIRE(made->changes.size() == 3);
    CHECK(made->changes[1].what.name == nr_hugepages_file(0, one_gib));
    CHECK(made->changes[1].to == "2");
    CHECK(made->changes[1].risk.find("at boot") != std::string::npos);
    CHECK(made->changes[2].what.name == nr_hugepages_file(0, two_mib));
}

TEST_CASE("more pages than memory is an error that names the node, before anything is planned") {
    // 8 GiB, of which 512 MiB stay: 7.5 GiB are 3840 pages.
    CHECK(plan_huge_pages(two_nodes(), {guest("vm", {{bytes::mib(7680), two_mib, 1}})}));
    const auto made = plan_huge_pages(two_nodes(), {guest("vm", {{bytes::mib(7682), two_mib, 1}})});
    REQUIRE_FALSE(made);
    CHECK(made.error().kind == error_kind::environment);
    CHECK(made.error().object == "node1");
    CHECK_FALSE(plan_huge_pages(two_nodes(), {guest("vm", {{bytes::gib(20), two_mib, {}}})}));
    // Together too large, each alone not.
    CHECK_FALSE(plan_huge_pages(two_nodes(), {guest("a", {{bytes::gib(5), two_mib, 0}}),
                                              guest("b", {{bytes::gib(5), one_gib, 0}})}));
}

TEST_CASE("a size or node that the host has not is named with the domain") {
    for (const guest_cell &cell :
         {guest_cell{one_gib, bytes::mib(16), {}}, guest_cell{one_gib, two_mib, 2}}) {
        const auto made = plan_huge_pages(two_nodes(), {guest("vm7", {cell})});
        REQUIRE_FALSE(made);
        CHECK(made.error().kind == error_kind::unsupported);
        CHECK(made.error().object == "vm7");
    }
}

TEST_CASE("planning once more after the pages were had finds nothing to do") {
    std::mt19937 random(5);
    const auto pick = [&](std::uint64_t n) { return random() % n; };
    int planned = 0;
    for (int i = 0; i < 3000; ++i) {
        huge_page_facts f = two_nodes();
        for (huge_page_pool &p : f.pools) {
            p.nr = pages{p.size == one_gib ? pick(2) : pick(500)};
            p.free = pages{pick(p.nr.count() + 1)};
        }
        std::vector<huge_page_demand> demands;
        for (std::uint64_t n = pick(4); n != 0; --n) {
            huge_page_demand d{"vm" + std::to_string(n), {}};
            for (std::uint64_t c = 1 + pick(2); c != 0; --c) {
                guest_cell cell{
                    bytes::mib(1024 + pick(1024)), pick(3) == 0 ? one_gib : two_mib, {}};
                if (pick(2) != 0) cell.node = static_cast<std::uint32_t>(pick(2));
                d.cells.push_back(cell);
            }
            demands.push_back(d);
        }
        const auto made = plan_huge_pages(f, demands);
        if (!made) continue;
        planned += made->empty() ? 0 : 1;
        const auto again = plan_huge_pages(applied(f, *made), demands);
        REQUIRE(again);
        CHECK(again->empty());
    }
    CHECK(planned > 1000);
}

TEST_CASE("what the destination of a migration needs") {
    huge_page_facts f = two_nodes();
    f.pools[0].nr = f.pools[0].free = pages{300};
    f.pools[2].nr = f.pools[2].free = pages{212};
    const auto vm = guest("vm", {{one_gib, two_mib, {}}});
    const auto enough = destination_needs(vm, f);
    REQUIRE(enough);
    REQUIRE(enough->size() == 1);
    CHECK(enough->front().met);
    f.pools[2].free = pages{211};
    CHECK_FALSE(destination_needs(vm, f)->front().met);
    // Bound to a node, the other's do not count.
    CHECK_FALSE(destination_needs(guest("vm", {{one_gib, two_mib, 0}}), f)->front().met);
    // A page serves one cell: those of the bound one are not there for the other.
    f.pools[0].free = pages{512};
    const auto two = guest("vm", {{one_gib, two_mib, 0}, {one_gib, two_mib, {}}});
    for (const std::uint64_t elsewhere : {511U, 512U}) {
        f.pools[2].free = pages{elsewhere};
        const auto found = destination_needs(two, f);
        REQUIRE(found->size() == 2);
        CHECK((found->front().met && found->back().met) == (elsewhere == 512));
    }
    const auto other = destination_needs(guest("vm", {{one_gib, bytes::mib(16), {}}}), f);
    CHECK_FALSE(other->front().met);
    CHECK(other->front().what.find("post-copy") != std::string::npos);
    CHECK_FALSE(destination_needs(guest("vm", {}), f));
}

TEST_CASE("a page of 1 GiB stalls a guest in post-copy, one of 2 MiB does not") {
    huge_page_facts f = two_nodes();
    for (huge_page_pool &p : f.pools) p.free = pages{1000};
    const byte_rate ten_gigabit{1'250'000'000};
    const auto large = destination_needs(guest("vm", {{one_gib, one_gib, {}}}), f, ten_gigabit);
    REQUIRE(large->size() == 2);
    CHECK_FALSE(large->at(1).met);
    CHECK(large->at(1).what.find("859 ms") != std::string::npos); // 2^30 / 1.25e9
    const auto small = destination_needs(guest("vm", {{one_gib, two_mib, {}}}), f, ten_gigabit);
    CHECK(small->at(1).met);
}

TEST_CASE("transparent huge pages: only words that the kernel offers, only what differs") {
    const thp_facts facts{.enabled = "[always] madvise never\n",
                          .defrag = "always defer [defer+madvise] madvise never\n",
                          .shmem_enabled = std::nullopt};
    thp_settings wanted = thp_for_guests();
    wanted.shmem_enabled = "advise";
    const auto made = plan_thp(facts, wanted);
    REQUIRE(made);
    REQUIRE(made->changes.size() == 1);
    CHECK(made->changes[0].what.name == "/sys/kernel/mm/transparent_hugepage/enabled");
    CHECK(made->changes[0].from == "always");
    CHECK(made->changes[0].to == "madvise");
    REQUIRE(made->notes.size() == 1);
    CHECK(made->notes[0].find("shmem_enabled") != std::string::npos);
    const auto wrong = plan_thp(facts, {.enabled = "sometimes"});
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().object == "/sys/kernel/mm/transparent_hugepage/enabled");
    CHECK(wrong.error().what.find("always, madvise, never") != std::string::npos);
}
