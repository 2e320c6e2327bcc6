// SPDX-License-Identifier: MIT
#include <kvmig/xml/cpu.hpp>
#include <support/catch.hpp>

using namespace kvmig;

TEST_CASE("the CPU of a domain is taken out as it stands") {
    const auto found = xml::cpu_of("<domain type='kvm'><name>x</name><cpu mode=\"custom\"><model>"
                                   "EPYC</model><feature policy=\"disable\" name=\"svm\"/></cpu>"
                                   "</domain>");
    REQUIRE(found);
    CHECK(*found == "<cpu mode=\"custom\"><model>EPYC</model>"
                    "<feature policy=\"disable\" name=\"svm\"/></cpu>");
}

TEST_CASE("a domain without a CPU has none, and other XML is refused") {
    const auto none = xml::cpu_of("<domain type='kvm'/>");
    REQUIRE(none);
    CHECK_FALSE(*none);
    CHECK_FALSE(xml::cpu_of("<cpu/>"));
    CHECK_FALSE(xml::cpu_of("<domain"));
}
