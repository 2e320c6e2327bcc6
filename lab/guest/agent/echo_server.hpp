// SPDX-License-Identifier: MIT
/// Answers the frames of echo sessions, and counts them connection by connection.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <lab/guest/agent/sockets.hpp>
#include <lab/guest/datagram.hpp>
#include <lab/guest/messages.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <thread>

namespace kvmig::lab::guest {

class echo_server {
public:
    /// More at a time are closed at once.
    static constexpr std::size_t most_sessions = 64;

    [[nodiscard]] static expected<std::unique_ptr<echo_server>>
    start(const std::string &host, std::uint16_t port, const uuid &boot_id);
    ~echo_server();
    echo_server(const echo_server &) = delete;
    echo_server &operator=(const echo_server &) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return listener_.port; }
    [[nodiscard]] session_status status() const noexcept {
        return {accepted_.load(), open_.load(), echoed_.load()};
    }

private:
    struct session {
        host::descriptor socket;
        std::array<std::uint8_t, echo_question_bytes> question{};
        std::size_t read = 0;       ///< bytes of the question that have come
        std::uint64_t answered = 0; ///< on this connection
        std::string unsent;         ///< answers that the connection could not take yet
    };

    echo_server(listener from, const uuid &boot_id);
    void run();
    /// False when the session is over.
    [[nodiscard]] bool serve(session &with);
    [[nodiscard]] bool send(session &with);

    listener listener_;
    uuid boot_id_;
    raised_flag stopped_;
    std::list<session> sessions_;
    std::atomic<std::uint64_t> accepted_{0};
    std::atomic<std::uint64_t> open_{0};
    std::atomic<std::uint64_t> echoed_{0};
    std::jthread thread_; ///< last: it uses everything above
};

} // namespace kvmig::lab::guest
