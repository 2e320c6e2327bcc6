// SPDX-License-Identifier: MIT
#include <lab/image/as_root.hpp>
#include <lab/image/cache.hpp>
#include <lab/image/seed.hpp>
#include <lab/topology/files.hpp>

#include <kvmig/core/uuid.hpp>
#include <kvmig/host/command.hpp>

#include <fmt/format.h>

namespace kvmig::lab {

namespace {

constexpr std::string_view sshd_configuration =
    R"(# The lab's controller and hosts log in as root with the lab's keys; nobody else can reach them.
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
UseDNS no
# A login costs an emulated machine a second more with a session by systemd, and two with a manager
# of root's own units; the hybrid key exchange that OpenSSH prefers costs a third of a second.
UsePAM no
KexAlgorithms curve25519-sha256
MaxStartups 64
MaxSessions 64
)";

/// systemd units that a disposable machine has no use for, or that must not run in this role.
std::vector<std::string_view> masked_units(machine_role role) {
    std::vector<std::string_view> units{
        "systemd-timesyncd.service",  "apt-daily.timer",   "apt-daily-upgrade.timer",
        "dpkg-db-backup.timer",       "fstrim.timer",      "e2scrub_all.timer",
        "e2scrub_reap.service",       "man-db.timer",      "libvirt-guests.service",
        "serial-getty@ttyS0.service", "getty@tty1.service"};
    if (role == machine_role::host) {
        units.insert(units.end(), {"nfs-server.service", "nfs-mountd.service", "nfs-idmapd.service",
                                   "nfsdcld.service", "nfs-blkmap.service"});
    } else {
        units.insert(units.end(), {"libvirtd.service", "libvirtd.socket", "libvirtd-ro.socket",
                                   "libvirtd-admin.socket", "virtlogd.service", "virtlogd.socket",
                                   "virtlockd.service", "virtlockd.socket", "nfs-blkmap.service"});
    }
    return units;
}

std::string known_hosts(const std::vector<std::pair<std::string, std::string>> &keys) {
    std::string text;
    for (const auto &[name, key] : keys) {
        const machine_spec &machine = *find_machine(name);
        text += fmt::format("{},{},{} {}", fqdn(machine), machine.name, machine.address, key);
    }
    return text;
}

/// The controller's own client configuration, bound over the system's in the lab's namespace.
std::string ssh_configuration(const std::filesystem::path &identity) {
    return fmt::format(R"(Host *.{0} {1}
    User root
    IdentityFile "{2}/id_ed25519"
    IdentitiesOnly yes
    UserKnownHostsFile "{2}/known_hosts"
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    BatchMode yes
    ConnectTimeout 120
    ConnectionAttempts 2
    ServerAliveInterval 15
    ServerAliveCountMax 20
)",
                       domain_name, "kvm01 kvm02 nfs", identity.string());
}

expected<void> generate_key(const std::filesystem::path &path, const std::string &comment,
                            const std::stop_token &stop) {
    host::command keygen;
    keygen.argv = {"ssh-keygen", "-q", "-t",    "ed25519", "-N",
                   "",           "-C", comment, "-f",      path.string()};
    if (auto made = host::output_of(keygen, stop); !made) return fail(std::move(made).error());
    return {};
}

expected<void> put(const std::filesystem::path &root, const seed_file &file) {
    const std::filesystem::path path = root / file.path.substr(1);
    std::error_code code;
    std::filesystem::create_directories(path.parent_path(), code);
    if (code)
        return fail(error_kind::io, fmt::format("cannot create {}: {}", path.parent_path().string(),
                                                code.message()));
    return write_file(path, file.content, file.mode);
}

expected<void> link(const std::filesystem::path &root, std::string_view path, std::string_view to) {
    const std::filesystem::path target = root / path.substr(1);
    std::error_code code;
    std::filesystem::create_directories(target.parent_path(), code);
    std::filesystem::create_symlink(to, target, code);
    if (code)
        return fail(error_kind::io,
                    fmt::format("cannot link {}: {}", target.string(), code.message()));
    return {};
}

