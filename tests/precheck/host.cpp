// SPDX-License-Identifier: MIT
// Versions, processors, memory.
#include <precheck/healthy.hpp>

using namespace kvmig;
using namespace kvmig::test;

namespace {

template <class Change> void offer(precheck::facts &f, Change change) {
    model::domain_capabilities told = *f.destination.domain_capabilities;
    change(told);
    f.destination.domain_capabilities = told;
}

} // namespace

TEST_CASE("a host without the architecture blocks, and is not told to lack its machine too") {
    auto f = healthy();
    recast(f.destination, [](auto &told) { told.guests.front().arch = "i686"; });
    CHECK(told(f, "KVM-VER-007") == blocks);
    CHECK_FALSE(told(f, "KVM-VER-001"));
    CHECK_FALSE(told(f, "KVM-CPU-010"));
    forget(f.destination.capabilities);
    CHECK(told(f, "KVM-VER-007") == unknown);
    f = healthy();
    f.domain.arch.clear();
    CHECK(told(f, "KVM-VER-007") == unknown);
    f = healthy();
    f.domain.type = "xen";
    CHECK(told(f, "KVM-VER-007") == blocks);
}

TEST_CASE("a host without the machine type blocks") {
    auto f = healthy();
    f.domain.machine = "pc-q35-10.0";
    CHECK(told(f, "KVM-VER-001") == blocks);
    f.domain.machine.clear();
    CHECK(told(f, "KVM-VER-001") == unknown);
    f = healthy();
    forget(f.destination.capabilities);
    CHECK(told(f, "KVM-VER-001") == unknown);
}

TEST_CASE("older series at the destination warn, newer ones and other releases do not") {
    const auto [id, field] =
        GENERATE(table<std::string, precheck::fact<model::version> precheck::host_facts::*>(
            {{"KVM-VER-003", &precheck::host_facts::hypervisor},
             {"KVM-VER-006", &precheck::host_facts::libvirt}}));
    auto f = healthy();
    f.source.*field = model::version{8, 2, 3};
    f.destination.*field = model::version{8, 1, 9};
    CHECK(told(f, id) == warns);
    f.destination.*field = model::version{8, 2, 0};
    CHECK_FALSE(told(f, id));
    f.destination.*field = model::version{10, 0, 0};
    CHECK_FALSE(told(f, id));
    forget(f.destination.*field);
    CHECK(told(f, id) == unknown);
    f = healthy();
    forget(f.source.*field);
    CHECK(told(f, id) == unknown);
}

TEST_CASE("firmware that libvirt does not list may be there or not") {
    auto f = healthy();
    offer(f, [](auto &told) { told.loaders = {"/other"}; });
    CHECK(told(f, "KVM-VER-008") == unknown);
    forget(f.destination.domain_capabilities);
    CHECK(told(f, "KVM-VER-008") == unknown);
    f.domain.loader.clear();
    CHECK_FALSE(told(f, "KVM-VER-008"));
}

TEST_CASE("a KVM guest needs KVM, an emulated one does not") {
    auto f = healthy();
    recast(f.destination, [](auto &told) { told.guests.front().types = {"qemu"}; });
    CHECK(told(f, "KVM-CPU-010") == blocks);
    CHECK_FALSE(told(f, "KVM-VER-007"));
    f.domain.type = "qemu";
    CHECK_FALSE(told(f, "KVM-CPU-010"));
    f = healthy();
    forget(f.destination.capabilities);
    CHECK(told(f, "KVM-CPU-010") == unknown);
}

TEST_CASE("processors of two vendors block, unless the processor is emulated") {
    auto f = healthy();
    recast(f.destination, [](auto &told) { told.cpu_vendor = "Intel"; });
    CHECK(told(f, "KVM-CPU-009") == blocks);
    f.domain.type = "qemu";
    CHECK_FALSE(told(f, "KVM-CPU-009"));
    f = healthy();
    recast(f.destination, [](auto &told) { told.cpu_vendor.clear(); });
    CHECK(told(f, "KVM-CPU-009") == unknown);
    forget(f.destination.capabilities);
    CHECK(told(f, "KVM-CPU-009") == unknown);
}

TEST_CASE("invtsc blocks without a frequency, and only where it is required") {
    auto f = healthy();
    f.domain.tsc_frequency.reset();
    CHECK(told(f, "KVM-CPU-008") == blocks);
    f.domain.cpu_features = {{"invtsc", ""}};
    CHECK(told(f, "KVM-CPU-008") == blocks);
    f.domain.cpu_features = {{"invtsc", "disable"}};
    CHECK_FALSE(told(f, "KVM-CPU-008"));
}

TEST_CASE("a CPU mode that is not offered blocks") {
    auto f = healthy();
    f.domain.cpu_mode = "maximum";
    CHECK(told(f, "KVM-CPU-006") == blocks);
    forget(f.destination.domain_capabilities);
    CHECK(told(f, "KVM-CPU-006") == unknown);
    f.domain.cpu_mode.clear();
    CHECK_FALSE(told(f, "KVM-CPU-006"));
}

