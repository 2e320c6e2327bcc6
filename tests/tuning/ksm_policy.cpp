// SPDX-License-Identifier: MIT
#include <kvmig/tuning/ksm_policy.hpp>
#include <support/catch.hpp>
#include <tuning/ksm_kernel.hpp>

#include <cstdint>
#include <optional>
#include <random>
#include <string>

using namespace kvmig;
using namespace kvmig::tuning;
using tuning::testing::ksm_kernel;
using tuning::testing::new_kernel;
using tuning::testing::old_kernel;

namespace {

/// A host of 16 GiB with two guests, of which `available` can be had.
ksm_sample host(bytes available, const ksm_facts &ksm = old_kernel()) {
    ksm_sample s;
    s.ksm = ksm;
    s.memory.total = bytes::gib(16);
    s.memory.free = available;
    s.memory.available = available;
    s.guests = {{.name = "vm1", .rss = bytes::gib(4)}, {.name = "vm2", .rss = bytes::gib(4)}};
    return s;
}

ksm_policy policy(ksm_policy_settings settings = {}) {
    auto made = ksm_policy::make(settings);
    REQUIRE(made);
    return *made;
}

} // namespace

TEST_CASE("with memory to spare nothing more is merged") {
    auto p = policy();
    const auto decided = p.step(host(bytes::gib(6)));
    CHECK(decided.action == ksm_action::stop);
    CHECK(decided.reason.find("6144 MiB can be had") != std::string::npos);
}

TEST_CASE("each need for memory starts it, and is the reason") {
    SECTION("little is left") {
        const auto decided = policy().step(host(bytes::gib(3)));
        CHECK(decided.action == ksm_action::scan);
        CHECK(decided.reason.find("less than the 3277 MiB to be kept free") != std::string::npos);
    }
    SECTION("tasks wait for memory") {
        ksm_sample s = host(bytes::gib(6));
        s.pressure = memory_pressure{.some_avg10 = 12.5};
        const auto decided = policy().step(s);
        CHECK(decided.action == ksm_action::scan);
        CHECK(decided.reason.find("12.5 %") != std::string::npos);
    }
    SECTION("guests hold nearly all; a merged page counts once") {
        ksm_sample s = host(bytes::gib(6));
        for (ksm_guest &guest : s.guests) guest.rss = bytes::gib(7);
        CHECK(policy().step(s).action == ksm_action::scan);
        for (ksm_guest &guest : s.guests) guest.pss = bytes::gib(4);
        CHECK(policy().step(s).action == ksm_action::stop);
    }
}

TEST_CASE("the kernel's advisor sets the speed where there is one, within the ceiling") {
    const auto decided = policy({.cpu_ceiling = 0.25}).step(host(bytes::gib(1), new_kernel()));
    CHECK(decided.advisor_max_cpu == std::uint64_t{25});
    CHECK_FALSE(decided.pages_to_scan);
    SECTION("but not below the 10 % that it reckons with, nor unasked") {
        for (const ksm_policy_settings &settings :
             {ksm_policy_settings{.cpu_ceiling = 0.05}, ksm_policy_settings{.advisor = false}}) {
            const auto own = policy(settings).step(host(bytes::gib(1), new_kernel()));
            CHECK_FALSE(own.advisor_max_cpu);
            CHECK(own.pages_to_scan);
        }
    }
}

TEST_CASE("the speed follows what ksmd was seen to take") {
    struct row {
        std::int64_t cpu_ms; ///< of the 1000 ms between two looks
        std::uint64_t pages_then;
        std::int64_t sleep_then;
    };
    // Ceiling 20 %, 1000 pages each 20 ms before.
    const row rows[] = {
        {200, 1000, 20}, // just right
        {400, 500, 20},  // twice too much
        {100, 2000, 20}, // half
        {10, 2000, 20},  // at most doubled
        {0, 2000, 20},   //
    };
    for (const row &r : rows) {
        INFO(r.cpu_ms);
        ksm_facts ksm = old_kernel();
        ksm.run = 1;
        ksm.pages_to_scan = pages{1000};
        ksm_sample s = host(bytes::gib(1), ksm);
        s.at = milliseconds{5000};
        s.ksmd_cpu = milliseconds{7000};
        auto p = policy();
        const auto first = p.step(s);
        CHECK(first.pages_to_scan == pages{1000}); // what it takes is not known yet
        s.at += milliseconds{1000};
        *s.ksmd_cpu += milliseconds{r.cpu_ms};
        const auto second = p.step(s);
        CHECK(second.pages_to_scan == pages{r.pages_then});
        CHECK(second.sleep_millisecs == milliseconds{r.sleep_then});
    }
}

