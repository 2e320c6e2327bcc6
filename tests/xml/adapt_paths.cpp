// SPDX-License-Identifier: MIT
#include <kvmig/xml/adapt_paths.hpp>
#include <kvmig/xml/domain.hpp>
#include <support/catch.hpp>

#include <string>

using namespace kvmig;

namespace {

const std::string definition = R"(<domain type='kvm'>
  <name>/old/name</name>
  <memory>1024</memory>
  <os><type>hvm</type><kernel>/old/k</kernel><loader> /old/l </loader>
    <nvram template='/usr/t'>/old/n.fd</nvram></os>
  <devices>
    <emulator>/usr/bin/kvm</emulator>
    <disk type='file' device='disk'><source file='/old/a &amp; b.qcow2'/>
      <backingStore type='file'><format type='raw'/><source file='/old/base.raw'/></backingStore>
      <target dev='vda'/></disk>
    <disk type='block'><source dev='/dev/old/one'/><target dev='vdb'/></disk>
    <interface type='direct'><source dev='eth0' mode='bridge'/></interface>
    <serial type='file'><source path='/old/console.log'/></serial>
  </devices>
</domain>)";

} // namespace

TEST_CASE("a definition's paths are adapted by rule, and nothing else") {
    const auto text = xml::with_paths(definition, {{"/old", "/new"}, {"/dev/old", "/dev/new"}});
    REQUIRE(text);
    const auto guest = xml::parse_domain(*text);
    REQUIRE(guest);
    CHECK(guest->name == "/old/name");
    CHECK(guest->loader == "/new/l");
    CHECK(guest->nvram == "/new/n.fd");
    CHECK(guest->emulator == "/usr/bin/kvm");
    REQUIRE(guest->disks.size() == 2);
    CHECK(guest->disks[0].source.path == "/new/a & b.qcow2");
    CHECK(guest->disks[0].backing.at(0).path == "/new/base.raw");
    CHECK(guest->disks[1].source.path == "/dev/new/one");
    CHECK(guest->interfaces.at(0).source == "eth0");
    CHECK_THAT(*text, Catch::Contains("<kernel>/new/k</kernel>") &&
                          Catch::Contains("path=\"/new/console.log\"") &&
                          Catch::Contains("template=\"/usr/t\""));
}

TEST_CASE("without rules a definition stays as it is, to the letter") {
    CHECK(xml::with_paths(definition, {}) == definition);
    const auto bad = xml::with_paths("<network/>", {{"/a", "/b"}});
    REQUIRE_FALSE(bad);
    CHECK(bad.error().kind == error_kind::protocol);
}
