// SPDX-License-Identifier: MIT
#include <kvmig/tuning/ksm_plan.hpp>
#include <kvmig/tuning/ksmtuned.hpp>
#include <support/catch.hpp>

#include <cstdint>
#include <random>

using namespace kvmig;
using namespace kvmig::tuning;
using std::chrono::milliseconds;

TEST_CASE("ksmtuned's sleep and threshold follow from the memory") {
    struct row {
        std::uint64_t total_kb;
        std::int64_t sleep;
        std::uint64_t threshold_kb;
    };
    // sleep = 10 * 16 * 1024 * 1024 / total, at least 10; threshold = total * 20 / 100, at least
    // 2048; both cut off.
    const row rows[] = {
        {16'777'216, 10, 3'355'443}, // 16 GiB
        {8'388'608, 20, 1'677'721},  // 8 GiB
        {24'682'416, 10, 4'936'483}, // 6.79 ms
        {4'000'000, 41, 800'000},    // 41.9 ms
        {8'192, 20'480, 2'048},      // 1638 kB
    };
    for (const row &r : rows) {
        INFO(r.total_kb);
        const auto daemon = ksmtuned::start(bytes::kib(r.total_kb));
        REQUIRE(daemon);
        CHECK(daemon->sleep() == milliseconds{r.sleep});
        CHECK(daemon->threshold() == bytes::kib(r.threshold_kb));
    }
}

TEST_CASE("ksmtuned's steps, worked out by hand for a host of 16 GiB") {
    // threshold 3355443 kB: stops when committed < 13421773 kB and free > 3355443 kB.
    auto daemon = ksmtuned::start(bytes::gib(16));
    REQUIRE(daemon);
    struct row {
        std::uint64_t free_kb;
        std::uint64_t committed_kb;
        bool run;
        std::uint64_t npages;
    };
    const row rows[] = {
        {8'000'000, 1'000'000, false, 0},
        {8'000'000, 13'421'772, false, 0}, // 16777215 is less than 16777216
        {8'000'000, 13'421'773, true, 64}, // no longer less; 0 - 50, at least 64
        {3'355'443, 1'000'000, true, 64},  // free is not more than the threshold, nor less
        {3'355'442, 1'000'000, true, 364}, // boost
        {1'000'000, 14'000'000, true, 664},
        {1'000'000, 14'000'000, true, 964},
        {1'000'000, 14'000'000, true, 1250}, // not 1264
        {1'000'000, 14'000'000, true, 1250},
        {4'000'000, 14'000'000, true, 1200}, // decay
        {8'000'000, 1'000'000, false, 0},    // stops, and remembers 1200
        {1'000'000, 14'000'000, true, 1250}, // not 1500
    };
    for (const row &r : rows) {
        INFO("free " << r.free_kb << " committed " << r.committed_kb);
        const auto step = daemon->step(bytes::kib(r.free_kb), bytes::kib(r.committed_kb));
        CHECK(step.run == r.run);
        CHECK(step.pages_to_scan == pages{r.npages});
        CHECK(step.sleep_millisecs == milliseconds{r.run ? 10 : 0});
        CHECK_FALSE(step.reason.empty());
    }
}

TEST_CASE("ksmtuned never leaves its bounds") {
    std::mt19937_64 random(3);
    for (int i = 0; i < 200; ++i) {
        ksmtuned_settings settings;
        settings.npages_min = static_cast<std::int64_t>(random() % 1000);
        settings.npages_max = settings.npages_min + static_cast<std::int64_t>(random() % 1000);
        settings.npages_boost = static_cast<std::int64_t>(random() % 5000);
        settings.npages_decay = -static_cast<std::int64_t>(random() % 5000);
        const std::uint64_t total = 1 + random() % 100'000'000;
        auto daemon = ksmtuned::start(bytes::kib(total), settings);
        REQUIRE(daemon);
        for (int n = 0; n < 50; ++n) {
            const auto step =
                daemon->step(bytes::kib(random() % total), bytes::kib(random() % (2 * total)));
            if (!step.run) continue;
            CHECK(step.pages_to_scan.count() >= static_cast<std::uint64_t>(settings.npages_min));
            CHECK(step.pages_to_scan.count() <= static_cast<std::uint64_t>(settings.npages_max));
            CHECK(step.sleep_millisecs >= milliseconds{10});
        }
    }
}

TEST_CASE("settings of ksmtuned that make no sense are named") {
    CHECK(ksmtuned::start(bytes{}).error().object == "total");
    CHECK(ksmtuned::start(bytes::gib(1), {.npages_min = 10, .npages_max = 9}).error().object ==
          "KSM_NPAGES_MIN");
    CHECK(ksmtuned::start(bytes::gib(1), {.sleep_msec = milliseconds{-1}}).error().object ==
          "KSM_SLEEP_MSEC");
}

TEST_CASE("a step of ksmtuned is a decision") {
    auto daemon = ksmtuned::start(bytes::gib(16));
    const auto boost = decision_of(daemon->step(bytes{}, bytes{}));
    CHECK(boost.action == ksm_action::scan);
    CHECK(boost.pages_to_scan == pages{300});
    CHECK(boost.sleep_millisecs == milliseconds{10});
    const auto rest = decision_of(daemon->step(bytes::gib(15), bytes{}));
    CHECK(rest.action == ksm_action::stop);
    CHECK_FALSE(rest.pages_to_scan);
}
