// SPDX-License-Identifier: MIT
#include <kvmig/tuning/block_io.hpp>
#include <kvmig/tuning/iotune.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace kvmig;
using namespace kvmig::tuning;

TEST_CASE("whether a weight is heeded depends on the file and on the disk's scheduler") {
    struct row {
        weight_file file;
        const char *scheduler;
        bool iocost;
        bool effective;
        std::string_view says;
    };
    const row rows[] = {
        {weight_file::io_bfq, "none mq-deadline [bfq]\n", false, true, "bfq heeds io.bfq.weight"},
        {weight_file::io_bfq, "none [mq-deadline] bfq\n", false, false, "sda has mq-deadline"},
        {weight_file::io_bfq, "[none]\n", true, false, "sda has none"},
        {weight_file::blkio_bfq, "[bfq] none\n", false, true, "blkio.bfq.weight"},
        {weight_file::blkio_bfq, "bfq [kyber]\n", false, false, "sda has kyber"},
        {weight_file::blkio_weight, "noop deadline [cfq]\n", false, true, "cfq"},
        {weight_file::blkio_weight, "noop [deadline] cfq\n", false, false, "cfq alone"},
        {weight_file::io_weight, "[none]\n", true, true, "iocost heeds io.weight"},
        {weight_file::io_weight, "[bfq] none\n", false, false, "not enabled for sda"},
        {weight_file::none, "[bfq] none\n", true, false, "no file for weights"},
    };
    for (const row &r : rows) {
        INFO(to_string(r.file) << " " << r.scheduler);
        const weight_facts facts{
            .file = r.file, .disk = "sda", .scheduler = r.scheduler, .iocost = r.iocost};
        const auto effect = effect_of_weight(facts);
        CHECK(effect.effective == r.effective);
        CHECK(effect.why.find(r.says) != std::string::npos);
        CHECK(effect.remedy.empty() == r.effective);
    }
}

TEST_CASE("a weight does nothing for an image that is not on a disk of the host") {
    const weight_facts nfs{.file = weight_file::io_bfq, .over_network = true};
    const auto effect = effect_of_weight(nfs);
    CHECK_FALSE(effect.effective);
    CHECK(effect.remedy.find("blkdeviotune") != std::string::npos);
}

TEST_CASE("limits that QEMU refuses are refused before, each named") {
    struct row {
        std::vector<std::pair<std::string_view, std::string_view>> values;
        std::vector<std::string> wrong; ///< empty: taken
    };
    const row rows[] = {
        {{}, {}},
        {{{"total_bytes_sec", "1000000"}}, {}},
        {{{"read_bytes_sec", "1000"}, {"write_bytes_sec", "2000"}}, {}},
        {{{"total_bytes_sec", "1000"}, {"read_iops_sec", "10"}}, {}},
        {{{"total_bytes_sec", "1000"}, {"read_bytes_sec", "10"}}, {"read_bytes_sec"}},
        {{{"total_iops_sec", "9"}, {"read_iops_sec", "1"}, {"write_iops_sec", "1"}},
         {"read_iops_sec", "write_iops_sec"}},
        // A burst.
        {{{"total_bytes_sec", "1000"}, {"total_bytes_sec_max", "1000"}}, {}},
        {{{"total_bytes_sec", "1000"}, {"total_bytes_sec_max", "999"}}, {"total_bytes_sec_max"}},
        {{{"total_bytes_sec_max", "999"}}, {"total_bytes_sec_max"}},
        {{{"read_iops_sec", "5"}, {"write_iops_sec_max", "9"}}, {"write_iops_sec_max"}},
        // A total burst beside a burst of reads, each with its base.
        {{{"total_iops_sec", "5"},
          {"total_iops_sec_max", "6"},
          {"read_iops_sec", "5"},
          {"read_iops_sec_max", "6"}},
         {"read_iops_sec", "read_iops_sec_max"}},
        // Its length.
        {{{"total_iops_sec", "5"},
          {"total_iops_sec_max", "6"},
          {"total_iops_sec_max_length", "60"}},
         {}},
        {{{"total_iops_sec", "5"}, {"total_iops_sec_max_length", "1"}}, {}},
        {{{"total_iops_sec", "5"}, {"total_iops_sec_max_length", "2"}},
         {"total_iops_sec_max_length"}},
        {{{"total_iops_sec", "5"},
          {"total_iops_sec_max", "6"},
          {"total_iops_sec_max_length", "4294967296"}},
         {"total_iops_sec_max_length"}},
        {{{"total_bytes_sec", "1000000000000"},
          {"total_bytes_sec_max", "1000000000000"},
          {"total_bytes_sec_max_length", "1000"}},
         {}}, // 10^15 in all
        {{{"total_bytes_sec", "1000000000000"},
          {"total_bytes_sec_max", "1000000000000"},
          {"total_bytes_sec_max_length", "1001"}},
         {"total_bytes_sec_max_length"}},
        // The greatest value.
        {{{"read_bytes_sec", "1000000000000000"}}, {}},
        {{{"read_bytes_sec", "1000000000000001"}}, {"read_bytes_sec"}},
        // The size of an operation.
        {{{"size_iops_sec", "4096"}, {"write_iops_sec", "5"}}, {}},
        {{{"size_iops_sec", "4096"}, {"write_bytes_sec", "5"}}, {"size_iops_sec"}},
    };
    for (const row &r : rows) {
        iotune io;
        std::string text;
        for (const auto &[name, value] : r.values) {
            REQUIRE(set(io, name, value));
            text += std::string(name) + "=" + std::string(value) + " ";
        }
        INFO(text);
        const auto done = check(io, "vm1 vda");
        CHECK(done.has_value() == r.wrong.empty());
        if (done) continue;
        CHECK(done.error().kind == error_kind::invalid_argument);
        CHECK(done.error().object == "vm1 vda");
        std::vector<std::string> named;
        for (const error &cause : done.error().causes) named.push_back(cause.object);
        CHECK(named == r.wrong);
    }
}

