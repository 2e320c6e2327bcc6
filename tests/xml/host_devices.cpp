// SPDX-License-Identifier: MIT
#include <kvmig/xml/host_devices.hpp>
#include <support/catch.hpp>

#include <pugixml.hpp>
#include <string>
#include <vector>

using namespace kvmig;
using model::pci_address;

namespace {

std::string domain_with(const std::string &devices) {
    return "<domain type='kvm'><name>vm1</name><memory>1024</memory><devices>" + devices +
           "</devices></domain>";
}

const std::string plain = R"(<hostdev mode='subsystem' type='pci' managed='yes'>
      <driver name='vfio'/>
      <source>
        <address domain='0x0000' bus='0x06' slot='0x12' function='0x5'/>
      </source>
      <alias name='hostdev0'/>
      <rom bar='off'/>
      <address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x0'/>
    </hostdev>)";

const std::string card = R"(<interface type='hostdev' managed='yes'>
      <mac address='52:54:00:6d:90:02'/>
      <driver name='vfio'/>
      <source>
        <address type='pci' domain='0x0000' bus='0x03' slot='0x10' function='0x1'/>
      </source>
      <vlan><tag id='42'/></vlan>
      <alias name='ua-fast'/>
      <address type='pci' domain='0x0000' bus='0x07' slot='0x00' function='0x0'/>
    </interface>)";

// None of these is libvirt's concern, or they move in other ways.
const std::string others = R"(
    <hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source></hostdev>
    <hostdev mode='subsystem' type='mdev' model='vfio-pci'>
      <source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>
    <hostdev mode='capabilities' type='net'><source><interface>eth0</interface></source></hostdev>
    <hostdev mode='subsystem' type='pci'><source>
      <address domain='0x0000' bus='0x06' slot='0x13' function='0x0'/></source>
      <teaming type='transient' persistent='ua-team'/></hostdev>
    <interface type='hostdev'><source>
      <address type='pci' domain='0x0000' bus='0x06' slot='0x14' function='0x0'/></source>
      <teaming type='transient' persistent='ua-team'/></interface>
    <interface type='network'><source network='default'/>
      <teaming type='persistent'/><alias name='ua-team'/></interface>
    <disk type='file'><target dev='vda'/></disk>)";

/// The text of `xpath` in the element.
std::string at(const std::string &xml, const char *xpath) {
    pugi::xml_document doc;
    REQUIRE(doc.load_string(xml.c_str()));
    const pugi::xpath_node found = doc.select_node(xpath);
    return found.attribute() ? found.attribute().value() : found.node().name();
}

} // namespace

TEST_CASE("the devices that libvirt refuses to migrate are found, and no others") {
    const auto found = xml::host_devices(domain_with(others + plain + others + card));
    REQUIRE(found);
    REQUIRE(found->size() == 2);
    CHECK((*found)[0].address == pci_address{0, 6, 0x12, 5});
    CHECK((*found)[1].address == pci_address{0, 3, 0x10, 1});
    CHECK(xml::host_devices(domain_with(others))->empty());
    CHECK(xml::host_devices("<domain/>")->empty());
}

TEST_CASE("a device is detached by the element that the domain has") {
    const auto found = xml::host_devices(domain_with(plain));
    REQUIRE(found);
    pugi::xml_document wanted;
    REQUIRE(wanted.load_string(plain.c_str()));
    pugi::xml_document got;
    REQUIRE(got.load_string((*found)[0].xml.c_str()));
    CHECK(xml::text_of(got) == xml::text_of(wanted));
}

TEST_CASE("a device is attached with another address of the host, and the same of the guest") {
    const auto found = xml::host_devices(domain_with(plain));
    REQUIRE(found);
    const auto there = xml::attachable((*found)[0].xml, {0x10000, 0xa0, 0x1f, 7});
    REQUIRE(there);
    CHECK(at(*there, "/hostdev/source/address/@domain") == "0x10000");
    CHECK(at(*there, "/hostdev/source/address/@bus") == "0xa0");
    CHECK(at(*there, "/hostdev/source/address/@slot") == "0x1f");
    CHECK(at(*there, "/hostdev/source/address/@function") == "0x7");
    CHECK(at(*there, "/hostdev/address/@bus") == "0x05");
    CHECK(at(*there, "/hostdev/address/@slot") == "0x00");
    CHECK(at(*there, "/hostdev/driver/@name") == "vfio");
    CHECK(at(*there, "/hostdev/rom/@bar") == "off");
    CHECK(at(*there, "/hostdev/@managed") == "yes");
    CHECK(at(*there, "/hostdev/alias").empty());
    CHECK(there->find('\n') == std::string::npos);

    const auto back = xml::attachable((*found)[0].xml, (*found)[0].address);
    REQUIRE(back);
    CHECK(at(*back, "/hostdev/source/address/@bus") == "0x06");
    CHECK(at(*back, "/hostdev/alias").empty());
}

