// SPDX-License-Identifier: MIT
#include <kvmig/tuning/cpu.hpp>
#include <kvmig/tuning/memtune.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace kvmig;
using namespace kvmig::tuning;

namespace {

memtune_guest four_gib() { return {.domain = "vm1", .memory = bytes::gib(4), .vcpus = 2}; }

bool any_has(const std::vector<std::string> &all, std::string_view text) {
    return std::any_of(all.begin(), all.end(),
                       [&](const std::string &one) { return one.find(text) != std::string::npos; });
}

} // namespace

TEST_CASE("what QEMU takes beside a guest's memory is estimated") {
    // 4096 / 512 + 2 * 8 + 16 + 128
    CHECK(estimated_overhead(bytes::gib(4), 2) == bytes::mib(168));
}

TEST_CASE("a hard limit below memory and overhead is a hazard") {
    const auto made = plan_memtune(four_gib(), {}, {.hard_limit = bytes::mib(4263)});
    REQUIRE(made);
    REQUIRE(made->notes.size() == 1);
    CHECK(made->notes[0].find("4263 MiB is less than the 4264 MiB") != std::string::npos);
    CHECK(plan_memtune(four_gib(), {}, {.hard_limit = bytes::mib(4264)})->notes.empty());
    SECTION("what was measured counts more than the estimate") {
        memtune_guest guest = four_gib();
        guest.overhead = bytes::mib(100);
        CHECK(plan_memtune(guest, {}, {.hard_limit = bytes::mib(4200)})->notes.empty());
    }
    SECTION("what is in use already is a hazard at once") {
        memtune_guest guest = four_gib();
        guest.rss = bytes::gib(5);
        CHECK(any_has(plan_memtune(guest, {}, {.hard_limit = bytes::mib(4300)})->notes,
                      "holds 5120 MiB now"));
    }
    SECTION("huge pages do not count") {
        memtune_guest guest = four_gib();
        guest.hugepages = true;
        const auto notes = plan_memtune(guest, {}, {.hard_limit = bytes::gib(1)})->notes;
        REQUIRE(notes.size() == 1);
        CHECK(any_has(notes, "huge pages are not counted"));
    }
}

TEST_CASE("limits that have no effect are said to have none") {
    const auto made = plan_memtune(
        four_gib(), {},
        {.hard_limit = bytes::gib(8), .soft_limit = bytes::gib(8), .min_guarantee = bytes::gib(1)});
    REQUIRE(made);
    CHECK(any_has(made->notes, "soft_limit has no effect"));
    CHECK(any_has(made->notes, "min_guarantee has no effect"));
}

TEST_CASE("limits that libvirt refuses are named") {
    const auto object = [](const memtune &to) {
        const auto made = plan_memtune(four_gib(), {}, to);
        REQUIRE_FALSE(made);
        CHECK(made.error().kind == error_kind::invalid_argument);
        CHECK(made.error().object == "vm1");
        return made.error().what;
    };
    CHECK(object({.hard_limit = bytes::gib(8), .swap_hard_limit = bytes::gib(7)})
              .starts_with("swap_hard_limit: 7340032 KiB is below hard_limit, 8388608 KiB"));
    CHECK(object({.swap_hard_limit = bytes::gib(7)}).starts_with("swap_hard_limit"));
    CHECK(object({.hard_limit = bytes{1023}}).starts_with("hard_limit"));
    CHECK(plan_memtune(four_gib(), {},
                       {.hard_limit = bytes::gib(8), .swap_hard_limit = bytes::gib(8)}));
}

TEST_CASE("on the way from limits to limits swap_hard_limit is never below hard_limit") {
    std::mt19937 random(8);
    const auto pick = [&]() -> std::optional<bytes> {
        if (random() % 4 == 0) return std::nullopt;
        return bytes::gib(1 + random() % 8);
    };
    const auto holds = [](const memtune &m) {
        const auto of = [](const std::optional<bytes> &limit) {
            return limit ? limit->count() : ~std::uint64_t{0};
        };
        return of(m.hard_limit) <= of(m.swap_hard_limit);
    };
    int planned = 0;
    for (int i = 0; i < 4000; ++i) {
        memtune now{.hard_limit = pick(), .soft_limit = pick(), .swap_hard_limit = pick()};
        const memtune to{.hard_limit = pick(), .soft_limit = pick(), .swap_hard_limit = pick()};
        if (!holds(now)) continue;
        const auto made = plan_memtune(four_gib(), now, to);
        CHECK(made.has_value() == holds(to));
        if (!made) continue;
        ++planned;
        for (const change &step : made->changes) {
            std::optional<bytes> value;
            if (step.to != "unlimited") value = bytes::kib(std::stoull(step.to));
            if (step.what.name == "hard_limit")
                now.hard_limit = value;
            else if (step.what.name == "soft_limit")
                now.soft_limit = value;
            else if (step.what.name == "swap_hard_limit")
                now.swap_hard_limit = value;
            CHECK(holds(now));
        }
        CHECK(now == to);
        CHECK(plan_memtune(four_gib(), now, to)->empty());
    }
    CHECK(planned > 500);
}

