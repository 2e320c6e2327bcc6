// SPDX-License-Identifier: MIT
#include <kvmig/xml/pci_address.hpp>
#include <support/catch.hpp>

#include <string>

using namespace kvmig;

namespace {

// As `virsh nodedev-dumpxml pci_0000_06_12_5` of libvirt 9.0 tells it.
const std::string ethernet = R"(<device>
  <name>pci_0000_06_12_5</name>
  <path>/sys/devices/pci0000:00/0000:00:1c.4/0000:06:12.5</path>
  <parent>pci_0000_00_1c_4</parent>
  <driver>
    <name>igb</name>
  </driver>
  <capability type='pci'>
    <class>0x020000</class>
    <domain>0</domain>
    <bus>6</bus>
    <slot>18</slot>
    <function>5</function>
    <product id='0x1521'>I350 Gigabit Network Connection</product>
    <vendor id='0x8086'>Intel Corporation</vendor>
    <capability type='virt_functions' maxCount='7'/>
    <iommuGroup number='19'>
      <address domain='0x0000' bus='0x06' slot='0x12' function='0x5'/>
    </iommuGroup>
  </capability>
</device>)";

} // namespace

TEST_CASE("a node device tells what PCI device a host has") {
    const auto told = xml::parse_pci_device(ethernet);
    REQUIRE(told);
    CHECK(told->address == model::pci_address{0, 6, 18, 5});
    CHECK(told->vendor == "0x8086");
    CHECK(told->product == "0x1521");
    CHECK(told->name == "I350 Gigabit Network Connection, Intel Corporation");
    CHECK(told->iommu_group == 19U);
}

TEST_CASE("a device of which the host knows neither names nor a group is one all the same") {
    const auto told = xml::parse_pci_device(
        "<device><capability type='pci'><domain>1</domain><bus>0</bus><slot>5</slot>"
        "<function>0</function><product id='0x0001'/><vendor id='0x1af4'/></capability></device>");
    REQUIRE(told);
    CHECK(told->address.text() == "0001:00:05.0");
    CHECK(told->vendor == "0x1af4");
    CHECK(told->name.empty());
    CHECK_FALSE(told->iommu_group);
}

TEST_CASE("XML of what is no PCI device is refused with its place") {
    for (const char *text :
         {"<device><capability type='net'/></device>", "<device/>", "<domain/>", "nothing",
          "<device><capability type='pci'><domain>0</domain><bus>0</bus></capability></device>",
          "<device><capability type='pci'><domain>0</domain><bus>x</bus><slot>0</slot>"
          "<function>0</function></capability></device>"}) {
        INFO(text);
        const auto told = xml::parse_pci_device(text);
        REQUIRE_FALSE(told);
        CHECK(told.error().kind == error_kind::invalid_argument);
    }
}
