// SPDX-License-Identifier: MIT
#include <lab/scenario/guest_domain.hpp>
#include <support/catch.hpp>

#include <kvmig/xml/domain.hpp>

using namespace kvmig;

TEST_CASE("a guest's disk is a file, a device, or on a server that QEMU itself reaches") {
    lab::guest_domain guest = lab::usual_guest();
    const auto disk = [&guest] {
        const auto domain = xml::parse_domain(lab::domain_xml(guest));
        if (!domain) FAIL(describe(domain.error()));
        REQUIRE(domain->disks.size() == 1);
        return domain->disks.front().source;
    };
    guest.disk = "/srv/images/vm1.qcow2";
    CHECK(disk().kind == model::source_kind::file);
    CHECK(disk().path == "/srv/images/vm1.qcow2");
    guest.disk_server = "nfs.lab";
    CHECK(disk().kind == model::source_kind::network);
    CHECK(disk().protocol == "nfs");
    CHECK(disk().path == "/srv/images/vm1.qcow2");
    CHECK(disk().format == "qcow2");
    REQUIRE(disk().hosts.size() == 1);
    CHECK(disk().hosts.front().name == "nfs.lab");
    guest.disk_server.clear();
    guest.disk = "/dev/lab/vm1";
    CHECK(disk().kind == model::source_kind::block);
}

TEST_CASE("a guest is handed a device of its host, and an interface may stand in for it") {
    lab::guest_domain guest = lab::usual_guest();
    guest.host_device = "0000:02:1f.7";
    const auto parsed = [&guest] {
        auto domain = xml::parse_domain(lab::domain_xml(guest));
        if (!domain) FAIL(describe(domain.error()));
        REQUIRE(domain->host_devices.size() == 1);
        REQUIRE(domain->interfaces.size() == 1);
        return *std::move(domain);
    };
    CHECK(parsed().host_devices.front() ==
          model::host_device{"subsystem", "pci", "0000:02:1f.7", ""});
    CHECK(parsed().interfaces.front().teaming.empty());
    guest.teaming = true;
    CHECK(parsed().host_devices.front().teaming == "transient");
    CHECK(parsed().interfaces.front().teaming == "persistent");
}

TEST_CASE("a guest has the limits of its memory, or none") {
    lab::guest_domain guest = lab::usual_guest();
    CHECK(lab::domain_xml(guest).find("memtune") == std::string::npos);
    guest.limits = {.hard_limit = bytes::mib(200), .soft_limit = bytes::mib(100)};
    const std::string xml = lab::domain_xml(guest);
    CHECK_THAT(xml, Catch::Contains("<hard_limit unit=\"b\">209715200</hard_limit>"));
    CHECK_THAT(xml, Catch::Contains("<soft_limit unit=\"b\">104857600</soft_limit>"));
}
