// SPDX-License-Identifier: MIT
/// A domain's definition for another host: the paths in it adapted by rule.
#pragma once

#include <kvmig/model/path_rule.hpp>
#include <kvmig/xml/document.hpp>
#include <kvmig/xml/writer.hpp>

#include <array>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::xml {

namespace detail {

/// Elements whose text is a path of the host, below the domain.
inline constexpr std::array text_paths = {
    "os/kernel", "os/initrd", "os/dtb", "os/loader", "os/nvram", "devices/emulator",
};
/// Attributes that hold one, wherever their element stands below `<devices>`.
inline constexpr std::array attribute_paths = {
    ".//source/@file", ".//source/@dev", ".//source/@dir", ".//source/@path", ".//log/@file",
};

} // namespace detail

/// The domain XML `text` with each path of the host (images and their backing files, kernel,
/// firmware and its variables, emulator, files of consoles) as `rules` make it; every other text
/// stays as it is, and all of it where there are no rules. Fails with `protocol` when it is no XML
/// of a domain.
[[nodiscard]] inline expected<std::string> with_paths(const std::string &text,
                                                      const std::vector<model::path_rule> &rules) {
    if (rules.empty()) return text;
    pugi::xml_document doc;
    const auto read = doc.load_string(text.c_str(), pugi::parse_full);
    const pugi::xml_node domain = doc.child("domain");
    if (!read || !domain) {
        return fail(error_kind::protocol,
                    std::string("the definition is no XML of a domain: ") + read.description());
    }
    for (const char *path : detail::text_paths) {
        for (const auto &found : domain.select_nodes(path)) {
            pugi::xml_text words = found.node().text();
            const std::string_view path_there = document::trimmed(words.get());
            if (!path_there.empty()) words.set(model::adapted(rules, path_there).c_str());
        }
    }
    for (const char *path : detail::attribute_paths) {
        for (const auto &found : domain.select_nodes(path)) {
            pugi::xml_attribute words = found.attribute();
            words.set_value(model::adapted(rules, words.value()).c_str());
        }
    }
    return text_of(doc);
}

} // namespace kvmig::xml
