// SPDX-License-Identifier: MIT
/// Runs a program by its argument vector: no shell ever sees a path or a name.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/descriptor.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <optional>
#include <poll.h>
#include <stop_token>
#include <string>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

extern char **environ; // NOLINT(readability-redundant-declaration): unistd.h has it only with GNU

namespace kvmig::host {

/// What to run. `argv[0]` is looked up in `PATH`.
struct command {
    std::vector<std::string> argv; ///< program and arguments, no shell between; not empty
    /// Added to (or replacing parts of) this process's environment.
    std::vector<std::pair<std::string, std::string>> environment;
    std::filesystem::path directory;      ///< working directory; empty: this process's own
    std::string input;                    ///< what the program reads on its standard input
    std::chrono::milliseconds timeout{0}; ///< watchdog; 0: none
    /// Namespace files (`/proc/PID/ns/…`) to enter before the program starts, in this order.
    std::vector<int> namespaces;
    bool inherit_stdio = false; ///< terminal programs: standard streams are this process's own
    /// Wait for the end of its output too, which a daemon that it leaves behind may hold open.
    bool until_streams_end = false;
    /// How long the program may take to end after SIGTERM before SIGKILL follows; 0: SIGKILL, and
    /// nothing before.
    std::chrono::milliseconds grace = std::chrono::seconds{5};
    /// Told each piece of its standard output as it comes, on the thread that called `run`.
    std::function<void(std::string_view)> heard{};
};

/// What came of it.
struct command_result {
    int status = 0;  ///< exit status; 128 + the signal's number when a signal ended it
    std::string out; ///< its standard output; empty with `inherit_stdio`
    std::string err; ///< its standard error, likewise
};

/// The command as a person would type it, for messages and logs only.
[[nodiscard]] inline std::string to_string(const command &cmd) {
    std::string text;
    for (const std::string &arg : cmd.argv) {
        if (!text.empty()) text += ' ';
        const bool plain =
            !arg.empty() &&
            arg.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_@%+=:,./-") == std::string::npos;
        text += plain ? arg : "'" + arg + "'";
    }
    return text;
}

namespace detail {

[[nodiscard]] inline unexpected system_error(std::string what, int number) {
    error err = make_error(error_kind::io, std::move(what) + ": " + std::strerror(number));
    err.system = number;
    return fail(std::move(err));
}

/// Everything the child needs, laid out before `fork`: afterwards only async-signal-safe calls
/// are allowed, since other threads may have held locks.
struct child_plan {
    std::vector<char *> argv;
    std::vector<std::string> environment;
    std::vector<char *> envp;
    const char *directory = nullptr;

