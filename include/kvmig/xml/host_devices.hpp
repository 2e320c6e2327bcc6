// SPDX-License-Identifier: MIT
/// The host's PCI devices that a guest holds and libvirt refuses to migrate: which they are, and
/// the XML by which they are detached and attached.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/pci_address.hpp>
#include <kvmig/xml/document.hpp>
#include <kvmig/xml/pci_address.hpp>
#include <kvmig/xml/writer.hpp>

#include <algorithm>
#include <optional>
#include <pugixml.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::xml {

/// Such a device.
struct host_device_element {
    model::pci_address address; ///< at the host
    std::string xml;            ///< the element as the domain has it: by it, it is detached

    friend bool operator==(const host_device_element &, const host_device_element &) = default;
};

namespace detail {

/// Whether libvirt refuses to migrate a guest with it: `<hostdev mode='subsystem' type='pci'>` or
/// `<interface type='hostdev'>`, unless it teams up with a card that stays
/// (`qemuMigrationSrcIsAllowedHostdev`).
[[nodiscard]] inline bool stays_behind(const pugi::xml_node &element) {
    const std::string_view name = element.name();
    const std::string_view type = element.attribute("type").value();
    const std::string_view mode = element.attribute("mode").as_string("subsystem");
    const bool device = name == "hostdev" && mode == "subsystem" && type == "pci";
    const bool card = name == "interface" && type == "hostdev";
    const std::string_view team = element.child("teaming").attribute("type").value();
    return (device || card) && team != "transient";
}

[[nodiscard]] inline pugi::xml_node host_address(const pugi::xml_node &element) {
    return element.child("source").child("address");
}

[[nodiscard]] inline std::string text_of_node(const pugi::xml_node &node) {
    std::ostringstream out;
    node.print(out, "", pugi::format_raw | pugi::format_no_declaration);
    return std::move(out).str();
}

/// Each of them below the domain of `doc`, with its address: `visit(element, address)`.
template <class Visit>
[[nodiscard]] expected<void> for_host_devices(const document &doc, Visit visit) {
    for (pugi::xml_node each = doc.root().child("devices").first_child(); each;) {
        const pugi::xml_node element = each;
        each = each.next_sibling(); // the visitor may remove it
        if (!stays_behind(element)) continue;
        const pugi::xml_node address = host_address(element);
        if (!address) return fail(doc.problem(element, "the host's address is missing"));
        const auto at = pci_address_of(doc, address);
        if (!at) return fail(at.error());
        visit(element, *at);
    }
    return {};
}

} // namespace detail

/// Those of the domain XML `text`, in its order. Fails with `invalid_argument`, naming the place.
[[nodiscard]] inline expected<std::vector<host_device_element>>
host_devices(std::string_view text) {
    const auto doc = document::parse(text, "domain");
    if (!doc) return fail(doc.error());
    std::vector<host_device_element> out;
    const auto read =
        detail::for_host_devices(*doc, [&](pugi::xml_node element, const model::pci_address &at) {
            out.push_back({at, detail::text_of_node(element)});
        });
    if (!read) return fail(read.error());
    return out;
}

/// The element `xml` of a device, to be attached to the guest as the host's device at `at`: on one
/// line, without the name that libvirt itself gave it. What the guest sees of it (slot, MAC, ROM)
/// stays, and so does a name that the user gave (`ua-…`). Fails with `invalid_argument` when it is
/// no such element.
[[nodiscard]] inline expected<std::string> attachable(const std::string &xml,
                                                      const model::pci_address &at) {
    pugi::xml_document doc;
    const auto read = doc.load_string(xml.c_str());
    pugi::xml_node element = doc.document_element();
    const pugi::xml_node address = detail::host_address(element);
    if (!read || !detail::stays_behind(element) || !address) {
        return fail(make_error(error_kind::invalid_argument,
                               "the XML is none of a PCI device of the host"));
    }
    set_pci_address(address, at);
    const pugi::xml_node alias = element.child("alias");
    if (!std::string_view(alias.attribute("name").value()).starts_with("ua-")) {
        element.remove_child(alias);
    }
    return detail::text_of_node(element);
}

/// A device of one host, and what takes its place on another; nothing: no device does.
using host_device_place = std::pair<model::pci_address, std::optional<model::pci_address>>;

/// The domain XML `text` for another host, where `places` says which of its devices take the place
/// of those named in `text`; those without a place are taken out, and those that `places` does not
/// name stay as they are. Fails with `invalid_argument`, naming the place.
[[nodiscard]] inline expected<std::string>
with_host_devices(std::string_view text, const std::vector<host_device_place> &places) {
    const auto doc = document::parse(text, "domain");
    if (!doc) return fail(doc.error());
    const auto read =
        detail::for_host_devices(*doc, [&](pugi::xml_node element, const model::pci_address &at) {
            const auto place = std::find_if(places.begin(), places.end(),
                                            [&](const auto &each) { return each.first == at; });
            if (place == places.end()) return;
            if (place->second) {
                set_pci_address(detail::host_address(element), *place->second);
            } else {
                element.parent().remove_child(element);
            }
        });
    if (!read) return fail(read.error());
    return detail::text_of_node(doc->root());
}

} // namespace kvmig::xml
