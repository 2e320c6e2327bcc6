// SPDX-License-Identifier: MIT
/// XML text read with pugixml, with errors that name the place.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/core/uuid.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::xml {

/// A parsed document together with its text, so that a place in it can be named.
class document {
public:
    /// Reads `text`, whose root must be `<root>`. Fails with `invalid_argument`, naming the line.
    [[nodiscard]] static expected<document> parse(std::string_view text, std::string_view root) {
        document out;
        out.text_ = text;
        out.tree_ = std::make_unique<pugi::xml_document>();
        const pugi::xml_parse_result result = out.tree_->load_buffer(
            out.text_.data(), out.text_.size(), pugi::parse_default, pugi::encoding_utf8);
        if (!result) {
            return fail(error_kind::invalid_argument,
                        "the XML is malformed in line " +
                            std::to_string(out.line_at(result.offset)) + ": " +
                            result.description());
        }
        const pugi::xml_node first = out.tree_->document_element();
        if (root != first.name()) {
            return fail(make_error(error_kind::invalid_argument,
                                   "the XML begins with <" + std::string(first.name()) +
                                       "> where <" + std::string(root) + "> is expected")
                            .about("/" + std::string(first.name())));
        }
        return out;
    }

    /// Its root element.
    [[nodiscard]] pugi::xml_node root() const { return tree_->document_element(); }

    /// Path and line of an element, as in `/domain/devices/disk[2]/source, line 14`.
    [[nodiscard]] std::string place(const pugi::xml_node &node) const {
        std::string path;
        for (pugi::xml_node at = node; at.type() == pugi::node_element; at = at.parent()) {
            path.insert(0, "/" + std::string(at.name()) + index(at));
        }
        if (node.offset_debug() < 0) return path;
        return path + ", line " + std::to_string(line_at(node.offset_debug()));
    }

    /// An error about an element: `what` and its place.
    [[nodiscard]] error problem(const pugi::xml_node &node, const std::string &what) const {
        return make_error(error_kind::invalid_argument, what + " at " + place(node))
            .about(place(node));
    }

    /// The text of the child `name` of `node`; fails when the child or its text is missing.
    [[nodiscard]] expected<std::string> required(const pugi::xml_node &node,
                                                 const char *name) const {
        const pugi::xml_node child = node.child(name);
        if (!child) return fail(problem(node, "<" + std::string(name) + "> is missing"));
        const std::string_view found = child.text().get();
        if (found.empty()) return fail(problem(child, "there is no text"));
        return std::string(found);
    }

    /// The attribute `name` of `node`; fails when it is missing.
    [[nodiscard]] expected<std::string> required_attribute(const pugi::xml_node &node,
                                                           const char *name) const {
        const pugi::xml_attribute found = node.attribute(name);
        if (!found)
            return fail(problem(node, "the attribute " + std::string(name) + " is missing"));
        return std::string(found.value());
    }

    /// A natural number, from `text` found at `node`.
    [[nodiscard]] expected<std::uint64_t> natural(const pugi::xml_node &node, std::string_view text,
                                                  int base = 10) const {
        const std::string_view digits = trimmed(text);
        std::uint64_t value = 0;
        const auto [end, bad] =
            std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
        if (bad != std::errc{} || end != digits.data() + digits.size()) {
            return fail(problem(node, "'" + std::string(text) + "' is no whole number"));
        }
        return value;
    }

    /// As `natural`, within 32 bits.
    [[nodiscard]] expected<std::uint32_t> small(const pugi::xml_node &node, std::string_view text,
                                                int base = 10) const {
        const auto value = natural(node, text, base);
        if (!value) return fail(value.error());
        if (*value > std::numeric_limits<std::uint32_t>::max()) {
            return fail(problem(node, "'" + std::string(text) + "' is too large"));
        }
        return static_cast<std::uint32_t>(*value);
    }

