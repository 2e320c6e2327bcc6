// SPDX-License-Identifier: MIT
#include <kvmig/host/remote_command.hpp>
#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace kvmig;

TEST_CASE("where a libvirt URI leads, there SSH leads") {
    const auto end = host::ssh_end_of("qemu+ssh://root@kvm02.example:2222/system");
    REQUIRE(end);
    CHECK(host::login_of(*end) == "root@kvm02.example");
    CHECK(end->port == 2222);
    // A port of another protocol is not SSH's.
    const auto other = host::ssh_end_of("qemu+tls://admin@kvm02.example:16514/system");
    REQUIRE(other);
    CHECK(host::login_of(*other) == "kvm02.example");
    CHECK_FALSE(other->port);
    CHECK(host::ssh_end_of("qemu:///system")->host.empty());
    CHECK(host::ssh_end_of("myhost").error().kind == error_kind::unsupported);
    CHECK(host::ssh_end_of("qemu+ssh://-oProxyCommand=x/system").error().kind ==
          error_kind::invalid_argument);
}

TEST_CASE("words for another host reach it unchanged through its shell") {
    const std::vector<std::string> argv{"printf", "%s|", "a b", "it's", "$HOME;", ""};
    const host::command cmd = host::remote_command({"ssh", "-p", "22"}, "root@h", argv);
    REQUIRE(cmd.argv.size() == 5 + argv.size());
    CHECK(cmd.argv[3] == "root@h");
    CHECK(cmd.argv[4] == "--");
    std::string line;
    for (std::size_t i = 5; i < cmd.argv.size(); ++i) line += cmd.argv[i] + " ";
    host::command shell;
    shell.argv = {"sh", "-c", line};
    CHECK(host::output_of(shell) == "a b|it's|$HOME;||");
    CHECK(host::remote_command({"ssh"}, "h", {}).argv == std::vector<std::string>{"ssh", "h"});
}

TEST_CASE("without a host, programs run here, and are heard while they run") {
    const ports::host_shell here = host::shell_at({});
    std::string heard;
    const auto ran = here({"sh", "-c", "echo out; echo err >&2; exit 3"},
                          [&](std::string_view piece) { heard += piece; }, {});
    REQUIRE(ran);
    CHECK(*ran == ports::ran_program{3, "out\n", "err\n"});
    CHECK(heard == "out\n");
    // As a shell tells it.
    CHECK(here({"no-such-program-here"}, {}, {})->status == 127);
}
