// SPDX-License-Identifier: MIT
#include <kvmig/xml/iotune_groups.hpp>
#include <support/catch.hpp>

#include <map>
#include <string>

using namespace kvmig;

TEST_CASE("the group of each disk's limits, empty where it has none") {
    const auto groups = xml::parse_iotune_groups(
        "<domain><devices>"
        "<disk><target dev='vda'/><iotune><total_iops_sec>5</total_iops_sec>"
        "<group_name>slow</group_name></iotune></disk>"
        "<disk><target dev='vdb'/><iotune><total_iops_sec>5</total_iops_sec></iotune></disk>"
        "<disk><target dev='vdc'/></disk></devices></domain>");
    REQUIRE(groups);
    CHECK(*groups == std::map<std::string, std::string>{{"vda", "slow"}, {"vdb", ""}, {"vdc", ""}});
    CHECK(xml::parse_iotune_groups("<domain/>")->empty());
    const auto none = xml::parse_iotune_groups("<network/>");
    REQUIRE_FALSE(none);
    CHECK(none.error().kind == error_kind::invalid_argument);
}
