// SPDX-License-Identifier: MIT
/// `nfs://` addresses: read strictly, since libnfs passes over what it does not know.
#pragma once

#include <kvmig/core/expected.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::model {

/// `nfs://SERVER/PATH?ARGUMENT=VALUE&…`: a file or folder on an NFS server.
struct nfs_url {
    std::string server;        ///< name or address, without the brackets of IPv6
    std::string path;          ///< absolute, as the server names it; no component is empty or a dot
    std::uint32_t version = 3; ///< `version=`: 3 for data, 4 for small files and locks
    std::optional<std::uint32_t> uid;        ///< `uid=`: who asks; else the process' own user
    std::optional<std::uint32_t> gid;        ///< `gid=`
    std::optional<std::uint32_t> nfs_port;   ///< `nfsport=`; else the server's rpcbind is asked
    std::optional<std::uint32_t> mount_port; ///< `mountport=`; else the server's rpcbind is asked

    friend bool operator==(const nfs_url &, const nfs_url &) = default;
};

/// Whether `text` is meant as an address of NFS rather than as a path.
[[nodiscard]] inline bool is_nfs_url(std::string_view text) { return text.starts_with("nfs://"); }

namespace detail {

inline error wrong_nfs_url(std::string_view text, std::string why) {
    return make_error(error_kind::invalid_argument, std::move(why))
        .about(std::string(text))
        .advise("write nfs://SERVER/PATH, with ?version=, uid=, gid=, nfsport= or mountport= "
                "behind it");
}

/// `%41` is `A`; nothing where a `%` has no two hexadecimal digits behind it, or is a NUL.
inline std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        unsigned code = 0;
        const char *first = text.data() + i + 1;
        const auto read = std::from_chars(first, first + 2, code, 16);
        if (read.ec != std::errc{} || read.ptr != first + 2 || code == 0) return std::nullopt;
        out += static_cast<char>(code);
        i += 2;
    }
    return out;
}

inline std::vector<std::string> components(std::string_view path) {
    std::vector<std::string> out;
    while (!path.empty()) {
        const auto slash = std::min(path.find('/'), path.size());
        const std::string_view one = path.substr(0, slash);
        if (!one.empty() && one != ".") out.emplace_back(one);
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return out;
}

/// Reads `version=4&uid=0` into `out`; the error's `what` names the part that is wrong.
inline expected<void> take_arguments(std::string_view query, nfs_url &out) {
    const auto wrong = [](std::string why) {
        return fail(error_kind::invalid_argument, std::move(why));
    };
    std::vector<std::string_view> seen;
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const std::string_view word = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        const auto equals = std::min(word.find('='), word.size());
        const std::string_view key = word.substr(0, equals);
        const std::string_view digits = word.substr(std::min(equals + 1, word.size()));
        if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
            return wrong("'" + std::string(key) + "' is told twice");
        }
        seen.push_back(key);
        std::uint32_t value = 0;
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        const bool number = read.ec == std::errc{} && read.ptr == digits.data() + digits.size();
        if (key == "version") {
            if (!number || (value != 3 && value != 4)) {
                return wrong("version=" + std::string(digits) + ": 3 or 4 is spoken here");
            }
            out.version = value;
        } else if (key == "uid" || key == "gid") {
            if (!number) return wrong(std::string(word) + ": write the number of an id");
            (key == "uid" ? out.uid : out.gid) = value;
        } else if (key == "nfsport" || key == "mountport") {
            if (!number || value == 0 || value > 65535) {
                return wrong(std::string(word) + ": a port is a number from 1 to 65535");
            }
            (key == "nfsport" ? out.nfs_port : out.mount_port) = value;
        } else {
            return wrong("'" + std::string(word) + "' is no argument known here");
        }
    }
    return {};
}

} // namespace detail

