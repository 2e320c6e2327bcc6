// SPDX-License-Identifier: MIT
/// Finds the catalogue's messages in a text of any size: line by line, and across the line ends of
/// a short one, since terminals and web pages wrap messages.
#pragma once

#include <kvmig/diagnosis/remedy.hpp>
#include <kvmig/diagnosis/rules.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::diagnosis {

/// A message found in a text.
struct hit {
    std::size_t rule_id = 0; ///< by which `rules` knows the wording
    text_span where;         ///< in the text
    text_span inside;        ///< the widest hole, in which another message may stand; may be empty
    std::size_t literal = 0; ///< bytes of the wording's literal text that agreed
    std::size_t line = 1;    ///< on which it begins, from 1
    bool cut = false;        ///< only a part of the wording stands there
    bool wrapped = false;    ///< it runs over the end of a line
    bool open_end = false;   ///< `inside` runs to the end of the line, and perhaps goes on after it
    /// By libvirt's "Message from the … host", where one stands before it.
    evidence_side side = evidence_side::unknown;
    values found; ///< what stood in its holes, as written
};

/// Texts up to this size are also searched for messages that are wrapped.
inline constexpr std::size_t wrap_limit = std::size_t{256} * 1024;

/// Texts up to this size were chosen by somebody who asks about them: nothing in them has to prove
/// that it speaks of KVM.
inline constexpr std::size_t pasted_limit = 2048;

namespace detail {

/// Longer lines are taken in pieces that overlap: what a message can be long is bounded.
inline constexpr std::size_t longest_line = 8192;
inline constexpr std::size_t line_overlap = 2048;
/// Lines that are joined at a time, and how far to go on for the next time.
inline constexpr std::size_t block_lines = 24;
inline constexpr std::size_t block_step = 18;
/// How often a wording counts within one line, or a few joined ones.
inline constexpr std::uint8_t most_repeats = 6;

[[nodiscard]] inline bool contains_any(std::string_view text,
                                       std::initializer_list<std::string_view> words) {
    return std::any_of(words.begin(), words.end(), [text](std::string_view word) {
        return text.find(word) != std::string_view::npos;
    });
}

/// Joined lines, and where each of their bytes came from.
struct joined_lines {
    std::string text;
    std::vector<std::pair<std::size_t, std::size_t>> starts; ///< offset here, offset in the text
    std::vector<std::size_t> numbers;                        ///< line number of each start

    [[nodiscard]] std::size_t line_index(std::size_t at) const {
        const auto next = std::upper_bound(
            starts.begin(), starts.end(), at,
            [](std::size_t offset, const auto &start) { return offset < start.first; });
        return static_cast<std::size_t>(next - starts.begin()) - 1;
    }
    [[nodiscard]] std::size_t origin(std::size_t at) const {
        const auto &start = starts[line_index(at)];
        return start.second + (at - start.first);
    }
};

} // namespace detail

/// One pass over texts; keeps its buffers.
class text_scanner {
public:
    explicit text_scanner(const rules &known) : known_(known) {} ///< `known` must outlive it.

    /// Calls `take(std::vector<hit> &)` with the hits of one line or, in a text not longer than
    /// `wrap_limit`, of a few lines together; never with none.
    template <class Take> void scan(std::string_view text, text_kind kind, Take take) {
        kind_ = kind;
        side_ = evidence_side::unknown;
        pasted_ = text.size() <= pasted_limit;
        if (text.size() <= wrap_limit) {
            scan_blocks(text, take);
            return;
        }
        std::size_t number = 0;
        for (std::size_t begin = 0; begin < text.size();) {
            const std::size_t end = std::min(text.find('\n', begin), text.size());
            scan_long_line(text.substr(begin, end - begin), begin, ++number);
            flush(take);
            begin = end + 1;
        }
    }

    [[nodiscard]] std::uint64_t work() const noexcept { return work_; } ///< Bytes compared so far.

private:
    template <class Take> void flush(Take &take) {
        if (!hits_.empty()) take(hits_);
        hits_.clear();
    }

