// SPDX-License-Identifier: MIT
#include <host/kernel_tree.hpp>
#include <kvmig/host/tuning_facts.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace kvmig;
using kvmig::testing::kernel_tree;
using kvmig::testing::ksm;
using std::chrono::milliseconds;

namespace {

/// Linux 6.1 as Debian 12 has it.
struct debian_12 : kernel_tree {
    debian_12() {
        for (const auto &[name, text] : std::vector<std::pair<std::string, std::string>>{
                 {"full_scans", "12"},
                 {"max_page_sharing", "256"},
                 {"merge_across_nodes", "1"},
                 {"pages_shared", "15"},
                 {"pages_sharing", "409"},
                 {"pages_to_scan", "100"},
                 {"pages_unshared", "512"},
                 {"pages_volatile", "3"},
                 {"run", "1"},
                 {"sleep_millisecs", "20"},
                 {"stable_node_chains", "0"},
                 {"stable_node_chains_prune_millisecs", "2000"},
                 {"stable_node_dups", "0"},
                 {"use_zero_pages", "0"}}) {
            put(ksm + name, text + "\n");
        }
        put("/proc/meminfo", "MemTotal:       16384000 kB\nMemFree:         8192000 kB\n"
                             "MemAvailable:   12288000 kB\nBuffers:             100 kB\n"
                             "Cached:              200 kB\n");
    }
};

} // namespace

TEST_CASE("KSM of an old kernel: what it lacks is absent") {
    const debian_12 tree;
    const auto facts = host::read_ksm(tree.files());
    REQUIRE(facts);
    CHECK(facts->run == std::uint64_t{1});
    CHECK(facts->pages_sharing == pages{409});
    CHECK(facts->sleep_millisecs == milliseconds{20});
    CHECK_FALSE(facts->general_profit);
    CHECK_FALSE(facts->advisor_mode);
    CHECK_FALSE(facts->smart_scan);
}

TEST_CASE("KSM of a new kernel: the advisor and the profit") {
    const debian_12 tree;
    tree.put(ksm + "advisor_mode", "none [scan-time]\n");
    tree.put(ksm + "general_profit", "-1096064\n");
    tree.put(ksm + "smart_scan", "1\n");
    const auto facts = host::read_ksm(tree.files());
    REQUIRE(facts);
    CHECK(facts->advised());
    CHECK(facts->general_profit == std::int64_t{-1'096'064});
}

TEST_CASE("a kernel without KSM has none, and a file with something else is named") {
    const kernel_tree bare;
    CHECK_FALSE(host::read_ksm(bare.files())->present());
    const debian_12 tree;
    tree.put(ksm + "pages_to_scan", "many\n");
    const auto facts = host::read_ksm(tree.files());
    REQUIRE_FALSE(facts);
    CHECK(facts.error().object == ksm + "pages_to_scan");
}

TEST_CASE("one look at a host: memory, pressure, ksmd and the guests") {
    const debian_12 tree;
    CHECK_FALSE(host::read_ksm_sample(tree.files(), milliseconds{5})->pressure);
    tree.put("/proc/pressure/memory", "some avg10=12.50 avg60=3.25 avg300=0.00 total=123\n"
                                      "full avg10=1.00 avg60=0.50 avg300=0.00 total=45\n");
    // The name may hold blanks and parentheses; 300 and 200 ticks.
    tree.put("/proc/37/stat", "37 (ksmd) S 2 0 0 0 -1 2097216 0 0 0 0 300 200 0 0 25 5 1 0 24\n");
    tree.put("/proc/38/stat", "38 (k (s) md) S 2 0 0 0 -1 0 0 0 0 0 9 9 0 0 25 5 1 0 24\n");

    const auto process = [&](const std::string &pid, std::string words) {
        for (char &c : words) c = c == ' ' ? '\0' : c;
        tree.put("/proc/" + pid + "/cmdline", words + '\0');
    };
    // As libvirt starts it.
    process("100", "/usr/bin/qemu-system-x86_64 -name guest=vm1,debug-threads=on -S -accel kvm");
    tree.put("/proc/100/status", "Name:\tqemu-system-x86\nVmRSS:\t 1048576 kB\n");
    tree.put("/proc/100/smaps_rollup", "Rss: 1048576 kB\nPss: 524288 kB\nPss_Anon: 1 kB\n"
                                       "Private_Hugetlb: 0 kB\n");
    tree.put("/proc/100/ksm_stat", "ksm_rmap_items 64\nksm_merging_pages 9\n"
                                   "ksm_process_profit -5\n");
    // Of huge pages, and by hand.
    process("101", "/usr/bin/kvm -name vm2 -m 1024");
    tree.put("/proc/101/smaps_rollup", "Pss: 100 kB\nShared_Hugetlb: 1048576 kB\n");
    // None of them a guest with KVM.
    process("102", "/usr/bin/qemu-system-x86_64 -name guest=emulated -accel tcg");
    process("103", "/usr/bin/vim qemu-system-x86_64");
    process("104", "");
    process("self", "/usr/bin/kvm");

    const auto look = host::read_ksm_sample(tree.files(), milliseconds{5});
    REQUIRE(look);
    CHECK(look->at == milliseconds{5});
    CHECK(look->memory.total == bytes::kib(16'384'000));
    CHECK(look->memory.to_be_had() == bytes::kib(12'288'000));
    REQUIRE(look->pressure);
    CHECK(look->pressure->some_avg10 == 12.5);
    CHECK(look->ksmd_cpu == milliseconds{500 * 1000 / ::sysconf(_SC_CLK_TCK)});
    REQUIRE(look->guests.size() == 2);
    const auto &first = look->guests[0];
    CHECK(first.name == "vm1");
    CHECK(first.rss == bytes::gib(1));
    CHECK(first.pss == bytes::mib(512));
    CHECK_FALSE(first.hugepages);
    CHECK(first.ksm.rmap_items == std::uint64_t{64});
    CHECK(first.ksm.merging_pages == pages{9});
    CHECK(first.ksm.process_profit == std::int64_t{-5});
    const auto &second = look->guests[1];
    CHECK(second.name == "vm2");
    CHECK(second.hugepages);
    CHECK(second.ksm == tuning::ksm_process{});
}

