// SPDX-License-Identifier: MIT
#include <kvmig/host/command.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <filesystem>
#include <thread>

using namespace kvmig;
using host::command;

namespace {
command of(std::vector<std::string> argv) {
    command cmd;
    cmd.argv = std::move(argv);
    return cmd;
}
} // namespace

TEST_CASE("a command's output, error output and status come back apart") {
    const auto result = host::run(of({"sh", "-c", "echo out; echo err >&2; exit 7"}));
    REQUIRE(result);
    CHECK(result->out == "out\n");
    CHECK(result->err == "err\n");
    CHECK(result->status == 7);
}

TEST_CASE("arguments reach the program as they are") {
    const auto said = host::output_of(of({"printf", "%s|", "a b", "$HOME", "`id`", "'"}));
    REQUIRE(said);
    CHECK(*said == "a b|$HOME|`id`|'|");
}

TEST_CASE("more input and output than a pipe holds passes through") {
    command cmd = of({"cat"});
    cmd.input.assign(5'000'000, 'x');
    const auto said = host::output_of(cmd);
    REQUIRE(said);
    CHECK(said->size() == cmd.input.size());
}

TEST_CASE("a program that is not installed is named") {
    const auto result = host::run(of({"kvmig-no-such-program"}));
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::environment);
    CHECK(result.error().what.find("kvmig-no-such-program") != std::string::npos);
}

TEST_CASE("a failing program's own words are in the error") {
    const auto said = host::output_of(of({"ls", "/no/such/folder"}));
    REQUIRE_FALSE(said);
    CHECK(describe(said.error()).find("/no/such/folder") != std::string::npos);
}

TEST_CASE("a command that hangs is ended by its watchdog") {
    command cmd;
    cmd.argv = {"tail", "-f", "/dev/null"};
    cmd.timeout = std::chrono::milliseconds{50};
    const auto result = host::run(cmd);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::timed_out);
}

TEST_CASE("without grace a command hears nothing of its end") {
    const test::temporary_directory place;
    const auto ready = place.path() / "ready";
    const auto heard = place.path() / "heard";
    command cmd =
        of({"sh", "-c", "trap 'echo >\"$2\"; exit' TERM; echo >\"$1\"; while :; do :; done", "sh",
            ready, heard});
    cmd.grace = std::chrono::milliseconds{0};
    std::stop_source source;
    std::jthread stopper{[&] {
        while (!std::filesystem::exists(ready)) std::this_thread::yield();
        source.request_stop();
    }};
    const auto result = host::run(cmd, source.get_token());
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::cancelled);
    CHECK_FALSE(std::filesystem::exists(heard));
}

TEST_CASE("a command ends when it is asked to stop") {
    std::stop_source source;
    std::jthread stopper{[&] { source.request_stop(); }};
    const auto result = host::run(of({"tail", "-f", "/dev/null"}), source.get_token());
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::cancelled);
}

TEST_CASE("a signal's end is told as a shell tells it") {
    const auto result = host::run(of({"sh", "-c", "kill -9 $$"}));
    REQUIRE(result);
    CHECK(result->status == 128 + 9);
}

TEST_CASE("the environment is added to and replaced") {
    command cmd = of({"sh", "-c", "echo $KVMIG_A $HOME"});
    cmd.environment = {{"KVMIG_A", "1"}, {"HOME", "/nowhere"}};
    CHECK(*host::output_of(cmd) == "1 /nowhere\n");
}

TEST_CASE("quoting survives a shell") {
    for (const std::string text : {"plain", "two words", "it's", "$(id)", "\\", "\n", ""}) {
        CHECK(*host::output_of(of({"sh", "-c", "printf %s " + host::quoted(text)})) == text);
    }
}

TEST_CASE("a daemon left behind is not waited for, unless it is asked for") {
    const std::vector<std::string> argv{"sh", "-c", "echo said; tail -f /dev/null & echo $! >&2"};
    const auto end_daemon = [](const std::string &pid) { ::kill(std::stoi(pid), SIGKILL); };
    const auto left = host::run(of(argv));
    REQUIRE(left);
    CHECK(left->out == "said\n");
    end_daemon(left->err);
    command waits = of({"sh", "-c", "echo said; tail -f /dev/null & sh -c 'kill -9 $0' $!"});
    waits.until_streams_end = true;
    const auto ended = host::run(waits);
    REQUIRE(ended);
    CHECK(ended->out == "said\n");
}
