// SPDX-License-Identifier: MIT
/// The values in a JSON text (RFC 8259), each with the names that lead to it. For short answers of
/// other programs; the text may be anything.
#pragma once

#include <kvmig/core/expected.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::model {

/// A string, number, `true`, `false` or `null` within objects and arrays.
struct json_leaf {
    std::string path;       ///< names and indices from outside in: `ram.transferred`, `reasons.0`
    std::string text;       ///< a string's content; of all else, what stands there
    bool is_string = false; ///< `"7"`, not `7`

    friend bool operator==(const json_leaf &, const json_leaf &) = default;
};

namespace detail {

/// Every function that reads returns false where the text is wrong, and `problem_` tells of it.
class json_reader {
public:
    explicit json_reader(std::string_view text) : text_(text) {}

    [[nodiscard]] expected<std::vector<json_leaf>> read() {
        bool good = value("", 0);
        skip_space();
        if (good && at_ != text_.size()) good = wrong("the end");
        if (!good) return fail(std::move(problem_));
        return std::move(leaves_);
    }

private:
    /// Deeper nesting is refused: each level takes some of the stack.
    static constexpr unsigned deepest = 64;

    bool wrong(const std::string &wanted) {
        problem_ = make_error(error_kind::protocol,
                              "no JSON: at character " + std::to_string(at_) + ", not " + wanted);
        return false;
    }
    void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
    /// Whether `c` comes next; it is read then.
    bool next(char c) {
        skip_space();
        if (at_ == text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    bool value(const std::string &path, unsigned depth) {
        if (depth > deepest) return wrong("anything nested so deeply");
        if (next('{')) return members(path, depth, '}');
        if (next('[')) return members(path, depth, ']');
        if (next('"')) {
            std::string content;
            if (!string(content)) return false;
            leaves_.push_back({path, std::move(content), true});
            return true;
        }
        return word(path);
    }

    /// Of an object or an array that was opened, up to `closing`.
    bool members(const std::string &path, unsigned depth, char closing) {
        if (next(closing)) return true;
        for (std::size_t index = 0;; ++index) {
            std::string inner = path;
            if (!inner.empty()) inner += '.';
            if (closing == ']') {
                inner += std::to_string(index);
            } else {
                if (!next('"')) return wrong("a name");
                if (!string(inner)) return false;
                if (!next(':')) return wrong("a colon");
            }
            if (!value(inner, depth + 1)) return false;
            if (next(closing)) return true;
            if (!next(',')) return wrong("a comma or the end of a list");
        }
    }

    /// A number, or one of the three words.
    bool word(const std::string &path) {
        const std::size_t end = std::min(
            text_.find_first_not_of("+-.0123456789abcdefghijklmnopqrstuvwxyzE", at_), text_.size());
        const std::string_view seen = text_.substr(at_, end - at_);
        if (seen != "true" && seen != "false" && seen != "null" && !is_number(seen)) {
            return wrong("a value");
        }
        leaves_.push_back({path, std::string{seen}, false});
        at_ = end;
        return true;
    }

    [[nodiscard]] static bool is_number(std::string_view in) {
        const auto digits = [&in] {
            const std::size_t count = std::min(in.find_first_not_of("0123456789"), in.size());
            in.remove_prefix(count);
            return count;
        };
        if (in.starts_with('-')) in.remove_prefix(1);
        const bool zero = in.starts_with('0');
        const std::size_t whole = digits();
        if (whole == 0 || (zero && whole > 1)) return false;
        if (in.starts_with('.')) {
            in.remove_prefix(1);
            if (digits() == 0) return false;
        }
        if (in.starts_with('e') || in.starts_with('E')) {
            in.remove_prefix(1);
            if (in.starts_with('+') || in.starts_with('-')) in.remove_prefix(1);
            if (digits() == 0) return false;
        }
        return in.empty();
    }

    /// What follows an opening quote, up to the closing one.
    bool string(std::string &out) {
        for (; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '"') {
                ++at_;
                return true;
            }
            if (static_cast<unsigned char>(c) < 0x20) return wrong("a control character");
            if (c != '\\') {
                out += c;
            } else if (!escape(out)) {
                return false;
            }
        }
        return wrong("the end within a string");
    }

    /// `at_` stands on the backslash, and on the last character of the escape afterwards.
    bool escape(std::string &out) {
        constexpr std::string_view letters = "\"\\/bfnrt";
        constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
        if (++at_ == text_.size()) return wrong("the end within a string");
        if (const std::size_t which = letters.find(text_[at_]); which != std::string_view::npos) {
            out += meanings[which];
            return true;
        }
        auto code = text_[at_] == 'u' ? four_digits() : std::nullopt;
        if (!code) return wrong("such an escape");
        if (*code >= 0xD800 && *code < 0xDC00) {
            // The first half of a character beyond 16 bits.
            if (text_.substr(at_ + 1, 2) != "\\u") return wrong("half a character");
            at_ += 2;
            const auto other = four_digits();
            if (!other || *other < 0xDC00 || *other > 0xDFFF) return wrong("half a character");
            code = 0x10000 + ((*code - 0xD800) << 10U) + (*other - 0xDC00);
        } else if (*code >= 0xDC00 && *code <= 0xDFFF) {
            return wrong("half a character");
        }
        put_utf8(out, *code);
        return true;
    }

    /// After `\u`, on whose last character `at_` stands, as on the last digit afterwards.
    std::optional<std::uint32_t> four_digits() {
        std::uint32_t code = 0;
        for (unsigned i = 0; i < 4; ++i) {
            constexpr std::string_view lower = "0123456789abcdef";
            constexpr std::string_view upper = "0123456789ABCDEF";
            if (at_ + 1 >= text_.size()) return std::nullopt;
            const char c = text_[++at_];
            const std::size_t digit = std::min(lower.find(c), upper.find(c));
            if (digit == std::string_view::npos) return std::nullopt;
            code = code << 4U | static_cast<std::uint32_t>(digit);
        }
        return code;
    }

    static void put_utf8(std::string &out, std::uint32_t code) {
        const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
        if (code < 0x80) {
            put(code);
        } else if (code < 0x800) {
            put(0xC0U | code >> 6U);
            put(0x80U | (code & 0x3FU));
        } else {
            if (code < 0x10000) {
                put(0xE0U | code >> 12U);
            } else {
                put(0xF0U | code >> 18U);
                put(0x80U | (code >> 12U & 0x3FU));
            }
            put(0x80U | (code >> 6U & 0x3FU));
            put(0x80U | (code & 0x3FU));
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::vector<json_leaf> leaves_;
    error problem_;
};

} // namespace detail

/// Every leaf of `text`, in its order; of a lone value, one without a path. Fails with `protocol`
/// where it is no JSON, naming the place.
[[nodiscard]] inline expected<std::vector<json_leaf>> json_leaves(std::string_view text) {
    return detail::json_reader(text).read();
}

} // namespace kvmig::model
