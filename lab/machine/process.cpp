// SPDX-License-Identifier: MIT
#include <lab/machine/process.hpp>

#include <kvmig/host/descriptor.hpp>

#include <charconv>
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace kvmig::lab {

namespace {

/// The value of the mark in `/proc/PID/environ`; empty when there is none or it cannot be read
/// (another user's process, or one that has just ended).
std::string mark_of(const std::filesystem::path &process) {
    std::ifstream file{process / "environ", std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    std::string_view rest{text};
    while (!rest.empty()) {
        const std::string_view entry = rest.substr(0, rest.find('\0'));
        if (entry.starts_with(process_mark) && entry.size() > process_mark.size() &&
            entry[process_mark.size()] == '=') {
            return std::string{entry.substr(process_mark.size() + 1)};
        }
        rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
    }
    return {};
}

/// True for a process that has ended and only waits to be reaped.
bool is_zombie(const std::filesystem::path &process) {
    std::ifstream file{process / "stat"};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    const auto after_name = text.rfind(')');
    return after_name != std::string::npos && after_name + 2 < text.size() &&
           text[after_name + 2] == 'Z';
}

/// Waits until the processes are gone or the deadline is past; keeps those that are still there.
void await_end(std::vector<std::pair<host::descriptor, lab_process>> &watched,
               std::chrono::steady_clock::time_point deadline) {
    while (!watched.empty()) {
        std::vector<pollfd> fds;
        for (const auto &[fd, process] : watched) fds.push_back({fd.get(), POLLIN, 0});
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0) return;
        if (::poll(fds.data(), fds.size(), static_cast<int>(left.count())) <= 0) continue;
        for (std::size_t i = fds.size(); i-- > 0;) {
            if (fds[i].revents != 0)
                watched.erase(watched.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }
}

} // namespace

std::pair<std::string, std::string> mark(const lab_paths &paths, std::string_view role) {
    return {std::string{process_mark}, fmt::format("{}:{}", paths.root.string(), role)};
}

std::vector<lab_process> processes_of(const lab_paths &paths) {
    std::vector<lab_process> found;
    const std::string prefix = paths.root.string() + ":";
    std::error_code code;
    for (const auto &entry : std::filesystem::directory_iterator{"/proc", code}) {
        const std::string name = entry.path().filename().string();
        pid_t pid = 0;
        const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (problem != std::errc{} || end != name.data() + name.size() || pid == ::getpid())
            continue;
        const std::string value = mark_of(entry.path());
        if (value.starts_with(prefix) && !is_zombie(entry.path())) {
            found.push_back({pid, value.substr(prefix.size())});
        }
    }
    return found;
}

std::optional<pid_t> find_process(const lab_paths &paths, std::string_view role) {
    for (const lab_process &process : processes_of(paths)) {
        if (process.role == role) return process.pid;
    }
    return std::nullopt;
}

expected<void> end_processes(const std::vector<lab_process> &processes,
                             std::chrono::milliseconds grace) {
    std::vector<std::pair<host::descriptor, lab_process>> watched;
    for (const lab_process &process : processes) {
        host::descriptor fd{static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0))};
        if (fd) watched.emplace_back(std::move(fd), process);
    }
    // Through the descriptor, so that an id given anew in between is never hit.
    const auto signal_all = [&watched](int number) {
        for (const auto &[fd, process] : watched) {
            ::syscall(SYS_pidfd_send_signal, fd.get(), number, nullptr, 0);
        }
    };
    signal_all(SIGTERM);
    await_end(watched, std::chrono::steady_clock::now() + grace);
    signal_all(SIGKILL);
    await_end(watched, std::chrono::steady_clock::now() + std::chrono::seconds{30});
    if (watched.empty()) return {};
    std::vector<std::string> names;
    for (const auto &[fd, process] : watched) {
        names.push_back(fmt::format("{} ({})", process.role, process.pid));
    }
    return fail(error_kind::timed_out,
                fmt::format("these processes of the lab do not end: {}", fmt::join(names, ", ")));
}

} // namespace kvmig::lab
