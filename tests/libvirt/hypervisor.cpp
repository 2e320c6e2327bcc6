// SPDX-License-Identifier: MIT
// Against libvirt's own test driver.
#include <kvmig/libvirt/hypervisor.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <fstream>

using namespace kvmig;

TEST_CASE("the port tells who the host is") {
    libvirt::quiet_errors();
    const auto on = libvirt::connection::open("test:///default");
    REQUIRE(on);
    libvirt::hypervisor port(*on);
    const auto host = port.host();
    REQUIRE(host);
    CHECK(host->hostname == on->hostname());
    CHECK(host->uri == "test:///default");
    CHECK(host->driver == "TEST");
    CHECK(host->libvirt == model::version::from_number(LIBVIR_VERSION_NUMBER));
    CHECK_FALSE(host->uuid); // the test driver tells none
    libvirt::hypervisor same(*on);
    CHECK(port.same_connection(same));
    const auto again = libvirt::connection::open("test:///default");
    REQUIRE(again);
    CHECK_FALSE(port.same_connection(libvirt::hypervisor(*again)));
}

TEST_CASE("the port tells a domain's status, or that there is none") {
    const auto on = libvirt::connection::open("test:///default");
    REQUIRE(on);
    libvirt::hypervisor port(*on);
    const auto known = port.status(libvirt::domain::lookup(*on, "test")->id());
    REQUIRE(known);
    REQUIRE(*known);
    CHECK((**known).state == model::domain_state::running);
    const auto unknown = port.status(uuid::random());
    REQUIRE(unknown);
    CHECK_FALSE(*unknown);
}

TEST_CASE("the port hands libvirt's refusals on") {
    const auto on = libvirt::connection::open("test:///default");
    REQUIRE(on);
    libvirt::hypervisor port(*on);
    const uuid id = libvirt::domain::lookup(*on, "test")->id();
    for (const auto &kind :
         {port.abort_job(id).error().kind, port.start_postcopy(id).error().kind,
          port.set_max_speed(id, byte_rate::mib(1)).error().kind,
          port.set_max_downtime(id, std::chrono::milliseconds(1)).error().kind}) {
        CHECK(kind != error_kind::not_found);
    }
    const uuid nobody = uuid::random();
    CHECK(port.abort_job(nobody).error().kind == error_kind::not_found);
    CHECK(port.job(nobody).error().kind == error_kind::not_found);
    CHECK(port.completed_job(nobody).error().kind == error_kind::not_found);
    CHECK(port.migrate(nobody, port, {}).error().kind == error_kind::not_found);
}

TEST_CASE("an image is removed, and one that is gone is no error") {
    libvirt::quiet_errors();
    const auto on = libvirt::connection::open("test:///default");
    REQUIRE(on);
    const auto pool = libvirt::storage_pool::lookup(*on, "default-pool");
    REQUIRE(pool);
    REQUIRE(pool->create_volume("<volume><name>made.raw</name><capacity>4096</capacity>"
                                "<allocation>0</allocation></volume>"));
    const libvirt::hypervisor host(*on);
    REQUIRE(host.image("/default-pool/made.raw"));
    CHECK(*host.image("/default-pool/made.raw"));
    CHECK(host.remove_image("/default-pool/made.raw"));
    CHECK_FALSE(*host.image("/default-pool/made.raw"));
    CHECK(host.remove_image("/default-pool/made.raw"));
}

TEST_CASE("a guest is shut down, undefined, and defined again from its definition") {
    libvirt::quiet_errors();
    const auto here = libvirt::connection::open("test:///default");
    REQUIRE(here);
    const auto guest = libvirt::domain::lookup(*here, "test");
    REQUIRE(guest);
    const libvirt::hypervisor host(*here);
    const auto text = host.definition(guest->id());
    REQUIRE(text);
    CHECK_THAT(*text, Catch::Contains(guest->id().text()));
    const auto named = host.named("test");
    REQUIRE(named);
    CHECK(*named == guest->id());
    const auto nobody = host.named("nobody");
    REQUIRE(nobody);
    CHECK_FALSE(*nobody);
    REQUIRE(host.shut_down(guest->id()));
    CHECK_FALSE((*host.status(guest->id()))->active);
    REQUIRE(host.undefine(guest->id()));
    CHECK_FALSE(*host.status(guest->id()));
    REQUIRE(host.define(*text));
    CHECK((*host.status(guest->id()))->persistent);
}

TEST_CASE("a guest's memory is saved, gone on from, and forgotten") {
    libvirt::quiet_errors();
    const auto here = libvirt::connection::open("test:///default");
    REQUIRE(here);
    const auto guest = libvirt::domain::lookup(*here, "test");
    REQUIRE(guest);
    const libvirt::hypervisor host(*here);
    REQUIRE(host.save(guest->id()));
    CHECK_FALSE((*host.status(guest->id()))->active);
    CHECK((*host.status(guest->id()))->reason_text == "saved");
    REQUIRE(host.start(guest->id()));
    CHECK((*host.status(guest->id()))->active);
    CHECK_FALSE(*guest->has_managed_save());
    REQUIRE(host.save(guest->id()));
    CHECK(*guest->has_managed_save());
    REQUIRE(host.forget_saved(guest->id()));
    CHECK_FALSE(*guest->has_managed_save());
    CHECK(host.forget_saved(guest->id()));
}

TEST_CASE("the port tells what devices there are, and hands refusals on") {
    libvirt::quiet_errors();
    const auto on = libvirt::connection::open("test:///default");
    REQUIRE(on);
    libvirt::hypervisor port(*on);
    const uuid id = libvirt::domain::lookup(*on, "test")->id();
    const auto live = port.live_definition(id);
    REQUIRE(live);
    CHECK_THAT(*live, Catch::Contains("<name>test</name>"));
    // The test driver's host has no PCI device.
    const auto none = port.pci_device({0, 0, 5, 0});
    REQUIRE(none);
    CHECK_FALSE(*none);
    const std::string device = "<hostdev mode='subsystem' type='pci'><source>"
                               "<address bus='6'/></source></hostdev>";
    CHECK_FALSE(port.detach_device(id, device));
    CHECK_FALSE(port.attach_device(id, device));
    const uuid nobody = uuid::random();
    CHECK(port.live_definition(nobody).error().kind == error_kind::not_found);
    CHECK(port.detach_device(nobody, device).error().kind == error_kind::not_found);
    CHECK(port.attach_device(nobody, device).error().kind == error_kind::not_found);
}

TEST_CASE("a PCI device of the host is told with its kind") {
    libvirt::quiet_errors();
    const test::temporary_directory at;
    const auto file = at.path() / "node.xml";
    std::ofstream(file) << "<node><device><name>pci_0000_06_12_5</name><parent>computer</parent>"
                           "<capability type='pci'><domain>0</domain><bus>6</bus><slot>18</slot>"
                           "<function>5</function><product id='0x1521'>I350</product>"
                           "<vendor id='0x8086'/><iommuGroup number='19'>"
                           "<address domain='0' bus='6' slot='18' function='5'/></iommuGroup>"
                           "</capability></device>"
                           "</node>";
    const auto on = libvirt::connection::open("test://" + file.string());
    REQUIRE(on);
    const auto told = libvirt::hypervisor(*on).pci_device({0, 6, 0x12, 5});
    REQUIRE(told);
    REQUIRE(*told);
    CHECK(**told == model::pci_device{{0, 6, 0x12, 5}, "0x8086", "0x1521", "I350", 19U});
}
