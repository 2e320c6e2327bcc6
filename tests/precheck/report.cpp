// SPDX-License-Identifier: MIT
// What holds of all rules together.
#include <precheck/healthy.hpp>
#include <precheck/properties.hpp>

#include <algorithm>
#include <random>
#include <set>

using namespace kvmig;
using namespace kvmig::test;
using precheck::presence;
using precheck::severity;
using precheck::verdict;

TEST_CASE("all rules run and all findings are told at once") {
    const auto report = test::check(sick());
    CHECK(report.verdict == verdict::blocked);
    const auto blocking = ids_of(report, blocks);
    for (const char *id :
         {"KVM-IDN-001", "KVM-IDN-002", "KVM-IDN-003", "KVM-IDN-004", "KVM-DNS-001", "KVM-DNS-003",
          "KVM-NET-001", "KVM-NET-002", "KVM-NET-005", "KVM-NET-022", "KVM-VER-001", "KVM-CPU-008",
          "KVM-CPU-009", "KVM-CPU-016", "KVM-MEM-001", "KVM-STO-001", "KVM-STO-002", "KVM-STO-004",
          "KVM-STO-021", "KVM-STO-028", "KVM-NIC-001", "KVM-NIC-003", "KVM-NIC-004", "KVM-NIC-009",
          "KVM-DEV-001", "KVM-DEV-004", "KVM-DEV-016", "KVM-SEC-011", "KVM-SEC-012", "KVM-LIF-001",
          "KVM-LIF-002", "KVM-LIF-003", "KVM-LIF-005"}) {
        INFO(id);
        CHECK(blocking.count(id) == 1);
    }
}

TEST_CASE("without any fact about the hosts nothing is clear, and nothing is made up") {
    precheck::facts f;
    f.domain = healthy_domain();
    f.source.name = "source";
    f.destination.name = "destination";
    const auto report = test::check(f);
    CHECK(report.verdict == verdict::unknown);
    for (const auto &each : report.findings) {
        INFO(each.id);
        CHECK(each.how == unknown);
        CHECK_THAT(each.seen, Catch::Contains("not known: "));
    }
    // Every rule that asks a host says so, save those that leave it to another rule.
    const auto told = ids_of(report, unknown);
    for (const char *id :
         {"KVM-IDN-001", "KVM-IDN-002", "KVM-IDN-004", "KVM-DNS-001", "KVM-DNS-003", "KVM-NET-001",
          "KVM-NET-022", "KVM-VER-001", "KVM-VER-003", "KVM-VER-006", "KVM-VER-007", "KVM-VER-008",
          "KVM-CPU-006", "KVM-CPU-009", "KVM-CPU-010", "KVM-CPU-014", "KVM-CPU-016", "KVM-MEM-001",
          "KVM-STO-001", "KVM-STO-002", "KVM-STO-004", "KVM-STO-020", "KVM-STO-021", "KVM-STO-028",
          "KVM-NIC-001", "KVM-NIC-003", "KVM-NIC-004", "KVM-NIC-009", "KVM-DEV-012", "KVM-SEC-011",
          "KVM-SEC-012", "KVM-LIF-001", "KVM-LIF-002", "KVM-LIF-003", "KVM-LIF-005", "KVM-LIF-010",
          "KVM-LIF-102"}) {
        INFO(id);
        CHECK(told.count(id) == 1);
    }
}

TEST_CASE("no single fact of a healthy pair can be lost without a word") {
    const auto whole = healthy();
    const std::size_t count = count_facts(whole);
    // Of each host 5 and 4 places, 6 of the domain, 9 of the destination, 6 things there by name,
    // and the way from host to host.
    REQUIRE(count == 41);
    std::vector<std::string> silent;
    for (std::size_t lost = 0; lost < count; ++lost) {
        std::string name;
        auto f = whole;
        std::size_t number = 0;
        precheck::for_each_fact(f, [&](const char *what, auto &fact) {
            if (number++ != lost) return;
            name = what;
            forget(fact);
        });
        if (test::check(f).verdict != verdict::unknown) silent.push_back(name);
    }
    std::sort(silent.begin(), silent.end());
    // The guest has no huge pages, and of what is only read the source is not asked: the backing
    // file and the medium.
    CHECK(silent == std::vector<std::string>{"huge_pages", "storage", "storage"});
}