    /// The text of `node` as an amount: see `scaled`.
    [[nodiscard]] expected<bytes> amount(const pugi::xml_node &node,
                                         std::string_view fallback) const {
        return scaled(node, node.text().get(), fallback);
    }

    /// A number found at `node` with the attribute `unit` of `node` as libvirt scales it
    /// (`virScaleInteger`): B, K/KiB, KB, M/MiB, MB, … E; `fallback` without the attribute: `KiB`
    /// in domains, `bytes` in storage.
    [[nodiscard]] expected<bytes> scaled(const pugi::xml_node &node, std::string_view number,
                                         std::string_view fallback) const {
        const auto value = natural(node, number);
        if (!value) return fail(value.error());
        const std::string unit = node.attribute("unit").as_string();
        const auto factor = scale(unit.empty() ? fallback : std::string_view(unit));
        if (factor == 0) return fail(problem(node, "there is no unit '" + unit + "'"));
        if (*value > std::numeric_limits<std::uint64_t>::max() / factor) {
            return fail(problem(node, "the amount is too large"));
        }
        return bytes{*value * factor};
    }

    /// The `<uuid>` of `node`, if there is one.
    [[nodiscard]] expected<std::optional<kvmig::uuid>> id(const pugi::xml_node &node) const {
        const pugi::xml_node child = node.child("uuid");
        if (!child) return std::nullopt;
        auto parsed = kvmig::uuid::parse(trimmed(child.text().get()));
        if (!parsed) return fail(problem(child, parsed.error().what));
        return std::optional(*parsed);
    }

    /// Without the white space around it.
    [[nodiscard]] static std::string_view trimmed(std::string_view text) noexcept {
        constexpr std::string_view space = " \t\r\n";
        const auto first = text.find_first_not_of(space);
        if (first == std::string_view::npos) return {};
        return text.substr(first, text.find_last_not_of(space) - first + 1);
    }

private:
    /// Bytes in a unit, 0 for one that does not exist. `KB` counts in thousands, `K` and `KiB`
    /// in 1024s; letters of either case.
    [[nodiscard]] static constexpr std::uint64_t scale(std::string_view unit) noexcept {
        const auto lower = [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        };
        const auto same = [&](std::string_view a, std::string_view b) {
            return a.size() == b.size() &&
                   std::equal(a.begin(), a.end(), b.begin(),
                              [&](char x, char y) { return lower(x) == lower(y); });
        };
        if (same(unit, "b") || same(unit, "byte") || same(unit, "bytes")) return 1;
        constexpr std::string_view prefixes = "kmgtpe";
        const auto power = unit.empty() ? std::string_view::npos : prefixes.find(lower(unit[0]));
        if (power == std::string_view::npos) return 0;
        const std::string_view rest = unit.substr(1);
        const bool binary = rest.empty() || same(rest, "ib");
        if (!binary && !same(rest, "b")) return 0;
        std::uint64_t factor = 1;
        for (std::size_t i = 0; i <= power; ++i) factor *= binary ? 1024U : 1000U;
        return factor;
    }

    /// `[n]` where the parent has several children of this name.
    [[nodiscard]] static std::string index(const pugi::xml_node &node) {
        std::size_t mine = 1;
        for (pugi::xml_node at = node.previous_sibling(node.name()); at;
             at = at.previous_sibling(node.name())) {
            ++mine;
        }
        if (mine == 1 && !node.next_sibling(node.name())) return {};
        return "[" + std::to_string(mine) + "]";
    }

    [[nodiscard]] std::size_t line_at(std::ptrdiff_t offset) const {
        const auto end = text_.begin() + std::clamp<std::ptrdiff_t>(
                                             offset, 0, static_cast<std::ptrdiff_t>(text_.size()));
        return static_cast<std::size_t>(std::count(text_.begin(), end, '\n')) + 1;
    }

    std::string text_;
    std::unique_ptr<pugi::xml_document> tree_;
};

} // namespace kvmig::xml
