// SPDX-License-Identifier: MIT
#include <kvmig/tuning/blkio_weights.hpp>
#include <support/catch.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace kvmig;
using namespace kvmig::tuning;

namespace {

const weight_facts heeding{.file = weight_file::io_bfq, .disk = "sda", .scheduler = "none [bfq]"};
const weight_facts deaf{.file = weight_file::io_bfq, .disk = "vda", .scheduler = "[none] bfq"};

} // namespace

TEST_CASE("weights of disks are read as libvirt writes them") {
    const std::map<std::string, std::uint32_t> two{{"/dev/sda", 300}, {"/dev/sdb", 0}};
    CHECK(parse_device_weights("/dev/sda,300,/dev/sdb,0").value() == two);
    CHECK(to_text(two) == "/dev/sda,300,/dev/sdb,0");
    CHECK(parse_device_weights("")->empty());
    for (const char *text : {"/dev/sda", "/dev/sda,", "/dev/sda,x", "sda,300", "/dev/sda,300,",
                             "/dev/sda,300,/dev/sda,400", "/dev/sda,300,/dev/sdb", ",300"}) {
        INFO(text);
        const auto read = parse_device_weights(text);
        REQUIRE_FALSE(read);
        CHECK(read.error().what.find(text) != std::string::npos);
    }
}

TEST_CASE("a weight out of range is named before anything is planned") {
    for (const std::uint32_t weight : {1U, 5U, 9U, 1001U}) {
        for (const blkio_weights &to :
             {blkio_weights{.weight = weight}, blkio_weights{.devices = {{"/dev/sda", weight}}}}) {
            const auto made = plan_blkio_weights("vm1", false, {}, to, std::vector{heeding});
            REQUIRE_FALSE(made);
            CHECK(made.error().kind == error_kind::invalid_argument);
            CHECK_THAT(made.error().object, Catch::StartsWith("vm1"));
            CHECK(made.error().what ==
                  "a weight of " + std::to_string(weight) + " is out of range: 10 to 1000");
        }
    }
}

TEST_CASE("a weight that nobody heeds is planned, and said") {
    const auto notes = [](const blkio_weights &to,
                          const std::optional<std::vector<weight_facts>> &disks) {
        const auto made = plan_blkio_weights("vm1", false, {}, to, disks);
        REQUIRE(made);
        CHECK(made->changes.size() == 1);
        return made->notes;
    };
    const blkio_weights one{.weight = 500};
    CHECK(notes(one, std::vector{heeding}).empty());
    const auto none = notes(one, std::vector{deaf});
    REQUIRE(none.size() == 1);
    CHECK_THAT(none[0], Catch::StartsWith("the weight has no effect: ") &&
                            Catch::Contains("vda has none") && Catch::Contains("echo bfq"));
    const auto some = notes(one, std::vector{heeding, deaf});
    REQUIRE(some.size() == 1);
    CHECK_THAT(some[0], Catch::StartsWith("the weight has no effect but on sda: "));
    CHECK_THAT(notes(one, std::nullopt).at(0), Catch::Contains("could not be told"));
    CHECK_THAT(notes(one, std::vector{weight_facts{.over_network = true}}).at(0),
               Catch::Contains("blkdeviotune"));
    const blkio_weights of_disk{.devices = {{"/dev/vda", 300}}};
    CHECK_THAT(notes(of_disk, std::vector{heeding, deaf}).at(0),
               Catch::StartsWith("the weight of /dev/vda has no effect: "));
    CHECK(notes({.devices = {{"/dev/sda", 300}}}, std::vector{heeding, deaf}).empty());
}

TEST_CASE("each weight that differs is a step, and none of a run that cannot be put back") {
    const blkio_weights from{.weight = 500, .devices = {{"/dev/sda", 200}, {"/dev/sdb", 300}}};
    const blkio_weights to{.weight = 100, .devices = {{"/dev/sda", 200}, {"/dev/sdb", 400}}};
    const auto made = plan_blkio_weights("vm1", true, from, to, std::vector{heeding});
    REQUIRE(made);
    REQUIRE(made->changes.size() == 2);
    CHECK(made->changes[0].what == target{target_kind::parameter, "weight", "vm1"});
    CHECK(made->changes[0].from == "500");
    CHECK(made->changes[0].to == "100");
    CHECK_FALSE(made->changes[0].risk.empty());
    CHECK(made->changes[1].what.name == "device_weight /dev/sdb");
    CHECK(made->changes[1].risk.empty());
    CHECK(plan_blkio_weights("vm1", true, from, from, std::nullopt).value() == plan{});

    blkio_weights more = from;
    more.devices["/dev/sdc"] = 300;
    blkio_weights fewer = from;
    fewer.devices.erase("/dev/sda");
    for (const blkio_weights &other : {more, fewer, blkio_weights{.devices = from.devices}}) {
        CHECK(plan_blkio_weights("vm1", true, from, other, std::vector{heeding}).error().kind ==
              error_kind::unsupported);
        CHECK(plan_blkio_weights("vm1", false, from, other, std::vector{heeding})->changes.size() ==
              1);
    }
}

TEST_CASE("what systemd makes of a weight is undone") {
    // systemd's own test of BFQ_WEIGHT has these.
    CHECK(bfq_weight_of(50) == 50);
    CHECK(bfq_weight_of(100) == 100);
    CHECK(bfq_weight_of(500) == 136);
    CHECK(bfq_weight_of(5000) == 545);
    CHECK(bfq_weight_of(10000) == 1000);
    for (std::uint32_t weight = 1; weight <= most_weight; ++weight) {
        CHECK(bfq_weight_of(io_weight_for_bfq(weight)) == weight);
    }
}
