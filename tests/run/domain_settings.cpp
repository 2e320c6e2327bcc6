// SPDX-License-Identifier: MIT
// The texts in which settings of domains are recorded and compared.
#include <kvmig/run/domain_settings.hpp>
#include <support/catch.hpp>

#include <string>

using namespace kvmig;
using namespace kvmig::run;

TEST_CASE("a key is read back as it was written, and another text is none") {
    const auto id = uuid::parse("c7a5fdbd-edaf-9455-926a-d65c16db1809");
    REQUIRE(id);
    const std::string rest = " c7a5fdbd-edaf-9455-926a-d65c16db1809 qemu+ssh://kvm01/system?a=b";
    const auto mark = uuid::random();
    const setting_key of_disk{setting_group::iotune, "vda", mark, *id,
                              "qemu+ssh://kvm01/system?a=b"};
    const setting_key of_memory{setting_group::memtune, "", std::nullopt, *id,
                                "qemu+ssh://kvm01/system?a=b"};
    CHECK(to_text(of_disk) == "iotune vda live:" + mark.text() + rest);
    CHECK(to_text(of_memory) == "memtune config" + rest);
    for (const setting_key &key : {of_disk, of_memory}) {
        const auto back = parse_setting_key(to_text(key));
        REQUIRE(back);
        CHECK(*back == key);
    }
    for (const std::string &text :
         {std::string(), "memtune" + rest, "memtune vda config" + rest, "iotune config" + rest,
          "memtune live:x" + rest, "cputune vda config" + rest, "memtune live:7" + rest,
          "blkio config" + rest, "memtune never" + rest,
          std::string("memtune config c7a5 test:///default"), "iotune vda config" + rest + " x"}) {
        INFO(text);
        CHECK_FALSE(parse_setting_key(text));
    }
}

TEST_CASE("a plan of a run that another marked meanwhile is not applied") {
    libvirt::quiet_errors();
    const auto on = libvirt::connection::open("test:///default");
    REQUIRE(on);
    const auto of = libvirt::domain::lookup(*on, "test");
    REQUIRE(of);
    const domain_settings settings(
        [](const std::string &uri) { return libvirt::connection::open(uri); });
    tuning::plan plan;
    plan.changes.emplace_back();
    const auto mark = uuid::random();
    const auto &name = plan.changes[0].what.name =
        to_text(setting_key{setting_group::memtune, "", mark, of->id(), "test:///default"});
    CHECK(settings.read(name).value() == std::nullopt);
    REQUIRE(settings.mark_runs(plan));
    CHECK(settings.read(name).value());
    REQUIRE(settings.mark_runs(plan));
    REQUIRE(libvirt::mark_run(*of, uuid::random()));
    CHECK(settings.mark_runs(plan).error().kind == error_kind::conflict);
    CHECK(settings.read(name).value() == std::nullopt);
    CHECK_FALSE(settings.writable(name));
}

TEST_CASE("limits of a disk have one text for what means the same") {
    tuning::iotune io;
    io.group_name = "a [b] %c";
    CHECK_THAT(to_text(io), Catch::EndsWith(" group_name="));
    io[tuning::io_limit::total_iops] = {100, 200, 0};
    const std::string text = to_text(io);
    CHECK_THAT(text, Catch::Contains("total_iops_sec=100 total_iops_sec_max=200 "
                                     "total_iops_sec_max_length=1 ") &&
                         Catch::EndsWith(" group_name=a%20%5bb%5d%20%25c"));
    const auto back = parse_iotune(text + "\n");
    REQUIRE(back);
    CHECK(back->group_name == io.group_name);
    CHECK(to_text(*back) == text);
    io[tuning::io_limit::total_iops] = {100, 200, 1};
    CHECK(to_text(io) == text);
    io[tuning::io_limit::total_iops] = {100, 0, 9};
    CHECK_THAT(to_text(io), Catch::Contains("total_iops_sec_max_length=0"));
    for (const char *wrong : {"total_iops_sec", "total_iops_sec=x", "iops=1"}) {
        CHECK_FALSE(parse_iotune(wrong));
    }
}

TEST_CASE("limits of memory are told in KiB, none as unlimited") {
    tuning::memtune limits;
    limits.hard_limit = bytes::mib(2);
    const std::string text = "hard_limit=2048 soft_limit=unlimited swap_hard_limit=unlimited";
    CHECK(to_text(limits) == text);
    const auto back = parse_memtune(text);
    REQUIRE(back);
    CHECK(*back == limits);
    for (const char *wrong : {"hard_limit", "hard_limit=much", "harder_limit=1"}) {
        CHECK_FALSE(parse_memtune(wrong));
    }
}

TEST_CASE("pins and weights have one text each, which is read back") {
    const tuning::cpu_pins pins{.vcpus = {{0, tuning::cpu_set{0, 1, 2, 8}}, {1, std::nullopt}}};
    CHECK(to_text(pins) == "vcpu0=0-2,8 vcpu1=any emulator=any");
    CHECK(parse_cpu_pins(to_text(pins)).value() == pins);
    for (const char *wrong : {"vcpu0", "vcpu=1", "vcpux=1", "cpu0=1", "vcpu0=x", "vcpu0="}) {
        INFO(wrong);
        CHECK_FALSE(parse_cpu_pins(wrong));
    }
    const tuning::blkiotune weights{.weight = 500,
                                    .device_weight = {{"/dev/a b", 300}, {"/dev/sda", 200}},
                                    .device_write_bytes_sec = {{"/dev/sda", 1ULL << 40U}}};
    CHECK(to_text(weights) == "weight=500 device_weight=/dev/a%20b,300,/dev/sda,200 "
                              "device_read_iops_sec= device_write_iops_sec= device_read_bytes_sec= "
                              "device_write_bytes_sec=/dev/sda,1099511627776");
    CHECK(parse_blkiotune(to_text(weights)).value() == weights);
    CHECK(parse_blkiotune(to_text(tuning::blkiotune{})).value() == tuning::blkiotune{});
    for (const char *wrong :
         {"weight", "weight=x", "device_weight=sda,1", "wait=1", "device_read_iops_sec=/dev/sda"}) {
        INFO(wrong);
        CHECK_FALSE(parse_blkiotune(wrong));
    }
}