TEST_CASE("what blocks does not become clear when a fact is lost or found") {
    const auto whole = sick();
    const std::size_t count = count_facts(whole);
    const auto complete = test::check(whole);
    const auto seed = GENERATE(range(0U, 200U));
    std::mt19937 random(seed);
    std::vector<bool> dropped(count);
    for (std::size_t i = 0; i < count; ++i) dropped[i] = random() % 3 == 0;
    const auto part = test::check(without(whole, [&](std::size_t i) { return dropped[i]; }));

    // Found: whatever blocked by a part of the facts blocks by all of them.
    for (const std::string &id : ids_of(part, blocks)) {
        INFO(id << ", seed " << seed);
        CHECK(ids_of(complete, blocks).count(id) == 1);
    }
    // Lost: where something blocked, it still does, or something is said to be unknown.
    CHECK(complete.verdict == verdict::blocked);
    CHECK((part.verdict == verdict::blocked || part.verdict == verdict::unknown));
    if (part.verdict == verdict::unknown) CHECK_FALSE(ids_of(part, unknown).empty());
}

TEST_CASE("each rule that blocks still speaks when the facts it needs are lost") {
    // These say nothing of a fact of which another rule says that it is missing.
    const std::set<std::string> silent = {"KVM-IDN-003", "KVM-NET-002", "KVM-NET-005",
                                          "KVM-NET-008"};
    const auto whole = sick();
    const auto blocking = ids_of(test::check(whole), blocks);
    const auto none = test::check(without(whole, [](std::size_t) { return true; }));
    auto speaking = ids_of(none, unknown);
    speaking.merge(ids_of(none, blocks));
    for (const std::string &id : blocking) {
        INFO(id);
        CHECK((speaking.count(id) == 1 || silent.count(id) == 1));
    }
}

TEST_CASE("no single fact that is lost or found turns what blocks into clear") {
    check_each_fact(sick());
    // One thing wrong at a time, so that nothing else hides what becomes of it.
    const auto seed = sick();
    const auto well = healthy();
    int number = 0;
    const auto one = [&](auto change) {
        INFO("change " << ++number);
        auto f = well;
        change(f, seed);
        CHECK(test::check(f).verdict == verdict::blocked);
        check_each_fact(f);
    };
    one([](auto &f, auto &bad) { f.domain.machine = bad.domain.machine; });
    one([](auto &f, auto &bad) {
        f.domain.memory = bad.domain.memory;
        f.domain.locked = true; // otherwise too little memory only warns
    });
    one([](auto &f, auto &bad) { f.domain.tsc_frequency = bad.domain.tsc_frequency; });
    one([](auto &f, auto &bad) { f.domain.host_devices = bad.domain.host_devices; });
    one([](auto &f, auto &bad) { f.domain.security_models = bad.domain.security_models; });
    one([](auto &f, auto &bad) {
        f.domain.disks[0].cache = bad.domain.disks[0].cache;
        f.source.storage = bad.source.storage;
    });
    one([](auto &f, auto &bad) { f.destination.capabilities = bad.destination.capabilities; });
    one([](auto &f, auto &bad) { f.destination.hostname = bad.destination.hostname; });
    one([](auto &f, auto &bad) { f.destination.addresses = bad.destination.addresses; });
    one([](auto &f, auto &bad) { f.destination.ports = bad.destination.ports; });
    one([](auto &f, auto &bad) { f.destination.cpu = bad.destination.cpu; });
    one([](auto &f, auto &bad) { f.destination.same_name = bad.destination.same_name; });
    one([](auto &f, auto &bad) { f.destination.same_uuid = bad.destination.same_uuid; });
    one([](auto &f, auto &bad) { f.destination.storage = bad.destination.storage; });
    one([](auto &f, auto &bad) { f.destination.networks = bad.destination.networks; });
    one([](auto &f, auto &bad) { f.destination.interfaces = bad.destination.interfaces; });
    one([](auto &f, auto &bad) { f.destination.filters = bad.destination.filters; });
    one([](auto &f, auto &bad) { f.destination.pools = bad.destination.pools; });
    one([](auto &f, auto &bad) { f.destination.secrets = bad.destination.secrets; });
    one([](auto &f, auto &bad) { f.source.status = bad.source.status; });
    one([](auto &f, auto &bad) { f.source.job = bad.source.job; });
    one([](auto &f, auto &bad) { f.source.snapshots = bad.source.snapshots; });
    one([](auto &f, auto &bad) { f.source.block_jobs = bad.source.block_jobs; });
}