expected<void> copy_into(const std::filesystem::path &from, const std::filesystem::path &to) {
    std::error_code code;
    std::filesystem::create_directories(to.parent_path(), code);
    std::filesystem::copy_file(from, to, code);
    if (code)
        return fail(error_kind::io, fmt::format("cannot copy {} to {}: {}", from.string(),
                                                to.string(), code.message()));
    return {};
}

/// Lays out one machine's tree and packs it as a disk.
expected<void> make_seed(const std::filesystem::path &identity, const machine_spec &machine,
                         const std::string &known, const guest_files &guest,
                         const std::stop_token &stop) {
    const std::filesystem::path tree = identity / fmt::format("{}.tree", machine.name);
    const std::filesystem::path root = tree / "root";
    std::vector<seed_file> files = configuration_of(machine);
    const auto key_file = [&](std::string_view from, std::string to,
                              unsigned mode) -> expected<void> {
        auto text = read_file(identity / from);
        if (!text) return fail(std::move(text).error());
        files.push_back({std::move(to), std::move(*text), mode});
        return {};
    };
    const std::string host_key = fmt::format("{}_host_ed25519_key", machine.name);
    auto done = key_file(host_key, "/etc/ssh/ssh_host_ed25519_key", 0600);
    if (done) done = key_file(host_key + ".pub", "/etc/ssh/ssh_host_ed25519_key.pub", 0644);
    if (done) done = key_file("id_ed25519", "/root/.ssh/id_ed25519", 0600);
    if (done) done = key_file("id_ed25519.pub", "/root/.ssh/authorized_keys", 0600);
    if (!done) return done;
    files.push_back({"/root/.ssh/known_hosts", known, 0600});
    std::string machine_id = uuid::random().text();
    std::erase(machine_id, '-');
    files.push_back({"/etc/machine-id", machine_id + "\n"});
    for (const seed_file &file : files) {
        if (done = put(root, file); !done) return done;
    }
    for (const std::string_view unit : masked_units(machine.role)) {
        if (done = link(root, fmt::format("/etc/systemd/system/{}", unit), "/dev/null"); !done)
            return done;
    }
    done = link(root, "/etc/systemd/system/multi-user.target.wants/kvmig-network.service",
                "/etc/systemd/system/kvmig-network.service");
    if (!done) return done;
    if (machine.role == machine_role::host) {
        const std::filesystem::path folder = root / std::string_view{guest_directory}.substr(1);
        if (done = copy_into(guest.kernel, folder / "vmlinuz"); !done) return done;
        if (done = copy_into(guest.initramfs, folder / "initramfs"); !done) return done;
    }
    // ssh insists on a private directory.
    std::error_code code;
    std::filesystem::permissions(root / "root", std::filesystem::perms::owner_all, code);
    std::filesystem::permissions(root / "root/.ssh", std::filesystem::perms::owner_all, code);
    host::command pack;
    pack.argv = as_root({"mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", tree.string(),
                         (identity / fmt::format("{}.seed", machine.name)).string(), "96M"});
    if (auto packed = host::output_of(pack, stop); !packed) return fail(std::move(packed).error());
    return remove_tree(tree);
}

expected<void> make_identity(const std::filesystem::path &identity, const lab_paths &paths,
                             const guest_files &guest, const std::stop_token &stop) {
    auto done =
        generate_key(identity / "id_ed25519", fmt::format("kvmig lab {}", paths.name), stop);
    std::vector<std::pair<std::string, std::string>> keys;
    for (const machine_spec &machine : machines) {
        const auto key = identity / fmt::format("{}_host_ed25519_key", machine.name);
        if (done) done = generate_key(key, fqdn(machine), stop);
        if (!done) return done;
        auto text = read_file(key.string() + ".pub");
        if (!text) return fail(std::move(text).error());
        keys.emplace_back(machine.name, std::move(*text));
    }
    const std::string known = known_hosts(keys);
    done = write_file(identity / "known_hosts", known);
    // Names the files where they will be, once this directory has its final name.
    if (done) done = write_file(identity / "ssh_config", ssh_configuration(paths.identity()));
    if (done) done = write_file(identity / "hosts", hosts_file());
    if (done)
        done =
            write_file(identity / "nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n");
    for (const machine_spec &machine : machines) {
        if (done) done = make_seed(identity, machine, known, guest, stop);
    }
    return done;
}

} // namespace

