// SPDX-License-Identifier: MIT
// The loop over KSM, on a tree of files that changes between its rounds.
#include <host/kernel_tree.hpp>
#include <kvmig/run/watch_ksm.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace kvmig;
using kvmig::testing::kernel_tree;

namespace {

const std::string ksm_at = "/sys/kernel/mm/ksm/";

kernel_tree host_with_ksm() {
    return kernel_tree({{"/proc/meminfo", "MemTotal: 16777216 kB\nMemFree: 1000000 kB\n"},
                        {ksm_at + "run", "0\n"},
                        {ksm_at + "pages_to_scan", "100\n"},
                        {ksm_at + "sleep_millisecs", "20\n"}});
}

host::revert_record record_of(const kernel_tree &tree) {
    auto out = host::revert_record::open(host::revert_record_path(tree.root()), "this-boot");
    REQUIRE(out);
    return std::move(*out);
}

/// Scans with so many pages; stops for none.
tuning::ksm_decision scan(std::uint64_t count) {
    tuning::ksm_decision out;
    out.action = count == 0 ? tuning::ksm_action::stop : tuning::ksm_action::scan;
    if (count != 0) out.pages_to_scan = pages{count};
    return out;
}

/// The rounds told, the decisions given out one after another, and what happens between them.
struct played {
    std::vector<std::uint64_t> pages;
    std::vector<std::function<void()>> between = {};
    std::vector<run::ksm_round> told = {};
    std::size_t waits = 0;

    expected<host::revert_result> on(const kernel_tree &tree, host::revert_record *record) {
        return run::watch_ksm(
            tree.files(), record,
            [this](tuning::ksm_sample &) -> expected<tuning::ksm_decision> {
                return scan(pages.at(told.size()));
            },
            [this](const run::ksm_round &round) { told.push_back(round); },
            [this] {
                if (waits < between.size() && between[waits]) between[waits]();
                return ++waits < pages.size();
            });
    }
};

} // namespace

TEST_CASE("each round reads anew and writes what it decided; the end puts back the beginning") {
    const auto tree = host_with_ksm();
    const auto before = tree.all();
    auto record = record_of(tree);
    std::vector<std::string> seen;
    played loop{.pages = {300, 600, 0, 600}};
    for (int i = 0; i < 4; ++i) {
        loop.between.emplace_back([&] {
            seen.push_back(tree.text(ksm_at + "run") + tree.text(ksm_at + "pages_to_scan"));
            tree.put("/proc/meminfo", "MemTotal: 16777216 kB\nMemFree: 5000000 kB\n");
        });
    }
    const auto done = loop.on(tree, &record);
    REQUIRE(done);
    CHECK(seen == std::vector<std::string>{"1\n300\n", "1\n600\n", "0\n600\n", "1\n600\n"});
    CHECK(loop.told.at(0).sample.memory.free == bytes::kib(1000000));
    CHECK(loop.told.at(1).sample.memory.free == bytes::kib(5000000));
    CHECK(done->restored.size() == 2);
    CHECK(record.entries().empty());
    tree.put("/proc/meminfo", before.at("/proc/meminfo"));
    CHECK(tree.all() == before);
}

TEST_CASE("the record does not grow with the rounds, and what was there before it stays") {
    const auto tree = host_with_ksm();
    auto record = record_of(tree);
    // By somebody else, before: the value that the loop must not put back.
    REQUIRE(record.append({ksm_at + "pages_to_scan", "50\n"}));
    played loop{.pages = {}};
    std::size_t most = 0;
    for (std::uint64_t i = 1; i <= 40; ++i) {
        loop.pages.push_back(100 + i);
        loop.between.emplace_back([&] { most = std::max(most, record.entries().size()); });
    }
    REQUIRE(loop.on(tree, &record));
    CHECK(most == 3);
    CHECK(record.entries() == std::vector<host::revert_entry>{{ksm_at + "pages_to_scan", "50\n"}});
    CHECK(tree.text(ksm_at + "pages_to_scan") == "100\n");
}

TEST_CASE("killed in any round, the record puts back the beginning") {
    for (std::size_t rounds = 1; rounds <= 3; ++rounds) {
        const auto tree = host_with_ksm();
        const auto before = tree.all();
        auto record = record_of(tree);
        played loop{.pages = {300, 600, 200}};
        loop.between.resize(rounds);
        loop.between.back() = [&] { throw rounds; }; // nothing of the loop runs after it
        CHECK_THROWS_AS(loop.on(tree, &record), std::size_t);
        CHECK(tree.all() != before);
        const auto files = tree.files();
        REQUIRE(host::revert(files, record));
        CHECK(tree.all() == before);
    }
}

TEST_CASE("a first round that fails ends it, a later one is told and tried again") {
    const auto tree = host_with_ksm();
    auto record = record_of(tree);
    const auto pages_file = tree.at(ksm_at + "pages_to_scan");
    SECTION("the first") {
        std::filesystem::permissions(pages_file, std::filesystem::perms::owner_read);
        const auto before = tree.all();
        played loop{.pages = {300, 300}};
        const auto done = loop.on(tree, &record);
        REQUIRE_FALSE(done);
        CHECK(done.error().object == ksm_at + "pages_to_scan");
        CHECK(loop.told.empty());
        CHECK(tree.all() == before);
    }
    SECTION("a later one") {
        played loop{.pages = {300, 600, 600}};
        loop.between = {
            [&] { std::filesystem::permissions(pages_file, std::filesystem::perms::owner_read); },
            [&] {
                CHECK(tree.text(ksm_at + "pages_to_scan") == "300\n");
                std::filesystem::permissions(pages_file, std::filesystem::perms::owner_all);
            },
            [&] { CHECK(tree.text(ksm_at + "pages_to_scan") == "600\n"); }};
        REQUIRE(loop.on(tree, &record));
        REQUIRE(loop.told.size() == 3);
        CHECK_FALSE(loop.told[0].problem);
        REQUIRE(loop.told[1].problem);
        CHECK(loop.told[1].problem->object == ksm_at + "pages_to_scan");
        CHECK_FALSE(loop.told[2].problem);
    }
}

TEST_CASE("without a record it decides and writes nothing") {
    const auto tree = host_with_ksm();
    const auto before = tree.all();
    played loop{.pages = {300, 600}};
    const auto done = loop.on(tree, nullptr);
    REQUIRE(done);
    CHECK(done->restored.empty());
    CHECK(loop.told.at(1).plan.changes.size() == 2);
    CHECK(tree.all() == before);
}
