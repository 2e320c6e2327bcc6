// SPDX-License-Identifier: MIT
/// PCI addresses in libvirt's XML, and the node device that describes what is at one.
#pragma once

#include <kvmig/model/pci_address.hpp>
#include <kvmig/xml/document.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::xml {

/// Of an `<address>` with domain, bus, slot and function; what is left out is 0. Fails with
/// `invalid_argument`, naming the place.
[[nodiscard]] inline expected<model::pci_address> pci_address_of(const document &doc,
                                                                 const pugi::xml_node &address) {
    struct part {
        const char *name;
        std::uint64_t most;
    };
    static constexpr std::array parts = {part{"domain", 0xffffffffU}, part{"bus", 0xffU},
                                         part{"slot", 0x1fU}, part{"function", 7U}};
    std::array<std::uint32_t, parts.size()> read{};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const std::string_view text = address.attribute(parts[i].name).as_string("0");
        const auto value = text.starts_with("0x") ? doc.natural(address, text.substr(2), 16)
                                                  : doc.natural(address, text);
        if (!value) return fail(value.error());
        if (*value > parts[i].most) {
            return fail(doc.problem(address, "there is no PCI " + std::string(parts[i].name) +
                                                 " '" + std::string(text) + "'"));
        }
        read[i] = static_cast<std::uint32_t>(*value);
    }
    return model::pci_address{read[0], static_cast<std::uint8_t>(read[1]),
                              static_cast<std::uint8_t>(read[2]),
                              static_cast<std::uint8_t>(read[3])};
}

/// Lets `<address>` name `to`, in libvirt's own form.
inline void set_pci_address(pugi::xml_node address, const model::pci_address &to) {
    const auto put = [&](const char *name, std::uint32_t value, std::size_t width) {
        pugi::xml_attribute at = address.attribute(name);
        if (!at) at = address.append_attribute(name);
        at = ("0x" + model::pci_address::digits(value, width)).c_str();
    };
    put("domain", to.domain, 4);
    put("bus", to.bus, 2);
    put("slot", to.slot, 2);
    put("function", to.function, 1);
}

/// Of a node device's XML (docs/formatnode), what it says of a PCI device. Fails with
/// `invalid_argument` for XML of another device, naming the place.
[[nodiscard]] inline expected<model::pci_device> parse_pci_device(std::string_view text) {
    auto doc = document::parse(text, "device");
    if (!doc) return fail(std::move(doc).error());
    const pugi::xml_node pci = doc->root().find_child_by_attribute("capability", "type", "pci");
    if (!pci) return fail(doc->problem(doc->root(), "it is no PCI device"));
    model::pci_device out;
    std::array<std::uint32_t, 4> parts{};
    static constexpr std::array names = {"domain", "bus", "slot", "function"};
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto number = doc->required(pci, names[i]);
        if (!number) return fail(number.error());
        const auto value = doc->small(pci.child(names[i]), *number);
        if (!value) return fail(value.error());
        parts[i] = *value;
    }
    out.address = {parts[0], static_cast<std::uint8_t>(parts[1]),
                   static_cast<std::uint8_t>(parts[2]), static_cast<std::uint8_t>(parts[3])};
    const pugi::xml_node vendor = pci.child("vendor");
    const pugi::xml_node product = pci.child("product");
    out.vendor = vendor.attribute("id").value();
    out.product = product.attribute("id").value();
    for (const pugi::xml_node &each : {product, vendor}) {
        const std::string_view name = document::trimmed(each.text().get());
        if (name.empty()) continue;
        if (!out.name.empty()) out.name += ", ";
        out.name += name;
    }
    if (const pugi::xml_attribute group = pci.child("iommuGroup").attribute("number")) {
        const auto number = doc->small(pci.child("iommuGroup"), group.value());
        if (!number) return fail(number.error());
        out.iommu_group = *number;
    }
    return out;
}

} // namespace kvmig::xml
