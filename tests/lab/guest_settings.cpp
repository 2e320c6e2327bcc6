// SPDX-License-Identifier: MIT
#include <lab/guest/settings.hpp>
#include <support/catch.hpp>

#include <sstream>

using namespace kvmig;
using namespace kvmig::lab::guest;

namespace {

std::vector<std::string> words(const std::string &line) { return settings_on_command_line(line); }

guest_settings parsed(const std::string &line) {
    const auto settings = parse_settings(words(line));
    INFO(line);
    INFO((settings ? std::string{} : describe(settings.error())));
    REQUIRE(settings);
    return *settings;
}

} // namespace

TEST_CASE(
    "The guest's settings are those words of the kernel's command line that begin with kvmig.") {
    CHECK(words("").empty());
    CHECK(words("console=ttyS0 quiet root=/dev/kvmig.x").empty());
    CHECK(words("  kvmig.name=vm1\tquiet kvmig.shell\n") ==
          std::vector<std::string>{"name=vm1", "shell"});
}

TEST_CASE("Without a word the guest has its defaults") {
    CHECK(parsed("console=ttyS0 quiet") == guest_settings{});
}

TEST_CASE("Every setting is read") {
    const auto settings = parsed(
        "kvmig.name=vm-1.a kvmig.interface=ens3 kvmig.address=192.0.2.101/25 "
        "kvmig.probe=192.0.2.1:5000 kvmig.memory=96 kvmig.working_set=32 kvmig.rate=2000 "
        "kvmig.mode=page kvmig.period=8 kvmig.disk=/dev/vdb kvmig.disk_offset=1 kvmig.disk_size=2 "
        "kvmig.disk_rate=3 kvmig.heartbeat=20 kvmig.stall_period=0 kvmig.report=0 "
        "kvmig.control_port=1 kvmig.echo_port=65535 kvmig.shell=ttyS1 "
        "kvmig.boot_id=123e4567-e89b-42d3-a456-426614174000 kvmig.test_hooks");
    CHECK(settings.name == "vm-1.a");
    CHECK(settings.interface == "ens3");
    CHECK(settings.address == network_address{"192.0.2.101", 25, 0});
    CHECK(settings.probe == network_address{"192.0.2.1", 24, 5000});
    CHECK(settings.memory == bytes::mib(96));
    CHECK(settings.working_set == bytes::mib(32));
    CHECK(settings.rate == page_rate{2000});
    CHECK(settings.mode == write_mode::page);
    CHECK(settings.period == 8);
    CHECK(settings.disk == "/dev/vdb");
    CHECK(settings.disk_offset == bytes::mib(1));
    CHECK(settings.disk_size == bytes::mib(2));
    CHECK(settings.disk_rate == 3);
    CHECK(settings.heartbeat == std::chrono::milliseconds{20});
    CHECK(settings.stall_period == std::chrono::microseconds{0});
    CHECK(settings.report == std::chrono::seconds{0});
    CHECK(settings.control == 1);
    CHECK(settings.echo == 65535);
    CHECK(settings.shell == "ttyS1");
    CHECK(settings.boot_id->text() == "123e4567-e89b-42d3-a456-426614174000");
    CHECK(settings.test_hooks);

    // The same settings, written as a command line and read again.
    CHECK(parsed(command_line(settings)) == settings);
}

TEST_CASE("What has a default is written only where it differs") {
    CHECK(command_line({}).empty());
    guest_settings settings;
    settings.name = "vm1";
    settings.probe.host = "192.0.2.1";
    settings.probe.port = heartbeat_port;
    CHECK(command_line(settings) == "kvmig.name=vm1 kvmig.probe=192.0.2.1:4102");
}

TEST_CASE("The short forms mean what they say") {
    CHECK(parsed("kvmig.shell").shell == "ttyS0");
    CHECK(parsed("kvmig.probe=192.0.2.1").probe.port == heartbeat_port);
    CHECK(parsed("kvmig.address=192.0.2.101").address.prefix == 24);
    CHECK_FALSE(parsed("kvmig.test_hooks=0").test_hooks);
    // Little memory without a word about the working set is not a contradiction.
    CHECK(parsed("kvmig.memory=8").working_set == bytes::mib(8));
}

TEST_CASE("A setting that is not understood is an error that names it") {
    const std::string line = GENERATE(
        "kvmig.rates=1", "kvmig.rate", "kvmig.rate=", "kvmig.rate=-1", "kvmig.rate=1x",
        "kvmig.rate=99999999999999999999", "kvmig.name=", "kvmig.name=a/b",
        "kvmig.name=123456789012345678901234567890123", "kvmig.interface=abcdefghijklmnop",
        "kvmig.address=192.0.2", "kvmig.address=192.0.2.1/33", "kvmig.address=host/24",
        "kvmig.probe=192.0.2.1:0", "kvmig.probe=192.0.2.1:65536", "kvmig.probe=:4102",
        "kvmig.mode=pages", "kvmig.period=0", "kvmig.period=513", "kvmig.disk=vda",
        "kvmig.memory=1.5", "kvmig.heartbeat=0", "kvmig.echo_port=70000", "kvmig.shell=/dev/ttyS0",
        "kvmig.boot_id=1", "kvmig.test_hooks=yes", "kvmig.working_set=65");
    const auto settings = parse_settings(words(line));
    INFO(line);
    REQUIRE_FALSE(settings);
    CHECK(settings.error().kind == error_kind::invalid_argument);
    CHECK(settings.error().object.rfind(line.substr(0, line.find('=')), 0) == 0);
    CHECK_FALSE(settings.error().remedy.empty());
}