    void scan_long_line(std::string_view line, std::size_t at, std::size_t number) {
        if (line.empty()) side_ = evidence_side::unknown;
        while (line.size() > detail::longest_line) {
            scan_line(line.substr(0, detail::longest_line), at, number);
            const std::size_t step = detail::longest_line - detail::line_overlap;
            line.remove_prefix(step);
            at += step;
        }
        scan_line(line, at, number);
    }

    void scan_line(std::string_view line, std::size_t at, std::size_t number) {
        fold(line, folded_);
        found_.clear();
        known_.templates().scan(folded_, found_, work_);
        if (found_.empty()) return;
        fold(line, folded_, from_);
        take_found([&](const found_template &one) {
            return make_hit(one, line, number, [at](std::size_t offset) { return at + offset; });
        });
    }

    /// Sides hold from where libvirt names them; hits are taken in order of their places.
    template <class Make> void take_found(Make make) {
        std::sort(found_.begin(), found_.end(), [](const auto &a, const auto &b) {
            return std::pair(a.match.where.begin, a.id) < std::pair(b.match.where.begin, b.id);
        });
        const found_template *before = nullptr;
        repeats_.resize(known_.templates().size());
        for (const found_template &one : found_) repeats_[one.id] = 0;
        for (const found_template &one : found_) {
            const rule &meaning = known_[one.id];
            if (meaning.is == rule::sort::source_part) side_ = evidence_side::source;
            if (meaning.is == rule::sort::destination_part) side_ = evidence_side::destination;
            const bool again =
                before != nullptr && before->id == one.id && before->match.where == one.match.where;
            before = &one;
            if (again || meaning.is == rule::sort::source_part ||
                meaning.is == rule::sort::destination_part || !counts(one) ||
                repeats_[one.id] == detail::most_repeats) {
                continue;
            }
            ++repeats_[one.id];
            hits_.push_back(make(one));
        }
    }

    /// Whether a match is whole enough, and stands where its pattern may count.
    [[nodiscard]] bool counts(const found_template &one) const {
        if (one.match.cut()) {
            const std::size_t tail = known_.errno_tail(one.id);
            const std::size_t all = known_.templates().literal(one.id) - tail;
            const std::size_t seen =
                one.match.literal - (one.match.cut_back ? 0 : std::min(tail, one.match.literal));
            if (seen < 16 || seen * 2 < all || only_prefix(one.match)) return false;
        }
        const rule &meaning = known_[one.id];
        if (meaning.is != rule::sort::cause || kind_ == text_kind::message) return true;
        const place needs = meaning.wording_used->counts;
        if (needs == place::virt_line) {
            return kind_ != text_kind::plain || pasted_ || virt_line();
        }
        return needs != place::not_in_daemon_log ||
               !(kind_ == text_kind::daemon_log || daemon_line());
    }
    /// What is left of a message cut at its front is how libvirt begins many of its own.
    [[nodiscard]] bool only_prefix(const template_match &match) const {
        constexpr std::string_view prefix = "internal error: ";
        const auto text = std::string_view(folded_).substr(match.where.begin);
        return match.cut_front && match.literal <= prefix.size() && text.starts_with(prefix);
    }
    [[nodiscard]] bool virt_line() const {
        return detail::contains_any(
            folded_, {"qemu", "libvirt", "virsh", "virtqemud", "virtproxyd", "migrat"});
    }
    [[nodiscard]] bool daemon_line() const {
        return detail::contains_any(
            folded_, {": error : ", ": warning : ", "libvirtd[", "virtqemud[", "virtproxyd["});
    }

