// SPDX-License-Identifier: MIT
#include <lab/image/as_root.hpp>
#include <lab/image/cache.hpp>
#include <lab/image/embedded.hpp>
#include <lab/image/root_image.hpp>
#include <lab/topology/files.hpp>

#include <kvmig/host/command.hpp>

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>
#include <sstream>
#include <unistd.h>

namespace kvmig::lab {

namespace {

constexpr std::array<std::string_view, 2> known_releases{"bookworm", "trixie"};

/// What the machines of the lab need; the same set for each, so that one image serves all.
constexpr std::array image_packages{
    "linux-image-cloud-amd64", "initramfs-tools", "zstd", "systemd-sysv", "udev", "dbus", "kmod",
    "procps", "iproute2", "iputils-ping", "netbase", "nftables", "iptables", "netcat-openbsd",
    "ethtool", "tcpdump", "lsof", "util-linux-extra", "openssh-server", "qemu-guest-agent",
    // hosts
    "qemu-system-x86", "qemu-block-extra", "qemu-utils", "libvirt-daemon-system", "libvirt-clients",
    "apparmor", "gnutls-bin", "nfs-common", "openssl", "rsync", "lvm2",
    // store
    "nfs-kernel-server"};

/// Room for images on the store; the file is sparse.
constexpr std::string_view image_size = "16G";

/// Changes whenever the steps below change what they make from the same input.
constexpr std::string_view recipe = "4";

expected<std::string> apt_sources(std::string_view release, const std::stop_token &stop) {
    host::command list;
    list.argv = {"apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)",
                 "Created-By: Packages"};
    auto targets = host::output_of(list, stop);
    if (!targets) return targets;
    return sources_for(*targets, release);
}

expected<void> step(std::vector<std::string> argv, const std::filesystem::path &directory,
                    const std::stop_token &stop, std::string input = {}) {
    host::command cmd;
    cmd.argv = std::move(argv);
    cmd.directory = directory;
    cmd.input = std::move(input);
    cmd.environment = {{"LC_ALL", "C"}, {"SOURCE_DATE_EPOCH", "0"}};
    // Without root, mmdebstrap builds as a user who may not enter this user's folders.
    if (::geteuid() == 0) cmd.environment.emplace_back("TMPDIR", directory.string());
    if (auto said = host::output_of(cmd, stop); !said) return fail(std::move(said).error());
    return {};
}

/// The one file in `directory` that begins with `prefix`.
expected<std::filesystem::path> only(const std::filesystem::path &directory,
                                     std::string_view prefix) {
    std::vector<std::filesystem::path> found;
    std::error_code code;
    for (const auto &entry : std::filesystem::directory_iterator{directory, code}) {
        if (entry.path().filename().string().starts_with(prefix)) found.push_back(entry.path());
    }
    if (found.size() == 1) return found.front();
    return fail(error_kind::failed, fmt::format("{} holds {} files named {}*, not one",
                                                directory.string(), found.size(), prefix));
}

expected<void> write_overlay(const std::filesystem::path &directory) {
    for (const embedded_file &file : root_overlay()) {
        const std::filesystem::path path = directory / file.path;
        std::error_code code;
        std::filesystem::create_directories(path.parent_path(), code);
        if (auto written = write_file(path, file.content, file.mode); !written) return written;
    }
    return {};
}

/// The steps, in order; `work` is scratch space inside the unfinished entry.
expected<void> build(const std::filesystem::path &entry, std::string_view release,
                     const std::string &sources, const progress &tell,
                     const std::stop_token &stop) {
    const std::filesystem::path work = entry / "work";
    const std::filesystem::path tree = work / "tree";
    for (const auto &directory : {work, tree}) {
        if (auto made = make_directory(directory); !made) return made;
    }
    if (auto written = write_overlay(work / "overlay"); !written) return written;

    tell(fmt::format("installing {} packages of Debian {} into an image", image_packages.size(),
                     release));
    // Hooks are words of a shell that mmdebstrap runs: they hold fixed, relative paths only.
    std::vector<std::string> argv{
        "mmdebstrap", "--variant=minbase", "--format=tar", "--quiet",
        fmt::format("--include={}", fmt::join(image_packages, ",")),
        "--aptopt=APT::Install-Recommends \"false\"", "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/share/qemu/edk2-arm*",
        "--dpkgopt=path-exclude=/usr/share/qemu/edk2-aarch64*",
        "--essential-hook=sync-in overlay /",
        // Each lab brings its own.
        "--customize-hook=rm -f \"$1\"/etc/ssh/ssh_host_*",
        "--customize-hook=rm -f \"$1\"/etc/hostname \"$1\"/etc/resolv.conf",
        "--customize-hook=rm -rf \"$1\"/var/lib/apt/lists/*", std::string{release}, "root.tar",
        "-"};
    if (auto done = step(std::move(argv), work, stop, sources); !done) return done;

    tell("making the root file system");
    std::vector<std::string> unpack{"tar", "-xf", "root.tar", "-C", "tree", "--numeric-owner"};
    // Only root makes device nodes; a kernel that starts makes its own.
    if (::geteuid() != 0) unpack.emplace_back("--exclude=./dev/*");
    if (auto done = step(as_root(std::move(unpack)), work, stop); !done) return done;
    if (auto removed = remove_tree(work / "root.tar"); !removed) return removed;
    auto kernel = only(tree / "boot", "vmlinuz-");
    if (!kernel) return fail(std::move(kernel).error());
    auto initrd = only(tree / "boot", "initrd.img-");
    if (!initrd) return fail(std::move(initrd).error());
    if (auto done =
            step(as_root({"cp", kernel->string(), (entry / "vmlinuz").string()}), entry, stop);
        !done)
        return done;
    if (auto done =
            step(as_root({"cp", initrd->string(), (entry / "initrd.img").string()}), entry, stop);
        !done)
        return done;
    if (auto made = make_directory(entry / "lib"); !made) return made;
    if (auto done =
            step(as_root({"cp", "-r", "tree/usr/lib/modules", (entry / "lib/modules").string()}),
                 work, stop);
        !done)
        return done;
    if (auto done = step(as_root({"chmod", "-R", "a+rX", (entry / "lib/modules").string(),
                                  (entry / "vmlinuz").string(), (entry / "initrd.img").string()}),
                         work, stop);
        !done)
        return done;
    // No journal and every table written now: a disposable disk has no use for the one, and the
    // kernel's background initialisation would cost every machine its first minutes.
    if (auto done = step(as_root({"mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-N",
                                  "200000", "-E", "lazy_itable_init=0", "-L", "kvmig", "-d", "tree",
                                  (entry / "root.ext4").string(), std::string{image_size}}),
                         work, stop);
        !done) {
        return done;
    }
    return step(as_root({"rm", "-rf", "tree", "overlay"}), work, stop).and_then([&] {
        return remove_tree(work);
    });
}

} // namespace

expected<std::string> sources_for(std::string_view index_targets, std::string_view release) {
    std::set<std::string> lines;
    std::istringstream text{std::string{index_targets}};
    for (std::string uri, suite, component; text >> uri >> suite >> component;) {
        const std::string codename = suite.substr(0, suite.find('-'));
        const std::string pocket = suite.substr(codename.size());
        if (std::find(known_releases.begin(), known_releases.end(), codename) ==
            known_releases.end())
            continue;
        if (component != "main" ||
            (!pocket.empty() && pocket != "-updates" && pocket != "-security"))
            continue;
        lines.insert(fmt::format(
            "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {} {}{} main", uri,
            release, pocket));
    }
    if (lines.empty()) {
        return fail(make_error(error_kind::environment,
                               "apt knows no index of a Debian release on this machine")
                        .advise("add Debian's sources to apt and run apt-get update"));
    }
    return fmt::format("{}\n", fmt::join(lines, "\n"));
}

expected<void> require_release(std::string_view release) {
    if (std::find(known_releases.begin(), known_releases.end(), release) == known_releases.end()) {
        return fail(make_error(error_kind::invalid_argument,
                               fmt::format("the lab knows no Debian release '{}'", release))
                        .advise(fmt::format("use one of {}", fmt::join(known_releases, ", "))));
    }
    return {};
}

expected<root_image> ensure_root_image(const std::filesystem::path &cache, std::string_view release,
                                       const progress &tell, const std::stop_token &stop) {
    if (auto known = require_release(release); !known) return fail(std::move(known).error());
    auto sources = apt_sources(release, stop);
    if (!sources) return fail(std::move(sources).error());
    std::vector<std::string> pieces{std::string{recipe}, std::string{release}, *sources,
                                    std::string{image_size}};
    for (const char *package : image_packages) pieces.emplace_back(package);
    for (const embedded_file &file : root_overlay()) {
        pieces.emplace_back(file.path);
        pieces.emplace_back(file.content);
    }
    std::string digest = digest_of(pieces);
    auto entry = cached(
        cache, fmt::format("image-{}", release), digest,
        [&](const std::filesystem::path &directory) {
            return build(directory, release, *sources, tell, stop);
        },
        stop);
    if (!entry) return fail(std::move(entry).error());
    return root_image{std::move(*entry), std::move(digest)};
}

} // namespace kvmig::lab
