// SPDX-License-Identifier: MIT
/// Words of the commands that are shown to people.
#pragma once

#include <string>
#include <string_view>

namespace kvmig {

/// `word` as one word of a POSIX shell command: unchanged when no byte of it means anything to a
/// shell, else in single quotes. A leading hyphen is kept from being read as an option by `./` in
/// front of it, as file names allow; control characters become question marks.
[[nodiscard]] inline std::string shell_word(std::string_view word) {
    static constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789_@%+=:,./-";
    std::string out;
    bool safe = !word.empty();
    for (const char c : word) {
        const auto byte = static_cast<unsigned char>(c);
        const char shown = byte < 0x20 || byte == 0x7F ? '?' : c;
        safe = safe && plain.find(shown) != std::string_view::npos;
        if (shown == '\'')
            out += "'\\''";
        else
            out += shown;
    }
    if (!word.empty() && word.front() == '-') out.insert(0, "./");
    return safe ? out : "'" + out + "'";
}

} // namespace kvmig