/// Reads an address. Errors name the part that is wrong: another scheme, no server, no path, a
/// `..`, an argument that is not known here, twice there or out of range.
[[nodiscard]] inline expected<nfs_url> parse_nfs_url(std::string_view text) {
    const auto wrong = [text](std::string why) {
        return fail(detail::wrong_nfs_url(text, std::move(why)));
    };
    if (!is_nfs_url(text)) return wrong("an address of NFS begins with nfs://");
    std::string_view rest = text.substr(6);
    std::string_view query;
    if (const auto mark = rest.find('?'); mark != std::string_view::npos) {
        query = rest.substr(mark + 1);
        rest = rest.substr(0, mark);
    }
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos) return wrong("no path follows the server");
    nfs_url out;
    std::string_view server = rest.substr(0, slash);
    const bool bracketed = server.starts_with('[') && server.ends_with(']') && server.size() > 2;
    if (bracketed) {
        server = server.substr(1, server.size() - 2);
    } else if (server.find(':') != std::string_view::npos) {
        return wrong("a port is given as ?nfsport=PORT, an IPv6 address as [ADDRESS]");
    }
    if (server.empty()) return wrong("the server has no name");
    const bool plain = std::all_of(server.begin(), server.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
    });
    if (!plain) return wrong("'" + std::string(server) + "' is no name of a server");
    out.server = std::string(server);

    const auto path = detail::percent_decoded(rest.substr(slash));
    if (!path) return wrong("a '%' in the path is not followed by the code of a character");
    for (const std::string &one : detail::components(*path)) {
        if (one == "..") return wrong("the path leaves itself by '..'");
        out.path += '/' + one;
    }
    if (out.path.empty()) out.path = "/";

    if (auto taken = detail::take_arguments(query, out); !taken) {
        return wrong(std::move(taken).error().what);
    }
    return out;
}

/// The address as text; reads back as the same value.
[[nodiscard]] inline std::string to_string(const nfs_url &url) {
    std::string out = "nfs://";
    out += url.server.find(':') == std::string::npos ? url.server : '[' + url.server + ']';
    constexpr std::string_view hex = "0123456789ABCDEF";
    for (const char c : url.path) {
        if (c != '%' && c != '?') {
            out += c;
            continue;
        }
        const auto code = static_cast<unsigned char>(c);
        out += {'%', hex[code >> 4U], hex[code & 15U]};
    }
    char between = '?';
    const auto add = [&](std::string_view key, std::optional<std::uint32_t> value) {
        if (!value) return;
        out += between;
        out += key;
        out += '=' + std::to_string(*value);
        between = '&';
    };
    if (url.version != 3) add("version", url.version);
    add("uid", url.uid);
    add("gid", url.gid);
    add("nfsport", url.nfs_port);
    add("mountport", url.mount_port);
    return out;
}

/// `path` with `folder` taken away: absolute again, `/` for the folder itself; nothing when it lies
/// elsewhere. Both are as `nfs_url::path`.
[[nodiscard]] inline std::optional<std::string> path_below(std::string_view path,
                                                           std::string_view folder) {
    if (folder == "/") return std::string(path);
    if (!path.starts_with(folder)) return std::nullopt;
    path.remove_prefix(folder.size());
    if (path.empty()) return "/";
    if (path.front() != '/') return std::nullopt;
    return std::string(path);
}

/// The export that `path` lies in: the longest of them, since an export may lie in another.
[[nodiscard]] inline std::optional<std::string>
export_holding(std::string_view path, const std::vector<std::string> &exports) {
    std::optional<std::string> out;
    for (const std::string &one : exports) {
        if (path_below(path, one) && (!out || one.size() > out->size())) out = one;
    }
    return out;
}

/// The folder that holds `path`, and the name in it; the folder of `/` is `/`, with no name.
struct folder_and_name {
    std::string folder; ///< absolute where the path is; a dot where it has no slash
    std::string name;   ///< without slashes

    friend bool operator==(const folder_and_name &, const folder_and_name &) = default;
};
/// The folder is `.` where `path` has no slash.
[[nodiscard]] inline folder_and_name split_path(std::string_view path) {
    const auto slash = path.rfind('/');
    if (slash == std::string_view::npos) return {".", std::string(path)};
    return {std::string(slash == 0 ? "/" : path.substr(0, slash)),
            std::string(path.substr(slash + 1))};
}

} // namespace kvmig::model