    explicit child_plan(const command &cmd) {
        for (const std::string &arg : cmd.argv) argv.push_back(const_cast<char *>(arg.c_str()));
        argv.push_back(nullptr);
        for (char **entry = environ; *entry != nullptr; ++entry) {
            const std::string_view text{*entry};
            const std::string_view name = text.substr(0, text.find('='));
            bool replaced = false;
            for (const auto &[key, value] : cmd.environment) replaced |= key == name;
            if (!replaced) environment.emplace_back(text);
        }
        for (const auto &[key, value] : cmd.environment) {
            environment.push_back(key);
            environment.back() += '=';
            environment.back() += value;
        }
        for (std::string &entry : environment) envp.push_back(entry.data());
        envp.push_back(nullptr);
        if (!cmd.directory.empty()) directory = cmd.directory.c_str();
    }
};

/// Runs in the child; tells the `errno` of what failed through `report` and never returns.
[[noreturn]] inline void become(const command &cmd, const child_plan &plan, int in, int out,
                                int err, int report, pid_t parent) {
    const auto give_up = [report] {
        const int number = errno;
        [[maybe_unused]] const auto written = ::write(report, &number, sizeof number);
        ::_exit(127);
    };
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (!cmd.inherit_stdio) {
        ::setpgid(0, 0);
        if (::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0) give_up();
    }
    for (const int ns : cmd.namespaces) {
        if (::syscall(SYS_setns, ns, 0) != 0) give_up();
    }
    // Dies with the controller: nothing it started goes on unseen. After the namespaces, since
    // entering a user namespace clears it.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (cmd.namespaces.empty() && ::getppid() != parent) ::_exit(127);
    if (plan.directory != nullptr && ::chdir(plan.directory) != 0) give_up();
    ::execvpe(plan.argv[0], plan.argv.data(), plan.envp.data());
    give_up();
    ::_exit(127);
}

/// Reads what is there into `text`; closes `fd` at the end of the stream.
inline void drain(descriptor &fd, std::string &text) {
    std::array<char, 65536> buffer{};
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
    if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) fd.reset();
}

[[nodiscard]] inline bool open_pipe(std::array<descriptor, 2> &ends) {
    std::array<int, 2> raw{};
    if (::pipe2(raw.data(), O_CLOEXEC) != 0) return false;
    ends = {descriptor{raw[0]}, descriptor{raw[1]}};
    return true;
}

/// A program that has been started, with this process's ends of its streams.
struct started_program {
    pid_t pid = 0;
    descriptor in, out, err;
};

/// Exit status of a child that has ended or is about to; 128 + its number for a signal.
[[nodiscard]] inline int reap(pid_t pid) {
    int raw = 0;
    while (::waitpid(pid, &raw, 0) < 0 && errno == EINTR) {
    }
    return WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
}

/// Starts the program; fails when it could not become that program.
[[nodiscard]] inline expected<started_program> start(const command &cmd) {
    const std::string &name = cmd.argv.front();
    std::array<descriptor, 2> in, out, err, report;
    if (!open_pipe(in) || !open_pipe(out) || !open_pipe(err) || !open_pipe(report)) {
        return system_error("cannot make a pipe for " + name, errno);
    }
    const child_plan plan{cmd};
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return system_error("cannot start " + name, errno);
    if (pid == 0) {
        become(cmd, plan, in[0].get(), out[1].get(), err[1].get(), report[1].get(), parent);
    }
    report[1].reset();
    int number = 0;
    ssize_t told = 0;
    do {
        told = ::read(report[0].get(), &number, sizeof number);
    } while (told < 0 && errno == EINTR);
    if (told <= 0)
        return started_program{pid, std::move(in[1]), std::move(out[0]), std::move(err[0])};
    static_cast<void>(reap(pid));
    if (number == ENOENT) {
        return fail(make_error(error_kind::environment, "'" + name + "' is not installed")
                        .advise("install the package that holds '" + name + "'"));
    }
    return system_error("cannot start " + to_string(cmd), number);
}

/// Feeds and hears a started program until it has ended, or has to be ended.
class supervisor {
public:
    supervisor(const command &cmd, started_program program)
        : cmd_(cmd), program_(std::move(program)),
          exited_(static_cast<int>(::syscall(SYS_pidfd_open, program_.pid, 0))),
          stopped_(::eventfd(0, EFD_CLOEXEC)), begun_(clock::now()) {
        ::fcntl(program_.in.get(), F_SETFL, O_NONBLOCK);
        if (cmd.input.empty()) program_.in.reset();
    }

    [[nodiscard]] expected<command_result> attend(const std::stop_token &stop) {
        const std::stop_callback on_stop{stop, [fd = stopped_.get()] { ::eventfd_write(fd, 1); }};
        while (!ended_ || program_.out || program_.err) {
            std::array<pollfd, 5> fds{{{fd_or_none(program_.out), POLLIN, 0},
                                       {fd_or_none(program_.err), POLLIN, 0},
                                       {fd_or_none(program_.in), POLLOUT, 0},
                                       {ended_ ? -1 : exited_.get(), POLLIN, 0},
                                       {reason_ ? -1 : stopped_.get(), POLLIN, 0}}};
            const int ready = ::poll(fds.data(), fds.size(), patience());
            if (ready < 0 && errno != EINTR) return system_error("poll", errno);
            if (ready > 0) serve(fds);
            // Its children may hold the streams open; what they say is not waited for.
            else if (ended_ && !cmd_.until_streams_end)
                break;
            else
                lose_patience();
        }
        if (reason_) return fail(std::move(*reason_));
        return std::move(result_);
    }

private:
    using clock = std::chrono::steady_clock;

    [[nodiscard]] static int fd_or_none(const descriptor &fd) noexcept {
        return fd ? fd.get() : -1;
    }

    [[nodiscard]] bool heard_enough() const noexcept {
        return ended_ && (reason_ || !cmd_.until_streams_end);
    }

