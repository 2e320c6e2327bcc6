// SPDX-License-Identifier: MIT
/// The command line of the program `kvmig`: one file a subcommand, listed in cli.cpp.
#pragma once

#include <kvmig/core/error.hpp>

#include <CLI/App.hpp>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace kvmig::lab::cli {

/// The exit statuses that scripts rely on.
enum class exit_status : int {
    done = 0,
    failed = 1,
    usage = 2,
    blocked = 3, ///< a precheck blocks
    cancelled = 4,
    environment = 5, ///< this machine lacks something; the message says what
};

/// What a failed operation means to the caller of the program.
[[nodiscard]] exit_status status_of(const error &err) noexcept;

/// What a subcommand shares with the program: it registers its options on the `CLI::App` that it
/// is given, and leaves the work to be done in `action`.
struct context {
    bool json = false;                  ///< `--json`: answers as JSON on stdout
    std::vector<std::string> arguments; ///< this program's file, then its arguments as given
    /// Stopped by SIGINT, SIGTERM and SIGHUP; long operations take its token.
    std::stop_source interrupted;
    /// What the chosen subcommand does, set by its CLI11 callback.
    std::function<exit_status()> action;
};

/// Prints `err` to stderr (see `describe`), and returns its exit status.
exit_status report(const error &err);

/// Parses the arguments, does the work, and returns the process's exit status.
int run(int argc, char *argv[]);

} // namespace kvmig::lab::cli