TEST_CASE("sets of CPUs are read as libvirt writes them") {
    struct row {
        const char *text;
        cpu_set cpus;
    };
    const row rows[] = {
        {"", {}},        {"0", {0}},           {"0-3", {0, 1, 2, 3}}, {"0-3,^2", {0, 1, 3}},
        {"8,1", {1, 8}}, {" 1 , 2\n", {1, 2}}, {"^2,2", {2}},         {"5-5", {5}},
    };
    for (const row &r : rows) {
        INFO(r.text);
        CHECK(parse_cpu_set(r.text) == r.cpus);
    }
    for (const char *text : {",", "1,", "a", "3-1", "1-", "-1", "0-4294967295", "8192", "1 2"}) {
        INFO(text);
        const auto read = parse_cpu_set(text);
        REQUIRE_FALSE(read);
        CHECK(read.error().what.find(text) != std::string::npos);
    }
}

TEST_CASE("the sum of the guests' vCPUs is held against the host's CPUs") {
    const cpu_set four{0, 1, 2, 3};
    CHECK(check_cpus({{.domain = "a", .vcpus = 2}, {.domain = "b", .vcpus = 2}}, four)->empty());
    const auto five = check_cpus({{.domain = "a", .vcpus = 2}, {.domain = "b", .vcpus = 3}}, four);
    REQUIRE(five->size() == 1);
    CHECK(any_has(*five, "5 vCPUs on 4 CPUs"));
    const auto one = check_cpus({{.domain = "big", .vcpus = 5}}, four);
    CHECK(any_has(*one, "big has 5 vCPUs on 4 CPUs"));
}

TEST_CASE("pins to what is not there are named") {
    const cpu_set online{0, 1, 4};
    const auto object = [&](const cpu_guest &guest) {
        const auto done = check_cpus({guest}, online);
        REQUIRE_FALSE(done);
        CHECK(done.error().object == "vm1");
        return done.error().what;
    };
    CHECK(object({.domain = "vm1", .vcpus = 2, .pins = {{1, {0, 2}}}}) ==
          "vCPU 1 is pinned to CPU 2, which is not online");
    CHECK(object({.domain = "vm1", .vcpus = 2, .pins = {{0, {}}}}) == "vCPU 0 is pinned to no CPU");
    CHECK(object({.domain = "vm1", .vcpus = 2, .pins = {{2, {0}}}}) ==
          "vCPU 2 is pinned, and there are 2");
    CHECK_FALSE(check_cpus({}, {}));
}

TEST_CASE("two vCPUs that have one CPU between them are named") {
    const auto said = check_cpus({{.domain = "a", .pins = {{0, {3}}}},
                                  {.domain = "b", .pins = {{0, {3}}}},
                                  {.domain = "c", .pins = {{0, {2, 3}}}}},
                                 {0, 1, 2, 3});
    REQUIRE(said);
    CHECK(any_has(*said, "CPU 3 is all that each of these has: a vCPU 0, b vCPU 0"));
}

TEST_CASE("a guest that shows the host's own CPU is told to move badly") {
    CHECK(
        any_has(*check_cpus({{.domain = "a", .cpu_mode = "host-passthrough"}}, {0}), "host-model"));
    CHECK(check_cpus({{.domain = "a", .cpu_mode = "host-model"}}, {0})->empty());
}

TEST_CASE("that cgroup v2 caps swap alone is told with a new swap_hard_limit only") {
    const auto set = plan_memtune(four_gib(), {},
                                  {.hard_limit = bytes::gib(5), .swap_hard_limit = bytes::gib(8)});
    REQUIRE(set);
    CHECK(any_has(set->notes, "memory.swap.max"));
    const auto kept = plan_memtune(four_gib(), {.swap_hard_limit = bytes::gib(8)},
                                   {.hard_limit = bytes::gib(5), .swap_hard_limit = bytes::gib(8)});
    REQUIRE(kept);
    CHECK_FALSE(any_has(kept->notes, "memory.swap.max"));
}
