// SPDX-License-Identifier: MIT
// Ports that are tried from a host.
#include <kvmig/run/check_ports.hpp>
#include <support/catch.hpp>

#include <arpa/inet.h>
#include <cstdint>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using namespace kvmig;
using model::port_answer;
using model::tried_port;
using answers = std::vector<tried_port>;

namespace {

/// A port of this machine's own: taken, and listened at if asked to.
class own_port {
public:
    explicit own_port(bool listens) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        REQUIRE(socket_ >= 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        REQUIRE(::bind(socket_, reinterpret_cast<sockaddr *>(&at), size) == 0);
        REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr *>(&at), &size) == 0);
        number_ = ntohs(at.sin_port);
        if (listens) REQUIRE(::listen(socket_, 1) == 0);
    }
    own_port(const own_port &) = delete;
    own_port &operator=(const own_port &) = delete;
    ~own_port() { ::close(socket_); }
    [[nodiscard]] std::uint16_t number() const noexcept { return number_; }

private:
    int socket_;
    std::uint16_t number_ = 0;
};

} // namespace

TEST_CASE("a port at which somebody listens is told from one at which nobody does") {
    const own_port open(true);
    const own_port closed(false);
    const std::uint16_t ports[] = {open.number(), closed.number()};
    const auto tried = run::try_ports_at("qemu:///system", "127.0.0.1", ports);
    INFO((tried ? std::string() : describe(tried.error())));
    REQUIRE(tried);
    CHECK(*tried ==
          answers{{open.number(), port_answer::open}, {closed.number(), port_answer::closed}});
}

TEST_CASE("a name is no part of the script that tries it") {
    const std::uint16_t ports[] = {9};
    const auto tried = run::try_ports_at("qemu:///system", "$(echo 127.0.0.1)", ports);
    REQUIRE_FALSE(tried);
    CHECK(tried.error().kind == error_kind::protocol);
}

TEST_CASE("what bash says of a connection is read") {
    const auto read = run::detail::parse_port_answers("49152 0\n"
                                                      "49153 1 Connection refused\n"
                                                      "49154 1 No route to host\n"
                                                      "49155 124\n"
                                                      "49156 1 Connection timed out\n"
                                                      "49157 1 Network is unreachable\n");
    REQUIRE(read);
    CHECK(*read == answers{{49152, port_answer::open},
                           {49153, port_answer::closed},
                           {49154, port_answer::rejected},
                           {49155, port_answer::dropped},
                           {49156, port_answer::dropped},
                           {49157, port_answer::unreachable}});
    CHECK(run::detail::parse_port_answers("")->empty());
}

TEST_CASE("an answer that tells nothing of the port is no answer") {
    for (const char *text : {"49152 1 Invalid argument\n", "49152\n", "49152 \n", "x 0\n", "\n",
                             "70000 0\n", "49152 127 bash: not found", "49152 0 words\n"}) {
        INFO(text);
        const auto read = run::detail::parse_port_answers(text);
        REQUIRE_FALSE(read);
        CHECK(read.error().kind == error_kind::protocol);
    }
}
