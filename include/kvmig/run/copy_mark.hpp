// SPDX-License-Identifier: MIT
/// What a copy is of and how far it has come, and the names and text by which that is found again.
#pragma once

#include <kvmig/core/units.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace kvmig::run {

/// What an image is, as far as its end can tell: equal as long as nobody changed it.
struct image_identity {
    std::uint64_t file_system = 0; ///< `st_dev`, or the server's `fsid`
    std::uint64_t inode = 0;       ///< its number there
    bytes size;                    ///< of its content, holes included
    std::int64_t modified = 0;     ///< nanoseconds since 1970
    std::int64_t changed = 0;      ///< likewise; of the inode
    std::uint64_t header = 0; ///< a hash of the header that the copy has in its place; 0: its own

    friend bool operator==(const image_identity &, const image_identity &) = default;
};

/// What a broken copy left: how far it is sure to have come, and of what.
struct copy_mark {
    image_identity of;      ///< the source as it was then: another one is not gone on with
    std::uint64_t done = 0; ///< every byte below it is on the target's disk, or a hole

    friend bool operator==(const copy_mark &, const copy_mark &) = default;
};

/// The name of a file's part, beside it.
inline std::string part_name(const std::string &name) { return '.' + name + ".kvmig-part"; }
/// The name of its mark, beside it.
inline std::string mark_name(const std::string &name) { return '.' + name + ".kvmig-mark"; }

/// One line of numbers, ended by a word that a torn write would lack.
[[nodiscard]] inline std::string to_text(const copy_mark &mark) {
    std::string out = "kvmig-copy 2";
    for (const std::uint64_t number : {mark.of.file_system, mark.of.inode, mark.of.size.count()}) {
        out += ' ' + std::to_string(number);
    }
    for (const std::int64_t number : {mark.of.modified, mark.of.changed}) {
        out += ' ' + std::to_string(number);
    }
    return out + ' ' + std::to_string(mark.of.header) + ' ' + std::to_string(mark.done) + " end\n";
}

/// Reads `to_text` back; nothing where the text is another or was cut short.
[[nodiscard]] inline std::optional<copy_mark> parse_mark(std::string_view text) {
    constexpr std::string_view begin = "kvmig-copy 2";
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
    take(out.of.header);
    take(out.done);
    out.of.size = bytes{size};
    if (!whole || text != " end\n" || out.done > size) return std::nullopt;
    return out;
}

/// The most bytes that a mark has.
inline constexpr std::size_t mark_most = 256;

} // namespace kvmig::run
