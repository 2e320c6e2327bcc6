// SPDX-License-Identifier: MIT
#include <kvmig/xml/domain_capabilities.hpp>
#include <support/catch.hpp>

using namespace kvmig;
using texts = std::vector<std::string>;

TEST_CASE("what a host offers to a domain is read") {
    const auto read = xml::parse_domain_capabilities(R"(<domainCapabilities>
  <path>/usr/bin/qemu-system-x86_64</path>
  <os supported='yes'>
    <loader supported='yes'>
      <value>/usr/share/OVMF/OVMF_CODE_4M.fd</value>
      <enum name='type'><value>rom</value><value>pflash</value></enum>
    </loader>
  </os>
  <cpu>
    <mode name='host-passthrough' supported='yes'/>
    <mode name='maximum' supported='no'/>
    <mode name='host-model' supported='yes'><model fallback='forbid'>EPYC</model></mode>
    <mode name='custom' supported='yes'>
      <model usable='yes' vendor='AMD'>EPYC</model>
      <model usable='no' vendor='Intel'>Broadwell</model>
      <model usable='unknown'>future</model>
    </mode>
  </cpu>
  <devices>
    <disk supported='yes'><enum name='bus'><value>virtio</value></enum></disk>
    <tpm supported='yes'>
      <enum name='model'><value>tpm-crb</value></enum>
      <enum name='backendModel'><value>passthrough</value><value>emulator</value></enum>
    </tpm>
  </devices>
</domainCapabilities>)");
    REQUIRE(read);
    CHECK(read->cpu_modes == texts{"host-passthrough", "host-model", "custom"});
    CHECK(read->cpu_models == texts{"EPYC", "future"});
    CHECK(read->loaders == texts{"/usr/share/OVMF/OVMF_CODE_4M.fd"});
    CHECK(read->tpm_backends == texts{"passthrough", "emulator"});
}

TEST_CASE("a host that offers nothing leaves nothing, and other XML is refused") {
    const auto bare = xml::parse_domain_capabilities("<domainCapabilities/>");
    REQUIRE(bare);
    CHECK(*bare == model::domain_capabilities{});
    CHECK_FALSE(xml::parse_domain_capabilities("<capabilities/>"));
    const auto nameless = xml::parse_domain_capabilities(
        "<domainCapabilities><cpu><mode supported='yes'/></cpu></domainCapabilities>");
    REQUIRE_FALSE(nameless);
    CHECK(nameless.error().what == "the attribute name is missing at /domainCapabilities/cpu/mode, "
                                   "line 1");
}
