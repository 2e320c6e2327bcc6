// SPDX-License-Identifier: MIT
/// What standard programs tell of images on a host: how they are called, and what they answer.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/run/copy_plan.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::run {

/// How a file or device is now.
struct image_facts {
    image_kind kind = image_kind::file; ///< a file, or a block device; links are followed
    bytes size;                         ///< of a device not told here: `device_size_words`
    bytes allocated; ///< what a file takes up on its file system; of a device its size

    friend bool operator==(const image_facts &, const image_facts &) = default;
};

/// Asks for `image_facts`; exit status 1 where there is nothing at `path`.
[[nodiscard]] inline std::vector<std::string> stat_words(const std::string &path) {
    return {"env", "LC_ALL=C", "stat", "--dereference", "--format=%f %s %b %B", "--", path};
}
/// Asks for a device's size in bytes, which stat(1) does not tell.
[[nodiscard]] inline std::vector<std::string> device_size_words(const std::string &path) {
    return {"blockdev", "--getsize64", path};
}
/// The name behind all links.
[[nodiscard]] inline std::vector<std::string> resolve_words(const std::string &path) {
    return {"readlink", "--canonicalize-existing", "--", path};
}
/// What stands upon a device: other devices, mounts.
[[nodiscard]] inline std::vector<std::string> holders_words(const std::string &path) {
    return {"lsblk", "--noheadings", "--raw", "--output", "NAME,MOUNTPOINT", "--", path};
}
/// What tells a file or device apart from every other on its host, by whatever path.
[[nodiscard]] inline std::vector<std::string> identity_words(const std::string &path) {
    return {"stat", "--dereference", "--format=%f %D:%i %t:%T %n", "--", path};
}
/// The same of all that processes have open for writing, which the links in /proc tell by their
/// mode: in whatever namespace, and without a word from QEMU, whose locks on raw images and on
/// devices in a namespace of libvirt's are not seen by others. What ends meanwhile makes the exit
/// status 1.
[[nodiscard]] inline std::vector<std::string> writers_words() {
    return {"find",  "/proc", "-maxdepth", "3",    "-path",         "/proc/[0-9]*/fd/[0-9]*",
            "-perm", "-200",  "-exec",     "stat", "--dereference", "--format=%f %D:%i %t:%T %n",
            "{}",    "+"};
}
/// The first bytes of an image, where its header is.
[[nodiscard]] inline std::vector<std::string> beginning_words(const std::string &path) {
    return {"head", "--bytes=65536", "--", path};
}
/// Free room at a folder, and the mount it is on.
[[nodiscard]] inline std::vector<std::string> room_words(const std::string &folder) {
    return {"env", "LC_ALL=C", "df", "--block-size=1", "--output=avail,target", "--", folder};
}
/// SHA-256 of a file; of a device over its first `size` bytes.
[[nodiscard]] inline std::vector<std::string> checksum_words(const std::string &path,
                                                             image_kind kind, bytes size) {
    if (kind == image_kind::file) return {"sha256sum", "--binary", "--", path};
    // The shell reads this text alone, never a path; what cannot be read ends it.
    return {"sh",
            "-c",
            R"({ head -c "$1" -- "$2" || kill $$; } | sha256sum)",
            "sh",
            std::to_string(size.count()),
            path};
}
/// `what`, once nobody writes to `path` under a lock of flock(1) any more, as rsync's receiving end
/// does (run/rsync.hpp). `path` must be there.
[[nodiscard]] inline std::vector<std::string> settled_words(const std::string &path,
                                                            const std::vector<std::string> &what) {
    std::vector<std::string> out{"flock", "--shared", "--wait", "120", path};
    out.insert(out.end(), what.begin(), what.end());
    return out;
}

namespace detail {

[[nodiscard]] inline unexpected not_understood(const char *program, std::string_view said) {
    return fail(error_kind::protocol,
                std::string(program) + " answered '" + std::string(said.substr(0, 200)) + "'");
}
template <class Number>
[[nodiscard]] std::optional<Number> whole(std::string_view text, int base = 10) {
    Number out = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), out, base);
    if (bad != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return out;
}
/// Words between spaces and line ends.
[[nodiscard]] inline std::vector<std::string_view> split(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    std::vector<std::string_view> out;
    for (std::size_t at = text.find_first_not_of(space); at != std::string_view::npos;) {
        const std::size_t end = std::min(text.find_first_of(space, at), text.size());
        out.push_back(text.substr(at, end - at));
        at = text.find_first_not_of(space, end);
    }
    return out;
}

} // namespace detail