    template <class Origin>
    [[nodiscard]] hit make_hit(const found_template &one, std::string_view raw, std::size_t number,
                               Origin origin) const {
        const template_match &match = one.match;
        const auto raw_span = [this](text_span in_folded) {
            if (in_folded.size() == 0) {
                return text_span{from_[in_folded.begin], from_[in_folded.begin]};
            }
            return text_span{from_[in_folded.begin], from_[in_folded.end - 1] + std::size_t{1}};
        };
        const auto absolute = [&](text_span in_raw) {
            if (in_raw.size() == 0) return text_span{origin(in_raw.begin), origin(in_raw.begin)};
            return text_span{origin(in_raw.begin), origin(in_raw.end - 1) + 1};
        };
        hit made;
        made.rule_id = one.id;
        made.where = absolute(raw_span(match.where));
        made.literal = match.literal;
        made.line = number;
        made.cut = match.cut();
        made.side = side_;
        const auto pieces = known_.templates().pieces(one.id);
        for (std::size_t i = 0; i < match.hole_count; ++i) {
            const piece &hole = pieces[match.pieces[i]];
            const text_span in_raw = raw_span(match.holes[i]);
            const text_span there = absolute(in_raw);
            if (there.size() > made.inside.size()) {
                made.inside = there;
                made.open_end =
                    hole.type == hole_type::rest && match.holes[i].end == folded_.size();
            }
            if (in_raw.size() == 0) continue;
            std::string_view value = raw.substr(in_raw.begin, in_raw.size());
            if (hole.type == hole_type::endpoint) {
                const std::size_t colon = value.rfind(':');
                if (colon != std::string_view::npos) {
                    made.found.emplace_back("port", value.substr(colon + 1));
                }
                value = value.substr(0, colon);
                if (value.size() > 1 && value.front() == '[' && value.back() == ']') {
                    value = value.substr(1, value.size() - 2);
                }
                made.found.emplace_back("host", value);
            } else {
                made.found.emplace_back(hole.name, value);
            }
        }
        return made;
    }

    /// Lines that stand together, without an empty line between them, a few at a time: each alone,
    /// then joined in each way.
    template <class Take> void scan_blocks(std::string_view text, Take &take) {
        std::vector<text_span> lines;
        std::size_t number = 1;
        const auto flush_lines = [&] {
            for (std::size_t at = 0; at < lines.size(); at += detail::block_step) {
                const std::size_t next = std::min(lines.size(), at + detail::block_step);
                const std::size_t last = std::min(lines.size(), at + detail::block_lines);
                for (std::size_t i = at; i < next; ++i) {
                    scan_long_line(text.substr(lines[i].begin, lines[i].size()), lines[i].begin,
                                   number + i);
                }
                const std::size_t in_lines = hits_.size();
                for (const seam how : {seam::word, seam::quoted, seam::column, seam::indented}) {
                    if (at + 1 < last) scan_joined(text, lines, at, last, number, how, in_lines);
                }
                // A message that begins later is found again with the lines after it.
                if (next < lines.size()) {
                    std::erase_if(hits_, [&](const hit &one) {
                        return one.where.begin >= lines[next].begin;
                    });
                }
                flush(take);
            }
            number += lines.size() + 1;
            lines.clear();
            side_ = evidence_side::unknown;
        };
        for (std::size_t begin = 0; begin < text.size();) {
            const std::size_t end = std::min(text.find('\n', begin), text.size());
            const std::string_view line = text.substr(begin, end - begin);
            if (line.find_first_not_of(" \t\r") == std::string_view::npos)
                flush_lines();
            else
                lines.push_back({begin, end});
            begin = end + 1;
        }
        flush_lines();
    }

    /// How lines are put together again.
    enum class seam : std::uint8_t {
        word,    ///< broken between words: a blank between them
        quoted,  ///< the same in quoted mail
        column,  ///< broken anywhere, blanks kept: nothing between them
        indented ///< broken anywhere and indented by a varying amount
    };

