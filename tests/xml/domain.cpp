// SPDX-License-Identifier: MIT
#include <kvmig/xml/domain.hpp>
#include <support/catch.hpp>

#include <string>

using namespace kvmig;

namespace {

/// A running KVM guest with one of everything that a migration looks at.
constexpr const char *running_guest = R"(<domain type='kvm' id='3'>
  <name>vm1</name>
  <uuid>C7A5FDBD-edaf-9455-926a-d65c16db1809</uuid>
  <memory unit='KiB'>1048576</memory>
  <currentMemory unit='MiB'>512</currentMemory>
  <memoryBacking>
    <hugepages><page size='2048' unit='KiB'/></hugepages>
  </memoryBacking>
  <vcpu placement='static' current='2'>4</vcpu>
  <os firmware='efi'>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>
    <nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>/var/lib/libvirt/qemu/nvram/vm1_VARS.fd</nvram>
  </os>
  <features>
    <acpi/>
    <apic/>
    <pmu state='off'/>
    <vmport state='on'/>
  </features>
  <cpu mode='custom' match='exact' check='full'>
    <model fallback='forbid'>EPYC</model>
  </cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none' discard='unmap'/>
      <source file='/srv/images/vm1 &amp; co.qcow2' index='3'/>
      <backingStore type='file' index='4'>
        <format type='qcow2'/>
        <source file='/srv/images/base.qcow2'/>
        <backingStore type='block' index='5'>
          <format type='raw'/>
          <source dev='/dev/vg/golden'/>
          <backingStore/>
        </backingStore>
      </backingStore>
      <target dev='vda' bus='virtio'/>
      <alias name='virtio-disk0'/>
    </disk>
    <disk type='block' device='disk'>
      <driver name='qemu' type='raw'/>
      <source dev='/dev/vg/data'/>
      <target dev='vdb' bus='virtio'/>
      <shareable/>
    </disk>
    <disk type='network' device='disk'>
      <driver name='qemu' type='raw'/>
      <source protocol='nfs' name='/export/images/vm1-data.raw'>
        <host name='nfs.example'/>
      </source>
      <target dev='vdc' bus='virtio'/>
    </disk>
    <disk type='network' device='disk'>
      <source protocol='rbd' name='pool/image'>
        <host name='mon1.example' port='6789'/>
        <host name='mon2.example' port='6789'/>
      </source>
      <target dev='vdd' bus='virtio'/>
    </disk>
    <disk type='network' device='disk'>
      <source protocol='nbd' name='x'>
        <host transport='unix' socket='/run/nbd.sock'/>
      </source>
      <target dev='vde'/>
    </disk>
    <disk type='volume' device='disk'>
      <source pool='images' volume='vm1-extra.qcow2'/>
      <target dev='vdf' bus='virtio'/>
      <transient/>
    </disk>
    <disk type='file' device='cdrom'>
      <target dev='sda' bus='sata'/>
      <readonly/>
    </disk>
    <disk type='file' device='floppy'>
      <source file=''/>
      <target dev='fda'/>
    </disk>
    <disk type='dir' device='disk'>
      <source dir='/srv/vvfat'/>
      <target dev='vdg'/>
    </disk>
    <disk type='vhostuser' device='disk'>
      <source type='unix' path='/run/vhost.sock'/>
      <target dev='vdh'/>
    </disk>
    <disk type='nvme' device='disk'>
      <source type='pci' managed='yes' namespace='1'/>
      <target dev='vdi'/>
    </disk>
    <disk type='hologram' device='disk'>
      <source thing='1'/>
      <target dev='vdj'/>
    </disk>
    <interface type='bridge'>
      <mac address='52:54:00:00:00:01'/>
      <source bridge='br0'/>
      <target dev='vnet0'/>
      <model type='virtio'/>
      <teaming type='persistent'/>
    </interface>
    <interface type='network'>
      <source network='default' portid='x' bridge='virbr0'/>
    </interface>
    <interface type='direct'>
      <source dev='eth1' mode='passthrough'/>
    </interface>
    <interface type='user'/>
    <interface type='vhostuser'>
      <source type='unix' path='/run/vhost-net.sock' mode='client'/>
    </interface>
    <interface type='bridge'>
      <source network='lan' portgroup='all' portid='y' bridge='br7'/>
    </interface>
    <graphics type='vnc' port='5901' autoport='yes' listen='127.0.0.1'>
      <listen type='address' address='127.0.0.1'/>
    </graphics>
    <graphics type='spice' port='-1' listen='192.0.2.9'/>
    <graphics type='egl-headless'/>
    <hostdev mode='subsystem' type='pci' managed='yes'>
      <source>
        <address domain='0x0000' bus='0x06' slot='0x12' function='0x5'/>
      </source>
    </hostdev>
    <hostdev mode='subsystem' type='usb'>
      <source><vendor id='0x1234'/><product id='0xbeef'/></source>
    </hostdev>
    <filesystem type='mount'>
      <driver type='virtiofs'/>
      <source dir='/srv/share'/>
      <target dir='share'/>
    </filesystem>
    <filesystem type='mount'>
      <source dir='/srv/share'/>
      <target dir='other'/>
    </filesystem>
  </devices>
</domain>
)";

