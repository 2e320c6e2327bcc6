// SPDX-License-Identifier: MIT
/// Domain XML (docs/formatdomain), as far as a migration needs it.
#pragma once

#include <kvmig/model/domain.hpp>
#include <kvmig/xml/disk.hpp>
#include <kvmig/xml/document.hpp>
#include <kvmig/xml/domain_needs.hpp>
#include <kvmig/xml/pci_address.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::xml {

namespace detail {

inline expected<void> read_cpus(const document &doc, const pugi::xml_node &root,
                                model::domain &into) {
    const pugi::xml_node vcpu = root.child("vcpu");
    if (!vcpu) return {};
    auto most = doc.small(vcpu, vcpu.text().get());
    if (!most) return fail(std::move(most).error());
    if (*most == 0) return fail(doc.problem(vcpu, "a domain has at least one vCPU"));
    into.vcpus = *most;
    if (const pugi::xml_attribute current = vcpu.attribute("current")) {
        auto now = doc.small(vcpu, current.value());
        if (!now) return fail(std::move(now).error());
        into.current_vcpus = *now;
    }
    return {};
}

inline expected<void> read_memory(const document &doc, const pugi::xml_node &root,
                                  model::domain &into) {
    const pugi::xml_node memory = root.child("memory");
    if (!memory) return fail(doc.problem(root, "<memory> is missing"));
    auto most = doc.amount(memory, "KiB");
    if (!most) return fail(std::move(most).error());
    into.memory = *most;
    if (const pugi::xml_node current = root.child("currentMemory")) {
        auto now = doc.amount(current, "KiB");
        if (!now) return fail(std::move(now).error());
        into.current_memory = *now;
    }
    const pugi::xml_node backing = root.child("memoryBacking");
    into.locked = static_cast<bool>(backing.child("locked"));
    into.hugepages = static_cast<bool>(backing.child("hugepages"));
    for (const pugi::xml_node &page : backing.child("hugepages").children("page")) {
        auto size = doc.required_attribute(page, "size");
        if (!size) return fail(std::move(size).error());
        auto scaled = doc.scaled(page, *size, "KiB");
        if (!scaled) return fail(std::move(scaled).error());
        into.hugepage_sizes.push_back(*scaled);
    }
    return {};
}

inline expected<model::interface> read_interface(const document &doc, const pugi::xml_node &node) {
    model::interface out;
    auto type = doc.required_attribute(node, "type");
    if (!type) return fail(std::move(type).error());
    out.type = *std::move(type);
    const pugi::xml_node source = node.child("source");
    // Each type names its source by an attribute of its own. Of a running domain libvirt tells the
    // bridge or device that a network led to, and the network beside it.
    const std::string network = source.attribute("network").value();
    if (out.type == "network") {
        out.source = network;
    } else {
        out.network = network;
        for (const char *name : {"bridge", "dev", "path", "name"}) {
            if (out.source.empty()) out.source = source.attribute(name).value();
        }
    }
    out.mode = source.attribute("mode").value();
    out.mac = node.child("mac").attribute("address").value();
    out.model = node.child("model").attribute("type").value();
    out.target = node.child("target").attribute("dev").value();
    out.teaming = node.child("teaming").attribute("type").value();
    out.filter = node.child("filterref").attribute("filter").value();
    return out;
}

inline expected<model::graphics> read_graphics(const document &doc, const pugi::xml_node &node) {
    model::graphics out;
    auto type = doc.required_attribute(node, "type");
    if (!type) return fail(std::move(type).error());
    out.type = *std::move(type);
    if (const std::string_view port = node.attribute("port").as_string("-1"); port != "-1") {
        auto number = doc.small(node, port);
        if (!number) return fail(std::move(number).error());
        if (*number > 65535) {
            return fail(doc.problem(node, "'" + std::string(port) + "' is no port"));
        }
        out.port = static_cast<int>(*number);
    }
    for (const pugi::xml_node &listen : node.children("listen")) {
        for (const char *name : {"address", "network", "socket"}) {
            if (const pugi::xml_attribute found = listen.attribute(name)) {
                out.listen.emplace_back(found.value());
                break;
            }
        }
    }
    // Older XML has the address on <graphics> itself.
    if (out.listen.empty() && node.attribute("listen")) {
        out.listen.emplace_back(node.attribute("listen").value());
    }
    return out;
}

inline expected<model::host_device> read_host_device(const document &doc,
                                                     const pugi::xml_node &node) {
    model::host_device out;
    out.mode = node.attribute("mode").value();
    out.type = node.attribute("type").value();
    out.teaming = node.child("teaming").attribute("type").value();
    const pugi::xml_node address = node.child("source").child("address");
    if (out.type != "pci" || !address) return out;
    const auto at = pci_address_of(doc, address);
    if (!at) return fail(at.error());
    out.address = at->text();
    return out;
}

/// Reads every `<name>` below `devices` into `into`.
template <class T, class Read>
expected<void> read_each(const document &doc, const pugi::xml_node &devices, const char *name,
                         std::vector<T> &into, Read read) {
    for (const pugi::xml_node &each : devices.children(name)) {
        auto value = read(doc, each);
        if (!value) return fail(std::move(value).error());
        into.push_back(*std::move(value));
    }
    return {};
}

inline expected<void> read_devices(const document &doc, const pugi::xml_node &devices,
                                   model::domain &into) {
    into.emulator = devices.child_value("emulator");
    if (auto ok = read_each(doc, devices, "disk", into.disks, read_disk); !ok) return ok;
    if (auto ok = read_each(doc, devices, "interface", into.interfaces, read_interface); !ok) {
        return ok;
    }
    if (auto ok = read_each(doc, devices, "graphics", into.graphics, read_graphics); !ok) {
        return ok;
    }
    if (auto ok = read_each(doc, devices, "hostdev", into.host_devices, read_host_device); !ok) {
        return ok;
    }
    for (const pugi::xml_node &each : devices.children("filesystem")) {
        into.filesystems.emplace_back(each.child("driver").attribute("type").as_string("path"));
    }
    read_special_devices(devices, into);
    return {};
}

} // namespace detail

