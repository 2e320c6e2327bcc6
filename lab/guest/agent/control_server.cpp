// SPDX-License-Identifier: MIT
#include <lab/guest/agent/control_server.hpp>

#include <array>
#include <cerrno>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>
#include <utility>

namespace kvmig::lab::guest {

expected<std::unique_ptr<control_server>>
control_server::start(const std::string &host, std::uint16_t port, greeting hello, handler handle) {
    auto from = listen_on(host, port);
    if (!from) return fail(from.error());
    return std::unique_ptr<control_server>{
        new control_server{std::move(*from), std::move(hello), std::move(handle)}};
}

control_server::control_server(listener from, greeting hello, handler handle)
    : listener_(std::move(from)), hello_(std::move(hello)), handle_(std::move(handle)),
      thread_([this] { run(); }) {}

control_server::~control_server() {
    stopped_.raise();
    if (thread_.joinable()) thread_.join(); // before the clients, which it owns
}

bool control_server::ready(int peer, short events) const {
    std::array<pollfd, 2> watched{{{stopped_.descriptor(), POLLIN, 0}, {peer, events, 0}}};
    while (::poll(watched.data(), watched.size(), -1) < 0) {
        if (errno != EINTR) return false;
    }
    return watched[0].revents == 0;
}

void control_server::run() {
    while (ready(listener_.socket.get(), POLLIN)) {
        clients_.remove_if([](const client &each) { return each.gone.load(); });
        host::descriptor peer = accept_from(listener_);
        if (!peer) continue;
        if (clients_.size() >= most_clients) {
            const error full = make_error(error_kind::refused, "the guest has too many clients");
            // Best effort: the connection is closed either way.
            (void)send(peer.get(), encode(reply{0, full}));
            continue;
        }
        client &added = clients_.emplace_back();
        added.thread = std::jthread([this, &added, socket = std::move(peer)] {
            serve(socket.get());
            added.gone = true;
        });
    }
}

bool control_server::send(int peer, const std::string &text) const {
    std::string_view left = text;
    while (!left.empty()) {
        const ssize_t count = ::send(peer, left.data(), left.size(), MSG_NOSIGNAL);
        if (count >= 0) {
            left.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno == EAGAIN) {
            if (!ready(peer, POLLOUT)) return false;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

void control_server::serve(int peer) {
    if (!send(peer, encode(hello_))) return;
    std::string text;
    std::array<char, 4096> buffer{};
    while (ready(peer, POLLIN)) {
        const ssize_t count = ::recv(peer, buffer.data(), buffer.size(), 0);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count <= 0) return;
        text.append(buffer.data(), static_cast<std::size_t>(count));
        for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
            const auto asked = decode_request(std::string_view{text}.substr(0, end));
            text.erase(0, end + 1);
            reply answer;
            if (!asked) {
                answer.result = asked.error();
            } else {
                answer.id = asked->id;
                if (auto result = handle_(*asked)) {
                    answer.result = std::move(*result);
                } else {
                    answer.result = std::move(result.error());
                }
            }
            if (!send(peer, encode(answer))) return;
        }
        if (text.size() > longest_line) {
            (void)send(peer,
                       encode(reply{0, make_error(error_kind::protocol,
                                                  "the request is longer than " +
                                                      std::to_string(longest_line) + " bytes")}));
            return;
        }
    }
}

} // namespace kvmig::lab::guest