TEST_CASE("a CPU that does not fit blocks, and what is missing is told") {
    auto f = healthy();
    f.destination.cpu = precheck::cpu_comparison{false, "required features: avx512f"};
    CHECK(told(f, "KVM-CPU-016") == blocks);
    CHECK_THAT(findings_of(f, "KVM-CPU-016").front().seen, Catch::Contains("avx512f"));
    forget(f.destination.cpu);
    CHECK(told(f, "KVM-CPU-016") == unknown);
    f.domain.cpu_mode.clear();
    f.domain.cpu_model.clear();
    CHECK_FALSE(told(f, "KVM-CPU-016"));
}

TEST_CASE("host-passthrough warns between models that differ") {
    auto f = healthy();
    f.domain.cpu_mode = "host-passthrough";
    CHECK_FALSE(told(f, "KVM-CPU-101"));
    recast(f.destination, [](auto &told) { told.cpu_model = "EPYC-Rome"; });
    CHECK(told(f, "KVM-CPU-101") == warns);
    forget(f.destination.capabilities);
    CHECK(told(f, "KVM-CPU-101") == unknown);
    f = healthy();
    f.domain.cpu_mode = "host-passthrough";
    forget(f.source.capabilities);
    CHECK(told(f, "KVM-CPU-101") == unknown);
}

TEST_CASE("more vCPUs than the machine takes there block") {
    auto f = healthy();
    f.domain.vcpus = 288;
    CHECK_FALSE(told(f, "KVM-CPU-014"));
    f.domain.vcpus = 289;
    CHECK(told(f, "KVM-CPU-014") == blocks);
    recast(f.destination, [](auto &told) { told.guests.front().machines.front().max_vcpus = 0; });
    CHECK_FALSE(told(f, "KVM-CPU-014"));
    forget(f.destination.capabilities);
    CHECK(told(f, "KVM-CPU-014") == unknown);
}

TEST_CASE("memory: what cannot be blocks, what is not free warns") {
    auto f = healthy();
    f.domain.memory = bytes::gib(4);
    CHECK_FALSE(told(f, "KVM-MEM-001"));
    f.domain.memory = bytes::gib(5);
    CHECK(told(f, "KVM-MEM-001") == warns);
    f.domain.current_memory = bytes::gib(3); // the balloon holds the rest
    CHECK_FALSE(told(f, "KVM-MEM-001"));
    f.domain.locked = true; // whatever the balloon holds
    CHECK(told(f, "KVM-MEM-001") == blocks);
    f.domain.current_memory.reset();
    CHECK(told(f, "KVM-MEM-001") == blocks);
    f.domain.memory = bytes::gib(9);
    CHECK(told(f, "KVM-MEM-001") == blocks);
    f.domain.locked = false; // swap may carry it
    CHECK(told(f, "KVM-MEM-001") == warns);
    f.domain.hugepages = true; // not of this memory
    CHECK_FALSE(told(f, "KVM-MEM-001"));
}

TEST_CASE("memory that is not known is told, unless the guest is too large anyhow") {
    auto f = healthy();
    forget(f.destination.memory_available);
    CHECK(told(f, "KVM-MEM-001") == unknown);
    f.domain.memory = bytes::gib(9);
    CHECK(told(f, "KVM-MEM-001") == warns);
    forget(f.destination.memory_total);
    CHECK(told(f, "KVM-MEM-001") == unknown);
}

TEST_CASE("huge pages: the last one counts") {
    auto f = healthy();
    f.domain.hugepages = true;
    f.domain.hugepage_sizes = {bytes::mib(2)};
    CHECK_FALSE(told(f, "KVM-MEM-002")); // 512 pages of 2 MiB are the guest's 1 GiB
    f.domain.memory = bytes::gib(1) + bytes{1};
    CHECK(told(f, "KVM-MEM-002") == blocks);
    f.domain.memory = bytes::gib(1);
    f.domain.hugepage_sizes = {bytes::gib(1)};
    CHECK(told(f, "KVM-MEM-002") == blocks);
    forget(f.destination.huge_pages);
    CHECK(told(f, "KVM-MEM-002") == unknown);
}

TEST_CASE("huge pages without a size are the only ones there, or not known") {
    auto f = healthy();
    f.domain.hugepages = true;
    CHECK_FALSE(told(f, "KVM-MEM-002"));
    f.domain.memory = bytes::gib(2);
    CHECK(told(f, "KVM-MEM-002") == blocks);
    f.destination.huge_pages =
        std::vector<precheck::free_pages>{{bytes::mib(2), pages{9999}}, {bytes::gib(1), pages{9}}};
    CHECK(told(f, "KVM-MEM-002") == unknown);
    f.domain.hugepage_sizes = {bytes::mib(2), bytes::gib(1)};
    CHECK(told(f, "KVM-MEM-002") == unknown);
    f.domain.hugepage_sizes = {};
    f.destination.huge_pages = std::vector<precheck::free_pages>{};
    CHECK(told(f, "KVM-MEM-002") == blocks);
}

TEST_CASE("a size of zero in the XML is survived") {
    auto f = healthy();
    f.domain.hugepages = true;
    f.domain.hugepage_sizes = {bytes{0}};
    CHECK(told(f, "KVM-MEM-002") == blocks);
}

TEST_CASE("a DIMM without a place blocks") {
    auto f = healthy();
    f.domain.memory_devices = {{"dimm", false}};
    CHECK(told(f, "KVM-MEM-007") == blocks);
}
