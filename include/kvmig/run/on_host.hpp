// SPDX-License-Identifier: MIT
/// Programs run on one host of a migration, with errors that name it.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/ports/host_shell.hpp>

#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// A host, its name in messages, and the shell that runs programs there.
class on_host {
public:
    /// `name` is for messages; `shell` runs commands there.
    on_host(std::string name, ports::host_shell shell)
        : name_(std::move(name)), shell_(std::move(shell)) {}

    [[nodiscard]] const std::string &name() const noexcept { return name_; } ///< For messages.

    /// Runs it to its end, whatever the exit status; 255 may also mean that SSH could not reach the
    /// host.
    [[nodiscard]] expected<ports::ran_program>
    attempt(const std::vector<std::string> &argv, const std::stop_token &stop = {},
            const ports::heard_callback &heard = {}) const {
        auto ran = shell_(argv, heard, stop);
        if (!ran) return fail(std::move(ran).error().on(name_));
        return ran;
    }

    /// The same of a program that has no use for the status 255: fails with `unreachable`.
    [[nodiscard]] expected<ports::ran_program> run(const std::vector<std::string> &argv,
                                                   const std::stop_token &stop = {}) const {
        auto ran = attempt(argv, stop);
        if (ran && ran->status == 255) {
            return fail(problem(error_kind::unreachable,
                                "the host cannot be reached over SSH to run " + argv.front(), *ran)
                            .advise("see that `ssh -o BatchMode=yes` to it works without "
                                    "questions"));
        }
        return ran;
    }

    /// What it says; any exit status but 0 is an error with what it said on its standard error, of
    /// the kind `environment` when the host has no such program.
    [[nodiscard]] expected<std::string> ask(const std::vector<std::string> &argv,
                                            const std::stop_token &stop = {}) const {
        auto ran = run(argv, stop);
        if (!ran) return fail(std::move(ran).error());
        if (ran->status == 0) return std::move(ran->out);
        return fail(failure(argv, *ran));
    }

    /// The failure of a program that has run.
    [[nodiscard]] error failure(const std::vector<std::string> &argv,
                                const ports::ran_program &ran) const {
        const std::string &program = argv.front() == "env" ? argv.at(2) : argv.front();
        if (ran.status == 127) {
            return problem(error_kind::environment, "'" + program + "' is not installed there", ran)
                .advise("install the package that holds '" + program + "' on " + name_);
        }
        return problem(error_kind::failed,
                       program + " ended with status " + std::to_string(ran.status), ran);
    }

private:
    [[nodiscard]] error problem(error_kind kind, std::string what,
                                const ports::ran_program &ran) const {
        error out = make_error(kind, std::move(what)).on(name_);
        std::string said = ran.err.empty() ? ran.out : ran.err;
        while (!said.empty() && (said.back() == '\n' || said.back() == ' ')) said.pop_back();
        if (!said.empty()) out.causes.push_back(make_error(kind, std::move(said)));
        return out;
    }

    std::string name_;
    ports::host_shell shell_;
};

} // namespace kvmig::run
