// SPDX-License-Identifier: MIT
#include <lab/guest/agent/init.hpp>

#include <kvmig/host/descriptor.hpp>
#include <lab/guest/agent/power_button.hpp>
#include <lab/guest/agent/workload_agent.hpp>
#include <lab/guest/system_error.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace kvmig::lab::guest {

namespace {

/// How long the guest may take to bring its disk up to date before it goes off all the same.
constexpr std::chrono::seconds longest_flush{30};

sockaddr address_for_ioctl(in_addr address) {
    sockaddr_in typed{};
    typed.sin_family = AF_INET;
    typed.sin_addr = address;
    sockaddr result{};
    std::memcpy(&result, &typed, sizeof result);
    return result;
}

ifreq request_for(const std::string &interface) {
    ifreq result{};
    interface.copy(result.ifr_name, IFNAMSIZ - 1);
    return result;
}

expected<void> bring_up(int socket, const std::string &interface) {
    ifreq flags = request_for(interface);
    if (::ioctl(socket, SIOCGIFFLAGS, &flags) != 0) {
        const error_kind kind = errno == ENODEV ? error_kind::not_found : error_kind::environment;
        return fail(system_error(kind, "cannot find the network interface").about(interface));
    }
    flags.ifr_flags = static_cast<short>(flags.ifr_flags | IFF_UP);
    if (::ioctl(socket, SIOCSIFFLAGS, &flags) != 0) {
        return fail(system_error(error_kind::environment, "cannot bring up the network interface")
                        .about(interface));
    }
    return {};
}

/// Told by the kernel whenever an interface comes or goes.
host::descriptor watch_interfaces() {
    host::descriptor socket{
        ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)};
    sockaddr_nl where{};
    where.nl_family = AF_NETLINK;
    where.nl_groups = RTMGRP_LINK;
    if (socket &&
        ::bind(socket.get(), reinterpret_cast<const sockaddr *>(&where), sizeof where) != 0) {
        socket.reset();
    }
    return socket;
}

void empty(const host::descriptor &socket) {
    std::array<char, 8192> buffer{};
    while (::recv(socket.get(), buffer.data(), buffer.size(), 0) > 0) {
    }
}

/// The signals that init answers, blocked for every thread that starts later.
host::descriptor watch_signals() {
    sigset_t signals{};
    sigemptyset(&signals);
    for (const int number : {SIGCHLD, SIGINT, SIGTERM, SIGPWR}) sigaddset(&signals, number);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    return host::descriptor{::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
}

/// Reaps the dead, and tells whether somebody asked for the end (ctrl-alt-del is SIGINT).
bool end_was_asked(const host::descriptor &signals) {
    bool asked = false;
    signalfd_siginfo info{};
    while (::read(signals.get(), &info, sizeof info) == ssize_t{sizeof info}) {
        asked = asked || info.ssi_signo != SIGCHLD;
    }
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    return asked;
}

} // namespace

std::vector<std::string> mount_file_systems() {
    struct entry {
        const char *type;
        const char *where;
        unsigned long flags;
    };
    constexpr std::array wanted{
        entry{"proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC},
        entry{"sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC},
        entry{"devtmpfs", "/dev", MS_NOSUID},
        entry{"tmpfs", "/tmp", MS_NOSUID | MS_NODEV},
    };
    std::vector<std::string> failed;
    for (const entry &each : wanted) {
        ::mkdir(each.where, 0755);
        if (::mount(each.type, each.where, each.type, each.flags, nullptr) != 0 && errno != EBUSY) {
            failed.push_back(
                system_error(error_kind::environment, std::string("cannot mount ") + each.where)
                    .what);
        }
    }
    const host::descriptor terminal{::open("/dev/console", O_RDWR | O_NOCTTY)};
    if (terminal) {
        for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
            if (terminal.get() != stream) ::dup2(terminal.get(), stream);
        }
    }
    return failed;
}

std::vector<std::string> load_modules() {
    std::vector<std::string> failed;
    std::ifstream list{modules_list};
    if (!list) failed.push_back(std::string("the image has no list of modules: ") + modules_list);
    for (std::string name; std::getline(list, name);) {
        const std::string path = std::string(modules_folder) + '/' + name;
        const host::descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        if (!file || (::syscall(SYS_finit_module, file.get(), "", 0) != 0 && errno != EEXIST)) {
            failed.push_back(system_error(error_kind::environment, "cannot load " + name).what);
        }
    }
    return failed;
}

expected<guest_settings> settings_from_kernel() {
    static constexpr const char *path = "/proc/cmdline";
    std::ifstream file{path};
    std::string line;
    if (!std::getline(file, line)) {
        return fail(make_error(error_kind::environment, "cannot read the kernel's command line")
                        .about(path));
    }
    return parse_settings(settings_on_command_line(line));
}

expected<void> configure_network(const guest_settings &settings) {
    const host::descriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!socket) return fail(system_error(error_kind::environment, "cannot make a UDP socket"));
    if (auto up = bring_up(socket.get(), "lo"); !up) return up;
    if (settings.address.host.empty()) return {};
    const auto host = parse_ipv4(settings.address.host);
    if (!host) return fail(host.error());
    ifreq address = request_for(settings.interface);
    address.ifr_addr = address_for_ioctl(*host);
    if (::ioctl(socket.get(), SIOCSIFADDR, &address) != 0) {
        const error_kind kind = errno == ENODEV ? error_kind::not_found : error_kind::environment;
        return fail(system_error(kind, "cannot set the network address").about(settings.interface));
    }
    const unsigned prefix = settings.address.prefix;
    const std::uint32_t mask = prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix);
    ifreq netmask = request_for(settings.interface);
    netmask.ifr_netmask = address_for_ioctl(in_addr{htonl(mask)});
    if (::ioctl(socket.get(), SIOCSIFNETMASK, &netmask) != 0) {
        return fail(system_error(error_kind::environment, "cannot set the network mask")
                        .about(settings.interface));
    }
    return bring_up(socket.get(), settings.interface);
}