/// Reads the XML of a domain, running or not. Errors name path and line.
[[nodiscard]] inline expected<model::domain> parse_domain(std::string_view text) {
    auto doc = document::parse(text, "domain");
    if (!doc) return fail(std::move(doc).error());
    const pugi::xml_node root = doc->root();
    model::domain out;
    auto type = doc->required_attribute(root, "type");
    if (!type) return fail(std::move(type).error());
    out.type = *std::move(type);
    auto name = doc->required(root, "name");
    if (!name) return fail(std::move(name).error());
    out.name = *std::move(name);
    auto id = doc->id(root);
    if (!id) return fail(std::move(id).error());
    out.uuid = *id;
    if (auto ok = detail::read_memory(*doc, root, out); !ok) return fail(std::move(ok).error());
    if (auto ok = detail::read_cpus(*doc, root, out); !ok) return fail(std::move(ok).error());

    const pugi::xml_node os = root.child("os");
    out.arch = os.child("type").attribute("arch").value();
    out.machine = os.child("type").attribute("machine").value();
    out.loader = os.child_value("loader");
    out.nvram = os.child_value("nvram");
    // From libvirt 8.5 on the variables may stand in a <source>.
    if (const pugi::xml_node source = os.child("nvram").child("source")) {
        out.nvram = source.attribute("file").value();
    }
    out.cpu_mode = root.child("cpu").attribute("mode").value();
    out.cpu_model = root.child("cpu").child_value("model");
    for (const pugi::xml_node &each : root.child("features").children()) {
        if (std::string_view(each.attribute("state").as_string("on")) == "off") continue;
        out.features.emplace_back(each.name());
    }
    if (auto ok = detail::read_devices(*doc, root.child("devices"), out); !ok) {
        return fail(std::move(ok).error());
    }
    if (auto ok = detail::read_cpu_needs(*doc, root, out); !ok) {
        return fail(std::move(ok).error());
    }
    detail::read_security(root, out);
    return out;
}

} // namespace kvmig::xml
