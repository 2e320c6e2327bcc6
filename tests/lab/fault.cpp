// SPDX-License-Identifier: MIT
// The documented failures as data: what they name must be there.
#include <lab/fault/fault.hpp>
#include <lab/scenario/failures.hpp>
#include <support/catch.hpp>

#include <kvmig/diagnosis.hpp>
#include <kvmig/precheck/table.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

using namespace kvmig;
using namespace kvmig::lab;

namespace {

bool is_precheck(std::string_view id) {
    return std::any_of(precheck::rules_table.begin(), precheck::rules_table.end(),
                       [&](const auto &each) { return each.id == id; });
}

/// Whether some printed step of the entry holds these words.
bool prints(const diagnosis::entry &about, std::string_view words) {
    // As it is printed when all is known that the lab knows.
    const diagnosis::values known{
        {"domain", "vm1"}, {"destination", "kvm02.kvmig.test"}, {"host", "kvm02.kvmig.test"}};
    const auto steps = about.steps();
    return std::any_of(steps.begin(), steps.end(), [&](const diagnosis::step &each) {
        return diagnosis::fill(each.run, known, true).find(words) != std::string::npos;
    });
}

} // namespace

TEST_CASE("each failure is named once, as its scenario is") {
    std::set<std::string_view> ids;
    for (const fault &each : all_faults()) {
        INFO(each.id);
        CHECK(each.id.starts_with("fail-"));
        CHECK(ids.insert(each.id).second);
        CHECK_FALSE(each.title.empty());
        const auto found = find_fault(each.id);
        REQUIRE(found);
        CHECK(*found == &each);
    }
    CHECK(failures().size() == ids.size());
}

TEST_CASE("a failure's causes and remedies are in the catalogue") {
    for (const fault &each : all_faults()) {
        INFO(each.id);
        const diagnosis::entry *about = diagnosis::find_entry(each.diagnosed);
        REQUIRE(about != nullptr);
        for (const std::string_view words : each.remedy) {
            INFO(words);
            CHECK(prints(*about, words));
        }
        for (const auto &[word, value] : each.fill) {
            INFO(word);
            CHECK(prints(*about, word));
            CHECK_FALSE(value.empty());
        }
        CHECK((!each.remedy.empty() || !each.by_hand.empty()));
    }
}

TEST_CASE("a failure is foreseen by a rule, or says why it cannot be") {
    for (const fault &each : all_faults()) {
        INFO(each.id);
        if (!each.uri.empty()) continue; // refused before there is anything to check
        CHECK(each.foreseen.empty() != each.unforeseen.empty());
        if (!each.foreseen.empty()) CHECK(is_precheck(each.foreseen));
    }
}

TEST_CASE("the README tells of each failure what was foreseen, as its scenario proves it") {
    std::ifstream in(KVMIG_TEST_DATA "/../../README.md");
    const std::string readme{std::istreambuf_iterator<char>(in), {}};
    for (const fault &each : all_faults()) {
        // A URI that cannot be parsed is refused at once, by the check as by all else.
        std::string foreseen = each.foreseen.empty() && each.uri.empty() ? "no" : "yes";
        if (!each.foreseen.empty() && each.foreseen != each.diagnosed) {
            foreseen += fmt::format(", as `{}`", each.foreseen);
        }
        const std::string row = fmt::format("\n| `{}` | {} | `{}` | {} |\n", each.id, each.title,
                                            each.diagnosed, foreseen);
        INFO(row);
        CHECK(readme.find(row) != std::string::npos);
    }
}

TEST_CASE("a failure's steps are for machines of the lab") {
    for (const fault &each : all_faults()) {
        INFO(each.id);
        for (const auto *steps : {&each.prepare, &each.breaks, &each.undo, &each.by_hand}) {
            for (const fault_step &step : *steps) {
                CHECK(find_machine(step.machine) != nullptr);
                CHECK(step.shell.empty() == (step.turned != power::left));
            }
        }
    }
}

TEST_CASE("a step says what is done to its machine") {
    CHECK(describe(fault_step{"nfs", "exportfs -r"}) == "nfs: exportfs -r");
    CHECK_THAT(describe(fault_step{"kvm02", {}, power::cut}), Catch::Contains("kvm02: its power"));
    CHECK(describe(fault_step{"kvm02", {}, power::on}) == "kvm02: it is booted");
}

TEST_CASE("a failure that is not known is told, with those that are") {
    const auto none = find_fault("fail-everything");
    REQUIRE_FALSE(none);
    CHECK(none.error().kind == error_kind::not_found);
    CHECK_THAT(none.error().what, Catch::Contains("fail-everything"));
    CHECK_THAT(none.error().remedy, Catch::Contains("fail-fqdn"));
}

TEST_CASE("the documented attempt is a command of virsh") {
    const auto uri = find_fault("fail-uri");
    REQUIRE(uri);
    CHECK(attempt_by_virsh(**uri) ==
          std::vector<std::string>{"virsh", "migrate", "--live", "vm1",
                                   "qemu+ssh://kvm02.kvmig.test:/system"});
}
