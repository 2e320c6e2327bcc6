// SPDX-License-Identifier: MIT
/// One TCP connection to the guest that is never made anew: numbers go there and come back at a
/// steady pace, and the guest counts them connection by connection.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <lab/guest/protocol.hpp>
#include <lab/observe/heartbeat_series.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace kvmig::lab::observe {

struct session_options {
    std::string address;
    std::uint16_t port = guest::echo_port;
    std::chrono::milliseconds pace{50}; ///< from one question to the next
    std::chrono::milliseconds connect_timeout{10'000};
    /// A question unanswered for so long ends the session as broken.
    std::chrono::milliseconds patience{120'000};
};

struct round_trip {
    steady_time asked;
    std::chrono::nanoseconds took{0};
};

/// Why a session ended that nobody had stopped.
struct session_break {
    steady_time when;
    error why;
};

struct session_report {
    steady_time connected;
    uuid boot_id; ///< of the guest that answered first; it answered all others too
    std::uint64_t asked = 0;
    std::uint64_t answered = 0;
    round_trip longest;                  ///< of those answered; `took` is 0 before the first answer
    std::chrono::nanoseconds waiting{0}; ///< how long the oldest open question has waited
    std::optional<session_break> broken;
    std::vector<round_trip> round_trips; ///< all, in order

    /// The one connection lived, and carried something.
    [[nodiscard]] bool alive() const noexcept { return !broken && answered > 0; }
};

class tcp_session {
public:
    /// Connects in the network namespace of the calling thread, and begins to ask. Fails as
    /// `connect_to` does.
    [[nodiscard]] static expected<tcp_session> start(session_options options,
                                                     const std::stop_token &stop = {});

    tcp_session(tcp_session &&) noexcept;
    tcp_session &operator=(tcp_session &&) noexcept;
    ~tcp_session();
    tcp_session(const tcp_session &) = delete;
    tcp_session &operator=(const tcp_session &) = delete;

    [[nodiscard]] session_report report() const;
    /// Waits until a question asked later than `after` is answered; the proof that the session
    /// lives on. Fails with why the session broke, `timed_out` or `cancelled`.
    [[nodiscard]] expected<void> wait_for_answer(steady_time after,
                                                 std::chrono::nanoseconds watchdog,
                                                 const std::stop_token &stop = {}) const;
    /// Ends the session in good order, and tells how it went.
    session_report stop();

private:
    class impl;
    explicit tcp_session(std::unique_ptr<impl> self);
    std::unique_ptr<impl> self_;
};

/// With the round trips as `[milliseconds since `origin`, milliseconds taken]` pairs, from
/// `kept_before` it on.
[[nodiscard]] nlohmann::json to_json(const session_report &report, steady_time origin);

} // namespace kvmig::lab::observe
