// SPDX-License-Identifier: MIT
/// Tokens by which two hosts prove that they share a folder: small files of names that nobody used
/// before, which carry their age.
#pragma once

#include <charconv>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace kvmig::model {

/// What the names of all tokens begin with; hidden, so that no one takes them for images.
inline constexpr std::string_view token_prefix = ".kvmig-token-";
/// A prober waits a minute or two for the other side: a token this old has lost its prober.
inline constexpr std::chrono::seconds token_old{3600};
/// The most that is read of a file with a token's name.
inline constexpr std::size_t token_most = 4096;

/// When a token was made, and what sets it apart.
struct token_id {
    std::chrono::sys_seconds made; ///< UTC, by the clock of the prober
    std::string random;            ///< lower-case hexadecimal digits, 16 or more

    friend bool operator==(const token_id &, const token_id &) = default;
};

namespace detail {

/// `20260131T235959Z`: ISO 8601 without the colons, which some file systems do not take.
[[nodiscard]] inline std::string token_time(std::chrono::sys_seconds when) {
    using namespace std::chrono;
    const auto day = floor<days>(when);
    const year_month_day date{day};
    const hh_mm_ss<seconds> clock{when - day};
    std::string out;
    const auto add = [&out](auto number, std::size_t width) {
        const std::string digits = std::to_string(number);
        out.append(digits.size() < width ? width - digits.size() : 0, '0');
        out += digits;
    };
    add(static_cast<int>(date.year()), 4);
    add(static_cast<unsigned>(date.month()), 2);
    add(static_cast<unsigned>(date.day()), 2);
    out += 'T';
    add(clock.hours().count(), 2);
    add(clock.minutes().count(), 2);
    add(clock.seconds().count(), 2);
    return out + 'Z';
}

[[nodiscard]] inline std::optional<std::chrono::sys_seconds>
parse_token_time(std::string_view text) {
    using namespace std::chrono;
    if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
    bool whole = true;
    const auto number = [&](std::size_t from, std::size_t count) {
        unsigned out = 0;
        const char *first = text.data() + from;
        const auto read = std::from_chars(first, first + count, out);
        whole = whole && read.ec == std::errc{} && read.ptr == first + count;
        return out;
    };
    const year_month_day date{year{static_cast<int>(number(0, 4))}, month{number(4, 2)},
                              day{number(6, 2)}};
    const hours hour{number(9, 2)};
    const minutes minute{number(11, 2)};
    const seconds second{number(13, 2)};
    if (!whole || !date.ok() || hour >= days{1} || minute >= hours{1} || second >= minutes{1}) {
        return std::nullopt;
    }
    return sys_days{date} + hour + minute + second;
}

} // namespace detail

/// The name of a token's file, or of what else is made for it, where `prefix` is another.
[[nodiscard]] inline std::string token_name(const token_id &of,
                                            std::string_view prefix = token_prefix) {
    return std::string(prefix) + detail::token_time(of.made) + '-' + of.random;
}

/// Reads such a name; nothing when it is none, whoever's file it is then.
[[nodiscard]] inline std::optional<token_id>
parse_token_name(std::string_view name, std::string_view prefix = token_prefix) {
    constexpr std::size_t time_size = 16;
    if (!name.starts_with(prefix)) return std::nullopt;
    name.remove_prefix(prefix.size());
    if (name.size() < time_size + 17 || name[time_size] != '-') return std::nullopt;
    const auto made = detail::parse_token_time(name.substr(0, time_size));
    const std::string_view random = name.substr(time_size + 1);
    if (!made || random.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
        return std::nullopt;
    }
    return token_id{*made, std::string(random)};
}

/// Whether its prober has ended without removing it. One from the future, made by a host whose
/// clock is ahead, is not old.
[[nodiscard]] inline bool is_old(const token_id &of, std::chrono::sys_seconds now,
                                 std::chrono::seconds old = token_old) {
    return of.made + old <= now;
}

/// What stands in the file: who looks into the folder learns what it is and whose.
/// @param random hexadecimal digits that stand nowhere else: not those of the name
[[nodiscard]] inline std::string token_content(const token_id &of, std::string_view host,
                                               std::string_view random) {
    std::string out = "kvmig: a token that proves whether storage is shared; "
                      "may be removed when older than an hour\nhost: ";
    for (const char c : host) out += c == '\n' ? ' ' : c;
    return out + "\ntime: " + detail::token_time(of.made) + "\nrandom: " + std::string(random) +
           '\n';
}

} // namespace kvmig::model
