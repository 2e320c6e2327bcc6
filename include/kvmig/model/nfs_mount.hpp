// SPDX-License-Identifier: MIT
/// NFS mounts of a client, as its kernel tells them.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/octal_escape.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace kvmig::model {

/// How a mount behaves when the server does not answer (nfs(5)).
enum class nfs_patience : std::uint8_t {
    hard,    ///< it asks for ever
    soft,    ///< it gives up, with EIO
    softerr, ///< it gives up, with ETIMEDOUT
};

/// The option of nfs(5), which is the enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(nfs_patience what) noexcept {
    switch (what) {
    case nfs_patience::hard: return "hard";
    case nfs_patience::soft: return "soft";
    case nfs_patience::softerr: return "softerr";
    }
    return "unknown";
}

/// Which locks stay on the client instead of going to the server (`local_lock`, nfs(5)).
enum class local_locks : std::uint8_t {
    none,
    flock, ///< those of flock(2)
    posix, ///< those of fcntl(2)
    all,
};

/// One mount. Times and sizes that the kernel does not tell are absent: they have their defaults.
struct nfs_mount {
    std::string server;     ///< as it was named at mounting; IPv6 without brackets
    std::string path;       ///< of the server, as the mount names it
    std::string mountpoint; ///< where it is on the client
    std::string version;    ///< `3`, `4.2`
    nfs_patience patience = nfs_patience::hard; ///< `hard`, `soft` or `softerr`
    bool readonly = false;                      ///< this mount, or the file system below it
    bool nolock = false;                        ///< of versions 2 and 3
    local_locks local = local_locks::none;      ///< `local_lock=…`; told of versions 2 and 3
    std::string proto;                          ///< `tcp`, `udp`, `rdma`, and `tcp6`, …
    std::string sec;                            ///< `sys`, `krb5`, …
    std::string addr;                           ///< the server's address
    std::uint32_t rsize = 0;                    ///< bytes a request; 0: not told
    std::uint32_t wsize = 0;                    ///< bytes a request; 0: not told
    std::uint32_t timeo = 0;                    ///< tenths of a second; 0: not told
    std::uint32_t retrans = 0;             ///< requests repeated before it gives up or complains
    bool noac = false;                     ///< attributes are not cached, writes are synchronous
    bool nocto = false;                    ///< files are not compared with the server's when opened
    std::optional<std::uint32_t> acregmin; ///< seconds: attributes of files are cached
    std::optional<std::uint32_t> acregmax; ///< seconds
    std::optional<std::uint32_t> acdirmin; ///< seconds: of folders
    std::optional<std::uint32_t> acdirmax; ///< seconds

    friend bool operator==(const nfs_mount &, const nfs_mount &) = default;

    /// `SERVER:PATH`, as mount(8) takes it.
    [[nodiscard]] std::string source() const {
        const bool six = server.find(':') != std::string::npos;
        return (six ? "[" + server + "]" : server) + ":" + path;
    }
    /// 2, 3 or 4; 0 where it was not told.
    [[nodiscard]] int major() const {
        return version.empty() || version[0] < '2' || version[0] > '4' ? 0 : version[0] - '0';
    }
    /// Whether `file`, an absolute path of the client, is below the mount point.
    [[nodiscard]] bool holds(std::string_view file) const {
        if (mountpoint == "/") return file.starts_with('/');
        return file.starts_with(mountpoint) &&
               (file.size() == mountpoint.size() || file[mountpoint.size()] == '/');
    }
};

