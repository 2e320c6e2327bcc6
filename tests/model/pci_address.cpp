// SPDX-License-Identifier: MIT
#include <kvmig/model/pci_address.hpp>
#include <support/catch.hpp>

#include <string>

using namespace kvmig;
using model::pci_address;

TEST_CASE("a PCI address is read in both forms and written in both") {
    const pci_address wanted{0, 6, 0x12, 5};
    CHECK(pci_address::parse("0000:06:12.5").value() == wanted);
    CHECK(pci_address::parse("pci_0000_06_12_5").value() == wanted);
    CHECK(wanted.text() == "0000:06:12.5");
    CHECK(wanted.node_name() == "pci_0000_06_12_5");
    // Devices behind a controller of Intel's are in domains beyond 16 bits.
    const pci_address far{0x10000, 0xff, 0x1f, 7};
    CHECK(far.text() == "10000:ff:1f.7");
    CHECK(pci_address::parse(far.text()).value() == far);
    CHECK(pci_address::parse(far.node_name()).value() == far);
    CHECK(pci_address{} < wanted);
}

TEST_CASE("what is no PCI address is refused by name") {
    for (const char *text : {"", "00:05.0", "0000:00:05", "0000:00:05.8", "0000:00:20.0",
                             "0000:000:05.0", "0000:00:05.0 ", "0000:00:5.0", "x000:00:05.0",
                             "pci_0000:00:05.0", "0000_00_05_0", "pci_0000_00_05.0",
                             "123456789:00:05.0", "0000:00:05.", "0000:00:05.00", "-000:00:05.0"}) {
        INFO(text);
        const auto read = pci_address::parse(text);
        REQUIRE_FALSE(read);
        CHECK(read.error().kind == error_kind::invalid_argument);
        CHECK_THAT(read.error().what, Catch::Contains("'" + std::string(text) + "'"));
    }
}

TEST_CASE("devices are of one kind where vendor and product say so") {
    const model::pci_device card{{}, "0x8086", "0x1521", "", {}};
    model::pci_device other = card;
    other.address.slot = 3;
    CHECK(card.same_kind(other));
    other.product = "0x1520";
    CHECK_FALSE(card.same_kind(other));
    other = card;
    other.vendor = "0x8087";
    CHECK_FALSE(card.same_kind(other));
    const model::pci_device silent;
    CHECK_FALSE(silent.same_kind(silent));
}
