// SPDX-License-Identifier: MIT
// A subcommand called as the program calls it, and what it said.
#pragma once

#include <lab/cli/cli.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

namespace kvmig::test {

/// Files of a test, among them nodes of libvirt's test driver.
class folder {
public:
    /// A node of the test driver with one running domain, as a URI. `inside`: further XML of the
    /// domain; `beside`: of the node.
    std::string node(const std::string &name, const std::string &domain,
                     const std::string &inside = {}, const std::string &beside = {}) {
        const auto file = at_.path() / (name + ".xml");
        // Each connection reads it anew: without a UUID in it, the domain had another each time.
        const char *id = domain == "vm1" ? "c7a5fdbd-edaf-9455-926a-d65c16db1809"
                                         : "c7a5fdbd-edaf-9455-926a-d65c16db180a";
        std::ofstream(file) << "<node><domain type='test'><name>" << domain << "</name><uuid>" << id
                            << "</uuid><memory>65536</memory><os><type>hvm</type></os>" << inside
                            << "</domain>" << beside << "</node>";
        return "test://" + file.string();
    }
    [[nodiscard]] const std::filesystem::path &path() const noexcept { return at_.path(); }

private:
    temporary_directory at_;
};

/// Takes one of the standard streams into a file while it lives.
class captured {
public:
    explicit captured(FILE *stream) : stream_(stream), file_(std::tmpfile()) {
        REQUIRE(file_ != nullptr);
        std::fflush(stream_);
        saved_ = dup(fileno(stream_));
        dup2(fileno(file_), fileno(stream_));
    }
    ~captured() { end(); }
    captured(const captured &) = delete;
    captured &operator=(const captured &) = delete;

    std::string text() {
        end();
        std::string out;
        std::rewind(file_);
        for (int c = std::fgetc(file_); c != EOF; c = std::fgetc(file_)) {
            out += static_cast<char>(c);
        }
        return out;
    }

private:
    void end() {
        if (saved_ < 0) return;
        std::fflush(stream_);
        dup2(saved_, fileno(stream_));
        close(saved_);
        saved_ = -1;
    }
    FILE *stream_;
    FILE *file_;
    int saved_ = -1;
};

struct outcome {
    lab::cli::exit_status status = lab::cli::exit_status::done;
    std::string answer;   ///< stdout
    std::string messages; ///< stderr
};

/// Adds a subcommand to a program, as those of lab/cli/subcommands.hpp do.
using adder = void (*)(CLI::App &, lab::cli::context &);

/// The subcommand with these arguments; `stopped` as if Ctrl-C had come already.
inline outcome call(adder add, std::vector<std::string> arguments, bool stopped = false) {
    CLI::App app{"test", "kvmig"};
    lab::cli::context ctx;
    add(app, ctx);
    const std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(std::vector<std::string>(reversed));
    REQUIRE(ctx.action);
    if (stopped) ctx.interrupted.request_stop();
    outcome out;
    captured answer(stdout);
    captured messages(stderr);
    out.status = ctx.action();
    out.messages = messages.text();
    out.answer = answer.text();
    return out;
}

/// What CLI11 says of arguments it does not take; empty when it takes them.
inline std::string refusal_of(adder add, std::vector<std::string> arguments) {
    CLI::App app{"test", "kvmig"};
    lab::cli::context ctx;
    add(app, ctx);
    try {
        app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::ParseError &problem) {
        CHECK_FALSE(ctx.action);
        return problem.what();
    }
    return {};
}

} // namespace kvmig::test
