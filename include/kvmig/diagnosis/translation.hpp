// SPDX-License-Identifier: MIT
/// Leads a translated message back to its original, by the catalogues with which it was translated.
///
/// libvirt and the C library translate through GNU gettext. A compiled catalogue (`.mo`) holds
/// originals and translations as printf formats; a translation in a text is recognised like any
/// template, and its values are set into the original.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/diagnosis/matcher.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::diagnosis {

/// One message of a catalogue.
struct translated_message {
    std::string_view original;    ///< English: a format of printf(3), as a rule
    std::string_view translation; ///< the same format in the catalogue's language
};

/// Reads a compiled catalogue, either byte order; the views point into `mo`. Plural forms come out
/// as messages of their own. Fails with `protocol`, naming the offset, when it is damaged.
[[nodiscard]] inline expected<std::vector<translated_message>> parse_mo(std::string_view mo) {
    const auto damaged = [](std::string_view what, std::size_t at) {
        return fail(make_error(error_kind::protocol,
                               "the message catalogue is damaged: " + std::string(what) +
                                   " at byte " + std::to_string(at))
                        .advise("install the package that it comes from anew"));
    };
    bool swapped = false;
    const auto word = [&](std::size_t at) {
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            const std::size_t from = at + (swapped ? i : 3 - i);
            value = value << 8U | static_cast<unsigned char>(mo[from]);
        }
        return value;
    };
    if (mo.size() < 28) return damaged("it ends within its header", mo.size());
    if (word(0) != 0x950412DEU) {
        swapped = true;
        if (word(0) != 0x950412DEU) return damaged("no magic number", 0);
    }
    const std::size_t count = word(8);
    const std::array<std::size_t, 2> tables = {word(12), word(16)};
    for (const std::size_t table : tables) {
        if (table > mo.size() || count > (mo.size() - table) / 8) {
            return damaged("a table runs past the end", table);
        }
    }
    std::vector<translated_message> messages;
    messages.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        std::array<std::string_view, 2> text;
        for (std::size_t k = 0; k < 2; ++k) {
            const std::size_t entry = tables[k] + i * 8;
            const std::size_t size = word(entry);
            const std::size_t at = word(entry + 4);
            if (at > mo.size() || size > mo.size() - at) {
                return damaged("a message runs past the end", entry);
            }
            text[k] = mo.substr(at, size);
        }
        if (text[0].empty()) continue; // the header entry
        // Singular and plural of the original, and all forms of the translation.
        const std::string_view singular = text[0].substr(0, text[0].find('\0'));
        const std::size_t next = text[0].find('\0');
        const std::string_view plural =
            next == std::string_view::npos ? singular : text[0].substr(next + 1);
        std::string_view forms = text[1];
        for (bool first = true; !forms.empty(); first = false) {
            const std::size_t end = forms.find('\0');
            messages.push_back({first ? singular : plural, forms.substr(0, end)});
            forms = end == std::string_view::npos ? std::string_view{} : forms.substr(end + 1);
        }
    }
    return messages;
}

namespace detail {

/// A printf format taken apart.
struct format_part {
    std::string literal;
    std::size_t argument = 0; ///< counted from 1; 0 for a literal
    bool number = false;
};

/// The parts of a format; nothing for one that cannot be read.
[[nodiscard]] inline std::optional<std::vector<format_part>> parse_format(std::string_view text) {
    std::vector<format_part> parts;
    std::size_t sequence = 0;
    std::string literal;
    const auto flush = [&] {
        if (!literal.empty()) parts.push_back({.literal = std::move(literal)});
        literal.clear();
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            literal += text[i];
            continue;
        }
        if (++i == text.size()) return std::nullopt;
        if (text[i] == '%') {
            literal += '%';
            continue;
        }
        std::size_t position = 0;
        std::size_t at = i;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
            position = position * 10 + static_cast<std::size_t>(text[at++] - '0');
            if (position > 99) return std::nullopt;
        }
        if (at < text.size() && text[at] == '$' && position > 0)
            i = at + 1;
        else
            position = 0;
        // Flags, width, precision and length do not matter to a reader.
        static constexpr std::string_view modifiers = "-+ #0123456789.hlqjzt'I";
        while (i < text.size() && modifiers.find(text[i]) != std::string_view::npos) ++i;
        if (i == text.size() || text[i] == '*') return std::nullopt;
        flush();
        const bool number = std::string_view("diouxX").find(text[i]) != std::string_view::npos;
        parts.push_back(
            {.literal = {}, .argument = position > 0 ? position : ++sequence, .number = number});
    }
    flush();
    return parts;
}

} // namespace detail

