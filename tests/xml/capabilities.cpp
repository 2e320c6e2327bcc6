// SPDX-License-Identifier: MIT
#include <kvmig/xml/capabilities.hpp>
#include <support/catch.hpp>

using namespace kvmig;

TEST_CASE("a host's capabilities are read") {
    const auto read = xml::parse_capabilities(R"(<capabilities>
  <host>
    <uuid>4c4c4544-0000-2010-8020-80c04f202020</uuid>
    <cpu>
      <arch>x86_64</arch>
      <model>EPYC</model>
      <vendor>AMD</vendor>
    </cpu>
    <migration_features>
      <live/>
      <uri_transports>
        <uri_transport>tcp</uri_transport>
        <uri_transport>rdma</uri_transport>
      </uri_transports>
    </migration_features>
  </host>
</capabilities>)");
    REQUIRE(read);
    REQUIRE(read->host_uuid);
    CHECK(read->host_uuid->text() == "4c4c4544-0000-2010-8020-80c04f202020");
    CHECK(read->arch == "x86_64");
    CHECK(read->cpu_model == "EPYC");
    CHECK(read->cpu_vendor == "AMD");
    CHECK(read->live_migration);
    CHECK(read->migration_transports == std::vector<std::string>{"tcp", "rdma"});
}

TEST_CASE("a driver that tells little leaves little") {
    const auto read =
        xml::parse_capabilities("<capabilities><host><cpu><arch>i686</arch></cpu></host>"
                                "</capabilities>");
    REQUIRE(read);
    CHECK_FALSE(read->host_uuid);
    CHECK_FALSE(read->live_migration);
    CHECK(read->migration_transports.empty());
}

TEST_CASE("capabilities without a host are refused") {
    const auto none = xml::parse_capabilities("<capabilities/>");
    REQUIRE_FALSE(none);
    CHECK(none.error().what == "<host> is missing at /capabilities, line 1");
    const auto bad = xml::parse_capabilities("<capabilities>\n<host>\n<uuid>z</uuid></host>"
                                             "</capabilities>");
    REQUIRE_FALSE(bad);
    CHECK(bad.error().what == "'z' is not a UUID at /capabilities/host/uuid, line 3");
}