error failure(const std::string &text) {
    const auto parsed = xml::parse_domain(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().kind == error_kind::invalid_argument);
    return parsed.error();
}

std::string with_devices(const std::string &devices) {
    return "<domain type='kvm'>\n<name>vm1</name>\n<memory>1</memory>\n<devices>\n" + devices +
           "\n</devices>\n</domain>";
}

} // namespace

TEST_CASE("a running guest's XML is read") {
    const auto parsed = xml::parse_domain(running_guest);
    REQUIRE(parsed);
    const model::domain &d = *parsed;
    CHECK(d.type == "kvm");
    CHECK(d.name == "vm1");
    REQUIRE(d.uuid);
    CHECK(d.uuid->text() == "c7a5fdbd-edaf-9455-926a-d65c16db1809");
    CHECK(d.memory == bytes::gib(1));
    CHECK(d.current_memory == bytes::mib(512));
    CHECK(d.vcpus == 4);
    CHECK(d.current_vcpus == 2U);
    CHECK(d.arch == "x86_64");
    CHECK(d.machine == "pc-q35-7.2");
    CHECK(d.loader == "/usr/share/OVMF/OVMF_CODE_4M.fd");
    CHECK(d.nvram == "/var/lib/libvirt/qemu/nvram/vm1_VARS.fd");
    CHECK(d.emulator == "/usr/bin/qemu-system-x86_64");
    CHECK(d.cpu_mode == "custom");
    CHECK(d.cpu_model == "EPYC");
    CHECK(d.features == std::vector<std::string>{"acpi", "apic", "vmport"});
    CHECK(d.hugepages);
}

TEST_CASE("disks of every kind are read, with the chain below them") {
    const auto parsed = xml::parse_domain(running_guest);
    REQUIRE(parsed);
    const auto &disks = parsed->disks;
    REQUIRE(disks.size() == 12);
    using model::source_kind;

    CHECK(disks[0].target == "vda");
    CHECK(disks[0].bus == "virtio");
    CHECK(disks[0].cache == "none");
    CHECK(disks[0].source.kind == source_kind::file);
    CHECK(disks[0].source.format == "qcow2");
    CHECK(disks[0].source.path == "/srv/images/vm1 & co.qcow2");
    REQUIRE(disks[0].backing.size() == 2);
    CHECK(disks[0].backing[0].path == "/srv/images/base.qcow2");
    CHECK(disks[0].backing[0].format == "qcow2");
    CHECK(disks[0].backing[1].kind == source_kind::block);
    CHECK(disks[0].backing[1].path == "/dev/vg/golden");
    CHECK(disks[0].backing[1].format == "raw");

    CHECK(disks[1].source.kind == source_kind::block);
    CHECK(disks[1].source.path == "/dev/vg/data");
    CHECK(disks[1].shareable);
    CHECK(disks[1].backing.empty());

    CHECK(disks[2].source.kind == source_kind::network);
    CHECK(disks[2].source.protocol == "nfs");
    CHECK(disks[2].source.path == "/export/images/vm1-data.raw");
    CHECK(disks[2].source.hosts == std::vector<model::network_host>{{"nfs.example", "", ""}});

    CHECK(disks[3].source.hosts == std::vector<model::network_host>{{"mon1.example", "6789", ""},
                                                                    {"mon2.example", "6789", ""}});
    CHECK(disks[4].source.hosts == std::vector<model::network_host>{{"/run/nbd.sock", "", "unix"}});

    CHECK(disks[5].source.kind == source_kind::volume);
    CHECK(disks[5].source.pool == "images");
    CHECK(disks[5].source.volume == "vm1-extra.qcow2");
    CHECK(disks[5].transient);

    CHECK(disks[6].device == "cdrom");
    CHECK(disks[6].source.kind == source_kind::none);
    CHECK(disks[6].readonly);
    CHECK(disks[7].device == "floppy");
    CHECK(disks[7].source.kind == source_kind::none);
    CHECK(disks[8].source.path == "/srv/vvfat");
    CHECK(disks[9].source.kind == source_kind::vhostuser);
    CHECK(disks[9].source.path == "/run/vhost.sock");
    CHECK(disks[10].source.kind == source_kind::nvme);
    CHECK(disks[11].source.kind == source_kind::other);
}

