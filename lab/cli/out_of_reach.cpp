// SPDX-License-Identifier: MIT
#include <lab/cli/out_of_reach.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace kvmig::lab::cli {

out_of_reach::out_of_reach()
    : terminal_(::open("/dev/tty", O_RDWR | O_CLOEXEC)), home_(::getpgrp()) {
    if (terminal_ < 0 || ::tcgetpgrp(terminal_) != home_ || ::getsid(0) == ::getpid()) return;
    if (!start_keeper()) return;
    if (::setpgid(0, keeper_) == 0) give_terminal_to(keeper_);
}

out_of_reach::~out_of_reach() {
    if (keeper_ > 0) {
        // The group this came from is gone if this was its only member, or the last one.
        if (::setpgid(0, home_) != 0 && ::setpgid(0, 0) == 0) home_ = ::getpgrp();
        give_terminal_to(home_);
        ::kill(keeper_, SIGKILL);
        ::close(leash_);
        while (::waitpid(keeper_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    if (terminal_ >= 0) ::close(terminal_);
}

bool out_of_reach::start_keeper() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    posix_spawn_file_actions_t files{};
    posix_spawnattr_t attributes{};
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, ends[0], STDIN_FILENO);
    ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    std::string name = "cat"; // reads until the leash is closed
    std::array<char *, 2> arguments = {name.data(), nullptr};
    const int problem =
        ::posix_spawnp(&keeper_, "cat", &files, &attributes, arguments.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&files);
    ::close(ends[0]);
    if (problem != 0) {
        ::close(ends[1]);
        keeper_ = -1;
        return false;
    }
    leash_ = ends[1];
    return true;
}

void out_of_reach::give_terminal_to(pid_t group) const {
    // The kernel stops a background process that touches the terminal, unless it blocks SIGTTOU.
    sigset_t touched{};
    sigset_t before{};
    sigemptyset(&touched);
    sigaddset(&touched, SIGTTOU);
    ::pthread_sigmask(SIG_BLOCK, &touched, &before);
    ::tcsetpgrp(terminal_, group);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

} // namespace kvmig::lab::cli
