// SPDX-License-Identifier: MIT
/// Pings the guest from outside, as anyone would to see whether it is still there.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/observe/ping_record.hpp>

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

namespace kvmig::lab::observe {

class ping_probe {
public:
    /// Sends ICMP echo requests to `address` every `pace`, from the network namespace of the
    /// calling thread, until it is stopped or destroyed. Fails with `environment` when this
    /// process may not ping: it takes CAP_NET_RAW, or the kernel's leave in ping_group_range.
    [[nodiscard]] static expected<ping_probe>
    start(const std::string &address,
          std::chrono::milliseconds pace = std::chrono::milliseconds{100});

    ping_probe(ping_probe &&) noexcept;
    ping_probe &operator=(ping_probe &&) noexcept;
    ~ping_probe();
    ping_probe(const ping_probe &) = delete;
    ping_probe &operator=(const ping_probe &) = delete;

    /// All pings until now. Those on their way count as unanswered: look at those sent until a
    /// time that `wait_for_answer` has seen behind it.
    [[nodiscard]] ping_record record() const;
    /// Waits until a ping sent later than `after` is answered. Fails with `timed_out`, `cancelled`,
    /// or with why no ping can be sent any more.
    [[nodiscard]] expected<void> wait_for_answer(steady_time after,
                                                 std::chrono::nanoseconds watchdog,
                                                 const std::stop_token &stop = {}) const;
    /// Sends no more; all pings.
    ping_record stop();

private:
    class impl;
    explicit ping_probe(std::unique_ptr<impl> self);
    std::unique_ptr<impl> self_;
};

} // namespace kvmig::lab::observe
