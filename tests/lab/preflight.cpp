// SPDX-License-Identifier: MIT
#include <lab/machine/preflight.hpp>
#include <support/catch.hpp>

using namespace kvmig;
using namespace kvmig::lab;

namespace {

machine_facts enough() {
    machine_facts facts;
    facts.root = true;
    facts.memory_available = needed_memory;
    facts.cache_space = needed_cache_space;
    facts.state_space = needed_state_space;
    return facts;
}

/// The error's text for a machine that lacks just what `take` takes away.
template <class Take> std::string told(const Take &take) {
    machine_facts facts = enough();
    take(facts);
    const auto answer = require(facts);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == error_kind::environment);
    CHECK(answer.error().causes.size() == 1);
    return describe(answer.error());
}

} // namespace

TEST_CASE("a machine that has just enough is enough") { CHECK(require(enough())); }

TEST_CASE("each lack is named with its remedy") {
    const std::string unprivileged = told([](auto &facts) {
        facts.root = false;
        facts.no_user_namespace = "no line matching user \"me\" in /etc/subuid";
    });
    CHECK_THAT(unprivileged, Catch::Contains("no line matching user \"me\"") &&
                                 Catch::Contains("run as root") && Catch::Contains("uidmap"));
    CHECK_THAT(told([](auto &facts) { facts.no_tun = "Permission denied"; }),
               Catch::Contains("/dev/net/tun cannot be opened: Permission denied"));
    CHECK(told([](auto &facts) {
              facts.memory_available = bytes::mib(5631);
          }).find("5631 MiB of memory") != std::string::npos);
    CHECK(told([](auto &facts) { facts.cache_space = bytes{}; }).find("XDG_CACHE_HOME") !=
          std::string::npos);
    CHECK(told([](auto &facts) { facts.state_space = bytes{}; }).find("XDG_STATE_HOME") !=
          std::string::npos);
    CHECK(told([](auto &facts) {
              facts.missing_tools = {"qemu-system-x86_64", "mke2fs"};
          }).find("apt-get install e2fsprogs qemu-system-x86") != std::string::npos);
}

TEST_CASE("without root, user namespaces are enough") {
    machine_facts facts = enough();
    facts.root = false;
    CHECK(require(facts));
}

TEST_CASE("everything that is missing is told at once") {
    machine_facts nothing;
    nothing.no_user_namespace = "Operation not permitted";
    nothing.no_tun = "No such file or directory";
    nothing.missing_tools = {"ip"};
    const auto answer = require(nothing);
    REQUIRE_FALSE(answer);
    // privileges, tun, memory, both disks, tools
    CHECK(answer.error().causes.size() == 6);
}