/// Knows the messages of any number of catalogues of one language. The bytes given to `add` are
/// not needed afterwards.
class translator {
public:
    /// Adds a compiled catalogue; fails as `parse_mo` does.
    [[nodiscard]] expected<void> add(std::string_view mo) {
        auto messages = parse_mo(mo);
        if (!messages) return unexpected(std::move(messages.error()));
        for (const translated_message &one : *messages) add(one);
        return {};
    }

    /// To be called once, after the last `add`.
    void finish() { matcher_.finish(); }

    /// `line` with every translated message in it led back to its original; nothing when it holds
    /// none.
    [[nodiscard]] std::optional<std::string> original(std::string_view line) const {
        return original(line, 0);
    }

    /// How many messages it knows.
    [[nodiscard]] std::size_t size() const noexcept { return formats_.size() + exact_.size(); }

private:
    static constexpr int deepest = 3;
    static constexpr std::size_t longest = 4096;

    void add(const translated_message &one) {
        if (one.original == one.translation) return;
        const auto to = detail::parse_format(one.original);
        const auto from = detail::parse_format(one.translation);
        if (!to || !from) return;
        const bool plain = from->size() == 1 && from->front().argument == 0;
        if (plain)
            exact_.try_emplace(folded(one.translation), to->empty() ? "" : to->front().literal);
        std::vector<piece> pieces;
        std::vector<std::size_t> arguments;
        std::vector<std::string> literals;
        literals.reserve(from->size()); // pieces point into it
        bool usable = true;
        for (const detail::format_part &part : *from) {
            if (part.argument != 0) {
                usable = usable && (pieces.empty() || !pieces.back().is_hole());
                pieces.push_back({.literal = {},
                                  .name = "value",
                                  .type = part.number ? hole_type::number : hole_type::rest});
                arguments.push_back(part.argument);
                continue;
            }
            std::string inner = folded("|" + part.literal + "|");
            inner = inner.substr(1, inner.size() - 2);
            if (inner.empty()) continue;
            literals.push_back(std::move(inner));
            pieces.push_back({.literal = literals.back(), .name = {}});
        }
        // A message that begins with a value could be anything up to there.
        if (!usable || pieces.empty() || matcher_.add(pieces) < 0) return;
        formats_.push_back({*to, std::move(arguments)});
    }

    [[nodiscard]] std::optional<std::string> original(std::string_view line, int depth) const {
        if (depth == deepest || line.size() > longest) return std::nullopt;
        std::string text;
        std::vector<std::uint32_t> from;
        fold(line, text, from);
        if (const auto same = exact_.find(text); same != exact_.end()) return same->second;
        std::vector<found_template> found;
        std::uint64_t work = 0;
        matcher_.scan(text, found, work);
        const found_template *best = nullptr;
        for (const found_template &one : found) {
            if (one.match.cut()) continue;
            if (best == nullptr || one.match.literal > best->match.literal) best = &one;
        }
        if (best == nullptr) return std::nullopt;
        const auto raw = [&](std::size_t begin, std::size_t end) {
            if (begin >= end) return std::string_view{};
            const std::size_t first = from[begin];
            return line.substr(first, from[end - 1] + std::size_t{1} - first);
        };
        const template_match &match = best->match;
        const format &known = formats_[best->id];
        std::map<std::size_t, std::string> given;
        for (std::size_t i = 0; i < match.hole_count && i < known.arguments.size(); ++i) {
            const std::string_view value = raw(match.holes[i].begin, match.holes[i].end);
            given[known.arguments[i]] = original(value, depth + 1).value_or(std::string(value));
        }
        std::string out;
        for (const detail::format_part &part : known.to) {
            out += part.argument == 0 ? part.literal : given[part.argument];
        }
        // What stands before and after, e.g. "error: " and the words of an errno.
        const std::string_view before = line.substr(0, from[match.where.begin]);
        const std::size_t end =
            match.where.end == 0 ? 0 : from[match.where.end - 1] + std::size_t{1};
        std::string_view after = line.substr(end);
        std::string tail;
        const std::size_t word = after.find_first_not_of("'\": \t\xEF\xBC\x9A");
        if (word != std::string_view::npos) {
            const std::string_view words = after.substr(word);
            tail = ": " + original(words, depth + 1).value_or(std::string(words));
        }
        const auto led = before.empty() ? std::nullopt : original(before, depth + 1);
        return (led ? *led : std::string(before)) + out + tail;
    }

    struct format {
        std::vector<detail::format_part> to;
        std::vector<std::size_t> arguments; ///< of each hole of the translation
    };

    matcher matcher_;
    std::vector<format> formats_;
    std::map<std::string, std::string, std::less<>> exact_;
};

} // namespace kvmig::diagnosis
