// SPDX-License-Identifier: MIT
/// The escapes by which tables of the kernel and of NFS keep white space out of names.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kvmig::model {

/// `text` with each backslash that three octal digits follow (at most `\377`) made the byte they
/// stand for; other backslashes are kept. So are names written in /proc/self/mountinfo (proc(5)),
/// /etc/exports (exports(5)) and /var/lib/nfs/etab.
[[nodiscard]] inline std::string unescape_octal(std::string_view text) {
    const auto digit = [&](std::size_t at, char most) {
        return at < text.size() && text[at] >= '0' && text[at] <= most;
    };
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && digit(i + 1, '3') && digit(i + 2, '7') && digit(i + 3, '7')) {
            const int value =
                (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
            out += static_cast<char>(static_cast<unsigned char>(value));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// The other way: white space, control characters, `"`, `#` and `\` become escapes, so that the
/// result is one word of /etc/exports.
[[nodiscard]] inline std::string escape_octal(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > ' ' && byte != 0x7F && c != '"' && c != '#' && c != '\\') {
            out += c;
            continue;
        }
        out += '\\';
        for (const unsigned shift : {6U, 3U, 0U})
            out += static_cast<char>('0' + ((byte >> shift) & 7U));
    }
    return out;
}

} // namespace kvmig::model