TEST_CASE("every limit is set and told by libvirt's name") {
    const auto names = parameters({});
    CHECK(names.size() == 20); // 6 limits, each with burst and length; size; group
    for (const auto &[name, none] : names) {
        iotune io;
        REQUIRE(set(io, name, "7"));
        for (const auto &[other, value] : parameters(io)) {
            CHECK((value == "7") == (other == name));
        }
    }
    iotune io;
    for (const char *name : {"total_bytes", "total_bytes_sec_min", "bps", ""}) {
        CHECK(set(io, name, "1").error().kind == error_kind::invalid_argument);
    }
    CHECK(set(io, "read_iops_sec", "-1").error().object == "read_iops_sec");
    CHECK(io == iotune{});
}

TEST_CASE("a plan for a disk is the difference, and a group's other disks are named") {
    iotune from;
    from[io_limit::total_bytes].avg = 1'000'000;
    iotune to = from;
    to[io_limit::total_bytes].max = 2'000'000;
    to.group_name = "slow";
    const auto made = plan_iotune("vm1", "vda", from, to, {"vm1 vdb"});
    REQUIRE(made);
    REQUIRE(made->changes.size() == 2);
    CHECK(made->changes[0].what ==
          target{target_kind::parameter, "total_bytes_sec_max", "vm1 vda"});
    CHECK(made->changes[0].from == "0");
    CHECK(made->changes[0].to == "2000000");
    CHECK(made->changes[1].what.name == "group_name");
    REQUIRE(made->notes.size() == 1);
    CHECK(made->notes[0].find("vm1 vdb") != std::string::npos);
    to[io_limit::total_bytes].max = 5;
    CHECK(plan_iotune("vm1", "vda", from, to).error().object == "vm1 vda");
}

TEST_CASE("planning once more after the limits were set finds nothing to do") {
    std::mt19937 random(2);
    int taken = 0;
    for (int i = 0; i < 3000; ++i) {
        iotune from;
        iotune to;
        for (iotune *io : {&from, &to}) {
            for (io_bucket &b : io->limits) {
                if (random() % 4 == 0) b = {random() % 9, random() % 9, random() % 3};
            }
        }
        const auto made = plan_iotune("vm", "vda", from, to);
        if (!made) continue;
        ++taken;
        iotune now = from;
        for (const change &step : made->changes) REQUIRE(set(now, step.what.name, step.to));
        CHECK(now == to);
        CHECK(plan_iotune("vm", "vda", now, to)->empty());
    }
    CHECK(taken > 100);
}