TEST_CASE("a network card keeps its MAC, VLAN and the name that its user gave it") {
    const auto found = xml::host_devices(domain_with(card));
    REQUIRE(found);
    const auto there = xml::attachable((*found)[0].xml, {0, 4, 0, 0});
    REQUIRE(there);
    CHECK(at(*there, "/interface/mac/@address") == "52:54:00:6d:90:02");
    CHECK(at(*there, "/interface/vlan/tag/@id") == "42");
    CHECK(at(*there, "/interface/alias/@name") == "ua-fast");
    CHECK(at(*there, "/interface/source/address/@type") == "pci");
    CHECK(at(*there, "/interface/source/address/@bus") == "0x04");
    CHECK(at(*there, "/interface/source/address/@slot") == "0x00");
    CHECK(at(*there, "/interface/address/@bus") == "0x07");
}

TEST_CASE("parts of an address that are left out are 0") {
    const auto found = xml::host_devices(
        domain_with("<hostdev type='pci'><source><address bus='6' slot='18'/></source></hostdev>"));
    REQUIRE(found);
    CHECK(found->at(0).address == pci_address{0, 6, 18, 0});
    const auto there = xml::attachable(found->at(0).xml, {1, 2, 3, 4});
    REQUIRE(there);
    CHECK(at(*there, "/hostdev/source/address/@domain") == "0x0001");
    CHECK(at(*there, "/hostdev/source/address/@function") == "0x4");
}

TEST_CASE("an address that is none is refused with its place") {
    const auto [source, wanted] = GENERATE(table<std::string, std::string>(
        {{"", "address is missing"},
         {"<source/>", "address is missing"},
         {"<source><address slot='0x20'/></source>", "there is no PCI slot '0x20'"},
         {"<source><address bus='256'/></source>", "there is no PCI bus '256'"},
         {"<source><address function='8'/></source>", "there is no PCI function '8'"},
         {"<source><address domain='x'/></source>", "'x' is no whole number"}}));
    const auto found =
        xml::host_devices(domain_with("<hostdev type='pci'>" + source + "</hostdev>"));
    REQUIRE_FALSE(found);
    CHECK(found.error().kind == error_kind::invalid_argument);
    CHECK_THAT(found.error().what,
               Catch::Contains(wanted) && Catch::Contains("/domain/devices/hostdev"));
    CHECK_FALSE(xml::host_devices("<network/>"));
}

TEST_CASE("what is no such element is not attached") {
    for (const char *text :
         {"", "<disk/>", "<hostdev type='usb'><source><address/></source></hostdev>",
          "<hostdev type='pci'/>", "no XML"}) {
        INFO(text);
        const auto told = xml::attachable(text, {});
        REQUIRE_FALSE(told);
        CHECK(told.error().kind == error_kind::invalid_argument);
    }
}

TEST_CASE("a definition for another host names that host's devices") {
    const std::string text = domain_with(plain + others + card);
    const pci_address first{0, 6, 0x12, 5};
    const pci_address second{0, 3, 0x10, 1};
    const auto moved = xml::with_host_devices(text, {{first, pci_address{0, 1, 2, 3}}});
    REQUIRE(moved);
    const auto there = xml::host_devices(*moved);
    REQUIRE(there);
    REQUIRE(there->size() == 2);
    CHECK((*there)[0].address == pci_address{0, 1, 2, 3});
    CHECK((*there)[1].address == second);
    CHECK(at(*moved, "/domain/devices/hostdev/alias/@name") == "hostdev0");

    const auto without = xml::with_host_devices(text, {{first, {}}, {second, {}}});
    REQUIRE(without);
    CHECK(xml::host_devices(*without)->empty());
    CHECK(at(*without, "/domain/devices/disk/target/@dev") == "vda");
    CHECK_THAT(*without, Catch::Contains("ua-team") && Catch::Contains("0x13"));

    CHECK_FALSE(xml::with_host_devices("<network/>", {}));
}
