// SPDX-License-Identifier: MIT
#include <lab/image/as_root.hpp>
#include <lab/machine/preflight.hpp>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <set>
#include <string_view>
#include <unistd.h>

#include <kvmig/host/command.hpp>
#include <kvmig/host/descriptor.hpp>

namespace kvmig::lab {

namespace {

struct tool {
    std::string_view name;
    std::string_view package;
};

constexpr std::array tools{
    tool{"qemu-system-x86_64", "qemu-system-x86"},
    tool{"qemu-img", "qemu-utils"},
    tool{"mmdebstrap", "mmdebstrap"},
    tool{"mke2fs", "e2fsprogs"},
    tool{"ip", "iproute2"},
    tool{"ssh", "openssh-client"},
    tool{"ssh-keygen", "openssh-client"},
    tool{"busybox", "busybox-static"},
    tool{"tar", "tar"},
    tool{"setsid", "util-linux"},
    tool{"unshare", "util-linux"},
};

constexpr std::string_view keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

bool in_path(std::string_view name) {
    const char *path = std::getenv("PATH");
    std::string_view rest = path == nullptr ? "" : path;
    while (!rest.empty()) {
        const std::string_view folder = rest.substr(0, rest.find(':'));
        const std::filesystem::path file = std::filesystem::path{folder} / name;
        if (!folder.empty() && ::access(file.c_str(), X_OK) == 0) return true;
        rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
    }
    return false;
}

bytes memory_available() {
    std::ifstream file{"/proc/meminfo"};
    for (std::string line; std::getline(file, line);) {
        constexpr std::string_view key = "MemAvailable:";
        if (line.starts_with(key)) return bytes::kib(std::stoull(line.substr(key.size())));
    }
    return {};
}

/// Free space of the file system on which `path` will be made.
bytes space_at(std::filesystem::path path) {
    std::error_code code;
    while (!std::filesystem::exists(path, code) && path.has_relative_path()) {
        path = path.parent_path();
    }
    const auto info = std::filesystem::space(path, code);
    return code ? bytes{} : bytes{info.available};
}

/// Many settings can forbid it, and each system has its own: trying it tells.
std::optional<std::string> try_user_namespace() {
    if (::geteuid() == 0) return std::nullopt;
    host::command attempt;
    attempt.argv = as_root({"ip", "-V"});
    auto made = host::output_of(attempt);
    if (made) return std::nullopt;
    return describe(made.error());
}

} // namespace

std::string package_of(std::string_view name) {
    for (const tool &known : tools) {
        if (known.name == name) return std::string{known.package};
    }
    return {};
}

expected<machine_facts> gather_machine_facts(const lab_paths &paths) {
    auto cache = cache_directory();
    if (!cache) return fail(std::move(cache).error());
    machine_facts facts;
    facts.root = ::geteuid() == 0;
    facts.no_user_namespace = try_user_namespace();
    const host::descriptor tun{::open("/dev/net/tun", O_RDWR | O_CLOEXEC)};
    if (!tun) facts.no_tun = std::strerror(errno);
    facts.memory_available = memory_available();
    facts.cache_space = space_at(*cache);
    facts.state_space = space_at(paths.root);
    for (const tool &needed : tools) {
        if (!in_path(needed.name)) facts.missing_tools.emplace_back(needed.name);
    }
    std::error_code code;
    if (!std::filesystem::exists(keyring, code)) facts.missing_tools.emplace_back(keyring);
    return facts;
}

expected<void> require(const machine_facts &facts) {
    std::vector<error> lacks;
    const auto lack = [&lacks](std::string what, std::string remedy) {
        lacks.push_back(
            make_error(error_kind::environment, std::move(what)).advise(std::move(remedy)));
    };
    if (!facts.root && facts.no_user_namespace) {
        lack(fmt::format("neither root nor able to make a user namespace: {}",
                         *facts.no_user_namespace),
             "run as root; or install uidmap, give this user a range in /etc/subuid and "
             "/etc/subgid, and let users make namespaces (sysctl "
             "kernel.unprivileged_userns_clone=1)");
    }
    if (facts.no_tun) {
        lack(fmt::format("/dev/net/tun cannot be opened: {}", *facts.no_tun),
             "modprobe tun; let this user open it (chmod 666 /dev/net/tun); in a container, hand "
             "the device in");
    }
    const auto look_for_room = [&lack](bytes have, bytes need, std::string_view of,
                                       std::string remedy) {
        if (have >= need) return;
        lack(fmt::format("{:.0f} MiB of {} are free, {:.0f} are needed", have.as_mib(), of,
                         need.as_mib()),
             std::move(remedy));
    };
    look_for_room(facts.memory_available, needed_memory, "memory",
                  "end other programs, or other labs");
    look_for_room(facts.cache_space, needed_cache_space, "disk for the cache",
                  "free some, or set XDG_CACHE_HOME to a larger file system");
    look_for_room(facts.state_space, needed_state_space, "disk for the lab",
                  "free some, or set XDG_STATE_HOME to a larger file system");
    std::set<std::string> packages;
    for (const std::string &name : facts.missing_tools) {
        packages.insert(name == keyring ? "debian-archive-keyring" : package_of(name));
    }
    if (!packages.empty()) {
        lack(fmt::format("not installed: {}", fmt::join(facts.missing_tools, ", ")),
             fmt::format("apt-get install {}", fmt::join(packages, " ")));
    }
    if (lacks.empty()) return {};
    error all = make_error(error_kind::environment, "the lab cannot be brought up on this machine");
    all.causes = std::move(lacks);
    return fail(std::move(all));
}

} // namespace kvmig::lab