TEST_CASE("below the fewest pages, longer sleeps keep to the ceiling") {
    ksm_facts ksm = old_kernel();
    ksm.run = 1; // 100 pages each 20 ms
    ksm_sample s = host(bytes::gib(1), ksm);
    s.ksmd_cpu = milliseconds{0};
    auto p = policy();
    (void)p.step(s);
    s.at = milliseconds{1000};
    s.ksmd_cpu = milliseconds{800}; // four times too much
    const auto decided = p.step(s);
    CHECK(decided.pages_to_scan == pages{100});
    CHECK(decided.sleep_millisecs == milliseconds{80});
}

TEST_CASE("merging that costs more than it saves is let go, after a fair trial") {
    ksm_facts ksm = new_kernel();
    ksm.run = 1;
    ksm.general_profit = -4096;
    ksm_sample s = host(bytes::gib(3), ksm);
    auto p = policy();
    s.ksm.full_scans = 1;
    CHECK(p.step(s).action == ksm_action::scan);
    s.ksm.full_scans = 2;
    s.ksm.pages_sharing = pages{10};
    s.memory.available = bytes::gib(3);
    // Nothing above what is to be kept free: stopped, but not undone.
    CHECK(p.step(s).action == ksm_action::stop);
    s.memory.available = bytes::gib(5);
    const auto decided = p.step(s);
    CHECK(decided.action == ksm_action::unmerge);
    CHECK(decided.reason.find("4096 bytes more than it saves") != std::string::npos);

    // Undone, the loss is gone, and its cause is not: it waits before it tries again.
    s.ksm.run = 2;
    s.ksm.general_profit = 0;
    s.ksm.pages_sharing = pages{0};
    s.memory.available = bytes::gib(1);
    s.at += std::chrono::minutes{29};
    CHECK(p.step(s).action == ksm_action::stop);
    s.at += std::chrono::minutes{1};
    CHECK(p.step(s).action == ksm_action::scan);
    // The scans of before count no more.
    s.ksm.run = 1;
    s.ksm.general_profit = -4096;
    s.ksm.full_scans = 3;
    CHECK(p.step(s).action == ksm_action::scan);
}

TEST_CASE("the guests' own profit counts more than the host's") {
    ksm_facts ksm = new_kernel();
    ksm.full_scans = 9;
    ksm.general_profit = -4096; // of processes that are no guests
    ksm_sample s = host(bytes::gib(3), ksm);
    s.guests[0].ksm.process_profit = 1 << 20;
    CHECK(policy().step(s).action == ksm_action::scan);
    s.guests[1].ksm.process_profit = -(1 << 21);
    CHECK(policy().step(s).action != ksm_action::scan);
}

