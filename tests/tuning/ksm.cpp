// SPDX-License-Identifier: MIT
#include <kvmig/tuning/ksm.hpp>
#include <kvmig/tuning/ksm_plan.hpp>
#include <support/catch.hpp>
#include <tuning/ksm_kernel.hpp>

#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace kvmig;
using namespace kvmig::tuning;
using tuning::testing::ksm_kernel;
using tuning::testing::new_kernel;
using tuning::testing::old_kernel;

TEST_CASE("each file of KSM is listed once, and comes back as it was written") {
    std::set<std::string_view> names;
    for (const ksm_file &file : ksm_files) {
        CHECK(names.insert(file.name).second);
        ksm_facts facts;
        CHECK_FALSE(get(facts, file.name));
        const std::string text = file.name == "advisor_mode" ? "scan-time" : "17";
        REQUIRE(set(facts, file.name, text + "\n"));
        CHECK(get(facts, file.name) == text);
        CHECK(facts != ksm_facts{});
    }
}

TEST_CASE("values of KSM are read as the kernel writes them") {
    ksm_facts facts;
    REQUIRE(set(facts, "advisor_mode", "none [scan-time]\n"));
    CHECK(facts.advised());
    REQUIRE(set(facts, "advisor_mode", "[none] scan-time\n"));
    CHECK_FALSE(facts.advised());
    REQUIRE(set(facts, "general_profit", "-1096064\n"));
    CHECK(facts.general_profit == std::int64_t{-1096064});
    REQUIRE(set(facts, "sleep_millisecs", "20\n"));
    CHECK(facts.sleep_millisecs == milliseconds{20});
}

TEST_CASE("a text that is no value of KSM is named") {
    ksm_facts facts;
    for (const char *text : {"", "\n", "one", "-1", "1 2", "0x10", "18446744073709551616"}) {
        const auto done = set(facts, "pages_to_scan", text);
        REQUIRE_FALSE(done);
        CHECK(done.error().kind == error_kind::protocol);
        CHECK(done.error().object == "pages_to_scan");
    }
    CHECK(facts == ksm_facts{});
    CHECK(set(facts, "max_kernel_pages", "0").error().kind == error_kind::invalid_argument);
}

TEST_CASE("memory saved is the size of a page times pages_sharing") {
    ksm_facts facts = old_kernel();
    facts.pages_shared = pages{15};
    facts.pages_sharing = pages{409};
    CHECK(saved(facts, bytes::kib(4)) == bytes{1'675'264}); // 409 * 4096
    CHECK(saved(facts, bytes::kib(64)) == bytes{26'804'224});
    CHECK_FALSE(saved(ksm_facts{}, bytes::kib(4)));
}

