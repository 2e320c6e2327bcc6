// SPDX-License-Identifier: MIT
#include <lab/image/root_image.hpp>
#include <lab/image/seed.hpp>
#include <lab/topology/paths.hpp>
#include <lab/topology/topology.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <set>

using namespace kvmig;
using namespace kvmig::lab;

TEST_CASE("machines are found by short and by full name only") {
    REQUIRE(find_machine("kvm01"));
    CHECK(find_machine("kvm01.kvmig.test") == find_machine("kvm01"));
    for (const char *name :
         {"", "kvm", "kvm03", "kvm01.", "kvm01.example.test", "kvm01xkvmig.test"}) {
        CHECK(find_machine(name) == nullptr);
    }
}

TEST_CASE("every machine has an address, a MAC and a name of its own") {
    std::set<std::string_view> seen;
    for (const machine_spec &machine : machines) {
        CHECK(seen.insert(machine.name).second);
        CHECK(seen.insert(machine.address).second);
        CHECK(seen.insert(machine.mac).second);
        // Linux cuts device names at 15 characters.
        CHECK(tap_name(machine).size() <= 15);
        CHECK(card_tap_name(machine).size() <= 15);
        CHECK(hosts_file().find(std::string{machine.address} + " " + fqdn(machine)) !=
              std::string::npos);
    }
}

TEST_CASE("no machine resolves its own name to a loopback address") {
    // Debian's habit of 127.0.1.1 is the documented cause of "hostname resolved to localhost".
    CHECK(hosts_file().find("127.0.1.1") == std::string::npos);
    for (const machine_spec &machine : machines) {
        const auto files = configuration_of(machine);
        const auto hosts = std::find_if(files.begin(), files.end(), [](const seed_file &file) {
            return file.path == "/etc/hosts";
        });
        REQUIRE(hosts != files.end());
        CHECK(hosts->content == hosts_file());
    }
}

TEST_CASE("only the store exports, and only to the hosts and the controller") {
    for (const machine_spec &machine : machines) {
        const auto files = configuration_of(machine);
        const auto exports = std::find_if(files.begin(), files.end(), [](const seed_file &file) {
            return file.path == "/etc/exports";
        });
        if (machine.role == machine_role::host) {
            CHECK(exports == files.end());
            continue;
        }
        REQUIRE(exports != files.end());
        CHECK(exports->content.find("/srv/images 192.0.2.11(") == 0);
        CHECK(exports->content.find(" 192.0.2.12(") != std::string::npos);
        CHECK(exports->content.find(" 192.0.2.1(") != std::string::npos);
        CHECK(exports->content.find("*") == std::string::npos);
    }
}

TEST_CASE("a lab's name cannot lead out of its folder") {
    REQUIRE(::setenv("XDG_STATE_HOME", "/state", 1) == 0);
    CHECK(paths_of("default")->root == "/state/kvmig/lab/default");
    for (const char *name : {"", "..", "a/b", "A", "a b", "0123456789012345678901234567890123"}) {
        const auto paths = paths_of(name);
        REQUIRE_FALSE(paths);
        CHECK(paths.error().kind == error_kind::invalid_argument);
        CHECK(paths.error().what.find("'" + std::string{name} + "'") != std::string::npos);
    }
    ::unsetenv("XDG_STATE_HOME");
}

TEST_CASE("sources of another release come from this machine's own mirrors") {
    const auto sources = sources_for("http://mirror.test/debian bookworm main\n"
                                     "http://mirror.test/debian bookworm contrib\n"
                                     "http://mirror.test/debian bookworm-updates main\n"
                                     "http://mirror.test/debian bookworm-backports main\n"
                                     "http://mirror.test/security bookworm-security main\n"
                                     "http://other.test/thing stable main\n",
                                     "trixie");
    REQUIRE(sources);
    const std::string key = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ";
    CHECK(*sources == key + "http://mirror.test/debian trixie main\n" + key +
                          "http://mirror.test/debian trixie-updates main\n" + key +
                          "http://mirror.test/security trixie-security main\n");
}

TEST_CASE("a machine whose apt knows no Debian is told so") {
    const auto sources = sources_for("http://mirror.test/thing stable main\n", "bookworm");
    REQUIRE_FALSE(sources);
    CHECK(sources.error().kind == error_kind::environment);
    CHECK_FALSE(sources.error().remedy.empty());
}
