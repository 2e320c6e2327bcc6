// SPDX-License-Identifier: MIT
#include <kvmig/tuning/cpu_pins.hpp>
#include <support/catch.hpp>

#include <optional>
#include <string>

using namespace kvmig;
using namespace kvmig::tuning;

namespace {

/// CPU 5 is offline.
const cpu_pins_host two_cells{
    .online = {0, 1, 2, 3, 4, 6, 7},
    .cells = {{0, bytes::gib(2), {0, 1, 2, 3}}, {1, bytes::gib(4), {4, 5, 6, 7}}}};
const cpu_pins floating{.vcpus = {{0, std::nullopt}, {1, std::nullopt}}};

} // namespace

TEST_CASE("sets of CPUs are written as they are read") {
    for (const char *text : {"0", "0-3", "0-1,3", "1,3,5", "0,2-3,7-9"}) {
        CHECK(to_text(parse_cpu_set(text).value()) == text);
        CHECK(to_text(parse_pin(text).value()) == text);
    }
    CHECK(to_text(std::optional<cpu_set>{}) == "any");
    CHECK(parse_pin("any").value() == std::nullopt);
    CHECK_FALSE(parse_pin(""));
    CHECK_FALSE(parse_pin("1,^1"));
    const auto pin = parse_vcpu_pin("1:2-3");
    REQUIRE(pin);
    CHECK(pin->first == 1);
    CHECK(pin->second == cpu_set{2, 3});
    for (const char *text : {"", "1", "1:", ":1", "x:1", "1:x", "-1:1"}) {
        INFO(text);
        CHECK(parse_vcpu_pin(text).error().kind == error_kind::invalid_argument);
    }
}

TEST_CASE("a pin to what is not there is named before anything is planned") {
    struct row {
        cpu_pins to;
        const char *says;
    };
    const row rows[] = {
        {{.vcpus = {{0, cpu_set{4, 5}}}}, "vcpu0: CPU 5 of '4-5' is not online"},
        {{.vcpus = {{1, cpu_set{8, 9}}}}, "vcpu1: CPU 8-9 of '8-9' is not online"},
        {{.vcpus = {{2, cpu_set{0}}}}, "there is no vCPU 2"},
        {{.emulator = cpu_set{5}}, "emulator: CPU 5 of '5' is not online"},
    };
    for (const row &r : rows) {
        const auto made = plan_cpu_pins({"vm1", bytes::gib(1)}, floating, r.to, two_cells);
        REQUIRE_FALSE(made);
        CHECK(made.error().kind == error_kind::invalid_argument);
        CHECK(made.error().object == "vm1");
        CHECK(made.error().what == r.says);
    }
    // One that stays is not looked at.
    const cpu_pins stale{.vcpus = {{0, cpu_set{5}}, {1, std::nullopt}}};
    cpu_pins moved = stale;
    moved.vcpus[1] = cpu_set{0};
    CHECK(plan_cpu_pins({"vm1"}, stale, moved, two_cells)->changes.size() == 1);
}

TEST_CASE("each thread that moves is a step; far memory is told") {
    const auto plan_of = [](const cpu_pins &to, bytes memory = bytes::gib(1)) {
        const auto made = plan_cpu_pins({"vm1", memory}, floating, to, two_cells);
        REQUIRE(made);
        return *made;
    };
    CHECK(plan_of(floating).empty());
    const plan near =
        plan_of({.vcpus = {{0, cpu_set{0}}, {1, cpu_set{1, 2}}}, .emulator = cpu_set{4}});
    REQUIRE(near.changes.size() == 3);
    CHECK(near.changes[1].what == target{target_kind::parameter, "vcpu1", "vm1"});
    CHECK(near.changes[1].from == "any");
    CHECK(near.changes[1].to == "1-2");
    CHECK(near.changes[2].what.name == "emulator");
    CHECK(near.notes.empty());

    const plan large = plan_of({.vcpus = {{0, cpu_set{0}}, {1, cpu_set{1}}}}, bytes::gib(3));
    CHECK_THAT(large.notes.at(0), Catch::Contains("cell 0, which has 2048 MiB"));
    cpu_pins_host three = two_cells;
    three.cells.push_back({2, bytes::gib(4), {8}});
    const auto across =
        plan_cpu_pins({"vm1"}, floating, {.vcpus = {{0, cpu_set{0}}, {1, cpu_set{4}}}}, three);
    CHECK_THAT(across->notes.at(0), Catch::Contains("NUMA cells 0, 1"));
    CHECK(plan_of({.vcpus = {{0, cpu_set{0}}, {1, cpu_set{4}}}}).notes.empty());
}

TEST_CASE("a pin that a run cannot lose is told") {
    const cpu_pins all{.vcpus = {{0, two_cells.online}}};
    const cpu_pins to{.vcpus = {{0, cpu_set{0}}}};
    CHECK_THAT(plan_cpu_pins({"vm1", {}, true}, all, to, two_cells)->notes.at(0),
               Catch::Contains("names every CPU"));
    CHECK(plan_cpu_pins({"vm1", bytes{}, false}, all, to, two_cells)->notes.empty());
    CHECK(plan_cpu_pins({"vm1", {}, true}, to, {.vcpus = {{0, cpu_set{1}}}}, two_cells)
              ->notes.empty());
}
