// SPDX-License-Identifier: MIT
// What a host answers that is asked to open another.
#include <kvmig/run/check_peer.hpp>
#include <support/catch.hpp>

#include <string>
#include <unistd.h>

using namespace kvmig;
using run::detail::last_words;

TEST_CASE("of what virsh says, the error itself is kept, in one line") {
    CHECK(last_words("error: failed to connect to the hypervisor\n"
                     "error: Cannot recv data: Host key verification failed.: Connection reset by "
                     "peer\n") ==
          "Cannot recv data: Host key verification failed.: Connection reset by peer");
    CHECK(last_words("error: failed to connect to the hypervisor\n"
                     "error: Cannot recv data: one\r\ntwo\n\n") == "Cannot recv data: one  two");
    CHECK(last_words("no such mark\n") == "no such mark");
    CHECK(last_words("error: ") == "");
    CHECK(last_words("\n").empty());
    CHECK(last_words("").empty());
}

TEST_CASE("each status of the script has its meaning") {
    host::command command;
    command.argv = {"sh"};
    const auto read = [&](int status, std::string out, std::string err) {
        host::command_result result;
        result.status = status;
        result.out = std::move(out);
        result.err = std::move(err);
        return run::detail::read_opened(command, result);
    };
    CHECK(read(0, "qemu:///system\n", "") == precheck::opened_connection{true, ""});
    CHECK(read(1, "", "error: no\n") == precheck::opened_connection{false, "no"});
    const auto kind = [&](int status) {
        const auto told = read(status, "admin\n", "lost\n");
        REQUIRE_FALSE(told);
        CHECK_FALSE(told.error().what.empty());
        return told.error().kind;
    };
    CHECK(kind(3) == error_kind::unsupported);
    CHECK(read(3, "admin\n", "").error().what.find("'admin'") != std::string::npos);
    CHECK(kind(124) == error_kind::timed_out);
    CHECK(kind(127) == error_kind::environment);
    CHECK(kind(255) == error_kind::failed); // SSH's own: the source was not reached
}

TEST_CASE("a daemon here opens what can be opened") {
    const auto opened = run::open_at("test:///default", "test:///default");
    if (::geteuid() != 0) {
        REQUIRE_FALSE(opened);
        CHECK(opened.error().kind == error_kind::unsupported);
        return;
    }
    REQUIRE(opened);
    CHECK(opened->opened);
    // What a shell would take for more than a word is one.
    const auto none = run::open_at("test:///default", "test:///no/such/$(file)");
    REQUIRE(none);
    CHECK_FALSE(none->opened);
    CHECK(none->said.find("/no/such/$(file)") != std::string::npos);
}

TEST_CASE("a source that is not reached over SSH opens nothing for us") {
    const auto told = run::open_at("qemu+tls://kvm01/system", "qemu+ssh://kvm02/system");
    REQUIRE_FALSE(told);
    CHECK(told.error().kind == error_kind::unsupported);
}
