// SPDX-License-Identifier: MIT
#include <lab/scenario/guest_domain.hpp>

#include <fmt/format.h>
#include <pugixml.hpp>
#include <sstream>
#include <string_view>
#include <tuple>
#include <utility>

namespace kvmig::lab {

namespace {

void add_text(pugi::xml_node parent, const char *name, const std::string &text) {
    parent.append_child(name).text().set(text.c_str());
}

/// What an interface is called by that stands in for a card; libvirt wants the prefix.
constexpr const char *stand_in = "ua-standin";

/// `kind` is `bridge`, `network` or `direct`. libvirt chooses the MAC address where none is given.
void add_interface(pugi::xml_node devices, const char *kind, const std::string &to,
                   const std::string &mac, bool teaming = false) {
    auto interface = devices.append_child("interface");
    interface.append_attribute("type") = kind;
    if (!mac.empty()) interface.append_child("mac").append_attribute("address") = mac.c_str();
    const bool direct = std::string_view{kind} == "direct";
    auto source = interface.append_child("source");
    source.append_attribute(direct ? "dev" : kind) = to.c_str();
    if (direct) source.append_attribute("mode") = "passthrough";
    interface.append_child("model").append_attribute("type") = "virtio";
    if (!teaming) return;
    interface.append_child("teaming").append_attribute("type") = "persistent";
    interface.append_child("alias").append_attribute("name") = stand_in;
}

/// Managed: libvirt takes it from the host's driver, and gives it back.
void add_host_device(pugi::xml_node devices, const guest_domain &guest) {
    auto device = devices.append_child("hostdev");
    device.append_attribute("mode") = "subsystem";
    device.append_attribute("type") = "pci";
    device.append_attribute("managed") = "yes";
    auto address = device.append_child("source").append_child("address");
    const std::string &text = guest.host_device; // `0000:00:10.0`
    for (const auto &[part, from, length] :
         {std::tuple{"domain", 0U, 4U}, std::tuple{"bus", 5U, 2U}, std::tuple{"slot", 8U, 2U},
          std::tuple{"function", 11U, 1U}}) {
        address.append_attribute(part) = ("0x" + text.substr(from, length)).c_str();
    }
    if (!guest.teaming) return;
    auto teaming = device.append_child("teaming");
    teaming.append_attribute("type") = "transient";
    teaming.append_attribute("persistent") = stand_in;
}

void add_limits(pugi::xml_node domain, const tuning::memtune &limits) {
    if (!limits.hard_limit && !limits.soft_limit) return;
    auto memtune = domain.append_child("memtune");
    for (const auto &[name, limit] :
         {std::pair{"hard_limit", limits.hard_limit}, std::pair{"soft_limit", limits.soft_limit}}) {
        if (!limit) continue;
        auto child = memtune.append_child(name);
        child.append_attribute("unit") = "b";
        child.text().set(fmt::format("{}", limit->count()).c_str());
    }
}

std::string text_of(const pugi::xml_document &document) {
    std::ostringstream text;
    document.save(text, "  ", pugi::format_default | pugi::format_no_declaration);
    return text.str();
}

/// `server`: of NFS, where `path` is then; empty: none.
void add_disk(pugi::xml_node devices, const std::filesystem::path &path, const std::string &format,
              const char *name, const std::string &server = {}) {
    const bool block = path.string().starts_with("/dev/");
    auto disk = devices.append_child("disk");
    disk.append_attribute("type") = !server.empty() ? "network" : block ? "block" : "file";
    disk.append_attribute("device") = "disk";
    auto driver = disk.append_child("driver");
    driver.append_attribute("name") = "qemu";
    driver.append_attribute("type") = format.c_str();
    // The host's page cache is not shared between hosts.
    driver.append_attribute("cache") = "none";
    auto source = disk.append_child("source");
    if (server.empty()) {
        source.append_attribute(block ? "dev" : "file") = path.c_str();
    } else {
        source.append_attribute("protocol") = "nfs";
        source.append_attribute("name") = path.c_str();
        source.append_child("host").append_attribute("name") = server.c_str();
    }
    auto target = disk.append_child("target");
    target.append_attribute("dev") = name;
    target.append_attribute("bus") = "virtio";
}

void add_cpu(pugi::xml_node domain, bool nesting) {
    auto cpu = domain.append_child("cpu");
    cpu.append_attribute("mode") = nesting ? "host-model" : "host-passthrough";
    if (!nesting) {
        cpu.append_attribute("migratable") = "on";
        return;
    }
    // QEMU takes AMD's away from its models; the other vendor's is optional, and not had.
    for (const char *name : {"svm", "vmx"}) {
        auto feature = cpu.append_child("feature");
        feature.append_attribute("policy") = "optional";
        feature.append_attribute("name") = name;
    }
}

} // namespace

guest_domain usual_guest() {
    guest_domain guest;
    guest.settings.name = guest.name;
    guest.settings.address = {.host = guest_address(guest.index), .prefix = 24};
    guest.settings.probe = {.host = std::string{probe_address}, .port = guest::heartbeat_port};
    guest.settings.memory = bytes::mib(48);
    guest.settings.working_set = bytes::mib(8);
    guest.settings.rate = page_rate{300};
    guest.settings.disk = "/dev/vda";
    guest.settings.disk_size = bytes::mib(16);
    // Each look costs an emulated nested host two switches of worlds.
    guest.settings.stall_period = std::chrono::milliseconds{5};
    return guest;
}

guest_domain placed(guest_domain guest, const site &where) {
    guest.name = where.prefix + guest.name;
    guest.settings.name = guest.name;
    if (!where.guest) return guest;
    const guest_place &place = *where.guest;
    guest.settings.address = {.host = place.address, .prefix = place.prefix};
    guest.settings.probe.host = place.probe;
    guest.kernel = place.kernel;
    guest.initramfs = place.initramfs;
    guest.interface_kind = place.interface_kind;
    guest.interface_source = place.interface_source;
    guest.mac = mac_of(place);
    guest.console_log = false;
    return guest;
}

std::string domain_xml(const guest_domain &guest) {
    pugi::xml_document document;
    auto domain = document.append_child("domain");
    domain.append_attribute("type") = "kvm";
    add_text(domain, "name", guest.name);
    auto memory = domain.append_child("memory");
    memory.append_attribute("unit") = "b";
    memory.text().set(fmt::format("{}", guest.memory.count()).c_str());
    if (guest.huge_pages) {
        auto page =
            domain.append_child("memoryBacking").append_child("hugepages").append_child("page");
        page.append_attribute("size") = "2048";
        page.append_attribute("unit") = "KiB";
    }
    add_limits(domain, guest.limits);
    add_text(domain, "vcpu", fmt::format("{}", guest.vcpus));

    auto os = domain.append_child("os");
    auto type = os.append_child("type");
    type.append_attribute("arch") = "x86_64";
    type.append_attribute("machine") = "q35";
    type.text().set("hvm");
    add_text(os, "kernel", guest.kernel.string());
    add_text(os, "initrd", guest.initramfs.string());
    add_text(os, "cmdline", "console=ttyS0 quiet mitigations=off " + command_line(guest.settings));

    // ACPI, so that a shutdown by libvirt is heard.
    domain.append_child("features").append_child("acpi");
    add_cpu(domain, guest.nesting);
    add_text(domain, "on_crash", "destroy");

    auto devices = domain.append_child("devices");
    if (!guest.disk.empty()) {
        add_disk(devices, guest.disk, guest.disk_format, "vda", guest.disk_server);
    }
    if (!guest.second_disk.empty()) add_disk(devices, guest.second_disk, "raw", "vdb");
    if (!guest.cdrom.empty()) {
        auto drive = devices.append_child("disk");
        drive.append_attribute("type") = "file";
        drive.append_attribute("device") = "cdrom";
        drive.append_child("source").append_attribute("file") = guest.cdrom.c_str();
        auto target = drive.append_child("target");
        target.append_attribute("dev") = "sda";
        target.append_attribute("bus") = "sata";
        drive.append_child("readonly");
    }
    add_interface(devices, guest.interface_kind.c_str(), guest.interface_source,
                  guest.mac.empty() ? guest_mac(guest.index) : guest.mac, guest.teaming);
    if (!guest.second_bridge.empty()) add_interface(devices, "bridge", guest.second_bridge, {});
    if (!guest.second_network.empty()) add_interface(devices, "network", guest.second_network, {});
    if (!guest.host_device.empty()) add_host_device(devices, guest);
    auto serial = devices.append_child("serial");
    serial.append_attribute("type") = guest.console_log ? "file" : "pty";
    if (guest.console_log) {
        serial.append_child("source").append_attribute("path") =
            fmt::format("/var/log/libvirt/qemu/{}-console.log", guest.name).c_str();
    }
    serial.append_child("target").append_attribute("port") = 0;
    devices.append_child("memballoon").append_attribute("model") = "none";

    return text_of(document);
}

} // namespace kvmig::lab
