// SPDX-License-Identifier: MIT
#include <lab/observe/connection.hpp>

#include <lab/guest/settings.hpp>
#include <lab/guest/system_error.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <system_error>

namespace kvmig::lab::observe {

using clock = std::chrono::steady_clock;

stop_descriptor::stop_descriptor(const std::stop_token &stop)
    : event_(::eventfd(0, EFD_CLOEXEC)),
      callback_(stop, [fd = event_.get()] { ::eventfd_write(fd, 1); }) {
    if (!event_) throw std::system_error(errno, std::generic_category(), "eventfd");
}

expected<void> wait_for(int fd, short events, clock::time_point deadline,
                        const stop_descriptor &stop, const std::string &what) {
    std::array<pollfd, 2> watched{{{stop.get(), POLLIN, 0}, {fd, events, 0}}};
    while (true) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
        const auto timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
        const int count = ::poll(watched.data(), watched.size(), timeout);
        if (count < 0 && errno != EINTR) {
            return fail(guest::system_error(error_kind::io, "cannot wait for " + what));
        }
        if (count > 0 && watched[0].revents != 0) {
            return fail(error_kind::cancelled, "the wait for " + what + " was cancelled");
        }
        if (count > 0) return {};
        if (clock::now() >= deadline) {
            return fail(error_kind::timed_out, "waited too long for " + what);
        }
    }
}

namespace {

/// One attempt; `again` when the guest did not answer the kernel's search for its address, which
/// gives up after three seconds: an emulated guest may be busier than that.
expected<host::descriptor> try_to_connect(const std::string &address, std::uint16_t port,
                                          clock::time_point deadline, const stop_descriptor &stop,
                                          bool &again) {
    const auto parsed = guest::parse_ipv4(address);
    if (!parsed) return fail(parsed.error());
    const std::string place = address + ':' + std::to_string(port);
    const auto failed = [&](int number) {
        again = number == EHOSTUNREACH && clock::now() < deadline;
        return fail(
            guest::system_error(error_kind::unreachable, "cannot connect to the guest", number)
                .about(place)
                .advise("see on its console whether it runs, and has this address"));
    };
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    where.sin_addr = *parsed;
    host::descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket) return failed(errno);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr *>(&where), sizeof where) != 0) {
        if (errno != EINPROGRESS) return failed(errno);
        if (auto ready = wait_for(socket.get(), POLLOUT, deadline, stop, "the guest's connection");
            !ready) {
            return fail(std::move(ready.error()).about(place));
        }
        int number = 0;
        socklen_t size = sizeof number;
        ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &number, &size);
        if (number != 0) return failed(number);
    }
    const int one = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return socket;
}

} // namespace

expected<host::descriptor> connect_to(const std::string &address, std::uint16_t port,
                                      clock::time_point deadline, const stop_descriptor &stop) {
    for (;;) {
        bool again = false;
        auto socket = try_to_connect(address, port, deadline, stop, again);
        if (socket || !again) return socket;
        // The kernel remembers for a moment that nobody answered.
        auto pause =
            wait_for(-1, 0, clock::now() + std::chrono::milliseconds{200}, stop, "the guest");
        if (!pause && pause.error().kind == error_kind::cancelled) {
            return fail(std::move(pause).error());
        }
    }
}

} // namespace kvmig::lab::observe