expected<int> start_shell(const std::string &name) {
    static constexpr const char *busybox = "/bin/busybox";
    const std::string path = "/dev/" + name;
    const host::descriptor terminal{::open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
    if (!terminal) {
        return fail(
            system_error(error_kind::environment, "cannot open the shell's terminal").about(path));
    }
    // Laid out before the fork: afterwards only async-signal-safe calls are allowed.
    constexpr std::array<const char *, 5> script{
        "sh", "-c", "/bin/busybox --install -s /bin; exec /bin/sh -i", nullptr, nullptr};
    constexpr std::array<const char *, 4> environment{"PATH=/bin", "HOME=/", "TERM=linux", nullptr};
    const pid_t child = ::fork();
    if (child < 0) return fail(system_error(error_kind::environment, "cannot start the shell"));
    if (child > 0) return child;
    sigset_t none{};
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::setsid();
    ::ioctl(terminal.get(), TIOCSCTTY, 0);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        ::dup2(terminal.get(), stream);
    }
    ::execve(busybox, const_cast<char *const *>(script.data()),
             const_cast<char *const *>(environment.data()));
    ::_exit(127);
}

void power_off() {
    ::sync();
    ::reboot(RB_POWER_OFF);
    // Only a machine without any way to switch itself off comes here.
    while (true) ::pause();
}

void run_as_init() {
    auto faults = mount_file_systems();
    const auto signals = watch_signals();
    ::reboot(RB_DISABLE_CAD); // ctrl-alt-del becomes SIGINT to this process
    const auto modules = load_modules();
    faults.insert(faults.end(), modules.begin(), modules.end());

    // Never destroyed: init does not return.
    auto &out = *new console;
    const auto settings = settings_from_kernel();
    if (!settings) {
        for (const std::string &each : faults) out.say("fault: " + each);
        out.say("error: " + settings.error().what + " [" + settings.error().object +
                "]; try: " + settings.error().remedy);
        out.flush();
        power_off();
    }
    ::sethostname(settings->name.data(), settings->name.size());

    // Watched from before the first try, so that no interface comes unseen.
    auto interfaces = watch_interfaces();
    bool connected = false;
    const auto connect = [&] {
        auto configured = configure_network(*settings);
        connected = configured.has_value();
        if (connected) interfaces.reset();
        return configured;
    };
    if (const auto configured = connect(); !configured) {
        if (configured.error().kind == error_kind::not_found) {
            out.say("waiting for the interface " + settings->interface);
        } else {
            faults.push_back(configured.error().what);
        }
    }
    if (settings->shell) {
        if (const auto shell = start_shell(*settings->shell); !shell) {
            faults.push_back(shell.error().what);
        }
    }
    // On every address, since its own comes with the interface.
    const auto agent = workload_agent::start(*settings, "", std::move(faults), out);
    if (!agent) {
        out.say("error: " + agent.error().what);
        out.flush();
        power_off();
    }

    const auto buttons = power_buttons();
    std::vector<pollfd> watched{{signals.get(), POLLIN, 0},
                                {(*agent)->shutdown_descriptor(), POLLIN, 0},
                                {interfaces.get(), POLLIN, 0}};
    for (const auto &button : buttons) watched.push_back({button.get(), POLLIN, 0});
    std::string reason;
    while (reason.empty()) {
        if (::poll(watched.data(), watched.size(), -1) < 0) continue;
        if (watched[0].revents != 0 && end_was_asked(signals)) reason = "a signal";
        if (watched[1].revents != 0) reason = "a client's request";
        if (watched[2].revents != 0 && !connected) {
            empty(interfaces);
            // Not there yet is no news; a fault would be told again with each change.
            if (const auto configured = connect();
                configured || configured.error().kind != error_kind::not_found) {
                out.say(configured ? "found the interface " + settings->interface
                                   : "fault: " + configured.error().what);
            }
            watched[2].fd = interfaces.get();
        }
        for (std::size_t i = 0; i < buttons.size(); ++i) {
            if (watched[i + 3].revents != 0 && power_pressed(buttons[i])) {
                reason = "the power button";
            }
        }
    }
    out.say("powering off: " + reason);
    (*agent)->finish(std::chrono::steady_clock::now() + longest_flush);
    out.flush();
    power_off();
}

} // namespace kvmig::lab::guest
