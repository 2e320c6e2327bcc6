// SPDX-License-Identifier: MIT
/// Brings a line of text into the form in which messages are compared: lower case, single blanks,
/// without quotation marks, backslashes and terminal colours.
///
/// Releases and languages differ in their quotation marks, web pages replace them, JSON escapes
/// them, terminals colour: none of it changes what a message says.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::diagnosis {

namespace detail {

inline constexpr unsigned char drop = 0;
inline constexpr unsigned char special = 1;

/// For each byte: what it becomes, `drop`, or `special` when the bytes after it decide.
inline constexpr std::array<unsigned char, 256> fold_table = [] {
    std::array<unsigned char, 256> table{};
    for (std::size_t i = 0; i < table.size(); ++i) {
        const auto c = static_cast<unsigned char>(i);
        if (c >= 'A' && c <= 'Z') {
            table[i] = static_cast<unsigned char>(c + ('a' - 'A'));
        } else if (c == '\t' || c == '\v' || c == '\f' || c == '\n') {
            table[i] = ' ';
        } else if (c < 0x20 || c == 0x7F || c == '\'' || c == '"' || c == '`') {
            table[i] = drop;
        } else {
            table[i] = c;
        }
    }
    table['\\'] = special;
    table[0x1B] = special;
    for (const std::size_t lead : {0xC2U, 0xE2U, 0xE3U, 0xEFU}) table[lead] = special;
    return table;
}();

/// What a special sequence at the start of `rest` becomes, and how many bytes it takes.
struct special_fold {
    std::string_view becomes;
    std::size_t takes = 1;
};

[[nodiscard]] inline special_fold fold_special(std::string_view rest) noexcept {
    const auto starts = [rest](std::string_view lead) {
        return rest.substr(0, lead.size()) == lead;
    };
    if (rest.front() == '\\')
        return {rest.size() > 1 && rest[1] == 'n' ? " " : "",
                rest.size() > 1 && rest[1] == 'n' ? 2U : 1U};
    if (rest.front() == '\x1B') { // CSI … final byte; anything else is the escape alone
        if (rest.size() < 2 || rest[1] != '[') return {"", 1};
        std::size_t end = 2;
        while (end < rest.size() && end < 16 && (rest[end] < '@' || rest[end] > '~')) ++end;
        return {"", end < rest.size() ? end + 1 : end};
    }
    struct known {
        std::string_view from, to;
    };
    static constexpr known table[] = {
        {"\xC2\xA0", " "},       {"\xC2\xAB", ""},      {"\xC2\xBB", ""},
        {"\xE2\x80\x98", ""},    {"\xE2\x80\x99", ""},  {"\xE2\x80\x9A", ""},
        {"\xE2\x80\x9C", ""},    {"\xE2\x80\x9D", ""},  {"\xE2\x80\x9E", ""},
        {"\xE2\x80\xA6", "..."}, {"\xE2\x80\xAF", " "}, {"\xE3\x80\x80", " "},
        {"\xEF\xBC\x9A", ":"},   {"\xEF\xBC\x8C", ","}, {"\xEF\xBB\xBF", ""}};
    for (const known &one : table) {
        if (starts(one.from)) return {one.to, one.from.size()};
    }
    return {rest.substr(0, 1), 1};
}

template <bool Positions>
void fold_line(std::string_view text, std::string &out, std::vector<std::uint32_t> *from) {
    out.resize(text.size() + 8);
    if constexpr (Positions) from->resize(text.size() + 8);
    char *to = out.data();
    std::size_t size = 0;
    bool blank = true; // leading blanks go
    const auto put = [&](unsigned char c, std::size_t at) {
        const bool is_blank = c == ' ';
        to[size] = static_cast<char>(c);
        if constexpr (Positions) (*from)[size] = static_cast<std::uint32_t>(at);
        size += static_cast<std::size_t>(!(is_blank && blank));
        blank = is_blank;
    };
    for (std::size_t i = 0; i < text.size();) {
        const unsigned char c = fold_table[static_cast<unsigned char>(text[i])];
        if (c > special) {
            put(c, i);
            ++i;
        } else if (c == drop) {
            ++i;
        } else {
            const special_fold seen = fold_special(text.substr(i));
            for (const char one : seen.becomes) put(static_cast<unsigned char>(one), i);
            i += seen.takes;
        }
    }
    if (size != 0 && to[size - 1] == ' ') --size;
    if constexpr (Positions) {
        (*from)[size] = static_cast<std::uint32_t>(text.size());
        from->resize(size + 1);
    }
    out.resize(size);
}

} // namespace detail

/// The folded form of `text`, which holds no line end worth keeping; `out` is reused.
inline void fold(std::string_view text, std::string &out) {
    detail::fold_line<false>(text, out, nullptr);
}

/// As above; `from[i]` is the offset in `text` of the folded byte `i`, and the last element the
/// size of `text`.
inline void fold(std::string_view text, std::string &out, std::vector<std::uint32_t> &from) {
    detail::fold_line<true>(text, out, &from);
}

/// The text alone, for one that is compared with no other.
[[nodiscard]] inline std::string folded(std::string_view text) {
    std::string out;
    fold(text, out);
    return out;
}

} // namespace kvmig::diagnosis
