// SPDX-License-Identifier: MIT
#include <kvmig/model/domain.hpp>
#include <kvmig/model/version.hpp>
#include <support/catch.hpp>

using namespace kvmig::model;

TEST_CASE("a version is read from libvirt's number, and compared part by part") {
    CHECK(version::from_number(9000000) == version{9, 0, 0});
    CHECK(version::from_number(11003002) == version{11, 3, 2});
    CHECK(version::from_number(11003002).text() == "11.3.2");
    CHECK(version{9, 10, 0} > version{9, 4, 9});
    CHECK(version{10, 0, 0} > version{9, 99, 99});
}

TEST_CASE("domain states have virsh's words") {
    CHECK(to_string(domain_state::running) == "running");
    CHECK(to_string(domain_state::blocked) == "idle");
    CHECK(to_string(domain_state::paused) == "paused");
    CHECK(to_string(domain_state::shutdown) == "in shutdown");
    CHECK(to_string(domain_state::shutoff) == "shut off");
    CHECK(to_string(domain_state::crashed) == "crashed");
    CHECK(to_string(domain_state::pm_suspended) == "pmsuspended");
    CHECK(to_string(domain_state::no_state) == "no state");
}