TEST_CASE("huge pages and memory of each node") {
    const kernel_tree tree;
    const std::string node = "/sys/devices/system/node/node";
    for (const std::string number : {"0", "1"}) {
        tree.put(node + number + "/meminfo", "Node " + number +
                                                 " MemTotal:       8388608 kB\nNode " + number +
                                                 " MemFree:        4194304 kB\n");
        tree.put(node + number + "/hugepages/hugepages-2048kB/nr_hugepages", "10\n");
        tree.put(node + number + "/hugepages/hugepages-2048kB/free_hugepages", number + "\n");
    }
    tree.put(node + "0/hugepages/hugepages-1048576kB/nr_hugepages", "2\n");
    tree.put(node + "0/hugepages/hugepages-1048576kB/free_hugepages", "2\n");
    tree.put("/proc/sys/vm/compact_memory", "");
    const auto facts = host::read_huge_pages(tree.files());
    REQUIRE(facts);
    CHECK(facts->compaction);
    REQUIRE(facts->nodes.size() == 2);
    CHECK(facts->nodes[1] == tuning::node_memory{1, bytes::gib(8), bytes::gib(4)});
    CHECK(facts->pools.size() == 3);
    REQUIRE(facts->pool(0, bytes::gib(1)) != nullptr);
    CHECK(facts->pool(0, bytes::gib(1))->nr == pages{2});
    REQUIRE(facts->pool(1, bytes::mib(2)) != nullptr);
    CHECK(facts->pool(1, bytes::mib(2))->free == pages{1});
    CHECK(facts->pool(1, bytes::gib(1)) == nullptr);

    // What a mapping has reserved is free no more, though the nodes do not tell whose it is.
    tree.put(node + "0/hugepages/hugepages-2048kB/free_hugepages", "5\n");
    tree.put("/sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "5\n");
    const auto promised = host::read_huge_pages(tree.files());
    REQUIRE(promised);
    std::uint64_t left = 0;
    for (const std::uint32_t each : {0U, 1U})
        left += promised->pool(each, bytes::mib(2))->free.count();
    CHECK(left == 1);
    CHECK(promised->pool(0, bytes::gib(1))->free == pages{2});

    tree.put(node + "1/meminfo", "nothing\n");
    CHECK(host::read_huge_pages(tree.files()).error().object == node + "1/meminfo");
}

TEST_CASE("the files that a profile asks for, and nothing else") {
    const kernel_tree tree({{"/proc/sys/vm/swappiness", "60\n"},
                            {"/proc/sys/vm/dirty_bytes", "0\n"},
                            {"/proc/sys/vm/overcommit_memory", "0\n"},
                            {"/sys/block/sda/queue/read_ahead_kb", "128\n"},
                            {"/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "x\n"}});
    std::filesystem::create_directory(tree.at("/proc/sys/vm/dirty_ratio"));
    const auto read = host::read_profile(tree.files(), *tuning::find_profile("virtual-host"));
    CHECK(read.texts.size() == 4);
    CHECK(read.texts.at("/proc/sys/vm/swappiness") == "60\n");
    REQUIRE(read.unreadable.size() == 1);
    CHECK(read.unreadable[0].starts_with("/proc/sys/vm/dirty_ratio"));
}

TEST_CASE("transparent huge pages are read with their choices") {
    const kernel_tree tree;
    tree.put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    const auto facts = host::read_thp(tree.files());
    REQUIRE(facts);
    CHECK(facts->enabled == "always [madvise] never\n");
    CHECK_FALSE(facts->defrag);
}

TEST_CASE("the boot's id is read where there is one") {
    const kernel_tree tree;
    CHECK(host::read_boot_id(tree.files()) == std::string{});
    tree.put("/proc/sys/kernel/random/boot_id", "0b0e\n");
    CHECK(host::read_boot_id(tree.files()) == std::string{"0b0e"});
}