    void scan_joined(std::string_view text, const std::vector<text_span> &lines, std::size_t first,
                     std::size_t last, std::size_t number, seam how, std::size_t in_lines) {
        // What every continued line begins with is indentation, or the mark of quoted mail.
        static constexpr std::string_view marks = " \t>|";
        const auto line_at = [&](std::size_t i) {
            std::string_view line = text.substr(lines[i].begin, lines[i].size());
            if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
            return line;
        };
        std::size_t common = how == seam::column ? std::string_view::npos : 0;
        for (std::size_t i = first + 1; i < last && how == seam::column; ++i) {
            const std::string_view line = line_at(i);
            std::size_t same = 0;
            while (same < line.size() && marks.find(line[same]) != std::string_view::npos &&
                   line[same] == line_at(first + 1)[same] && same < common) {
                ++same;
            }
            common = same;
        }
        detail::joined_lines all;
        for (std::size_t i = first; i < last; ++i) {
            std::string_view line = line_at(i);
            std::size_t skip = 0;
            if (i != first) {
                skip = how == seam::column
                           ? common
                           : line.find_first_not_of(how == seam::word ? " \t" : marks);
                skip = std::min(skip, line.size());
            }
            line.remove_prefix(skip);
            all.starts.emplace_back(all.text.size(), lines[i].begin + skip);
            all.numbers.push_back(number + i);
            all.text += line;
            if (i + 1 < last && (how == seam::word || how == seam::quoted)) all.text += ' ';
        }
        if (all.text.size() > detail::longest_line) return; // no terminal wraps such lines
        found_.clear();
        fold(all.text, folded_);
        known_.templates().scan(folded_, found_, work_);
        if (found_.empty()) return;
        fold(all.text, folded_, from_);
        std::erase_if(found_, [&](const found_template &one) { return !spans_lines(one, all); });
        const std::size_t before = hits_.size();
        const evidence_side side = std::exchange(side_, evidence_side::unknown);
        take_found([&](const found_template &one) {
            hit made = make_hit(one, all.text, 1,
                                [&all](std::size_t offset) { return all.origin(offset); });
            made.wrapped = true;
            made.line = all.numbers[all.line_index(from_[one.match.where.begin])];
            return made;
        });
        side_ = side;
        // A message that a line holds whole needs no other reading.
        const auto held = [&](const hit &made) {
            return std::any_of(hits_.begin(), hits_.begin() + static_cast<std::ptrdiff_t>(in_lines),
                               [&](const hit &whole) {
                                   return !whole.cut && whole.where.meets(made.where) &&
                                          whole.literal >= made.literal;
                               });
        };
        hits_.erase(
            std::remove_if(hits_.begin() + static_cast<std::ptrdiff_t>(before), hits_.end(), held),
            hits_.end());
    }

    /// Whether the literal part of a match runs over a line end, and no hole that does so holds the
    /// end of one message and the beginning of another.
    [[nodiscard]] bool spans_lines(const found_template &one,
                                   const detail::joined_lines &all) const {
        const template_match &match = one.match;
        if (match.cut_front || (match.cut_back && match.where.end != folded_.size())) return false;
        const auto line_of = [&](std::size_t at) { return all.line_index(from_[at]); };
        const auto pieces = known_.templates().pieces(one.id);
        text_span core = match.where;
        for (std::size_t i = 0; i < match.hole_count; ++i) {
            const text_span hole = match.holes[i];
            if (hole.begin == core.begin) core.begin = hole.end;
            if (pieces[match.pieces[i]].type == hole_type::rest && hole.end == core.end) {
                // What follows belongs to the message only where a colon at the line end says so.
                const std::size_t before = hole.begin - std::min<std::size_t>(hole.begin, 2);
                const bool goes_on = hole.size() != 0 && folded_[before] == ':' &&
                                     line_of(before) != line_of(hole.begin);
                core.end = goes_on ? hole.begin + 1 : hole.begin;
            }
            if (hole.size() == 0 || line_of(hole.begin) == line_of(hole.end - 1)) continue;
            const std::string_view inside =
                std::string_view(folded_).substr(hole.begin, hole.size());
            if (inside.find("error: ") != std::string_view::npos || inside.size() > 300)
                return false;
        }
        return core.end > core.begin && line_of(core.begin) != line_of(core.end - 1);
    }

    const rules &known_;
    text_kind kind_ = text_kind::plain;
    bool pasted_ = false;
    evidence_side side_ = evidence_side::unknown;
    std::string folded_;
    std::vector<std::uint32_t> from_;
    std::vector<found_template> found_;
    std::vector<std::uint8_t> repeats_;
    std::vector<hit> hits_;
    std::uint64_t work_ = 0;
};

} // namespace kvmig::diagnosis
