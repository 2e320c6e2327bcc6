// SPDX-License-Identifier: MIT
/// How sysfs and procfs write values.
#pragma once

#include <kvmig/core/expected.hpp>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace kvmig::tuning {

/// Without blanks and newlines on either side.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view blank = " \t\r\n";
    const auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// Split at blanks and newlines.
[[nodiscard]] inline std::vector<std::string_view> words(std::string_view text) {
    std::vector<std::string_view> out;
    constexpr std::string_view blank = " \t\r\n";
    for (auto at = text.find_first_not_of(blank); at != std::string_view::npos;) {
        const auto end = std::min(text.find_first_of(blank, at), text.size());
        out.push_back(text.substr(at, end - at));
        at = text.find_first_not_of(blank, end);
    }
    return out;
}

/// The value of a file: where it shows its choices (`always [madvise] never`), the word in
/// brackets, else all of it.
[[nodiscard]] constexpr std::string_view chosen(std::string_view text) noexcept {
    const auto open = text.find('[');
    const auto close = text.find(']', open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos) return trimmed(text);
    return text.substr(open + 1, close - open - 1);
}

/// The choices that such a file shows, without brackets.
[[nodiscard]] inline std::vector<std::string> choices(std::string_view text) {
    std::vector<std::string> out;
    for (std::string_view word : words(text)) {
        if (word.size() > 2 && word.front() == '[' && word.back() == ']') {
            word = word.substr(1, word.size() - 2);
        }
        out.emplace_back(word);
    }
    return out;
}

/// A decimal number and nothing else; fails with `protocol`, naming the text and what it is of.
template <std::integral T>
[[nodiscard]] expected<T> number(std::string_view text, std::string_view of) {
    text = trimmed(text);
    T value{};
    const char *const end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, value);
    if (code != std::errc{} || stop != end || text.empty()) {
        return fail(make_error(error_kind::protocol,
                               "'" + std::string(text) + "' is not a number that fits")
                        .about(std::string(of)));
    }
    return value;
}

} // namespace kvmig::tuning
