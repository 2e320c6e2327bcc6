// SPDX-License-Identifier: MIT
// Canaries of guests of every kind: what they take over, and what they do without.
#include <kvmig/xml/canary.hpp>
#include <kvmig/xml/domain.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <pugixml.hpp>
#include <set>
#include <string>
#include <vector>

using namespace kvmig;

namespace {

const model::token_id canary_token{std::chrono::sys_seconds{std::chrono::seconds{1'800'000'000}},
                                   "0123456789abcdef0123456789abcdef"};
const uuid canary_id = uuid::parse("11111111-2222-4333-8444-5555556677ff").value();

std::string corpus_text(const std::string &name) {
    std::ifstream in(std::string(KVMIG_TEST_DATA "/domain/") + name + ".xml", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

xml::canary canary_for(const std::string &guest) {
    auto out = xml::derive_canary(guest, canary_token, canary_id);
    if (!out) FAIL(describe(out.error()));
    return *std::move(out);
}

/// The canary's XML, to look into.
pugi::xml_document canary_tree(const std::string &guest) {
    pugi::xml_document out;
    REQUIRE(out.load_string(canary_for(guest).text.c_str()));
    return out;
}

std::string guest_with(const std::string &devices, const std::string &type = "kvm") {
    return "<domain type='" + type +
           "'><name>vm1</name><memory>1048576</memory><os><type arch='x86_64' "
           "machine='q35'>hvm</type></os><devices>" +
           devices + "</devices></domain>";
}

/// What the text of an element is in the document, without its place.
std::string printed(const pugi::xml_node &of) {
    std::ostringstream out;
    of.print(out, "", pugi::format_raw);
    return out.str();
}

} // namespace

TEST_CASE(
    "a canary of every kind of domain can be read, is small, and holds nothing of the host's") {
    unsigned made = 0;
    std::set<std::string> refused;
    for (const auto &file : std::filesystem::directory_iterator(KVMIG_TEST_DATA "/domain")) {
        const std::string name = file.path().stem().string();
        INFO(name);
        const std::string text = corpus_text(name);
        const auto canary = xml::derive_canary(text, canary_token, canary_id);
        if (!canary) {
            refused.insert(name);
            CHECK((canary.error().kind == error_kind::unsupported ||
                   canary.error().kind == error_kind::invalid_argument));
            continue;
        }
        ++made;
        INFO(canary->text);
        const auto told = xml::parse_domain(canary->text);
        REQUIRE(told);
        CHECK(told->name == canary->name);
        CHECK(told->uuid == canary_id);
        CHECK(told->memory <= bytes::mib(256));
        CHECK(told->vcpus == 1);
        for (const bool empty :
             {told->host_devices.empty(), told->filesystems.empty(), told->graphics.empty(),
              told->tpms.empty(), told->shared_memories.empty(), told->memory_devices.empty(),
              told->videos.empty(), told->channels.empty(), told->loader.empty(),
              told->nvram.empty(), told->launch_security.empty(), told->secrets.empty()}) {
            CHECK(empty);
        }
        CHECK_FALSE(told->hugepages);
        CHECK(told->disks.size() == canary->images.size());
        // What it is there for: the same of these.
        pugi::xml_document guest;
        REQUIRE(guest.load_string(text.c_str()));
        const auto before = xml::parse_domain(text);
        if (before) {
            CHECK(told->type == before->type);
            CHECK(told->arch == before->arch);
            CHECK(told->machine == before->machine);
            CHECK(told->emulator == before->emulator);
            CHECK(told->cpu_mode == before->cpu_mode);
            CHECK(told->cpu_model == before->cpu_model);
            CHECK(told->cpu_features == before->cpu_features);
            CHECK(told->tsc_frequency == before->tsc_frequency);
            CHECK(told->hyperv_mode == before->hyperv_mode);
            CHECK(told->security_models == before->security_models);
            // Paths and MAC addresses are its own.
            for (const model::disk &each : told->disks) {
                for (const model::disk &theirs : before->disks) {
                    CHECK_FALSE(each.source == theirs.source);
                }
            }
            for (const model::interface &each : told->interfaces) {
                for (const model::interface &theirs : before->interfaces) {
                    CHECK_FALSE(each.mac == theirs.mac);
                }
            }
        }
        // It is known again as what it is.
        const auto known = xml::canary_of(canary->text);
        REQUIRE(known);
        CHECK(*known == canary_token);
        CHECK_FALSE(xml::canary_of(text).value());
    }
    // Not QEMU's, not to be read, or without the <os> that libvirt always tells.
    CHECK(refused == std::set<std::string>{"bad-memory", "cut-off", "disks", "lxc", "plain", "sev",
                                           "words", "xen"});
    CHECK(made == 5);
}

TEST_CASE("a canary of a running guest, as it is written") {
    const auto canary = canary_for(corpus_text("running-q35"));
    CHECK(canary.name == "kvmig-canary-20270115T080000Z-0123456789abcdef0123456789abcdef");
    CHECK(canary.left_out ==
          std::vector<std::string>{"firmware", "graphics", "video", "channel", "rng"});
    REQUIRE(canary.images.size() == 1);
    CHECK(canary.images[0] ==
          model::canary_image{{"/srv/images", ""}, canary.name + "-0.qcow2", "qcow2"});
    pugi::xml_document all;
    REQUIRE(all.load_string(canary.text.c_str()));
    const pugi::xml_node root = all.child("domain");
    CHECK(printed(root.child("cpu")) ==
          "<cpu mode=\"custom\" match=\"exact\" check=\"full\"><model fallback=\"forbid\">EPYC"
          "</model><feature policy=\"require\" name=\"invtsc\"/>"
          "<feature policy=\"disable\" name=\"svm\"/></cpu>");
    CHECK(printed(root.child("os")) ==
          "<os><type arch=\"x86_64\" machine=\"pc-q35-7.2\">hvm</type></os>");
    CHECK(printed(root.child("seclabel")) ==
          "<seclabel type=\"dynamic\" model=\"apparmor\" relabel=\"yes\"/>");
    const pugi::xml_node devices = root.child("devices");
    CHECK(printed(devices.child("disk")) ==
          "<disk type=\"file\" device=\"disk\"><driver name=\"qemu\" type=\"qcow2\" "
          "cache=\"none\"/><source file=\"/srv/images/" +
              canary.name + "-0.qcow2\"/><target dev=\"vda\" bus=\"virtio\"/></disk>");
    std::vector<std::string> interfaces;
    for (const auto &each : devices.children("interface")) interfaces.push_back(printed(each));
    CHECK(interfaces ==
          std::vector<std::string>{
              "<interface type=\"bridge\"><mac address=\"52:54:00:66:77:ff\"/>"
              "<source bridge=\"br0\"/><model type=\"virtio\"/>"
              "<filterref filter=\"clean-traffic\"/><link state=\"down\"/></interface>",
              "<interface type=\"network\"><mac address=\"52:54:00:66:77:00\"/>"
              "<source network=\"default\"/><link state=\"down\"/></interface>"});
}

TEST_CASE("a canary has one disk in each place, and names what it cannot stand in for") {
    const auto canary = canary_for(guest_with(
        "<disk type='file'><source file='/a/1.raw'/><target dev='vda'/></disk>"
        "<disk type='file'><driver type='qcow2'/><source file='/a/2'/><target dev='vdb'/></disk>"
        "<disk type='file'><driver type='vmdk'/><source file='/b/3'/><target dev='vdc'/></disk>"
        "<disk type='file'><source file='/top'/><target dev='vdd'/></disk>"
        "<disk type='volume'><source pool='p' volume='v'/><target dev='vde'/></disk>"
        "<disk type='volume'><source pool='p' volume='w'/><target dev='vdf'/></disk>"
        "<disk type='file'><source file='/c/r'/><target dev='vdg'/><readonly/></disk>"
        "<disk type='file' device='cdrom'><source file='/c/m'/><target dev='sda'/></disk>"
        "<disk type='file' device='cdrom'><target dev='sdb'/></disk>"
        "<disk type='block' device='lun'><source dev='/dev/x'/><target dev='sdc'/></disk>"
        "<disk type='block'><source dev='/dev/y'/><target dev='vdh'/></disk>"));
    std::vector<std::pair<model::canary_place, std::string>> places;
    for (const auto &each : canary.images) places.emplace_back(each.place, each.format);
    CHECK(places ==
          std::vector<std::pair<model::canary_place, std::string>>{
              {{"/a", ""}, "raw"}, {{"/b", ""}, "raw"}, {{"/", ""}, "raw"}, {{"", "p"}, "raw"}});
    CHECK(canary.left_out == std::vector<std::string>{"format vmdk of disk vdc", "disk vdg",
                                                      "cdrom sda", "lun sdc", "disk vdh (block)"});
    std::set<std::string> names;
    for (const auto &each : canary.images) names.insert(each.name);
    CHECK(names.size() == 4);
    CHECK_THAT(canary.text, Catch::Contains("file=\"/" + canary.images[2].name + '"'));
}

TEST_CASE("a canary's disk stands on the guest's bus") {
    const auto scsi = canary_tree(guest_with(
        "<controller type='scsi' index='0' model='virtio-scsi'><driver queues='4'/>"
        "<address type='pci' bus='0x03'/></controller><controller type='sata' index='0'/>"
        "<disk type='file'><driver type='raw' cache='none' io='native' queues='4'/>"
        "<source file='/a/1'/><target dev='sda' bus='scsi'/></disk>"));
    const auto devices = scsi.child("domain").child("devices");
    CHECK(printed(devices.find_child_by_attribute("controller", "type", "scsi")) ==
          "<controller type=\"scsi\" index=\"0\" model=\"virtio-scsi\"/>");
    CHECK_FALSE(devices.find_child_by_attribute("controller", "type", "sata"));
    CHECK(printed(devices.child("disk").child("driver")) ==
          "<driver name=\"qemu\" type=\"raw\" cache=\"none\" io=\"native\"/>");
    CHECK(printed(devices.find_child_by_attribute("controller", "type", "usb")) ==
          "<controller type=\"usb\" model=\"none\"/>");
    const auto usb = canary_tree(
        guest_with("<disk type='file'><source file='/a/1'/><target dev='sda' bus='usb'/></disk>"));
    CHECK_FALSE(usb.child("domain").child("devices").child("controller"));
}

TEST_CASE("a canary stands once on each bridge, network and device, and never speaks") {
    const auto guest = guest_with(
        "<interface type='bridge'><mac address='52:54:00:00:00:01'/><source "
        "bridge='b'/></interface>"
        "<interface type='bridge'><mac address='52:54:00:00:00:02'/><source "
        "bridge='b'/></interface>"
        "<interface type='bridge'><source bridge='ovs'/><virtualport type='openvswitch'>"
        "<parameters interfaceid='x'/></virtualport><vlan><tag id='7'/></vlan></interface>"
        "<interface type='direct'><source dev='e1' mode='bridge'/></interface>"
        "<interface type='direct'><source dev='e2' mode='passthrough'/></interface>"
        "<interface type='direct'><source network='n' dev='e3' mode='bridge'/></interface>"
        "<interface type='user'/><interface type='hostdev'/>");
    const auto tree = canary_tree(guest);
    std::vector<std::string> seen;
    std::set<std::string> macs;
    for (auto each : tree.child("domain").child("devices").children("interface")) {
        CHECK(std::string(each.child("link").attribute("state").value()) == "down");
        macs.insert(each.child("mac").attribute("address").value());
        each.remove_child("mac");
        each.remove_child("link");
        seen.push_back(printed(each));
    }
    CHECK(seen == std::vector<std::string>{
                      "<interface type=\"bridge\"><source bridge=\"b\"/></interface>",
                      "<interface type=\"bridge\"><source bridge=\"ovs\"/>"
                      "<virtualport type=\"openvswitch\"/><vlan><tag id=\"7\"/></vlan></interface>",
                      "<interface type=\"direct\"><source dev=\"e1\" mode=\"bridge\"/></interface>",
                      "<interface type=\"network\"><source network=\"n\"/></interface>"});
    CHECK(macs.size() == seen.size());
    CHECK(canary_for(guest).left_out ==
          std::vector<std::string>{"interface of the type direct in passthrough",
                                   "interface of the type user", "interface of the type hostdev"});
}

TEST_CASE("what only some machines have is given to no other") {
    const auto arm = canary_tree("<domain type='kvm'><name>a</name><memory>1</memory><os>"
                                 "<type arch='aarch64' machine='virt'>hvm</type>"
                                 "<loader type='pflash'>x</loader></os>"
                                 "<features><acpi/><gic version='3'/></features></domain>");
    CHECK(printed(arm.child("domain").child("features")) ==
          "<features><gic version=\"3\"/></features>");
    const auto power =
        canary_for("<domain type='kvm'><name>p</name><memory>1</memory><os>"
                   "<type arch='ppc64le' machine='pseries'>hvm</type></os></domain>");
    CHECK(xml::parse_domain(power.text)->memory == bytes::mib(256));
    const auto plain = canary_for(guest_with(""));
    CHECK(xml::parse_domain(plain.text)->memory == bytes::mib(64));
    CHECK(plain.left_out.empty());
    // A topology of many CPUs is none of one.
    const auto big = canary_tree(corpus_text("numa-huge"));
    CHECK(printed(big.child("domain").child("cpu")) ==
          "<cpu mode=\"host-passthrough\" migratable=\"off\"/>");
    CHECK(printed(big.child("domain").child("vcpu")) == "<vcpu>1</vcpu>");
}

TEST_CASE("labels: the model is the guest's, a label made for it is not") {
    std::string text = guest_with("");
    text.insert(text.rfind("</domain>"),
                "<seclabel type='dynamic' model='selinux' relabel='yes'><label>a</label>"
                "<imagelabel>b</imagelabel><baselabel>c</baselabel></seclabel>"
                "<seclabel type='static' model='dac' relabel='no'><label>+107:+107</label>"
                "<imagelabel>d</imagelabel></seclabel><seclabel type='none' model='apparmor'/>");
    const auto tree = canary_tree(text);
    std::string seen;
    for (const auto &each : tree.child("domain").children("seclabel")) seen += printed(each);
    CHECK(seen ==
          "<seclabel type=\"dynamic\" model=\"selinux\" relabel=\"yes\"><baselabel>c"
          "</baselabel></seclabel><seclabel type=\"static\" model=\"dac\" relabel=\"no\">"
          "<label>+107:+107</label></seclabel><seclabel type=\"none\" model=\"apparmor\"/>");
}

TEST_CASE("a canary is known by its mark, and not by its name alone") {
    const auto canary = canary_for(guest_with(""));
    const auto changed = [&](const std::string &from, const std::string &to) {
        std::string text = canary.text;
        const auto at = text.find(from);
        REQUIRE(at != std::string::npos);
        text.replace(at, from.size(), to);
        return xml::canary_of(text);
    };
    CHECK(xml::canary_of(canary.text).value() == canary_token);
    CHECK_FALSE(changed("<name>kvmig", "<name>my-kvmig").value());
    CHECK_FALSE(changed("urn:kvmig:canary:1", "urn:other").value());
    CHECK(changed("kvmig:canary xmlns:kvmig", "k:canary xmlns:k").value() == canary_token);
    CHECK_FALSE(changed("</domain>", ""));
}

TEST_CASE("a guest that is not QEMU's is refused by name") {
    for (const auto &[text, part] : std::map<std::string, std::string>{
             {"<domain type='xen'><name>x</name><os><type>hvm</type></os></domain>", "type xen"},
             {"<domain type='kvm'><name>x</name><os><type>linux</type></os></domain>", "'linux'"},
             {"<domain type='kvm'><name>x</name></domain>", "''"}}) {
        const auto canary = xml::derive_canary(text, canary_token, canary_id);
        REQUIRE_FALSE(canary);
        CHECK(canary.error().kind == error_kind::unsupported);
        CHECK(canary.error().object == "x");
        CHECK_THAT(canary.error().what, Catch::Contains(part));
    }
    CHECK(xml::derive_canary("<domain/>", canary_token, canary_id).error().kind ==
          error_kind::invalid_argument);
}