    /// How long `poll` may wait, in its own terms.
    [[nodiscard]] int patience() const {
        if (heard_enough()) return 0;
        auto due = kill_at_;
        if (cmd_.timeout.count() > 0 && !reason_) due = std::min(due, begun_ + cmd_.timeout);
        if (due == clock::time_point::max()) return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - clock::now());
        return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
    }

    void serve(const std::array<pollfd, 5> &fds) {
        if (fds[0].revents != 0) hear();
        if (fds[1].revents != 0) drain(program_.err, result_.err);
        if (fds[2].revents != 0) feed();
        if (fds[4].revents != 0) {
            end_early(
                make_error(error_kind::cancelled, to_string(cmd_) + " was stopped on request"));
        }
        if (fds[3].revents != 0) {
            result_.status = reap(program_.pid);
            ended_ = true;
        }
    }

    void hear() {
        const std::size_t before = result_.out.size();
        drain(program_.out, result_.out);
        if (cmd_.heard && result_.out.size() > before) {
            cmd_.heard(std::string_view(result_.out).substr(before));
        }
    }

    void feed() {
        const ssize_t count =
            ::write(program_.in.get(), cmd_.input.data() + sent_, cmd_.input.size() - sent_);
        if (count > 0) sent_ += static_cast<std::size_t>(count);
        if (sent_ == cmd_.input.size() || (count < 0 && errno != EAGAIN)) program_.in.reset();
    }

    void lose_patience() {
        const auto now = clock::now();
        if (!reason_ && cmd_.timeout.count() > 0 && now >= begun_ + cmd_.timeout) {
            end_early(make_error(error_kind::timed_out, to_string(cmd_) + " did not end within " +
                                                            std::to_string(cmd_.timeout.count()) +
                                                            " ms"));
        } else if (reason_ && now >= kill_at_) {
            signal(SIGKILL);
            kill_at_ = clock::time_point::max();
        }
    }

    void end_early(error why) {
        reason_ = std::move(why);
        signal(cmd_.grace.count() > 0 ? SIGTERM : SIGKILL);
        kill_at_ = clock::now() + cmd_.grace;
    }

    /// To its whole process group, which is its own unless it shares this process's terminal.
    void signal(int number) const {
        if (!ended_) ::kill(cmd_.inherit_stdio ? program_.pid : -program_.pid, number);
    }

    const command &cmd_;
    started_program program_;
    descriptor exited_;  ///< readable once the program has ended
    descriptor stopped_; ///< readable once the caller asks to stop
    clock::time_point begun_;
    clock::time_point kill_at_ = clock::time_point::max();
    std::optional<error> reason_; ///< set once the program is being ended early
    command_result result_;
    std::size_t sent_ = 0;
    bool ended_ = false;
};

} // namespace detail

/// Runs `cmd` to its end. Succeeds whenever the program ran, whatever its exit status.
///
/// Errors: `environment` when the program is not installed, `timed_out` after `cmd.timeout`,
/// `cancelled` when `stop` was requested; in the last two the program's process group has been
/// ended (SIGTERM, after `cmd.grace` SIGKILL).
[[nodiscard]] inline expected<command_result> run(const command &cmd,
                                                  const std::stop_token &stop = {}) {
    auto program = detail::start(cmd);
    if (!program) return fail(std::move(program).error());
    return detail::supervisor{cmd, std::move(*program)}.attend(stop);
}

/// What a program said on its standard output; anything but exit status 0 is an error that holds
/// what it said on its standard error.
[[nodiscard]] inline expected<std::string> output_of(const command &cmd,
                                                     std::stop_token stop = {}) {
    auto result = run(cmd, stop);
    if (!result) return fail(std::move(result).error());
    if (result->status == 0) return std::move(result->out);
    std::string said = result->err.empty() ? result->out : result->err;
    while (!said.empty() && (said.back() == '\n' || said.back() == ' ')) said.pop_back();
    error failure = make_error(error_kind::failed, to_string(cmd) + " ended with status " +
                                                       std::to_string(result->status));
    if (!said.empty()) failure.causes.push_back(make_error(error_kind::failed, said));
    return fail(std::move(failure));
}

/// `argument` so that a POSIX shell reads it as one word: only for remote commands, where sshd
/// always hands the words to a shell.
[[nodiscard]] inline std::string quoted(std::string_view argument) {
    std::string text = "'";
    for (const char c : argument) {
        if (c == '\'')
            text += "'\\''";
        else
            text += c;
    }
    return text + "'";
}

} // namespace kvmig::host
