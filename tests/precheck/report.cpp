// SPDX-License-Identifier: MIT
// What holds of all rules together.
#include <precheck/healthy.hpp>

#include <algorithm>
#include <random>
#include <set>

using namespace kvmig;
using namespace kvmig::test;
using precheck::presence;
using precheck::severity;
using precheck::verdict;

namespace {

std::set<std::string> ids_of(const precheck::report &report, severity how) {
    std::set<std::string> out;
    for (const auto &each : report.findings) {
        if (each.how == how) out.insert(each.id);
    }
    return out;
}

std::size_t count_facts(precheck::facts f) {
    std::size_t count = 0;
    precheck::for_each_fact(f, [&](const char *, const auto &) { ++count; });
    return count;
}

/// The facts without those for which `drop(number)` holds.
template <class Drop> precheck::facts without(precheck::facts f, Drop drop) {
    std::size_t number = 0;
    precheck::for_each_fact(f, [&](const char *, auto &told) {
        if (drop(number++)) forget(told);
    });
    return f;
}

/// Everything about findings but their order.
auto sorted(const precheck::report &report) {
    std::vector<std::tuple<std::string, severity, std::string, std::string>> out;
    for (const auto &each : report.findings) {
        out.emplace_back(each.id, each.how, each.host, each.seen);
    }
    std::sort(out.begin(), out.end());
    return out;
}

} // namespace

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
    // Of each host 5 and 4 places, 6 of the domain, 9 of the destination, 6 things there by name.
    REQUIRE(count == 40);
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
    const std::set<std::string> silent = {"KVM-IDN-003", "KVM-NET-002", "KVM-NET-005"};
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

TEST_CASE("the order of disks, interfaces and devices does not matter") {
    const auto seed = GENERATE(range(0U, 20U));
    std::mt19937 random(seed);
    for (precheck::facts f : {healthy(), sick()}) {
        const auto before = sorted(test::check(f));
        std::shuffle(f.domain.disks.begin(), f.domain.disks.end(), random);
        std::shuffle(f.domain.interfaces.begin(), f.domain.interfaces.end(), random);
        std::shuffle(f.domain.graphics.begin(), f.domain.graphics.end(), random);
        std::shuffle(f.domain.memory_devices.begin(), f.domain.memory_devices.end(), random);
        CHECK(sorted(test::check(f)) == before);
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