namespace detail {

/// Takes one of the options of a mount; those that nothing is made of are passed over.
inline void read_mount_option(nfs_mount &into, std::string_view word) {
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    const auto value =
        equals == std::string_view::npos ? std::string_view() : word.substr(equals + 1);
    const auto number = [&]() -> std::optional<std::uint32_t> {
        std::uint32_t out = 0;
        const char *const end = value.data() + value.size();
        const auto [stopped, problem] = std::from_chars(value.data(), end, out);
        if (value.empty() || problem != std::errc() || stopped != end) return std::nullopt;
        return out;
    };
    struct text_option {
        std::string_view name;
        std::string nfs_mount::*which;
    };
    static constexpr std::array<text_option, 5> texts{{{"vers", &nfs_mount::version},
                                                       {"nfsvers", &nfs_mount::version},
                                                       {"proto", &nfs_mount::proto},
                                                       {"sec", &nfs_mount::sec},
                                                       {"addr", &nfs_mount::addr}}};
    struct number_option {
        std::string_view name;
        std::uint32_t nfs_mount::*which;
    };
    static constexpr std::array<number_option, 4> numbers{{{"rsize", &nfs_mount::rsize},
                                                           {"wsize", &nfs_mount::wsize},
                                                           {"timeo", &nfs_mount::timeo},
                                                           {"retrans", &nfs_mount::retrans}}};
    struct time_option {
        std::string_view name;
        std::optional<std::uint32_t> nfs_mount::*which;
    };
    static constexpr std::array<time_option, 4> times{{{"acregmin", &nfs_mount::acregmin},
                                                       {"acregmax", &nfs_mount::acregmax},
                                                       {"acdirmin", &nfs_mount::acdirmin},
                                                       {"acdirmax", &nfs_mount::acdirmax}}};
    for (const auto &each : texts) {
        if (name == each.name) into.*each.which = value;
    }
    for (const auto &each : numbers) {
        if (name == each.name) into.*each.which = number().value_or(0);
    }
    for (const auto &each : times) {
        if (name == each.name || name == "actimeo") into.*each.which = number();
    }
    if (word == "ro") into.readonly = true;
    if (word == "soft") into.patience = nfs_patience::soft;
    if (word == "softerr") into.patience = nfs_patience::softerr;
    if (word == "nolock") into.nolock = true;
    if (word == "noac") into.noac = true;
    if (word == "nocto") into.nocto = true;
    if (word == "local_lock=all") into.local = local_locks::all;
    if (word == "local_lock=flock") into.local = local_locks::flock;
    if (word == "local_lock=posix") into.local = local_locks::posix;
}

inline void read_mount_options(nfs_mount &into, std::string_view list) {
    for (std::size_t at = 0; at < list.size();) {
        const std::size_t end = std::min(list.find(',', at), list.size());
        read_mount_option(into, list.substr(at, end - at));
        at = end + 1;
    }
}

/// Splits `SERVER:PATH`; false where there is no colon to split at.
[[nodiscard]] inline bool read_mount_source(nfs_mount &into, const std::string &source) {
    const auto close = source.starts_with('[') ? source.find("]:") : std::string::npos;
    const auto colon = close == std::string::npos ? source.find(":/") : close + 1;
    if (colon == std::string::npos) return false;
    into.server =
        close == std::string::npos ? source.substr(0, colon) : source.substr(1, close - 1);
    into.path = source.substr(colon + 1);
    while (into.path.size() > 1 && into.path.back() == '/') into.path.pop_back();
    return true;
}

} // namespace detail

/// Reads /proc/self/mountinfo (proc(5)): the mounts of type `nfs` and `nfs4`, in its order. What
/// another mount at the same point covers is left out.
///
/// Fails with `protocol`, naming line, column (in bytes, from 1) and what would be right.
[[nodiscard]] inline expected<std::vector<nfs_mount>> parse_nfs_mounts(std::string_view mountinfo) {
    std::vector<nfs_mount> out;
    std::size_t number = 0;
    for (std::size_t start = 0; start < mountinfo.size();) {
        const std::size_t end = std::min(mountinfo.find('\n', start), mountinfo.size());
        const std::string_view line = mountinfo.substr(start, end - start);
        start = end + 1;
        ++number;
        if (line.empty()) continue;
        std::vector<std::string_view> fields;
        for (std::size_t at = 0; at <= line.size();) {
            const std::size_t space = std::min(line.find(' ', at), line.size());
            fields.push_back(line.substr(at, space - at));
            at = space + 1;
        }
        const auto refuse = [&](std::size_t at, const std::string &what) {
            return fail(
                make_error(error_kind::protocol, "cannot read mountinfo, line " +
                                                     std::to_string(number) + ", column " +
                                                     std::to_string(at + 1) + ": " + what)
                    .about("/proc/self/mountinfo")
                    .advise("a line is ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS [TAGS] - "
                            "TYPE SOURCE OPTIONS"));
        };
        // Tags come before the hyphen, as many as there are.
        const auto hyphen = std::find(fields.begin(), fields.end(), "-");
        if (hyphen == fields.end() || hyphen - fields.begin() < 6)
            return refuse(line.size(), "no hyphen stands after the options of the mount");
        if (fields.end() - hyphen < 4)
            return refuse(line.size(), "type, source and options do not stand after the hyphen");
        const std::string point = unescape_octal(fields[4]);
        std::erase_if(out, [&](const nfs_mount &each) { return each.mountpoint == point; });
        const std::string_view type = hyphen[1];
        if (type != "nfs" && type != "nfs4") continue;
        nfs_mount mount;
        mount.mountpoint = point;
        if (!detail::read_mount_source(mount, unescape_octal(hyphen[2]))) {
            return refuse(static_cast<std::size_t>(hyphen[2].data() - line.data()),
                          "'" + std::string(hyphen[2]) + "' does not name a server and a path");
        }
        detail::read_mount_options(mount, fields[5]);
        detail::read_mount_options(mount, hyphen[3]);
        out.push_back(std::move(mount));
    }
    return out;
}

/// The mount that holds `file`, an absolute path of the client: the one nearest to it; null when
/// none does.
[[nodiscard]] inline const nfs_mount *mount_of(const std::vector<nfs_mount> &mounts,
                                               std::string_view file) {
    const nfs_mount *out = nullptr;
    for (const nfs_mount &each : mounts) {
        if (!each.holds(file)) continue;
        if (out == nullptr || each.mountpoint.size() > out->mountpoint.size()) out = &each;
    }
    return out;
}

} // namespace kvmig::model
