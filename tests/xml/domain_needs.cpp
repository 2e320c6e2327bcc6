// SPDX-License-Identifier: MIT
#include <kvmig/xml/domain.hpp>
#include <support/catch.hpp>

#include <string>

using namespace kvmig;
using texts = std::vector<std::string>;

namespace {

model::domain read(const std::string &inside, const std::string &devices = "") {
    const auto parsed = xml::parse_domain("<domain type='kvm'><name>vm1</name><memory>1</memory>" +
                                          inside + "<devices>" + devices + "</devices></domain>");
    REQUIRE(parsed);
    return *parsed;
}

} // namespace

TEST_CASE("what a plain domain does not have is not read into it") {
    const model::domain d = read("");
    CHECK(d.cpu_features.empty());
    CHECK_FALSE(d.tsc_frequency);
    CHECK(d.hyperv_mode.empty());
    CHECK(d.hugepage_sizes.empty());
    CHECK_FALSE(d.locked);
    CHECK(d.memory_devices.empty());
    CHECK(d.shared_memories.empty());
    CHECK(d.tpms.empty());
    CHECK(d.videos.empty());
    CHECK(d.channels.empty());
    CHECK(d.launch_security.empty());
    CHECK(d.security_models.empty());
    CHECK(d.secrets.empty());
}

TEST_CASE("CPU features, the TSC's frequency and the Hyper-V mode are read") {
    const model::domain d = read("<cpu><feature policy='require' name='invtsc'/>"
                                 "<feature name='vmx'/></cpu>"
                                 "<clock offset='utc'><timer name='rtc' tickpolicy='catchup'/>"
                                 "<timer name='tsc' frequency='2000000000'/></clock>"
                                 "<features><hyperv mode='passthrough'/></features>");
    CHECK(d.cpu_features == std::vector<model::cpu_feature>{{"invtsc", "require"}, {"vmx", ""}});
    CHECK(d.tsc_frequency == 2'000'000'000U);
    CHECK(d.hyperv_mode == "passthrough");
    CHECK(read("<features><hyperv><relaxed state='on'/></hyperv></features>").hyperv_mode ==
          "custom");
    CHECK_FALSE(read("<clock><timer name='tsc' mode='auto'/></clock>").tsc_frequency);
}

TEST_CASE("huge pages are read by size, in KiB unless told otherwise") {
    const model::domain d =
        read("<memoryBacking><locked/><hugepages><page size='2048'/>"
             "<page size='1' unit='GiB' nodeset='0'/></hugepages></memoryBacking>");
    CHECK(d.hugepages);
    CHECK(d.locked);
    CHECK(d.hugepage_sizes == std::vector{bytes::mib(2), bytes::gib(1)});
}

TEST_CASE("a page without a size, or of an impossible one, is named") {
    const auto failure = [](const std::string &page) {
        const auto parsed = xml::parse_domain(
            "<domain type='kvm'><name>x</name><memory>1</memory><memoryBacking><hugepages>" + page +
            "</hugepages></memoryBacking></domain>");
        REQUIRE_FALSE(parsed);
        return parsed.error().what;
    };
    CHECK(failure("<page/>") == "the attribute size is missing at "
                                "/domain/memoryBacking/hugepages/page, line 1");
    CHECK_THAT(failure("<page size='big'/>"), Catch::StartsWith("'big' is no whole number"));
    CHECK_THAT(failure("<page size='1' unit='ell'/>"), Catch::StartsWith("there is no unit 'ell'"));
}

TEST_CASE("devices that a migration treats in a way of their own are read") {
    const model::domain d =
        read("", "<memory model='dimm'><target><size>1</size></target>"
                 "<address type='dimm' slot='0' base='0x100000000'/></memory>"
                 "<memory model='virtio-mem'/>"
                 "<shmem name='s' role='master'><model type='ivshmem-plain'/></shmem>"
                 "<shmem name='t'/>"
                 "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"
                 "<video><model type='virtio'><acceleration accel3d='yes'/></model></video>"
                 "<video><model type='qxl'/></video>"
                 "<channel type='qemu-vdagent'/><channel type='unix'/>");
    CHECK(d.memory_devices ==
          std::vector<model::memory_device>{{"dimm", true}, {"virtio-mem", false}});
    CHECK(d.shared_memories ==
          std::vector<model::shared_memory>{{"s", "ivshmem-plain", "master"}, {"t", "", ""}});
    CHECK(d.tpms == std::vector<model::tpm>{{"emulator"}});
    CHECK(d.videos == std::vector<model::video>{{"virtio", true}, {"qxl", false}});
    CHECK(d.channels == texts{"qemu-vdagent", "unix"});
}

TEST_CASE("filters, start-up policies and a host device's team are read") {
    const model::domain d =
        read("", "<interface type='network'><source network='default'/>"
                 "<filterref filter='clean-traffic'/></interface>"
                 "<disk type='file' device='cdrom'><source file='/iso' startupPolicy='optional'/>"
                 "<target dev='sda'/></disk>"
                 "<hostdev mode='subsystem' type='pci'>"
                 "<teaming type='transient' persistent='ua-net0'/></hostdev>");
    CHECK(d.interfaces.at(0).filter == "clean-traffic");
    CHECK(d.disks.at(0).startup_policy == "optional");
    CHECK(d.host_devices.at(0).teaming == "transient");
}

TEST_CASE("encrypted memory and security labels are read") {
    const model::domain d = read("<launchSecurity type='sev-snp'/>"
                                 "<seclabel type='dynamic' model='selinux' relabel='yes'/>"
                                 "<seclabel type='dynamic' model='dac' relabel='yes'/>"
                                 "<seclabel type='dynamic' model='dac' relabel='yes'/>"
                                 "<seclabel type='none' model='apparmor'/>");
    CHECK(d.launch_security == "sev-snp");
    CHECK(d.security_models == texts{"selinux", "dac"});
}

TEST_CASE("secrets are found wherever the devices name them, each once") {
    const std::string id = "c7a5fdbd-edaf-9455-926a-d65c16db1809";
    const model::domain d = read(
        "",
        "<disk type='network'><source protocol='rbd' name='p/i'>"
        "<auth username='u'><secret type='ceph' usage='key'/></auth></source>"
        "<backingStore type='file'><source file='/b'>"
        "<encryption format='luks'><secret type='passphrase' uuid='" +
            id +
            "'/></encryption>"
            "</source></backingStore><target dev='vda'/></disk>"
            "<disk type='file'><source file='/c'><encryption format='luks'>"
            "<secret type='passphrase' usage='/c'/></encryption></source><target dev='vdb'/></disk>"
            "<tpm><backend type='emulator'><encryption secret='" +
            id + "'/></backend></tpm>");
    CHECK(d.secrets == texts{"ceph:key", id, "volume:/c"});
}
