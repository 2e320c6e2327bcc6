// SPDX-License-Identifier: MIT
#include <kvmig/tuning/blkiotune.hpp>
#include <support/catch.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

using namespace kvmig;
using namespace kvmig::tuning;

namespace {

const weight_facts heeding{.file = weight_file::io_bfq, .disk = "sda", .scheduler = "none [bfq]"};
const weight_facts deaf{.file = weight_file::io_bfq, .disk = "vda", .scheduler = "[none] bfq"};

} // namespace

TEST_CASE("numbers of disks are read as libvirt writes them") {
    const per_disk two{{"/dev/sda", 300}, {"/dev/sdb", 0}};
    CHECK(parse_per_disk("/dev/sda,300,/dev/sdb,0").value() == two);
    CHECK(to_text(two) == "/dev/sda,300,/dev/sdb,0");
    CHECK(parse_per_disk("")->empty());
    for (const char *text : {"/dev/sda", "/dev/sda,", "/dev/sda,x", "sda,300", "/dev/sda,300,",
                             "/dev/sda,300,/dev/sda,400", "/dev/sda,300,/dev/sdb", ",300"}) {
        INFO(text);
        const auto read = parse_per_disk(text);
        REQUIRE_FALSE(read);
        CHECK(read.error().what.find(text) != std::string::npos);
    }
}

TEST_CASE("a weight out of range is named before anything is planned") {
    for (const std::uint32_t weight : {1U, 5U, 9U, 1001U}) {
        for (const blkiotune &to :
             {blkiotune{.weight = weight}, blkiotune{.device_weight = {{"/dev/sda", weight}}}}) {
            const auto made = plan_blkiotune("vm1", false, {}, to, std::vector{heeding});
            REQUIRE_FALSE(made);
            CHECK(made.error().kind == error_kind::invalid_argument);
            CHECK_THAT(made.error().object, Catch::StartsWith("vm1"));
            CHECK(made.error().what ==
                  "a weight of " + std::to_string(weight) + " is out of range: 10 to 1000");
        }
    }
}

TEST_CASE("a weight that nobody heeds is planned, and said") {
    const auto notes = [](const blkiotune &to,
                          const std::optional<std::vector<weight_facts>> &disks) {
        const auto made = plan_blkiotune("vm1", false, {}, to, disks);
        REQUIRE(made);
        CHECK(made->changes.size() == 1);
        return made->notes;
    };
    const blkiotune one{.weight = 500};
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
    const blkiotune of_disk{.device_weight = {{"/dev/vda", 300}}};
    CHECK_THAT(notes(of_disk, std::vector{heeding, deaf}).at(0),
               Catch::StartsWith("the weight of /dev/vda has no effect: "));
    CHECK(notes({.device_weight = {{"/dev/sda", 300}}}, std::vector{heeding, deaf}).empty());
}

TEST_CASE("each weight that differs is a step, and none of a run that cannot be put back") {
    const blkiotune from{.weight = 500, .device_weight = {{"/dev/sda", 200}, {"/dev/sdb", 300}}};
    const blkiotune to{.weight = 100, .device_weight = {{"/dev/sda", 200}, {"/dev/sdb", 400}}};
    const auto made = plan_blkiotune("vm1", true, from, to, std::vector{heeding});
    REQUIRE(made);
    REQUIRE(made->changes.size() == 2);
    CHECK(made->changes[0].what == target{target_kind::parameter, "weight", "vm1"});
    CHECK(made->changes[0].from == "500");
    CHECK(made->changes[0].to == "100");
    CHECK_FALSE(made->changes[0].risk.empty());
    CHECK(made->changes[1].what.name == "device_weight /dev/sdb");
    CHECK(made->changes[1].risk.empty());
    CHECK(plan_blkiotune("vm1", true, from, from, std::nullopt).value() == plan{});

    blkiotune more = from;
    more.device_weight["/dev/sdc"] = 300;
    blkiotune fewer = from;
    fewer.device_weight.erase("/dev/sda");
    for (const blkiotune &other : {more, fewer, blkiotune{.device_weight = from.device_weight}}) {
        CHECK(plan_blkiotune("vm1", true, from, other, std::vector{heeding}).error().kind ==
              error_kind::unsupported);
        CHECK(plan_blkiotune("vm1", false, from, other, std::vector{heeding})->changes.size() == 1);
    }
}

TEST_CASE("a limit on a disk is a step of its own, live too, and may be taken away") {
    const blkiotune from{.device_read_iops_sec = {{"/dev/sda", 200}}};
    const blkiotune to{.device_write_bytes_sec = {{"/dev/sda", 1 << 20}, {"/dev/sdb", 5}}};
    const auto made = plan_blkiotune("vm1", true, from, to, std::nullopt);
    REQUIRE(made);
    REQUIRE(made->changes.size() == 3);
    CHECK(made->changes[0].what.name == "device_read_iops_sec /dev/sda");
    CHECK(made->changes[0].to == "0");
    CHECK(made->changes[0].risk.empty());
    CHECK(made->changes[1].what.name == "device_write_bytes_sec /dev/sda");
    CHECK(made->changes[1].from == "0");
    CHECK(made->changes[1].to == "1048576");
    CHECK_FALSE(made->changes[1].risk.empty());
    CHECK(made->changes[2].what.name == "device_write_bytes_sec /dev/sdb");
    CHECK(made->notes.empty()); // nothing of weights
    const blkiotune much{.device_read_iops_sec = {{"/dev/sda", std::uint64_t{1} << 32U}}};
    const auto refused = plan_blkiotune("vm1", true, from, much, std::nullopt);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().object == "vm1 /dev/sda");
    CHECK(refused.error().what ==
          "device_read_iops_sec of 4294967296 is out of range: 1 to 4294967295");
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
