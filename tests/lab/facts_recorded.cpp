// SPDX-License-Identifier: MIT
// Facts recorded from the lab's hosts, healthy and broken, and the rules over them.
#include <lab/facts/facts_json.hpp>
#include <precheck/properties.hpp>
#include <support/catch.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

using namespace kvmig;
using precheck::severity;

namespace {

const std::filesystem::path recorded = KVMIG_TEST_DATA "/facts/recorded";

nlohmann::json json_in(const std::string &name) {
    std::ifstream in(recorded / (name + ".json"));
    auto out = nlohmann::json::parse(in, nullptr, false);
    if (out.is_discarded()) FAIL(name << ": no JSON");
    return out;
}

precheck::facts facts_in(const nlohmann::json &text, const std::string &name) {
    auto read = lab::parse_facts(text.dump(), name);
    if (!read) FAIL(describe(read.error()));
    return *std::move(read);
}

/// Of hosts that the lab broke: their names, and the id that foresees what comes of it.
std::map<std::string, std::string> broken_hosts() {
    std::ifstream in(recorded / "expected.tsv");
    std::map<std::string, std::string> out;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with('#')) continue;
        const auto tab = line.find('\t');
        REQUIRE(tab != std::string::npos);
        out[line.substr(0, tab)] = line.substr(tab + 1);
    }
    return out;
}

} // namespace

TEST_CASE("of recorded healthy hosts nothing blocks, warns or is unknown", "[facts]") {
    const auto report = precheck::check(facts_in(json_in("healthy"), "healthy"));
    CHECK(test::ids_of(report, severity::blocks).empty());
    CHECK(test::ids_of(report, severity::warns).empty());
    CHECK(test::ids_of(report, severity::unknown).empty());
}

TEST_CASE("of recorded broken hosts the fault is found, and nothing else blocks", "[facts]") {
    const nlohmann::json healthy = json_in("healthy");
    const auto all = broken_hosts();
    REQUIRE(all.size() >= 19);
    for (const auto &[name, foreseen] : all) {
        INFO(name);
        const auto facts = facts_in(healthy.patch(json_in(name)), name);
        const auto report = precheck::check(facts);
        auto told = test::ids_of(report, severity::blocks);
        if (test::ids_of(report, severity::warns).contains(foreseen)) told.insert(foreseen);
        CHECK(told == (foreseen == "-" ? std::set<std::string>{} : std::set{foreseen}));
        test::check_each_fact(facts);
        test::check_order_of_rules(facts);
        test::check_order_of_facts(facts);
    }
}