TEST_CASE("before a guest leaves, merging is undone if there is room, else stopped") {
    ksm_facts ksm = new_kernel();
    ksm.run = 1;
    ksm.pages_sharing = pages{262'144};      // 1 GiB
    ksm_sample s = host(bytes::gib(5), ksm); // 1.8 GiB above what is kept free
    s.guests[1].leaving = true;
    const auto room = policy().step(s);
    CHECK(room.action == ksm_action::unmerge);
    CHECK(room.reason.find("vm2 is about to leave") != std::string::npos);
    CHECK(policy({.unmerge_before_leaving = false}).step(s).action == ksm_action::stop);
    s.memory.available = bytes::gib(4); // 0.8 GiB
    const auto none = policy().step(s);
    CHECK(none.action == ksm_action::stop);
    CHECK(none.reason.find("takes 1024 MiB") != std::string::npos);
}

TEST_CASE("nothing is scanned for guests of huge pages, or for none") {
    ksm_sample s = host(bytes::gib(1));
    for (ksm_guest &guest : s.guests) guest.hugepages = true;
    CHECK(policy().step(s).action == ksm_action::stop);
    s.guests.clear();
    CHECK(policy().step(s).action == ksm_action::stop);
}

TEST_CASE("guests of several tenants are a warning that names them") {
    ksm_sample s = host(bytes::gib(1));
    s.guests[0].tenant = "red";
    CHECK(policy().step(s).warnings.empty());
    s.guests[1].tenant = "blue";
    const auto decided = policy().step(s);
    REQUIRE(decided.warnings.size() == 1);
    CHECK(decided.warnings[0].find("blue, red") != std::string::npos);
    CHECK(plan_ksm(s.ksm, decided)->notes == decided.warnings);
    s.guests[1].hugepages = true; // merges nothing
    CHECK(policy().step(s).warnings.empty());
}

TEST_CASE("a kernel without KSM is left alone") {
    CHECK(policy().step(host(bytes::gib(1), {})).action == ksm_action::leave);
}

TEST_CASE("settings of the policy that make no sense are named") {
    const auto object = [](ksm_policy_settings settings) {
        const auto made = ksm_policy::make(settings);
        return made ? std::string{} : made.error().object;
    };
    CHECK(object({}).empty());
    CHECK(object({.cpu_ceiling = 0}) == "cpu_ceiling");
    CHECK(object({.cpu_ceiling = 1.5}) == "cpu_ceiling");
    CHECK(object({.keep_free = 1}) == "keep_free");
    CHECK(object({.pressure = 0}) == "pressure");
    CHECK(object({.least = pages{0}}) == "least");
    CHECK(object({.least = pages{5}, .most = pages{4}}) == "least");
    CHECK(object({.sleep = milliseconds{0}}) == "sleep");
}

TEST_CASE("whatever is seen, the bounds hold, a reason is given, and the kernel takes the plan") {
    std::mt19937_64 random(11);
    const auto pick = [&](std::uint64_t n) { return random() % n; };
    const ksm_policy_settings settings{.cpu_ceiling = 0.05, .least = pages{64}, .most = pages{999}};
    for (int host_number = 0; host_number < 200; ++host_number) {
        ksm_kernel kernel(pick(2) != 0 ? new_kernel() : old_kernel());
        auto p = policy(settings);
        ksm_sample s;
        s.memory.total = bytes::gib(1 + pick(64));
        s.ksmd_cpu = milliseconds{0};
        for (int look = 0; look < 30; ++look) {
            ksm_facts facts = kernel.facts();
            *facts.full_scans += pick(2);
            facts.pages_sharing = pages{pick(100'000)};
            facts.pages_unshared = pages{pick(100'000'000)};
            if (facts.general_profit) {
                facts.general_profit = static_cast<std::int64_t>(pick(1000)) - 500;
            }
            s.ksm = facts;
            s.at += milliseconds{static_cast<std::int64_t>(pick(200'000))};
            *s.ksmd_cpu += milliseconds{static_cast<std::int64_t>(pick(100'000))};
            s.memory.available = bytes{pick(s.memory.total.count())};
            s.guests.assign(pick(3), {.name = "vm", .rss = bytes::gib(pick(8))});
            if (!s.guests.empty()) s.guests[0].leaving = pick(10) == 0;
            const auto decided = p.step(s);
            CHECK_FALSE(decided.reason.empty());
            if (decided.pages_to_scan) {
                CHECK(*decided.pages_to_scan >= settings.least);
                CHECK(*decided.pages_to_scan <= settings.most);
                REQUIRE(decided.sleep_millisecs);
                CHECK(*decided.sleep_millisecs >= settings.sleep);
                CHECK(*decided.sleep_millisecs <= longest_sleep);
            }
            kernel = ksm_kernel(facts);
            const auto made = plan_ksm(facts, decided);
            REQUIRE(made);
            kernel.apply(*made);
            CHECK(plan_ksm(kernel.facts(), decided)->empty());
        }
    }
}
