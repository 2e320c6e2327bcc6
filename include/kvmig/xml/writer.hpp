// SPDX-License-Identifier: MIT
/// XML text written with pugixml, which escapes what needs it.
#pragma once

#include <kvmig/core/units.hpp>

#include <pugixml.hpp>
#include <sstream>
#include <string>
#include <string_view>

namespace kvmig::xml {

/// `<name>text</name>`.
inline pugi::xml_node add(pugi::xml_node parent, const char *name, const std::string &text) {
    pugi::xml_node child = parent.append_child(name);
    child.text() = text.c_str();
    return child;
}

/// `<name attribute='value'/>`.
inline pugi::xml_node add_with(pugi::xml_node parent, const char *name, const char *attribute,
                               const std::string &value) {
    pugi::xml_node child = parent.append_child(name);
    child.append_attribute(attribute) = value.c_str();
    return child;
}

/// `<name unit="bytes">…</name>`.
inline pugi::xml_node add_amount(pugi::xml_node parent, const char *name, bytes amount) {
    pugi::xml_node child = add(parent, name, std::to_string(amount.count()));
    child.append_attribute("unit") = "bytes";
    return child;
}

/// A name without its namespace's prefix: `fs:mount_opts` → `mount_opts`.
[[nodiscard]] inline std::string_view without_prefix(std::string_view name) noexcept {
    const auto colon = name.find(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

/// The document as text, two spaces a level, without a declaration.
[[nodiscard]] inline std::string text_of(const pugi::xml_document &doc) {
    std::ostringstream out;
    doc.save(out, "  ", pugi::format_indent | pugi::format_no_declaration);
    return out.str();
}

} // namespace kvmig::xml
