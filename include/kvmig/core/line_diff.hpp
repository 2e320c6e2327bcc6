// SPDX-License-Identifier: MIT
/// Two texts compared line by line, as `diff -u` shows it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig {

namespace diff_detail {

[[nodiscard]] inline std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> out;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        out.push_back(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    return out;
}

/// One line of a comparison: ` ` in both, `-` in the first only, `+` in the second only.
struct compared_line {
    char mark;
    std::string_view text;
};

/// The lines of both in order, as few of them changed as can be: by the longest common subsequence.
[[nodiscard]] inline std::vector<compared_line> compare_lines(std::string_view from,
                                                              std::string_view to) {
    const auto a = lines_of(from);
    const auto b = lines_of(to);
    std::size_t head = 0;
    while (head < a.size() && head < b.size() && a[head] == b[head]) ++head;
    std::size_t tail = 0;
    while (tail < a.size() - head && tail < b.size() - head &&
           a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) {
        ++tail;
    }
    const std::size_t rows = a.size() - head - tail;
    const std::size_t columns = b.size() - head - tail;
    // Longest[i, j]: of what is left from i and from j on. Texts that differ by more than this many
    // cells are told as wholly replaced, instead of taking memory without bound.
    constexpr std::size_t most = 16'000'000;
    const bool fits = columns == 0 || rows <= most / columns;
    std::vector<std::uint32_t> longest(fits ? (rows + 1) * (columns + 1) : 0, 0);
    const auto at = [&](std::size_t i, std::size_t j) -> std::uint32_t & {
        return longest[i * (columns + 1) + j];
    };
    if (fits) {
        for (std::size_t i = rows; i-- > 0;) {
            for (std::size_t j = columns; j-- > 0;) {
                at(i, j) = a[head + i] == b[head + j] ? at(i + 1, j + 1) + 1
                                                      : std::max(at(i + 1, j), at(i, j + 1));
            }
        }
    }
    std::vector<compared_line> out;
    for (std::size_t k = 0; k < head; ++k) out.push_back({' ', a[k]});
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < rows || j < columns) {
        const bool both = i < rows && j < columns;
        if (fits && both && a[head + i] == b[head + j]) {
            out.push_back({' ', a[head + i++]});
            ++j;
        } else if (j == columns || (i < rows && (!fits || at(i + 1, j) >= at(i, j + 1)))) {
            out.push_back({'-', a[head + i++]});
        } else {
            out.push_back({'+', b[head + j++]});
        }
    }
    for (std::size_t k = a.size() - tail; k < a.size(); ++k) out.push_back({' ', a[k]});
    return out;
}

/// `12,5`, or `12` of one line; of none the line before, as diff writes it.
[[nodiscard]] inline std::string range_text(std::size_t first, std::size_t count) {
    if (count == 1) return std::to_string(first + 1);
    return std::to_string(count == 0 ? first : first + 1) + "," + std::to_string(count);
}

} // namespace diff_detail

/// The unified difference of two texts, three lines of context around each change; empty when their
/// lines are the same. A last line end more or less is no difference.
[[nodiscard]] inline std::string unified_diff(std::string_view from, std::string_view to,
                                              std::string_view from_name,
                                              std::string_view to_name) {
    constexpr std::size_t context = 3;
    const auto lines = diff_detail::compare_lines(from, to);
    const auto changed = [&](std::size_t at) { return lines[at].mark != ' '; };
    std::string out;
    std::size_t before_a = 0; // lines of each text before `at`
    std::size_t before_b = 0;
    std::size_t at = 0;
    const auto pass = [&](std::size_t until) {
        for (; at < until; ++at) {
            if (lines[at].mark != '+') ++before_a;
            if (lines[at].mark != '-') ++before_b;
        }
    };
    while (at < lines.size()) {
        std::size_t first = at;
        while (first < lines.size() && !changed(first)) ++first;
        if (first == lines.size()) break;
        // A hunk goes on while no more than two contexts of equal lines part its changes.
        std::size_t last = first;
        for (std::size_t k = first; k < lines.size() && k <= last + 2 * context + 1; ++k) {
            if (changed(k)) last = k;
        }
        pass(std::max(at, first - std::min(first, context)));
        const std::size_t begin_a = before_a;
        const std::size_t begin_b = before_b;
        const std::size_t end = std::min(lines.size(), last + 1 + context);
        std::string body;
        for (std::size_t k = at; k < end; ++k) {
            body += lines[k].mark;
            body += std::string(lines[k].text) + '\n';
        }
        pass(end);
        if (out.empty()) {
            out = "--- " + std::string(from_name) + "\n+++ " + std::string(to_name) + '\n';
        }
        out += "@@ -" + diff_detail::range_text(begin_a, before_a - begin_a) + " +" +
               diff_detail::range_text(begin_b, before_b - begin_b) + " @@\n" + body;
    }
    return out;
}

} // namespace kvmig
