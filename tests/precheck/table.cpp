// SPDX-License-Identifier: MIT
// The table of rules, and the vocabulary it shares with the catalogue of causes.
#include <kvmig/diagnosis/catalogue.hpp>
#include <kvmig/diagnosis/topic.hpp>
#include <precheck/healthy.hpp>

#include <algorithm>
#include <string>

using namespace kvmig;
using namespace kvmig::test;

TEST_CASE("a rule has a title, a reason and a source, and its id is of a known topic") {
    for (const auto &each : precheck::rules_table) {
        INFO(each.id);
        CHECK(diagnosis::topic_of(each.id) != nullptr);
        CHECK_FALSE(each.title.empty());
        CHECK_FALSE(each.why.empty());
        CHECK(each.why.back() == '.');
        CHECK_FALSE(each.source.empty());
        CHECK(precheck::find_rule(each.id) != nullptr);
    }
    CHECK(precheck::find_rule("KVM-NIC-999") == nullptr);
}

TEST_CASE("prechecks and the catalogue of causes are one vocabulary") {
    for (const auto &each : precheck::rules_table) {
        INFO(each.id);
        const auto *entry = diagnosis::find_entry(each.id);
        const int number = std::stoi(std::string(each.id.substr(8)));
        if (number > 100) {
            CHECK(entry == nullptr); // nothing fails by it
        } else {
            REQUIRE(entry != nullptr);
            CHECK(each.title == entry->title);
        }
    }
    for (const auto &part : diagnosis::catalogue) {
        for (const auto &entry : part) {
            INFO(entry.id);
            CHECK(std::stoi(std::string(entry.id.substr(8))) <= 100);
        }
    }
}

TEST_CASE("findings stand in the order of the table") {
    std::size_t last = 0;
    for (const auto &found : test::check(sick()).findings) {
        const auto at = std::find_if(precheck::rules_table.begin(), precheck::rules_table.end(),
                                     [&](const auto &each) { return each.id == found.id; });
        const auto now = static_cast<std::size_t>(at - precheck::rules_table.begin());
        CHECK(now >= last);
        last = now;
    }
}

TEST_CASE("only ids that exist can be ignored") {
    CHECK(precheck::check_ignored({"KVM-LIF-002", "KVM-NIC-101"}));
    const auto bad = precheck::check_ignored({"KVM-LIF-002", "LIF-2"});
    REQUIRE_FALSE(bad);
    CHECK(bad.error().kind == error_kind::invalid_argument);
    CHECK(bad.error().object == "LIF-2");
}
