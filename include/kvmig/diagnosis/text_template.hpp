// SPDX-License-Identifier: MIT
/// Message templates: literal text with typed holes, matched without backtracking.
///
/// A hole `{name}` has the type that its name implies, `{name:type}` the one that is told:
/// | type     | holds                                                    | names that imply it |
/// |----------|----------------------------------------------------------|---------------------|
/// | host     | a host name or address                                   | host                |
/// | endpoint | `host:port`, split at the last colon into both           | endpoint            |
/// | number   | digits, hexadecimal too, sign and decimal point          | port, number, n     |
/// | word     | no blanks                                                | uuid, mac, word     |
/// | rest     | anything up to the end of the line, or nothing           | rest, reason        |
/// | name     | anything; at the end of a template, up to a blank        | all others          |
#pragma once

#include <kvmig/diagnosis/fold.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::diagnosis {

/// What may stand in a hole `{name:type}`.
enum class hole_type : std::uint8_t { host, endpoint, number, word, name, rest };

/// The most bytes that a hole of this type takes; bounds the work for one candidate.
[[nodiscard]] constexpr std::size_t longest(hole_type type) noexcept {
    switch (type) {
    case hole_type::host:
    case hole_type::endpoint: return 280;
    case hole_type::number: return 40;
    case hole_type::word: return 300;
    case hole_type::name: return 600;
    case hole_type::rest: return 800;
    }
    return 0;
}

/// Whether a folded byte may stand in a hole of this type.
[[nodiscard]] constexpr bool belongs(hole_type type, char c) noexcept {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'z') || (c & '\x80') != 0;
    switch (type) {
    case hole_type::host:
    case hole_type::endpoint:
        return digit || letter || c == '.' || c == '-' || c == '_' || c == ':' || c == '%' ||
               c == '[' || c == ']' || c == '<' || c == '>';
    case hole_type::number:
        return digit || (c >= 'a' && c <= 'f') || c == 'x' || c == '.' || c == '-' || c == '+';
    case hole_type::word: return c != ' ';
    case hole_type::name:
    case hole_type::rest: return true;
    }
    return false;
}

/// A literal stretch of a template, or a hole.
struct piece {
    std::string_view literal;         ///< folded; empty for a hole
    std::string_view name;            ///< of the hole
    hole_type type = hole_type::name; ///< of a hole: what it takes

    /// Whether it stands for any text; else it is literal.
    [[nodiscard]] bool is_hole() const noexcept { return !name.empty(); }
};

namespace detail {

[[nodiscard]] constexpr hole_type type_of(std::string_view name) noexcept {
    if (name == "host") return hole_type::host;
    if (name == "endpoint") return hole_type::endpoint;
    if (name == "port" || name == "number" || name == "n") return hole_type::number;
    if (name == "uuid" || name == "mac" || name == "word") return hole_type::word;
    if (name == "rest" || name == "reason") return hole_type::rest;
    return hole_type::name;
}

[[nodiscard]] constexpr bool type_named(std::string_view text, hole_type &out) noexcept {
    if (text == "host")
        out = hole_type::host;
    else if (text == "endpoint")
        out = hole_type::endpoint;
    else if (text == "number")
        out = hole_type::number;
    else if (text == "word")
        out = hole_type::word;
    else if (text == "name")
        out = hole_type::name;
    else if (text == "rest")
        out = hole_type::rest;
    else
        return false;
    return true;
}

} // namespace detail

/// Takes a template apart. Literals point into `arena`, names into `text`; `arena` must have room
/// for `text.size()` more bytes, so that earlier views stay valid. Returns false when the template
/// is malformed: a brace without its partner, an unknown type, a hole without a name, or two holes
/// with nothing between them.
[[nodiscard]] inline bool parse_template(std::string_view text, std::string &arena,
                                         std::vector<piece> &pieces) {
    std::string literal;
    // Folding drops blanks at the ends; those beside a hole are part of the message.
    const auto flush = [&](std::string_view raw) {
        if (raw.empty()) return true;
        fold("|" + std::string(raw) + "|", literal);
        const std::string_view inner = std::string_view(literal).substr(1, literal.size() - 2);
        if (inner.empty()) return true;
        if (arena.size() + inner.size() > arena.capacity()) return false;
        const std::size_t at = arena.size();
        arena += inner;
        pieces.push_back(
            {.literal = std::string_view(arena.data() + at, inner.size()), .name = {}});
        return true;
    };
    while (!text.empty()) {
        const std::size_t open = text.find('{');
        if (text.substr(0, open).find('}') != std::string_view::npos) return false;
        if (!flush(text.substr(0, open))) return false;
        if (open == std::string_view::npos) return true;
        const std::size_t close = text.find('}', open);
        if (close == std::string_view::npos) return false;
        const std::string_view hole = text.substr(open + 1, close - open - 1);
        const std::size_t colon = hole.find(':');
        piece one{.literal = {}, .name = hole.substr(0, colon)};
        if (one.name.empty()) return false;
        if (!pieces.empty() && pieces.back().is_hole()) return false;
        one.type = detail::type_of(one.name);
        if (colon != std::string_view::npos &&
            !detail::type_named(hole.substr(colon + 1), one.type)) {
            return false;
        }
        pieces.push_back(one);
        text.remove_prefix(close + 1);
    }
    return true;
}

} // namespace kvmig::diagnosis
