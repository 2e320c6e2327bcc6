// SPDX-License-Identifier: MIT
// Domain XML of many kinds: it is read, and the rules say what it alone tells.
#include <kvmig/xml/domain.hpp>
#include <precheck/healthy.hpp>
#include <precheck/properties.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace kvmig;
using namespace kvmig::test;

namespace {

precheck::facts xml_alone(const std::filesystem::path &file) {
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const auto domain = xml::parse_domain(text);
    if (!domain) FAIL(describe(domain.error()));
    precheck::facts out;
    out.domain = *domain;
    out.source.name = "source";
    out.destination.name = "destination";
    return out;
}

} // namespace

TEST_CASE("domain XML of every kind is read, and alone it is never clear") {
    unsigned count = 0;
    const std::filesystem::path folder = KVMIG_TEST_DATA "/domain";
    for (const auto &each : std::filesystem::directory_iterator(folder)) {
        const std::string name = each.path().stem().string();
        INFO(name);
        if (name == "bad-memory" || name == "cut-off") continue;
        ++count;
        auto f = xml_alone(each.path());
        CHECK(test::check(f).verdict >= precheck::verdict::unknown);
        check_order_of_rules(f);
        check_order_of_facts(f);
        // The same of a guest that is asked of two hosts on which all is well.
        auto whole = healthy();
        whole.domain = f.domain;
        check_each_fact(whole);
    }
    CHECK(count == 11);
}

TEST_CASE("what blocks by the XML alone is found") {
    const auto blocking = [](const char *name) {
        const auto file = std::filesystem::path(KVMIG_TEST_DATA "/domain") / name;
        return ids_of(test::check(xml_alone(file)), blocks);
    };
    CHECK(blocking("sev.xml") == std::set<std::string>{"KVM-DEV-014"});
    CHECK(blocking("s390x.xml").count("KVM-DEV-014") == 1);
    CHECK(blocking("devices.xml").count("KVM-DEV-001") == 1);
    CHECK(blocking("plain.xml").empty());
    CHECK(blocking("running-q35.xml").empty());
}
