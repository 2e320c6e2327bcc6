// SPDX-License-Identifier: MIT
/// The `<cpu>` of a domain, for libvirt to compare.
#pragma once

#include <kvmig/xml/document.hpp>

#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::xml {

/// The element as text; nothing where the domain has none. Errors name path and line.
[[nodiscard]] inline expected<std::optional<std::string>> cpu_of(std::string_view domain_xml) {
    auto doc = document::parse(domain_xml, "domain");
    if (!doc) return fail(std::move(doc).error());
    const pugi::xml_node cpu = doc->root().child("cpu");
    if (!cpu) return std::nullopt;
    std::ostringstream out;
    cpu.print(out, "", pugi::format_raw);
    return out.str();
}

} // namespace kvmig::xml
