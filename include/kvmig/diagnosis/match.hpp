// SPDX-License-Identifier: MIT
/// Compares one template with a folded line, starting from a place where a piece of it was found.
///
/// No backtracking: each hole ends where the literal after it first begins (or, to the left of the
/// starting place, where the literal before it last ends), within a bound. A line that ends in the
/// middle of a template still matches, as *cut*: terminals, journals and people cut messages short.
#pragma once

#include <kvmig/diagnosis/text_template.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace kvmig::diagnosis {

/// A part of a folded line.
struct text_span {
    std::size_t begin = 0; ///< of its first byte
    std::size_t end = 0;   ///< behind its last byte

    [[nodiscard]] constexpr std::size_t size() const noexcept { return end - begin; } ///< In bytes.
    /// Whether they share a byte.
    [[nodiscard]] constexpr bool meets(text_span other) const noexcept {
        return begin < other.end && other.begin < end;
    }
    friend constexpr bool operator==(text_span, text_span) noexcept = default;
};

/// The most holes that a template may have.
inline constexpr std::size_t most_holes = 10;

/// A template found in a line.
struct template_match {
    text_span where;            ///< holes at its ends included
    std::size_t literal = 0;    ///< bytes of literal text that agreed
    bool cut_front = false;     ///< the line begins in the middle of the template
    bool cut_back = false;      ///< the line ends in the middle of the template
    std::size_t hole_count = 0; ///< how many of `holes` and `pieces` are in force
    /// The holes found, in the order of the template; `pieces` says which.
    std::array<text_span, most_holes> holes{};
    /// Of each hole, its place among the pieces of the template.
    std::array<std::uint8_t, most_holes> pieces{};

    /// Whether the line holds only a part of the template.
    [[nodiscard]] constexpr bool cut() const noexcept { return cut_front || cut_back; }
};

