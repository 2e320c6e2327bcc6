// SPDX-License-Identifier: MIT
/// Takes requests, one JSON line each, and answers them in order.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/guest/agent/sockets.hpp>
#include <lab/guest/messages.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>

namespace kvmig::lab::guest {

class control_server {
public:
    /// Connections at a time; one more is told so and closed.
    static constexpr std::size_t most_clients = 16;
    /// Called by the clients' threads, several at once.
    using handler = std::function<expected<nlohmann::json>(const request &)>;

    [[nodiscard]] static expected<std::unique_ptr<control_server>>
    start(const std::string &host, std::uint16_t port, greeting hello, handler handle);
    ~control_server();
    control_server(const control_server &) = delete;
    control_server &operator=(const control_server &) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return listener_.port; }

private:
    struct client {
        std::atomic<bool> gone{false};
        std::jthread thread;
    };

    control_server(listener from, greeting hello, handler handle);
    void run();
    void serve(int peer);
    /// Waits for `events` on the socket; false when the server is to stop.
    [[nodiscard]] bool ready(int peer, short events) const;
    [[nodiscard]] bool send(int peer, const std::string &text) const;

    listener listener_;
    greeting hello_;
    handler handle_;
    raised_flag stopped_;
    std::list<client> clients_; ///< touched by the listening thread alone
    std::jthread thread_;       ///< last: it uses everything above
};

} // namespace kvmig::lab::guest
