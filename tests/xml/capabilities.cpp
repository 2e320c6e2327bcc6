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

TEST_CASE("guests, security drivers, page sizes and cells are read") {
    const auto read = xml::parse_capabilities(R"(<capabilities>
  <host>
    <cpu>
      <pages unit='KiB' size='4'/>
      <pages unit='MiB' size='2'/>
    </cpu>
    <topology><cells num='2'><cell id='0'/><cell id='1'/></cells></topology>
    <secmodel><model>apparmor</model><doi>0</doi></secmodel>
    <secmodel><model>dac</model><doi>0</doi></secmodel>
  </host>
  <guest>
    <os_type>hvm</os_type>
    <arch name='x86_64'>
      <emulator>/usr/bin/qemu-system-x86_64</emulator>
      <machine maxCpus='288'>pc-q35-7.2</machine>
      <machine canonical='pc-q35-7.2' maxCpus='288'>q35</machine>
      <domain type='qemu'/>
      <domain type='kvm'><machine>pc-special</machine></domain>
    </arch>
  </guest>
</capabilities>)");
    REQUIRE(read);
    CHECK(read->page_sizes == std::vector{bytes::kib(4), bytes::mib(2)});
    CHECK(read->numa_cells == 2);
    CHECK(read->security_models == std::vector<std::string>{"apparmor", "dac"});
    REQUIRE(read->guests.size() == 1);
    const model::guest_support &guest = read->guests.front();
    CHECK(guest.os_type == "hvm");
    CHECK(guest.arch == "x86_64");
    CHECK(guest.emulator == "/usr/bin/qemu-system-x86_64");
    CHECK(guest.types == std::vector<std::string>{"qemu", "kvm"});
    CHECK(guest.machines ==
          std::vector<model::machine_type>{{"pc-q35-7.2", 288}, {"q35", 288}, {"pc-special", 0}});
}

TEST_CASE("a number that is none is named in capabilities") {
    const auto failure = [](const std::string &inside) {
        const auto read = xml::parse_capabilities("<capabilities>" + inside + "</capabilities>");
        REQUIRE_FALSE(read);
        return read.error().what;
    };
    CHECK_THAT(failure("<host/><guest><arch><machine maxCpus='x'>q</machine></arch></guest>"),
               Catch::StartsWith("'x' is no whole number at /capabilities/guest/arch/machine"));
    CHECK_THAT(failure("<host><cpu><pages size='x'/></cpu></host>"),
               Catch::StartsWith("'x' is no whole number at /capabilities/host/cpu/pages"));
    CHECK_THAT(failure("<host><topology><cells num='-1'/></topology></host>"),
               Catch::StartsWith("'-1' is no whole number at /capabilities/host/topology/cells"));
}
