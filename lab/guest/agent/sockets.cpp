// SPDX-License-Identifier: MIT
#include <lab/guest/agent/sockets.hpp>

#include <lab/guest/settings.hpp>
#include <lab/guest/system_error.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <system_error>

namespace kvmig::lab::guest {

expected<listener> listen_on(const std::string &host, std::uint16_t port) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    where.sin_addr.s_addr = htonl(INADDR_ANY);
    if (!host.empty()) {
        const auto address = parse_ipv4(host);
        if (!address) return fail(address.error());
        where.sin_addr = *address;
    }
    listener result{
        host::descriptor{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)}, 0};
    const int one = 1;
    socklen_t size = sizeof where;
    if (!result.socket ||
        ::setsockopt(result.socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        ::bind(result.socket.get(), reinterpret_cast<const sockaddr *>(&where), size) != 0 ||
        ::listen(result.socket.get(), 16) != 0 ||
        ::getsockname(result.socket.get(), reinterpret_cast<sockaddr *>(&where), &size) != 0) {
        return fail(system_error(error_kind::environment,
                                 "cannot listen on TCP port " + std::to_string(port)));
    }
    result.port = ntohs(where.sin_port);
    return result;
}

host::descriptor accept_from(const listener &from) {
    host::descriptor peer{
        ::accept4(from.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!peer) return peer;
    const auto set = [&](int level, int option, int value) {
        ::setsockopt(peer.get(), level, option, &value, sizeof value);
    };
    set(IPPROTO_TCP, TCP_NODELAY, 1);
    // Minutes, since a migrated guest may stand still for long and must not drop anyone.
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, 120);
    set(IPPROTO_TCP, TCP_KEEPINTVL, 60);
    set(IPPROTO_TCP, TCP_KEEPCNT, 10);
    return peer;
}

raised_flag::raised_flag() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!event_) throw std::system_error(errno, std::generic_category(), "eventfd");
}

void raised_flag::raise() noexcept { ::eventfd_write(event_.get(), 1); }

} // namespace kvmig::lab::guest
