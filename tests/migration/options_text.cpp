// SPDX-License-Identifier: MIT
#include <kvmig/migration/options_text.hpp>
#include <support/catch.hpp>

#include <string>

using namespace kvmig;
using namespace kvmig::migration;

TEST_CASE("options are read back as they were written") {
    options all;
    for (unsigned i = 0; i < flag_names.size(); ++i) all.flags.set(static_cast<flag>(1U << i));
    all.direct = true;
    all.destination_uri = "qemu+ssh://kvm02/system";
    all.migrate_uri = "tcp://kvm02:49152";
    all.destination_name = "vm=2";
    all.destination_xml = "<domain>\n  <name>a\\nb</name>\n</domain>\n";
    all.persistent_xml = "";
    all.bandwidth = byte_rate::mib(20);
    all.postcopy_bandwidth = byte_rate::mib(21);
    all.graphics_uri = "vnc://kvm02";
    all.listen_address = "::";
    all.migrate_disks = {"vda", "vdb"};
    all.disks_port = 49153;
    all.disks_uri = "tcp://kvm02";
    all.compression = {"xbzrle", "mt"};
    all.compression_mt_level = 1;
    all.compression_mt_threads = 2;
    all.compression_mt_dthreads = 3;
    all.compression_xbzrle_cache = bytes::mib(64);
    all.auto_converge_initial = 20;
    all.auto_converge_increment = 10;
    all.parallel_connections = 4;
    all.tls_destination = "kvm02.example";
    all.compression_zlib_level = 5;
    all.compression_zstd_level = -1;
    all.migrate_disks_detect_zeroes = {"vda"};
    all.bandwidth_avail_switchover = byte_rate::mib(22);
    all.host_devices.set_aside = true;
    all.host_devices.at_destination = {{{0, 0, 5, 0}, {0, 0, 6, 0}},
                                       {{0, 6, 0x12, 5}, {1, 2, 3, 4}}};
    const auto read = options_from_text(to_text(all));
    REQUIRE(read);
    CHECK(*read == all);

    CHECK(to_text(options{}) == "flags=live");
    CHECK(*options_from_text(to_text(options{})) == options{});
    const options none{.flags = {}};
    CHECK(*options_from_text(to_text(none)) == none);
}

TEST_CASE("the host's devices are named by their addresses") {
    options o;
    o.host_devices.set_aside = true;
    o.host_devices.at_destination = {{{0, 0, 5, 0}, {0, 0, 6, 0}}};
    CHECK(to_text(o) == "flags=live\nhost_devices.set_aside=yes\n"
                        "host_devices.at_destination=0000:00:05.0=0000:00:06.0");
    const auto pair = parse_device_pair("pci_0000_00_05_0=0000:00:06.0");
    REQUIRE(pair);
    CHECK(*pair == o.host_devices.at_destination.front());
    for (const char *text : {"0000:00:05.0", "0000:00:05.0=", "=0000:00:05.0", "a=b"}) {
        INFO(text);
        REQUIRE_FALSE(parse_device_pair(text));
        CHECK(parse_device_pair(text).error().kind == error_kind::invalid_argument);
    }
}

TEST_CASE("a line that does not fit is named") {
    for (const char *line :
         {"flags=live, fast", "flags", "speed=1", "disks_port=many", "disks_port=1x",
          "bandwidth=-1", "direct=no", "host_devices.set_aside=no",
          "host_devices.at_destination=0000:00:05.0"}) {
        INFO(line);
        const auto read = options_from_text(std::string("flags=live\n") + line);
        REQUIRE_FALSE(read);
        CHECK(read.error().kind == error_kind::protocol);
        CHECK_THAT(read.error().what, Catch::Contains("'" + std::string(line) + "'"));
    }
}
