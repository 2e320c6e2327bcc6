// SPDX-License-Identifier: MIT
/// The guest's agent as an ordinary process on loopback, for tests.
#pragma once

#include <kvmig/host/descriptor.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace kvmig::lab::test {

/// No test waits longer for anything; a healthy machine needs a small part of it.
inline constexpr std::chrono::seconds watchdog{60};

/// A file of zeroes that is gone afterwards.
class scratch_disk {
public:
    explicit scratch_disk(std::uintmax_t size) {
        std::ofstream{path_};
        std::filesystem::resize_file(path_, size);
    }
    [[nodiscard]] const std::string &path() const noexcept { return path_; }

private:
    kvmig::test::temporary_directory folder_;
    std::string path_ = (folder_.path() / "disk").string();
};

class agent_process {
public:
    /// Starts the agent with these `KEY=VALUE` settings, on 127.0.0.1 and free ports.
    explicit agent_process(std::vector<std::string> settings) {
        settings.insert(settings.begin(), {KVMIG_GUEST_AGENT, "--address=127.0.0.1/8",
                                           "--control_port=0", "--echo_port=0"});
        std::vector<char *> argv;
        for (std::string &word : settings) argv.push_back(word.data());
        argv.push_back(nullptr);
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
        output_ = host::descriptor{ends[0]};
        const host::descriptor write_end{ends[1]};
        pid_ = ::fork();
        if (pid_ < 0) throw std::runtime_error("fork");
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::dup2(write_end.get(), STDOUT_FILENO);
            ::dup2(write_end.get(), STDERR_FILENO);
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
    }
    ~agent_process() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    agent_process(const agent_process &) = delete;
    agent_process &operator=(const agent_process &) = delete;

    /// Stops every one of its threads, as QEMU stops a guest; returns once they stand.
    void pause() const {
        int status = 0;
        REQUIRE(::kill(pid_, SIGSTOP) == 0);
        REQUIRE(::waitpid(pid_, &status, WUNTRACED) == pid_);
        REQUIRE(WIFSTOPPED(status));
    }
    void resume() const { REQUIRE(::kill(pid_, SIGCONT) == 0); }
    void kill(int number) const { REQUIRE(::kill(pid_, number) == 0); }

    /// All that it has written so far.
    [[nodiscard]] const std::string &output() const noexcept { return text_; }

    /// Reads its output until `what` stands in it; false when it ends before, or the watchdog
    /// bites.
    [[nodiscard]] bool wait_for_output(std::string_view what) {
        const auto deadline = std::chrono::steady_clock::now() + watchdog;
        while (text_.find(what) == std::string::npos) {
            if (!read_some(deadline)) return false;
        }
        return true;
    }

    /// Waits for its "ready" line, and takes the ports from it.
    void wait_until_ready() {
        const bool ready = wait_for_output("ready: ") && wait_for_output(" boot=");
        INFO(text_);
        REQUIRE(ready);
        control_port = port_after("control=");
        echo_port = port_after("echo=");
    }

    /// Its exit status, once it has ended; -1 when a signal ended it or the watchdog bit.
    [[nodiscard]] int wait_for_end() {
        const auto deadline = std::chrono::steady_clock::now() + watchdog;
        while (read_some(deadline)) {
        }
        if (std::chrono::steady_clock::now() >= deadline) return -1;
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    std::uint16_t control_port = 0;
    std::uint16_t echo_port = 0;

private:
    /// False at the end of the output, and at the deadline.
    [[nodiscard]] bool read_some(std::chrono::steady_clock::time_point deadline) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        pollfd entry{output_.get(), POLLIN, 0};
        if (left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) == 0) {
            return false;
        }
        std::array<char, 4096> part{};
        const ssize_t count = ::read(output_.get(), part.data(), part.size());
        if (count < 0) return errno == EINTR;
        text_.append(part.data(), static_cast<std::size_t>(count));
        return count > 0;
    }
    [[nodiscard]] std::uint16_t port_after(std::string_view key) const {
        const auto at = text_.find(key);
        REQUIRE(at != std::string::npos);
        return static_cast<std::uint16_t>(std::stoul(text_.substr(at + key.size())));
    }

    pid_t pid_ = -1;
    host::descriptor output_;
    std::string text_;
};

} // namespace kvmig::lab::test