namespace detail {

[[nodiscard]] constexpr bool alnum(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/// One attempt; holds what all steps of it share.
class attempt {
public:
    attempt(std::span<const piece> pieces, std::string_view line, std::uint64_t &work) noexcept
        : pieces_(pieces), line_(line), work_(work) {}

    /// Piece `k` is a literal whose byte `offset` stands at `at`, and eight bytes from there agree.
    [[nodiscard]] std::optional<template_match> run(std::size_t k, std::size_t offset,
                                                    std::size_t at) {
        const std::string_view literal = pieces_[k].literal;
        known_ = literal.size() - offset;
        if (!left_of(literal.substr(0, offset), at)) return std::nullopt;
        if (!found_.cut_front && !backward(k)) return std::nullopt;
        const std::size_t holes_left = found_.hole_count;
        std::reverse(found_.holes.begin(),
                     found_.holes.begin() + static_cast<std::ptrdiff_t>(holes_left));
        std::reverse(found_.pieces.begin(),
                     found_.pieces.begin() + static_cast<std::ptrdiff_t>(holes_left));
        if (!right_of(literal.substr(offset), at)) return std::nullopt;
        if (!found_.cut_back && !forward(k)) return std::nullopt;
        if (!whole_words()) return std::nullopt;
        return found_;
    }

private:
    /// Compares `text`, which should end at `end`; a line that begins within it cuts the match.
    bool left_of(std::string_view text, std::size_t end) {
        std::size_t same = 0;
        while (same < text.size() && same < end &&
               text[text.size() - 1 - same] == line_[end - 1 - same]) {
            ++same;
        }
        work_ += same + 1;
        found_.literal += same;
        found_.where.begin = end - same;
        if (same == text.size()) return true;
        // Eight bytes of a literal are enough to know it by its end.
        found_.cut_front = edge_before(end - same) && known_ + same >= 8;
        return found_.cut_front;
    }
    bool right_of(std::string_view text, std::size_t begin) {
        std::size_t same = 0;
        while (same < text.size() && begin + same < line_.size() &&
               text[same] == line_[begin + same]) {
            ++same;
        }
        work_ += same + 1;
        found_.literal += same;
        found_.where.end = begin + same;
        if (same == text.size()) return true;
        const std::size_t end = begin + same;
        // A blank at the end of a line is gone after folding.
        if (end == line_.size() && text.substr(same) == " ") return true;
        found_.cut_back = cut_at(end, text.substr(same));
        return found_.cut_back;
    }
    [[nodiscard]] bool edge_before(std::size_t at) const {
        return at == 0 || (at >= 3 && line_.substr(at - 3, 3) == "...") ||
               (at >= 4 && line_.substr(at - 4, 4) == "... ");
    }
    [[nodiscard]] bool edge_after(std::size_t at) const {
        return at == line_.size() || line_.substr(at, 3) == "..." || line_.substr(at, 4) == " ...";
    }

    /// Whether a line was cut at `at`, where `missing` should follow: an ellipsis says so, and so
    /// does a word that breaks off. A line that ends with a word may have been whole.
    [[nodiscard]] bool cut_at(std::size_t at, std::string_view missing) const {
        if (!edge_after(at)) return false;
        if (at != line_.size() || at == 0) return true;
        const bool broken = alnum(line_[at - 1]) && alnum(missing.front());
        return broken || missing.size() * 8 <= found_.literal || line_[at - 1] == ':';
    }

    void add_hole(std::size_t k, text_span where) {
        if (found_.hole_count == most_holes) return;
        found_.holes[found_.hole_count] = where;
        found_.pieces[found_.hole_count] = static_cast<std::uint8_t>(k);
        ++found_.hole_count;
    }

    /// How far bytes of the hole's type reach to the left of `end`.
    [[nodiscard]] std::size_t run_left(hole_type type, std::size_t end) {
        std::size_t begin = end;
        const std::size_t least = end - std::min(end, longest(type));
        while (begin > least && belongs(type, line_[begin - 1])) --begin;
        work_ += end - begin + 1;
        return begin;
    }
    [[nodiscard]] std::size_t run_right(hole_type type, std::size_t begin) {
        std::size_t end = begin;
        const std::size_t most = std::min(line_.size(), begin + longest(type));
        while (end < most && belongs(type, line_[end])) ++end;
        work_ += end - begin + 1;
        return end;
    }

    bool backward(std::size_t k) {
        while (k > 0) {
            const piece &hole = pieces_[--k];
            const std::size_t end = found_.where.begin;
            if (k == 0) { // the template begins with a hole: the word before
                const hole_type type = hole.type == hole_type::name ? hole_type::word : hole.type;
                const std::size_t begin = run_left(type, end);
                if (begin == end && hole.type != hole_type::rest) return false;
                add_hole(k, {begin, end});
                found_.where.begin = begin;
                return true;
            }
            const std::string_view literal = pieces_[--k].literal;
            const std::size_t begin = run_left(hole.type, end);
            const std::size_t from = begin - std::min(begin, literal.size());
            const std::size_t in_window = line_.substr(from, end - from).rfind(literal);
            work_ += end - from;
            const bool found = in_window != std::string_view::npos;
            const std::size_t at = from + in_window;
            const std::size_t after = found ? at + literal.size() : 0;
            if (found && (after < end || hole.type == hole_type::rest)) {
                add_hole(k + 1, {after, end});
                found_.literal += literal.size();
                found_.where.begin = at;
                continue;
            }
            // Cut within the literal before the hole, or within the hole: then what is left of it
            // could be anything.
            return cut_before(literal, hole, k, end);
        }
        return true;
    }

    /// The line begins within the literal before a hole that ends at `end`.
    bool cut_before(std::string_view literal, const piece &hole, std::size_t k, std::size_t end) {
        std::size_t tail = std::min(literal.size() - 1, end);
        while (tail >= 8 && line_.substr(0, tail) != literal.substr(literal.size() - tail)) --tail;
        work_ += literal.size();
        if (tail < 8 || tail >= end || end - tail > longest(hole.type) ||
            !all_belong(hole.type, line_.substr(tail, end - tail))) {
            return false;
        }
        add_hole(k + 1, {tail, end});
        found_.literal += tail;
        found_.where.begin = 0;
        found_.cut_front = true;
        return true;
    }

    bool forward(std::size_t k) {
        while (k + 1 < pieces_.size()) {
            const piece &hole = pieces_[++k];
            const std::size_t begin = found_.where.end;
            if (k + 1 == pieces_.size()) return last_hole(k, begin);
            const std::string_view literal = pieces_[++k].literal;
            const std::size_t most =
                std::min(line_.size(), begin + longest(hole.type) + literal.size());
            const std::string_view window = line_.substr(begin, most - begin);
            const std::size_t length = window.find(literal);
            work_ += window.size();
            if (length != std::string_view::npos) {
                if (length == 0 && hole.type != hole_type::rest) return false;
                if (!all_belong(hole.type, window.substr(0, length))) return false;
                add_hole(k - 1, {begin, begin + length});
                found_.literal += literal.size();
                found_.where.end = begin + length + literal.size();
                continue;
            }
            return cut_within(hole, k, literal, begin);
        }
        return true;
    }

    /// The line ends within the hole, or within the literal after it.
    bool cut_within(const piece &hole, std::size_t k, std::string_view literal, std::size_t begin) {
        const std::size_t most = longest(hole.type) + literal.size();
        const std::size_t ellipsis = line_.substr(begin, most + 3).find("...");
        work_ += most;
        const std::size_t edge =
            ellipsis == std::string_view::npos ? line_.size() : begin + ellipsis;
        if (edge - begin > most) return false;
        std::size_t tail = std::min(literal.size() - 1, edge - begin);
        while (tail > 0 && line_.substr(edge - tail, tail) != literal.substr(0, tail)) --tail;
        work_ += literal.size() * (tail + 1);
        if (!all_belong(hole.type, line_.substr(begin, edge - tail - begin))) return false;
        // A hole that takes anything says nothing about what would have followed.
        const std::string_view taken = line_.substr(begin, edge - tail - begin);
        const bool typed = hole.type != hole_type::name && hole.type != hole_type::rest;
        const bool path = hole.type == hole_type::name && taken.substr(0, 1) == "/";
        const bool blank = taken.find(' ') != std::string_view::npos;
        if (!(tail >= 4 || ((typed || path) && !blank))) return false;
        if (tail < literal.size() && tail > 0 && !cut_at(edge, literal.substr(tail))) return false;
        if (edge - tail > begin) add_hole(k - 1, {begin, edge - tail});
        found_.literal += tail;
        found_.where.end = edge;
        found_.cut_back = true;
        return true;
    }

    bool last_hole(std::size_t k, std::size_t begin) {
        const piece &hole = pieces_[k];
        const hole_type type = hole.type == hole_type::name ? hole_type::word : hole.type;
        std::size_t end = run_right(type, begin);
        while (type != hole_type::rest && end > begin &&
               std::string_view(".,;)").find(line_[end - 1]) != std::string_view::npos) {
            --end;
        }
        if (end == begin && type != hole_type::rest) {
            found_.cut_back = edge_after(begin);
            return found_.cut_back;
        }
        add_hole(k, {begin, end});
        found_.where.end = end;
        return true;
    }

    [[nodiscard]] bool all_belong(hole_type type, std::string_view text) const {
        if (type == hole_type::endpoint && text.find(':') == std::string_view::npos) return false;
        return std::all_of(text.begin(), text.end(), [type](char c) { return belongs(type, c); });
    }

    /// A template that begins or ends with a letter must not begin or end inside a word.
    [[nodiscard]] bool whole_words() const {
        const std::size_t begin = found_.where.begin;
        const std::size_t end = found_.where.end;
        const bool front =
            found_.cut_front || begin == 0 || !alnum(line_[begin]) || !alnum(line_[begin - 1]);
        const bool back = found_.cut_back || end == 0 || end >= line_.size() ||
                          !alnum(line_[end - 1]) || !alnum(line_[end]);
        return front && back;
    }

    std::span<const piece> pieces_;
    std::string_view line_;
    std::uint64_t &work_;
    template_match found_;
    std::size_t known_ = 0; ///< bytes of the starting literal known to agree
};

} // namespace detail

/// Compares the template `pieces` with `line`, given that byte `offset` of the literal piece `k`
/// stands at `at`. Adds the bytes looked at to `work`.
[[nodiscard]] inline std::optional<template_match>
match_template(std::span<const piece> pieces, std::string_view line, std::size_t k,
               std::size_t offset, std::size_t at, std::uint64_t &work) {
    return detail::attempt(pieces, line, work).run(k, offset, at);
}

} // namespace kvmig::diagnosis
