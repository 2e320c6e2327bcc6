// SPDX-License-Identifier: MIT
#include <lab/guest/agent/echo_server.hpp>

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace kvmig::lab::guest {

namespace {

/// A peer that sends and never reads is not read from beyond this many bytes.
constexpr std::size_t most_unsent = std::size_t{64} * 1024;

short events_of(const std::string &unsent) {
    short events = 0;
    if (unsent.size() < most_unsent) events |= POLLIN;
    if (!unsent.empty()) events |= POLLOUT;
    return events;
}

} // namespace

expected<std::unique_ptr<echo_server>> echo_server::start(const std::string &host,
                                                          std::uint16_t port, const uuid &boot_id) {
    auto from = listen_on(host, port);
    if (!from) return fail(from.error());
    return std::unique_ptr<echo_server>{new echo_server{std::move(*from), boot_id}};
}

echo_server::echo_server(listener from, const uuid &boot_id)
    : listener_(std::move(from)), boot_id_(boot_id), thread_([this] { run(); }) {}

echo_server::~echo_server() { stopped_.raise(); }

void echo_server::run() {
    std::vector<pollfd> watched;
    while (true) {
        watched = {{stopped_.descriptor(), POLLIN, 0}, {listener_.socket.get(), POLLIN, 0}};
        for (const session &each : sessions_) {
            watched.push_back({each.socket.get(), events_of(each.unsent), 0});
        }
        if (::poll(watched.data(), watched.size(), -1) < 0) continue;
        if (watched[0].revents != 0) return;
        auto entry = watched.begin() + 2;
        for (auto each = sessions_.begin(); each != sessions_.end(); ++entry) {
            if (entry->revents != 0 && !serve(*each)) {
                each = sessions_.erase(each);
                --open_;
            } else {
                ++each;
            }
        }
        if (watched[1].revents == 0) continue;
        while (host::descriptor peer = accept_from(listener_)) {
            if (sessions_.size() >= most_sessions) continue; // closes it
            sessions_.emplace_back().socket = std::move(peer);
            ++accepted_;
            ++open_;
        }
    }
}

bool echo_server::send(session &with) {
    while (!with.unsent.empty()) {
        const ssize_t count =
            ::send(with.socket.get(), with.unsent.data(), with.unsent.size(), MSG_NOSIGNAL);
        if (count < 0) return errno == EAGAIN || errno == EINTR;
        with.unsent.erase(0, static_cast<std::size_t>(count));
    }
    return true;
}

bool echo_server::serve(session &with) {
    while (with.unsent.size() < most_unsent) {
        const ssize_t count = ::recv(with.socket.get(), with.question.data() + with.read,
                                     with.question.size() - with.read, 0);
        if (count == 0) return false;
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno != EAGAIN) return false;
        if (count < 0) break;
        with.read += static_cast<std::size_t>(count);
        if (with.read < with.question.size()) continue;
        with.read = 0;
        const auto answer = encode(echo_answer{wire::get(with.question), with.answered, boot_id_});
        with.unsent.append(answer.begin(), answer.end());
        ++with.answered;
        ++echoed_;
    }
    return send(with);
}

} // namespace kvmig::lab::guest