TEST_CASE("interfaces of every kind name their source") {
    const auto parsed = xml::parse_domain(running_guest);
    REQUIRE(parsed);
    const auto &nics = parsed->interfaces;
    REQUIRE(nics.size() == 6);
    CHECK(nics[0] == model::interface{"bridge", "br0", "", "52:54:00:00:00:01", "virtio", "vnet0",
                                      "persistent"});
    CHECK(nics[1].type == "network");
    CHECK(nics[1].source == "default"); // not the bridge behind it
    CHECK(nics[2].type == "direct");
    CHECK(nics[2].source == "eth1");
    CHECK(nics[2].mode == "passthrough");
    CHECK(nics[3].type == "user");
    CHECK(nics[3].source.empty());
    CHECK(nics[4].source == "/run/vhost-net.sock");
    CHECK(nics[4].stands_on().empty());
    // Of a network that leads to a bridge, a running domain tells both.
    CHECK(nics[5].source == "br7");
    CHECK(nics[5].stands_on() == "lan");
    CHECK(nics[1].stands_on() == "default");
}

TEST_CASE("graphics, host devices and file systems are read") {
    const auto parsed = xml::parse_domain(running_guest);
    REQUIRE(parsed);
    REQUIRE(parsed->graphics.size() == 3);
    CHECK(parsed->graphics[0].port == 5901);
    CHECK(parsed->graphics[0].listen == std::vector<std::string>{"127.0.0.1"});
    CHECK_FALSE(parsed->graphics[1].port);
    CHECK(parsed->graphics[1].listen == std::vector<std::string>{"192.0.2.9"});
    CHECK(parsed->graphics[2].listen.empty());
    CHECK(parsed->host_devices ==
          std::vector<model::host_device>{{"subsystem", "pci", "0000:06:12.5"},
                                          {"subsystem", "usb", ""}});
    CHECK(parsed->filesystems == std::vector<std::string>{"virtiofs", "path"});
}

TEST_CASE("the least that libvirt takes is enough") {
    const auto parsed =
        xml::parse_domain("<domain type='qemu'><name>x</name><memory>1024</memory></domain>");
    REQUIRE(parsed);
    CHECK_FALSE(parsed->uuid);
    CHECK(parsed->memory == bytes::mib(1));
    CHECK(parsed->vcpus == 1);
    CHECK(parsed->disks.empty());
    CHECK_FALSE(parsed->hugepages);
}

TEST_CASE("NVRAM is read in the newer form too") {
    const auto parsed = xml::parse_domain(
        "<domain type='kvm'><name>x</name><memory>1</memory><os><nvram type='file'>"
        "<source file='/var/x.fd'/></nvram></os></domain>");
    REQUIRE(parsed);
    CHECK(parsed->nvram == "/var/x.fd");
}

