// SPDX-License-Identifier: MIT
#include <lab/machine/network.hpp>
#include <lab/machine/process.hpp>
#include <lab/topology/files.hpp>
#include <lab/topology/topology.hpp>

#include <kvmig/host/command.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace kvmig::lab {

namespace {

unexpected system_failure(std::string doing) {
    error err = make_error(error_kind::environment,
                           fmt::format("cannot {}: {}", doing, std::strerror(errno)));
    err.system = errno;
    err.remedy = "run as root, or allow unprivileged user namespaces "
                 "(sysctl kernel.unprivileged_userns_clone=1)";
    return fail(std::move(err));
}

expected<void> ip(std::vector<std::string> arguments) {
    host::command cmd;
    cmd.argv = std::move(arguments);
    cmd.argv.insert(cmd.argv.begin(), "ip");
    cmd.timeout = std::chrono::seconds{60};
    if (auto said = host::output_of(cmd); !said) return fail(std::move(said).error());
    return {};
}

expected<void> bind_over(const std::filesystem::path &ours, const char *theirs) {
    if (::mount(ours.c_str(), theirs, nullptr, MS_BIND, nullptr) != 0) {
        return system_failure(fmt::format("bind {} over {}", ours.string(), theirs));
    }
    return {};
}

expected<void> make_network() {
    const std::string bridge{bridge_name};
    auto done = ip({"link", "set", "lo", "up"});
    if (done) {
        done =
            ip({"link", "add", bridge, "type", "bridge", "forward_delay", "0", "stp_state", "0"});
    }
    if (done) done = ip({"address", "add", fmt::format("{}/24", probe_address), "dev", bridge});
    const auto add_tap = [&](const std::string &tap) {
        if (done) done = ip({"tuntap", "add", tap, "mode", "tap"});
        if (done) done = ip({"link", "set", tap, "master", bridge, "up"});
    };
    for (const machine_spec &machine : machines) {
        add_tap(tap_name(machine));
        // Without a carrier until a machine has the card that belongs to it.
        if (machine.role == machine_role::host) add_tap(card_tap_name(machine));
    }
    if (done) done = ip({"link", "set", bridge, "up"});
    return done;
}

host::descriptor open_namespace(pid_t pid, std::string_view kind) {
    const std::string path = fmt::format("/proc/{}/ns/{}", pid, kind);
    return host::descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
}

} // namespace

expected<void> hold_network(const lab_paths &paths) {
    if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) {
        return system_failure("make a network namespace");
    }
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
        return system_failure("keep mounts of the lab to the lab");
    }
    auto done = bind_over(paths.identity() / "hosts", "/etc/hosts");
    if (done) done = bind_over(paths.identity() / "nsswitch.conf", "/etc/nsswitch.conf");
    if (done) done = bind_over(paths.identity() / "ssh_config", "/etc/ssh/ssh_config");
    if (done) done = make_network();
    if (!done) return done;

    constexpr std::string_view ready = "ready\n";
    if (::write(STDOUT_FILENO, ready.data(), ready.size()) < 0) return system_failure("report");
    // From here on nobody listens; the controller may be long gone when this ends.
    const host::descriptor null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    for (const int stream : {0, 1, 2}) ::dup2(null.get(), stream);
    for (;;) ::pause();
}

expected<pid_t> ensure_network(const lab_paths &paths, const std::stop_token &stop) {
    if (const auto pid = find_process(paths, network_role)) return *pid;
    // setsid(1) --fork leaves the holder behind when it has spoken: `run` returns at the end of its
    // output, which is when the holder is ready or has failed.
    host::command hold;
    std::error_code code;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", code);
    hold.argv = {"setsid", "--fork"};
    // Whoever is not root becomes it in a user namespace, which a program with threads cannot
    // enter.
    if (::geteuid() != 0) hold.argv.insert(hold.argv.end(), {"unshare", "--map-root-user"});
    hold.argv.insert(hold.argv.end(), {self.string(), "lab", "hold", "--lab", paths.name});
    hold.environment = {mark(paths, network_role)};
    hold.timeout = std::chrono::seconds{120};
    hold.until_streams_end = true;
    auto said = host::run(hold, stop);
    if (!said) return fail(std::move(said).error());
    const auto pid = find_process(paths, network_role);
    if (!said->out.starts_with("ready") || !pid) {
        return fail(error_kind::failed, "the lab's network could not be made: " + said->err);
    }
    return *pid;
}

expected<int> run_inside(const lab_paths &paths, std::vector<std::string> argv,
                         const std::stop_token &stop) {
    const auto pid = find_process(paths, network_role);
    if (!pid) {
        return fail(
            make_error(error_kind::not_found, fmt::format("the lab '{}' is not up", paths.name))
                .advise(fmt::format("kvmig lab up --lab {}", paths.name)));
    }
    std::vector<host::descriptor> namespaces;
    if (::geteuid() != 0) namespaces.push_back(open_namespace(*pid, "user"));
    namespaces.push_back(open_namespace(*pid, "net"));
    namespaces.push_back(open_namespace(*pid, "mnt"));
    host::command cmd;
    cmd.argv = std::move(argv);
    cmd.inherit_stdio = true;
    for (const host::descriptor &ns : namespaces) {
        if (!ns) return system_failure("open the lab's namespaces");
        cmd.namespaces.push_back(ns.get());
    }
    std::error_code code;
    cmd.directory = std::filesystem::current_path(code);
    // What runs inside ends a migration and tidies up before it goes.
    cmd.grace = std::chrono::minutes{5};
    auto result = host::run(cmd, stop);
    if (!result) return fail(std::move(result).error());
    return result->status;
}

} // namespace kvmig::lab
