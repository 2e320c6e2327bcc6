// SPDX-License-Identifier: MIT
/// Enumerators as words of `kvmig.facts/1`.
#pragma once

#include <kvmig/model/domain.hpp>
#include <kvmig/model/nfs_export.hpp>
#include <kvmig/model/nfs_mount.hpp>
#include <kvmig/xml/disk.hpp>

#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace kvmig::lab {

/// What `word_of` says of a number that no enumerator has.
inline constexpr std::string_view no_word = "unknown";

/// The words of the attribute `type` in a domain's XML; what has none there is named here.
[[nodiscard]] constexpr std::string_view word_of(model::source_kind what) noexcept {
    for (const auto &[word, kind] : xml::detail::source_kinds) {
        if (kind == what) return word;
    }
    switch (what) {
    case model::source_kind::none: return "none";
    case model::source_kind::other: return "other";
    default: return no_word;
    }
}

[[nodiscard]] constexpr std::string_view word_of(model::client_kind what) noexcept {
    switch (what) {
    case model::client_kind::host: return "host";
    case model::client_kind::network: return "network";
    case model::client_kind::wildcard: return "wildcard";
    case model::client_kind::netgroup: return "netgroup";
    case model::client_kind::gss: return "gss";
    case model::client_kind::everyone: return "everyone";
    }
    return no_word;
}

[[nodiscard]] constexpr std::string_view word_of(model::local_locks what) noexcept {
    switch (what) {
    case model::local_locks::none: return "none";
    case model::local_locks::flock: return "flock";
    case model::local_locks::posix: return "posix";
    case model::local_locks::all: return "all";
    }
    return no_word;
}

/// Of all other enumerations the library's own word.
template <class E>
requires requires(E what) { to_string(what); }
[[nodiscard]] constexpr std::string_view word_of(E what) noexcept { return to_string(what); }

/// Every enumerator with its word. An enumerator may be called `unknown`, like what is none.
template <class E>
requires std::is_enum_v<E>
[[nodiscard]] std::vector<std::pair<std::string_view, E>> all_words() {
    std::vector<std::pair<std::string_view, E>> out;
    for (unsigned number = 0; number < 256; ++number) {
        const auto value = static_cast<E>(number);
        if (word_of(value) != no_word) out.emplace_back(word_of(value), value);
    }
    if constexpr (requires { E::unknown; }) out.emplace_back(no_word, E::unknown);
    return out;
}

} // namespace kvmig::lab
