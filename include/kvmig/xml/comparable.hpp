// SPDX-License-Identifier: MIT
/// A domain's XML in a form in which two of them can be compared and shown.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/line_diff.hpp>
#include <kvmig/xml/document.hpp>
#include <kvmig/xml/writer.hpp>

#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::xml {

/// The XML written anew, indented by two spaces, without comments, so that only what it says makes
/// a difference; passwords of consoles are left out. Fails with `invalid_argument` when `text` is
/// no XML of a domain.
[[nodiscard]] inline expected<std::string> comparable(std::string_view text) {
    auto checked = document::parse(text, "domain");
    if (!checked) return fail(std::move(checked).error());
    pugi::xml_document doc;
    doc.append_copy(checked->root());
    for (const auto &found : doc.select_nodes("//@passwd")) found.attribute().set_value("hidden");
    return text_of(doc);
}

/// What differs between two XMLs of a domain, as `diff -u` shows it; empty where nothing does.
[[nodiscard]] inline expected<std::string> difference(std::string_view from, std::string_view to,
                                                      std::string_view from_name,
                                                      std::string_view to_name) {
    auto before = comparable(from);
    if (!before) return fail(std::move(before).error());
    auto after = comparable(to);
    if (!after) return fail(std::move(after).error());
    return unified_diff(*before, *after, from_name, to_name);
}

} // namespace kvmig::xml
