// SPDX-License-Identifier: MIT
// Ctrl-C on a terminal of the test's own.
#include <lab/cli/out_of_reach.hpp>
#include <support/catch.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <pty.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

using kvmig::lab::cli::out_of_reach;

namespace {

constexpr int alarm_seconds = 60; // seconds, after which SIGALRM ends whoever still waits

/// Says one word to the test; through a pipe, so that it has no part in the terminal.
void say(int to, char word) { static_cast<void>(!::write(to, &word, 1)); }

/// A child that ends when it is interrupted, and otherwise with its parent.
pid_t start_child(const std::array<int, 2> &leash) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGINT, SIG_DFL);
        sigset_t none{};
        sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        char byte = 0;
        ::close(leash[1]);
        while (::read(leash[0], &byte, 1) < 0 && errno == EINTR) {
        }
        ::_exit(0);
    }
    return child;
}

/// The program on the terminal: starts one child in reach and one out of it, waits for Ctrl-C,
/// and says which of the two it ended.
[[noreturn]] void program(int tell) {
    ::alarm(alarm_seconds);
    sigset_t interrupt{};
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    ::sigprocmask(SIG_BLOCK, &interrupt, nullptr);
    const pid_t home = ::getpgrp();
    std::array<int, 2> leash{};
    if (::pipe(leash.data()) != 0) ::_exit(2);
    const pid_t near = start_child(leash);
    pid_t far = -1;
    {
        const out_of_reach apart;
        say(tell, apart.active() ? 'a' : 'n');
        far = start_child(leash);
        // Whoever is started now can use the terminal.
        say(tell, ::tcgetpgrp(STDIN_FILENO) == ::getpgrp() && ::getpgrp() != home ? 't' : 'f');
    }
    say(tell, ::getpgrp() == home && ::tcgetpgrp(STDIN_FILENO) == home ? 'h' : 'l');
    say(tell, 'r'); // ready for Ctrl-C
    int number = 0;
    ::sigwait(&interrupt, &number);
    int status = 0;
    ::waitpid(near, &status, 0);
    say(tell, WIFSIGNALED(status) ? 'k' : 's');
    // The interrupt went to the whole group at once: a child still there was not in it.
    say(tell, ::waitpid(far, &status, WNOHANG) == 0 ? 'u' : 'd');
    ::close(leash[0]);
    ::close(leash[1]);
    ::waitpid(far, &status, 0);
    ::_exit(0);
}

/// What the program says next; `!` when it says nothing any more.
char heard(int from) {
    pollfd waiting{from, POLLIN, 0};
    char word = '!';
    if (::poll(&waiting, 1, alarm_seconds * 1000) == 1 && ::read(from, &word, 1) != 1) return '!';
    return word;
}

} // namespace

TEST_CASE("Ctrl-C reaches the program, and not what it started out of reach") {
    std::array<int, 2> words{};
    REQUIRE(::pipe(words.data()) == 0);
    int terminal = -1;
    const pid_t session = ::forkpty(&terminal, nullptr, nullptr, nullptr);
    REQUIRE(session >= 0);
    if (session == 0) {
        // As a shell does it: the program in a group of its own, in the foreground.
        ::alarm(alarm_seconds);
        ::signal(SIGTTOU, SIG_IGN);
        const pid_t job = ::fork();
        if (job == 0) {
            ::setpgid(0, 0);
            ::tcsetpgrp(STDIN_FILENO, ::getpid());
            ::signal(SIGTTOU, SIG_DFL);
            program(words[1]);
        }
        ::waitpid(job, nullptr, 0);
        ::_exit(0);
    }
    ::close(words[1]);
    CHECK(heard(words[0]) == 'a');
    CHECK(heard(words[0]) == 't');
    CHECK(heard(words[0]) == 'h');
    CHECK(heard(words[0]) == 'r');
    const char control_c = '\x03';
    CHECK(::write(terminal, &control_c, 1) == 1);
    CHECK(heard(words[0]) == 'k');
    CHECK(heard(words[0]) == 'u');
    ::waitpid(session, nullptr, 0);
    ::close(words[0]);
    ::close(terminal);
}

TEST_CASE("in a session leader, and without a terminal, nothing changes") {
    std::array<int, 2> words{};
    REQUIRE(::pipe(words.data()) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::alarm(alarm_seconds);
        ::setsid();
        const pid_t group = ::getpgrp();
        {
            const out_of_reach apart;
            say(words[1], apart.active() ? 'a' : 'n');
            say(words[1], ::getpgrp() == group ? 's' : 'c');
        }
        ::_exit(0);
    }
    ::close(words[1]);
    CHECK(heard(words[0]) == 'n');
    CHECK(heard(words[0]) == 's');
    ::waitpid(child, nullptr, 0);
    ::close(words[0]);
}