TEST_CASE("memory is scaled as libvirt scales it") {
    const auto [unit, wanted] = GENERATE(table<std::string, std::uint64_t>({
        {"b", 3},
        {"bytes", 3},
        {"KB", 3000},
        {"k", 3072},
        {"KiB", 3072},
        {"kib", 3072},
        {"MB", 3'000'000},
        {"M", 3ULL << 20},
        {"MiB", 3ULL << 20},
        {"GB", 3'000'000'000},
        {"GiB", 3ULL << 30},
        {"TiB", 3ULL << 40},
        {"PiB", 3ULL << 50},
        {"EiB", 3ULL << 60},
    }));
    INFO(unit);
    const auto parsed = xml::parse_domain("<domain type='kvm'><name>x</name><memory unit='" + unit +
                                          "'> 3 </memory></domain>");
    REQUIRE(parsed);
    CHECK(parsed->memory == bytes{wanted});
}

TEST_CASE("what is missing or wrong is named by path and line") {
    const auto [text, what] = GENERATE(table<std::string, std::string>({
        {"<domain><name>x</name></domain>", "the attribute type is missing at /domain, line 1"},
        {"<domain type='kvm'>\n\n<title/></domain>", "<name> is missing at /domain, line 1"},
        {"<domain type='kvm'>\n<name></name></domain>", "there is no text at /domain/name, line 2"},
        {"<domain type='kvm'>\n<name>x</name></domain>", "<memory> is missing at /domain"},
        {"<domain type='kvm'><name>x</name>\n\n<memory>lots</memory></domain>",
         "'lots' is no whole number at /domain/memory, line 3"},
        {"<domain type='kvm'><name>x</name>\n<memory>-1</memory></domain>",
         "'-1' is no whole number at /domain/memory, line 2"},
        {"<domain type='kvm'><name>x</name><memory unit='stone'>1</memory></domain>",
         "there is no unit 'stone' at /domain/memory"},
        {"<domain type='kvm'><name>x</name><memory unit='EiB'>16</memory></domain>",
         "the amount is too large at /domain/memory"},
        {"<domain type='kvm'><name>x</name><memory>99999999999999999999</memory></domain>",
         "is no whole number at /domain/memory"},
        {"<domain type='kvm'><name>x</name><uuid>12</uuid><memory>1</memory></domain>",
         "'12' is not a UUID at /domain/uuid"},
        {"<domain type='kvm'><name>x</name><memory>1</memory><vcpu>0</vcpu></domain>",
         "at least one vCPU at /domain/vcpu"},
        {"<domain type='kvm'><name>x</name><memory>1</memory><vcpu>4294967296</vcpu></domain>",
         "'4294967296' is too large at /domain/vcpu"},
        {with_devices("<disk><target dev='a'/></disk>\n<disk/>"),
         "<target> is missing at /domain/devices/disk[2], line 6"},
        {with_devices("<disk><target/></disk>"),
         "the attribute dev is missing at /domain/devices/disk/target, line 5"},
        {with_devices("<interface/>"), "the attribute type is missing at "
                                       "/domain/devices/interface, line 5"},
        {with_devices("<graphics type='vnc' port='70000'/>"), "'70000' is no port at "
                                                              "/domain/devices/graphics"},
        {with_devices("<hostdev type='pci'><source><address bus='0xzz'/></source></hostdev>"),
         "'zz' is no whole number at /domain/devices/hostdev/source/address"},
    }));
    INFO(text);
    CHECK_THAT(failure(text).what, Catch::Contains(what));
}

TEST_CASE("text that is no domain XML is refused with the line") {
    CHECK_THAT(failure("<domain type='kvm'>\n<name>x</name>\n<memory>1</domain>").what,
               Catch::StartsWith("the XML is malformed in line 3: "));
    CHECK_THAT(failure("").what, Catch::StartsWith("the XML is malformed in line 1: "));
    CHECK_THAT(failure("error: no domain").what, Catch::StartsWith("the XML is malformed"));
    CHECK(failure("<pool type='dir'/>").what ==
          "the XML begins with <pool> where <domain> is expected");
}

TEST_CASE("deeply nested XML is read or refused, without harm") {
    std::string chain;
    constexpr std::size_t depth = 20'000;
    for (std::size_t i = 0; i < depth; ++i) {
        chain += "<backingStore type='file'><source file='/x'/>";
    }
    for (std::size_t i = 0; i < depth; ++i) chain += "</backingStore>";
    const auto parsed =
        xml::parse_domain(with_devices("<disk><target dev='vda'/>" + chain + "</disk>"));
    REQUIRE(parsed);
    CHECK(parsed->disks.at(0).backing.size() == depth);
}
