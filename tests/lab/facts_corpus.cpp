// SPDX-License-Identifier: MIT
// Kept facts, the rules over them, and what holds of the rules over any facts.
#include <lab/facts/facts_file.hpp>
#include <lab/facts/facts_json.hpp>
#include <precheck/properties.hpp>
#include <support/catch.hpp>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace kvmig;
using precheck::severity;

namespace {

const std::filesystem::path kept_facts = KVMIG_TEST_DATA "/facts";

/// The ids of one column of verdicts.tsv.
std::set<std::string> id_list(const std::string &column) {
    std::istringstream in(column);
    std::set<std::string> out;
    for (std::string id; in >> id;) {
        if (id != "-") out.insert(id);
    }
    return out;
}

struct kept_case {
    std::string name;
    std::string verdict;
    std::set<std::string> blocks;
    std::set<std::string> unknown;
};

std::vector<kept_case> kept_cases() {
    std::ifstream in(kept_facts / "verdicts.tsv");
    std::vector<kept_case> out;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with('#')) continue;
        std::vector<std::string> columns;
        std::istringstream parts(line);
        for (std::string part; std::getline(parts, part, '\t');) columns.push_back(part);
        REQUIRE(columns.size() == 5);
        out.push_back({columns[0], columns[1], id_list(columns[2]), id_list(columns[3])});
    }
    return out;
}

precheck::facts facts_of_case(const std::string &name) {
    auto read = lab::read_facts((kept_facts / (name + ".json")).string());
    if (!read) FAIL(describe(read.error()));
    return *std::move(read);
}

} // namespace

TEST_CASE("kept facts are judged as they were", "[facts]") {
    const auto cases = kept_cases();
    CHECK(cases.size() >= 18);
    std::size_t files = 0;
    for (const auto &each : std::filesystem::directory_iterator(kept_facts)) {
        if (each.path().extension() == ".json") ++files;
    }
    CHECK(files == cases.size());
    for (const auto &each : cases) {
        INFO(each.name);
        const auto report = precheck::check(facts_of_case(each.name));
        CHECK(to_string(report.verdict) == each.verdict);
        CHECK(test::ids_of(report, severity::blocks) == each.blocks);
        CHECK(test::ids_of(report, severity::unknown) == each.unknown);
    }
}

TEST_CASE("kept facts are written as they were read", "[facts]") {
    for (const auto &each : kept_cases()) {
        INFO(each.name);
        const auto before = facts_of_case(each.name);
        const auto after = lab::parse_facts(lab::facts_text(before), each.name);
        REQUIRE(after);
        CHECK((*after == before));
    }
}

TEST_CASE("of kept facts no single one that is lost or found turns what blocks into clear",
          "[facts]") {
    for (const auto &each : kept_cases()) {
        INFO(each.name);
        test::check_each_fact(facts_of_case(each.name));
    }
}

TEST_CASE("of kept facts neither the order nor that of the rules matters", "[facts]") {
    for (const auto &each : kept_cases()) {
        INFO(each.name);
        test::check_order_of_rules(facts_of_case(each.name));
        test::check_order_of_facts(facts_of_case(each.name));
    }
}
