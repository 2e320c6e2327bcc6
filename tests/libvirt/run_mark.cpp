// SPDX-License-Identifier: MIT
#include <kvmig/libvirt/run_mark.hpp>
#include <support/catch.hpp>
#include <support/node.hpp>

#include <string>

using namespace kvmig;

TEST_CASE("a run bears its mark until it ends, and the definition never does") {
    const auto on = test::node();
    const auto of = libvirt::domain::define(
        on, "<domain type='test'><name>marked</name><memory unit='MiB'>64</memory>"
            "<os><type>hvm</type></os></domain>");
    REQUIRE(of);
    const uuid mark = uuid::random();
    CHECK(libvirt::read_run_mark(*of).value() == std::nullopt);
    CHECK_FALSE(libvirt::mark_run(*of, mark));
    REQUIRE(of->start());
    CHECK(libvirt::read_run_mark(*of).value() == std::nullopt);
    REQUIRE(libvirt::mark_run(*of, mark));
    CHECK(libvirt::read_run_mark(*of).value() == mark);
    const auto kept = of->xml(VIR_DOMAIN_XML_INACTIVE);
    REQUIRE(kept);
    CHECK(kept->find(libvirt::run_namespace) == std::string::npos);
    REQUIRE(of->destroy());
    CHECK(libvirt::read_run_mark(*of).value() == std::nullopt);
    REQUIRE(of->start());
    CHECK(libvirt::read_run_mark(*of).value() == std::nullopt);
    // What somebody else wrote there is no mark.
    REQUIRE(virDomainSetMetadata(of->raw(), VIR_DOMAIN_METADATA_ELEMENT, "<run id='1'/>", "kvmig",
                                 libvirt::run_namespace, VIR_DOMAIN_AFFECT_LIVE) == 0);
    CHECK_FALSE(libvirt::read_run_mark(*of));
    REQUIRE(of->destroy());
    REQUIRE(of->undefine());
}
