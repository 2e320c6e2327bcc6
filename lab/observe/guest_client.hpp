// SPDX-License-Identifier: MIT
/// Asks the guest's agent, and tells it what to do.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/host/descriptor.hpp>
#include <lab/guest/protocol.hpp>

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>

namespace kvmig::lab::observe {

/// A connection to one agent. For one thread at a time.
///
/// Every call fails with the guest's own error when it says no; with `unreachable` when the
/// connection is gone, `timed_out` when no answer came in time and `protocol` when it could not be
/// understood: after one of these three every further call fails too, and the way on is a new
/// `connect`.
class guest_client {
public:
    /// Connects in the network namespace of the calling thread and reads the greeting. `patience`
    /// is the watchdog of the connection and of each call; a check of much memory or disk in an
    /// emulated guest takes its time.
    [[nodiscard]] static expected<guest_client>
    connect(const std::string &address, std::uint16_t port = guest::control_port,
            std::chrono::milliseconds patience = std::chrono::minutes{2},
            std::stop_token stop = {});

    /// The agent that greeted.
    [[nodiscard]] const guest::greeting &greeting() const noexcept { return greeting_; }

    [[nodiscard]] expected<guest::guest_status> status();
    /// Waits until memory is filled with the pattern and the disk is open. Fails with
    /// `environment` when the guest could not, naming the reason.
    [[nodiscard]] expected<guest::guest_status> ready();
    [[nodiscard]] expected<guest::guest_status> set_workload(const guest::workload_change &change);
    /// Begins the count of stalls anew; what was counted until now.
    [[nodiscard]] expected<guest::stall_histogram> reset_stalls();
    /// Checks every page, while the workload goes on. A verdict that is bad is no error.
    [[nodiscard]] expected<guest::memory_verdict> verify_memory();
    /// Writes each block once, syncs, and reads them back.
    [[nodiscard]] expected<guest::disk_verdict> write_disk(const guest::block_range &range = {});
    [[nodiscard]] expected<guest::disk_verdict> verify_disk(const guest::block_range &range = {});
    [[nodiscard]] expected<void> sync();
    /// Asks the guest to switch itself off; it has agreed when this returns.
    [[nodiscard]] expected<void> shutdown();

    /// Flip one bit, without telling the tables: shows that a verdict can be bad. Only for guests
    /// started with `test_hooks`.
    [[nodiscard]] expected<void> damage_memory(std::uint64_t page);
    [[nodiscard]] expected<void> damage_disk(std::uint64_t block);

private:
    guest_client(std::string address, host::descriptor socket, std::chrono::milliseconds patience,
                 std::stop_token stop);
    [[nodiscard]] expected<nlohmann::json> ask(guest::action what,
                                               nlohmann::json with = nlohmann::json::object());
    template <class T>
    [[nodiscard]] expected<T> ask_for(guest::action what,
                                      nlohmann::json with = nlohmann::json::object());
    [[nodiscard]] expected<void> send(const std::string &text,
                                      std::chrono::steady_clock::time_point deadline);
    [[nodiscard]] expected<std::string> read_line(std::chrono::steady_clock::time_point deadline);

    std::string address_;
    host::descriptor socket_; ///< none after the connection failed
    std::chrono::milliseconds patience_;
    std::stop_token stop_;
    std::string buffer_; ///< what came behind the last line
    guest::greeting greeting_;
    std::uint64_t asked_ = 0;
};

} // namespace kvmig::lab::observe