TEST_CASE("neither the order of the rules nor that of the facts matters") {
    for (const precheck::facts &f : {healthy(), sick()}) {
        check_order_of_rules(f);
        check_order_of_facts(f);
    }
}

TEST_CASE("an ignored finding is told, and does not count") {
    auto f = healthy();
    f.source.snapshots = 2U;
    REQUIRE(test::check(f).verdict == verdict::blocked);
    const auto report = test::check(f, {"KVM-LIF-002"});
    CHECK(report.verdict == verdict::clear);
    REQUIRE(report.findings.size() == 1);
    CHECK(report.findings[0].how == info);
    CHECK(report.findings[0].before == blocks);
    f.source.autostart = true;
    CHECK(test::check(f, {"KVM-LIF-002"}).verdict == verdict::warns);
}

TEST_CASE("the verdict is the worst of the findings") {
    CHECK(verdict::clear < verdict::warns);
    CHECK(verdict::warns < verdict::unknown);
    CHECK(verdict::unknown < verdict::blocked);
    auto f = healthy();
    f.source.autostart = true;
    CHECK(test::check(f).verdict == verdict::warns);
    forget(f.source.managed_save);
    CHECK(test::check(f).verdict == verdict::unknown);
    f.source.snapshots = 1U;
    CHECK(test::check(f).verdict == verdict::blocked);
}

TEST_CASE("words of verdicts and severities are those of the JSON") {
    CHECK(to_string(verdict::clear) == "clear");
    CHECK(to_string(verdict::warns) == "warns");
    CHECK(to_string(verdict::unknown) == "unknown");
    CHECK(to_string(verdict::blocked) == "blocked");
    CHECK(to_string(severity::blocks) == "blocks");
    CHECK(to_string(severity::warns) == "warns");
    CHECK(to_string(severity::unknown) == "unknown");
    CHECK(to_string(severity::info) == "info");
}

TEST_CASE("names in remedies are safe for a shell") {
    auto f = healthy();
    f.domain.name = "vm 1; reboot";
    f.domain.interfaces = {f.domain.interfaces.front()};
    f.domain.interfaces[0].source = "br$(id)";
    f.source.snapshots = 1U;
    f.destination.interfaces.set("br$(id)", presence::absent);
    const auto snapshots = findings_of(f, "KVM-LIF-002");
    REQUIRE(snapshots.size() == 1);
    CHECK(snapshots[0].remedy.front() ==
          "virsh -c qemu+ssh://kvm01/system snapshot-list 'vm 1; reboot' --tree");
    const auto bridges = findings_of(f, "KVM-NIC-001");
    REQUIRE(bridges.size() == 1);
    // Two shells read it, one here and one there.
    CHECK(bridges[0].remedy.front() == R"(ssh kvm02 'ip link show dev '\''br$(id)'\''')");
}
