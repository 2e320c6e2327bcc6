// SPDX-License-Identifier: MIT
#include <lab/cli/cli.hpp>
#include <lab/cli/help.hpp>
#include <lab/cli/program.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/usage/manual.hpp>

#include <kvmig/core/version.hpp>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <pthread.h>
#include <thread>

namespace kvmig::lab::cli {

namespace {

/// Turns the signals that ask a program to end into a stop request, on a thread of its own, so
/// that no code runs in a signal handler.
class signal_watch {
public:
    explicit signal_watch(std::stop_source &source) {
        sigemptyset(&signals_);
        for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals_, number);
        // Blocked before any other thread starts, so that every thread inherits it.
        pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
        thread_ = std::jthread([this, &source](const std::stop_token &token) {
            while (!token.stop_requested()) {
                int number = 0;
                if (sigwait(&signals_, &number) != 0 || token.stop_requested()) continue;
                source.request_stop();
            }
        });
    }
    ~signal_watch() {
        thread_.request_stop();
        pthread_kill(thread_.native_handle(), SIGHUP);
    }
    signal_watch(const signal_watch &) = delete;
    signal_watch &operator=(const signal_watch &) = delete;

private:
    sigset_t signals_{};
    std::jthread thread_;
};

} // namespace

exit_status status_of(const error &err) noexcept {
    switch (err.kind) {
    case error_kind::invalid_argument: return exit_status::usage;
    case error_kind::environment: return exit_status::environment;
    case error_kind::cancelled: return exit_status::cancelled;
    default: return exit_status::failed;
    }
}

exit_status report(const error &err) {
    fmt::print(stderr, "kvmig: {}\n", describe(err));
    return status_of(err);
}

void make_program(CLI::App &app, context &ctx) {
    app.name("kvmig");
    app.description("Checks, runs, steers and explains migrations of KVM virtual machines");
    app.set_version_flag("--version", "kvmig " + std::string(version),
                         "Print the program's version and exit");
    app.require_subcommand(1);
    app.failure_message(CLI::FailureMessage::help);
    app.footer(
        closing({"kvmig lab run live-shared", "kvmig check vm1 --from qemu+ssh://kvm01/system --to "
                                              "qemu+ssh://kvm02/system"},
                "`kvmig COMMAND --help` tells more, `man kvmig` all.\n"
                "Exit status, of every command: 0 done, 1 failed, 2 wrong usage, 3 a "
                "precheck blocks, 4 cancelled, 5 this machine lacks something."));
    add_subcommands(app, ctx);
    usage::add_completion(app, ctx);
    usage::add_manual(app, ctx);
}

int run(int argc, char *argv[]) {
    CLI::App app;
    context ctx;
    ctx.arguments.assign(argv, argv + argc);
    std::error_code code;
    ctx.arguments.front() = std::filesystem::read_symlink("/proc/self/exe", code).string();
    make_program(app, ctx);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &problem) {
        return app.exit(problem) == 0 ? 0 : static_cast<int>(exit_status::usage);
    }
    const signal_watch watch{ctx.interrupted};
    return static_cast<int>(ctx.action());
}

} // namespace kvmig::lab::cli
