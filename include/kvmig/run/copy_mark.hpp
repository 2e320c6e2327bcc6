// SPDX-License-Identifier: MIT
/// The names and the text by which a broken copy is found again.
#pragma once

#include <kvmig/run/copy_end.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvmig::run {

inline std::string part_name(const std::string &name) { return '.' + name + ".kvmig-part"; }
inline std::string mark_name(const std::string &name) { return '.' + name + ".kvmig-mark"; }

/// One line of numbers, ended by a word that a torn write would lack.
[[nodiscard]] inline std::string to_text(const copy_mark &mark) {
    std::string out = "kvmig-copy 1";
    for (const std::uint64_t number : {mark.of.file_system, mark.of.inode, mark.of.size.count()}) {
        out += ' ' + std::to_string(number);
    }
    for (const std::int64_t number : {mark.of.modified, mark.of.changed}) {
        out += ' ' + std::to_string(number);
    }
    return out + ' ' + std::to_string(mark.done) + " end\n";
}

/// Reads `to_text` back; nothing where the text is another or was cut short.
[[nodiscard]] inline std::optional<copy_mark> parse_mark(std::string_view text) {
    constexpr std::string_view begin = "kvmig-copy 1";
    if (!text.starts_with(begin)) return std::nullopt;
    text.remove_prefix(begin.size());
    bool whole = true;
    const auto take = [&](auto &number) {
        if (!text.starts_with(' ')) {
            whole = false;
            return;
        }
        const auto read = std::from_chars(text.data() + 1, text.data() + text.size(), number);
        whole = whole && read.ec == std::errc{};
        text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    };
    copy_mark out;
    std::uint64_t size = 0;
    take(out.of.file_system);
    take(out.of.inode);
    take(size);
    take(out.of.modified);
    take(out.of.changed);
    take(out.done);
    out.of.size = bytes{size};
    if (!whole || text != " end\n" || out.done > size) return std::nullopt;
    return out;
}

/// A part whose mark is missing or damaged.
[[nodiscard]] inline error unreadable_mark(const std::string &target, const std::string &mark) {
    return make_error(error_kind::conflict, "a part of a copy is there, but " + mark +
                                                ", which tells how far it came, cannot be read")
        .about(target)
        .advise("copy with --fresh, which begins anew");
}

} // namespace kvmig::run
