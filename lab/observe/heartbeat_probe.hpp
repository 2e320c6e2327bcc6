// SPDX-License-Identifier: MIT
/// Listens for the guests' heartbeats from outside, wherever the guests run.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <lab/guest/protocol.hpp>
#include <lab/observe/heartbeat_series.hpp>

#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace kvmig::lab::observe {

/// One boot of one guest.
struct beat_key {
    std::string name;
    uuid boot_id;
    friend auto operator<=>(const beat_key &, const beat_key &) = default;
};

class heartbeat_probe {
public:
    /// Listens on UDP `address`:`port`, in the network namespace of the calling thread, until it
    /// is destroyed. Port 0 takes a free one.
    [[nodiscard]] static expected<heartbeat_probe>
    start(const std::string &address = "0.0.0.0", std::uint16_t port = guest::heartbeat_port);

    heartbeat_probe(heartbeat_probe &&) noexcept;
    heartbeat_probe &operator=(heartbeat_probe &&) noexcept;
    ~heartbeat_probe();
    heartbeat_probe(const heartbeat_probe &) = delete;
    heartbeat_probe &operator=(const heartbeat_probe &) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept;
    /// When it began to listen.
    [[nodiscard]] steady_time started() const noexcept;

    /// Every boot of every guest heard so far.
    [[nodiscard]] std::vector<beat_key> heard() const;
    /// All that arrived of it until now; empty when it was never heard.
    [[nodiscard]] heartbeat_series series(const beat_key &key) const;
    /// Datagrams that were no heartbeat.
    [[nodiscard]] std::uint64_t strangers() const;
    /// Datagrams that this machine's kernel had to drop, since the probe did not read in time: with
    /// any, a gap may be the probe's own.
    [[nodiscard]] std::uint64_t overflown() const;

    /// Waits until guest `name` beats later than `after`, on any boot; the boot that it was. With
    /// the guest silent, `timed_out` after `watchdog`; `cancelled` when `stop` is requested.
    [[nodiscard]] expected<beat_key> wait_for_beat(const std::string &name, steady_time after,
                                                   std::chrono::nanoseconds watchdog,
                                                   const std::stop_token &stop = {}) const;
    /// Waits until guest `name` has been silent for `quiet` (as after a shutdown).
    [[nodiscard]] expected<void> wait_for_silence(const std::string &name,
                                                  std::chrono::nanoseconds quiet,
                                                  std::chrono::nanoseconds watchdog,
                                                  const std::stop_token &stop = {}) const;

private:
    class impl;
    explicit heartbeat_probe(std::unique_ptr<impl> self);
    std::unique_ptr<impl> self_;
};

} // namespace kvmig::lab::observe