/// Of stat(1). Fails with `unsupported` for what is neither a file nor a block device.
[[nodiscard]] inline expected<image_facts> parse_stat(std::string_view said) {
    const auto fields = detail::split(said);
    if (fields.size() != 4) return detail::not_understood("stat", said);
    const auto mode = detail::whole<std::uint32_t>(fields[0], 16);
    const auto size = detail::whole<std::uint64_t>(fields[1]);
    const auto blocks = detail::whole<std::uint64_t>(fields[2]);
    const auto unit = detail::whole<std::uint64_t>(fields[3]);
    if (!mode || !size || !blocks || !unit) return detail::not_understood("stat", said);
    constexpr std::uint32_t type_bits = 0170000;
    switch (*mode & type_bits) {
    case 0100000: return image_facts{image_kind::file, bytes{*size}, bytes{*blocks * *unit}};
    case 0060000: return image_facts{image_kind::block, bytes{}, bytes{}};
    default: return fail(error_kind::unsupported, "it is neither a file nor a block device");
    }
}

/// Of blockdev(8).
[[nodiscard]] inline expected<bytes> parse_device_size(std::string_view said) {
    const auto fields = detail::split(said);
    const auto size = fields.size() == 1 ? detail::whole<std::uint64_t>(fields[0]) : std::nullopt;
    if (!size) return detail::not_understood("blockdev", said);
    return bytes{*size};
}

/// Of lsblk(8): what stands upon the device, in words; empty when nothing does.
[[nodiscard]] inline std::string parse_holders(std::string_view said) {
    std::string out;
    bool first = true;
    while (!said.empty()) {
        const std::size_t end = std::min(said.find('\n'), said.size());
        const auto fields = detail::split(said.substr(0, end));
        said.remove_prefix(std::min(end + 1, said.size()));
        if (fields.empty()) continue;
        std::string what;
        if (fields.size() > 1) {
            what =
                std::string(first ? "it" : fields[0]) + " is mounted at " + std::string(fields[1]);
        } else if (!first) {
            what = "it is part of " + std::string(fields[0]);
        }
        first = false;
        if (!what.empty()) out += (out.empty() ? "" : ", ") + what;
    }
    return out;
}

namespace detail {

/// `b MAJOR:MINOR` of a block device, `f DEVICE:INODE` of anything else; nothing of another line.
[[nodiscard]] inline std::string identity_in(const std::vector<std::string_view> &fields) {
    if (fields.size() < 4) return {};
    const auto mode = whole<std::uint32_t>(fields[0], 16);
    if (!mode) return {};
    const bool block = (*mode & 0170000U) == 0060000U;
    return (block ? "b " : "f ") + std::string(block ? fields[2] : fields[1]);
}

} // namespace detail

/// Of `identity_words`.
[[nodiscard]] inline expected<std::string> parse_identity(std::string_view said) {
    std::string out = detail::identity_in(detail::split(said));
    if (out.empty()) return detail::not_understood("stat", said);
    return out;
}

/// Of `writers_words`: the processes, by their numbers, that may write to what has this identity.
[[nodiscard]] inline std::vector<std::string> parse_writers(std::string_view said,
                                                            std::string_view identity) {
    constexpr std::string_view proc = "/proc/";
    std::vector<std::string> out;
    while (!said.empty()) {
        const std::size_t end = std::min(said.find('\n'), said.size());
        const auto fields = detail::split(said.substr(0, end));
        said.remove_prefix(std::min(end + 1, said.size()));
        if (detail::identity_in(fields) != identity || !fields[3].starts_with(proc)) continue;
        const std::string_view rest = fields[3].substr(proc.size());
        std::string pid(rest.substr(0, rest.find('/')));
        if (std::find(out.begin(), out.end(), pid) == out.end()) out.push_back(std::move(pid));
    }
    return out;
}

/// Free room on a mount.
struct free_room {
    bytes available;   ///< to ordinary users
    std::string mount; ///< the path at which it is mounted

    friend bool operator==(const free_room &, const free_room &) = default;
};

/// Of df(1), its heading included.
[[nodiscard]] inline expected<free_room> parse_room(std::string_view said) {
    const std::size_t line = said.find('\n');
    if (line == std::string_view::npos) return detail::not_understood("df", said);
    const std::string_view rest = said.substr(line + 1);
    const auto fields = detail::split(rest);
    if (fields.size() < 2) return detail::not_understood("df", said);
    const auto available = detail::whole<std::uint64_t>(fields[0]);
    if (!available) return detail::not_understood("df", said);
    // The mount's path may hold spaces.
    const auto begin = static_cast<std::size_t>(fields[1].data() - rest.data());
    const std::size_t end = std::min(rest.find('\n', begin), rest.size());
    return free_room{bytes{*available}, std::string(rest.substr(begin, end - begin))};
}

/// Of sha256sum(1): the sum, 64 digits.
[[nodiscard]] inline expected<std::string> parse_checksum(std::string_view said) {
    // A name that had to be escaped is told by a backslash before the sum.
    if (said.starts_with('\\')) said.remove_prefix(1);
    const std::string_view sum = said.substr(0, 64);
    const bool good =
        sum.size() == 64 && sum.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    if (!good || !said.substr(64).starts_with(' ')) {
        return detail::not_understood("sha256sum", said);
    }
    return std::string(sum);
}

} // namespace kvmig::run