TEST_CASE("profit is the kernel's figure, or its approximation") {
    ksm_facts facts = old_kernel();
    facts.pages_shared = pages{10};
    facts.pages_sharing = pages{100};
    facts.pages_unshared = pages{5000};
    facts.pages_volatile = pages{890};
    // 100 * 4096 - 6000 * 64
    CHECK(profit(facts, bytes::kib(4)) == std::int64_t{25'600});
    facts.pages_volatile = pages{1890};
    // 100 * 4096 - 7000 * 64
    CHECK(profit(facts, bytes::kib(4)) == std::int64_t{-38'400});
    facts.general_profit = 7;
    CHECK(profit(facts, bytes::kib(4)) == std::int64_t{7});
    CHECK_FALSE(profit(ksm_facts{}, bytes::kib(4)));

    ksm_process process;
    CHECK_FALSE(profit(process, bytes::kib(4)));
    process.rmap_items = 64;
    process.merging_pages = pages{1};
    CHECK(profit(process, bytes::kib(4)) == std::int64_t{0}); // the break-even of ksm.rst
    process.process_profit = -5;
    CHECK(profit(process, bytes::kib(4)) == std::int64_t{-5});
}

TEST_CASE("a kernel without KSM is an error that says so") {
    const auto made = plan_ksm({}, {.action = ksm_action::scan});
    REQUIRE_FALSE(made);
    CHECK(made.error().kind == error_kind::unsupported);
    CHECK(made.error().object == ksm_directory);
}

TEST_CASE("scanning sets the speed before it starts, and tells what it may cost") {
    ksm_decision decided{.action = ksm_action::scan,
                         .pages_to_scan = pages{364},
                         .sleep_millisecs = milliseconds{10},
                         .reason = "because"};
    const auto made = plan_ksm(old_kernel(), decided);
    REQUIRE(made);
    REQUIRE(made->changes.size() == 3);
    CHECK(made->changes[0].what.name == "/sys/kernel/mm/ksm/pages_to_scan");
    CHECK(made->changes[0].from == "100");
    CHECK(made->changes[0].to == "364");
    CHECK(made->changes[1].what.name == "/sys/kernel/mm/ksm/sleep_millisecs");
    CHECK(made->changes[2].what.name == "/sys/kernel/mm/ksm/run");
    CHECK(made->changes[2].risk.find("another's memory") != std::string::npos);
    for (const change &step : made->changes) {
        CHECK(step.why == "because");
        CHECK_FALSE(step.source.empty());
    }
}

TEST_CASE("the advisor is ended before pages_to_scan is written, whatever was there") {
    ksm_facts facts = new_kernel();
    facts.advisor_mode = "scan-time";
    facts.pages_to_scan = pages{400};
    const auto made = plan_ksm(facts, {.action = ksm_action::scan, .pages_to_scan = pages{400}});
    REQUIRE(made);
    REQUIRE(made->changes.size() >= 2);
    CHECK(made->changes[0].what.name == "/sys/kernel/mm/ksm/advisor_mode");
    CHECK(made->changes[0].moves_too ==
          std::vector<std::string>{"/sys/kernel/mm/ksm/pages_to_scan"});
    CHECK(made->changes[0].moves_back);
    CHECK(made->changes[1].to == "400"); // the advisor's end sets it to 100
}

TEST_CASE("an advisor that the kernel has not is left out") {
    const auto made = plan_ksm(old_kernel(), {.action = ksm_action::scan, .advisor_max_cpu = 20});
    REQUIRE(made);
    REQUIRE(made->changes.size() == 1);
    CHECK(made->changes[0].what.name == "/sys/kernel/mm/ksm/run");
}

TEST_CASE("stopping leaves merged pages, and a kernel that is stopped alone") {
    ksm_facts facts = new_kernel();
    for (const std::uint64_t run : {0U, 2U}) {
        facts.run = run;
        CHECK(plan_ksm(facts, {.action = ksm_action::stop})->empty());
    }
    facts.run = 1;
    const auto made = plan_ksm(facts, {.action = ksm_action::stop});
    REQUIRE(made->changes.size() == 1);
    CHECK(made->changes[0].to == "0");
}

TEST_CASE("merging across nodes is changed only when nothing is merged") {
    ksm_facts facts = old_kernel();
    CHECK(plan_merge_across_nodes(facts, true, "")->empty());
    // Once more may be merged by the time it is put back.
    CHECK(plan_merge_across_nodes(facts, false, "")->changes.size() == 3);
    facts.run = 2;
    CHECK(plan_merge_across_nodes(facts, false, "")->changes.size() == 1);
    facts.run = 1;
    facts.pages_shared = pages{3};
    ksm_kernel kernel(facts);
    const auto made = plan_merge_across_nodes(facts, false, "distance");
    REQUIRE(made);
    kernel.apply(*made);
    CHECK(kernel.facts().merge_across_nodes == std::uint64_t{0});
    CHECK(kernel.facts().run == std::uint64_t{1});
    CHECK(plan_merge_across_nodes(kernel.facts(), false, "distance")->empty());
    CHECK_FALSE(plan_merge_across_nodes({}, false, ""));
}

TEST_CASE("planning once more after the plan was applied finds nothing to do") {
    std::mt19937 random(6);
    const auto pick = [&](std::uint64_t n) { return random() % n; };
    for (int i = 0; i < 4000; ++i) {
        ksm_facts facts = pick(2) != 0 ? new_kernel() : old_kernel();
        facts.run = pick(3);
        facts.pages_to_scan = pages{pick(4) * 100};
        facts.sleep_millisecs = milliseconds{static_cast<std::int64_t>(pick(4) * 10)};
        if (facts.advisor_mode && pick(2) != 0) facts.advisor_mode = "scan-time";
        ksm_decision decided;
        decided.action = static_cast<ksm_action>(pick(4));
        if (pick(2) != 0) decided.pages_to_scan = pages{pick(4) * 100};
        if (pick(2) != 0) {
            decided.sleep_millisecs = milliseconds{static_cast<std::int64_t>(pick(4) * 10)};
        }
        if (pick(2) != 0) decided.advisor_max_cpu = 10 + pick(3);
        ksm_kernel kernel(facts);
        const auto made = plan_ksm(facts, decided);
        REQUIRE(made);
        kernel.apply(*made);
        const auto again = plan_ksm(kernel.facts(), decided);
        REQUIRE(again);
        CHECK(again->empty());
    }
}
