// SPDX-License-Identifier: MIT
// The rules about a canary: silent, lost, untried, left behind.
#include <precheck/healthy.hpp>

using namespace kvmig;
using namespace kvmig::test;
using precheck::canary_fate;

TEST_CASE("a canary that arrived, or was never sent, is nothing to tell") {
    auto f = healthy();
    CHECK(test::check(f).findings.empty());
    f.canary.emplace().fate = canary_fate::arrived;
    f.canary->left_out = {"firmware"};
    f.canary->swept = {"kvm01: x"};
    CHECK(test::check(f).findings.empty());
}

TEST_CASE("a canary that did not arrive blocks; one that could not be tried is unknown") {
    auto f = healthy();
    auto &told = f.canary.emplace();
    told.host = "kvm02";
    told.said = "No route to host";
    CHECK(test::told(f, "KVM-LIF-103") == unknown);
    auto found = findings_of(f, "KVM-LIF-103");
    CHECK(found[0].seen == "it could not be tried: No route to host");
    CHECK(found[0].remedy.empty());
    told.fate = canary_fate::lost;
    told.causes = {{"KVM-NET-001", "The firewall rejects", "likely", {"ssh kvm02 x"}},
                   {"KVM-NET-002", "It drops", "possible", {"ssh kvm02 y"}}};
    CHECK(test::told(f, "KVM-LIF-103") == blocks);
    found = findings_of(f, "KVM-LIF-103");
    CHECK(found[0].host == "kvm02");
    CHECK(found[0].seen == "No route to host; likely: KVM-NET-001 The firewall rejects; "
                           "possible: KVM-NET-002 It drops");
    CHECK(found[0].remedy == std::vector<std::string>{"ssh kvm02 x"});
    CHECK(test::check(f).verdict == precheck::verdict::blocked);
}

TEST_CASE("what remains of a canary is warned of, each by itself") {
    auto f = healthy();
    f.canary.emplace().fate = canary_fate::arrived;
    f.canary->remains = {"kvm01: a", "kvm02: b"};
    const auto found = findings_of(f, "KVM-LIF-104");
    REQUIRE(found.size() == 2);
    CHECK(found[0].how == warns);
    CHECK(found[1].seen == "kvm02: b");
}