std::vector<seed_file> configuration_of(const machine_spec &machine) {
    std::vector<seed_file> files{
        {"/etc/hostname", fmt::format("{}\n", machine.name)},
        {"/etc/hosts", hosts_file()},
        {"/etc/ssh/sshd_config.d/kvmig.conf", std::string{sshd_configuration}},
        // Plain commands instead of a daemon: the card is there before systemd starts (its driver
        // is in the initrd), and the same happens in the same order however slow the machine.
        {"/etc/systemd/system/kvmig-network.service",
         fmt::format("[Unit]\nDescription=The lab's network\nDefaultDependencies=no\n"
                     "Before=network.target network-online.target\n"
                     "Wants=network.target network-online.target\n\n"
                     "[Service]\nType=oneshot\nRemainAfterExit=yes\n"
                     "ExecStart=ip link add name {0} address {1} type bridge forward_delay 0 "
                     "stp_state 0\n"
                     "ExecStart=ip link set dev eth0 master {0} up\n"
                     "ExecStart=ip address add {2}/24 dev {0}\n"
                     "ExecStart=ip link set dev {0} up\n\n"
                     "[Install]\nWantedBy=multi-user.target\n",
                     guest_bridge, machine.mac, machine.address)},
    };
    // An emulated machine on a busy one takes longer to boot than systemd has patience for.
    files.push_back({"/etc/systemd/system.conf.d/kvmig.conf",
                     "[Manager]\nDefaultTimeoutStartSec=15min\nDefaultDeviceTimeoutSec=15min\n"});
    // The guest agent opens its port when everything else has been started and the machine can be
    // reached: that is how the controller learns that it is up.
    files.push_back({"/etc/systemd/system/qemu-guest-agent.service.d/kvmig.conf",
                     "[Unit]\nWants=network-online.target\nAfter=network-online.target ssh.service "
                     "libvirtd.service nfs-server.service apparmor.service\n"});
    if (machine.role == machine_role::host) {
        // Debian's libvirtd ends after two idle minutes; a start under emulation costs seconds.
        files.push_back({"/etc/default/libvirtd", "LIBVIRTD_ARGS=\"\"\n"});
    } else {
        std::string exports = std::string{export_path};
        for (const machine_spec &client : machines) {
            if (client.role != machine_role::host) continue;
            exports +=
                fmt::format(" {}(rw,sync,no_subtree_check,no_root_squash,fsid=1)", client.address);
        }
        // For `kvmig nfs`; who is root in the lab's namespace only has no port below 1024.
        exports += fmt::format(" {}(rw,sync,no_subtree_check,no_root_squash,insecure,fsid=1)",
                               probe_address);
        files.push_back({"/etc/exports", exports + "\n"});
        files.push_back({fmt::format("{}/.kvmig-store", export_path), ""});
    }
    return files;
}

std::string configuration_digest() {
    std::vector<std::string> pieces;
    for (const machine_spec &machine : machines) {
        for (const seed_file &file : configuration_of(machine)) {
            pieces.push_back(file.path);
            pieces.push_back(file.content);
        }
        for (const std::string_view unit : masked_units(machine.role)) pieces.emplace_back(unit);
    }
    return digest_of(pieces);
}

expected<void> ensure_identity(const lab_paths &paths, const std::string &digest,
                               const guest_files &guest, const std::stop_token &stop) {
    if (const auto made_for = read_file(paths.identity() / "digest"); made_for == digest) return {};
    const std::filesystem::path temporary = paths.root / "identity.new";
    for (const auto &old : {temporary, paths.identity()}) {
        if (auto removed = remove_tree(old); !removed) return removed;
    }
    if (auto made = make_directory(temporary); !made) return made;
    if (auto made = make_identity(temporary, paths, guest, stop); !made) return made;
    if (auto written = write_file(temporary / "digest", digest); !written) return written;
    return rename_durably(temporary, paths.identity());
}

} // namespace kvmig::lab
