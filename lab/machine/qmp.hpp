// SPDX-License-Identifier: MIT
/// A client of the QEMU Machine Protocol (docs/interop/qmp-spec).
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/descriptor.hpp>

#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <string_view>

namespace kvmig::lab {

/// One connection to one monitor. Not thread-safe. The same framing serves the guest agent, which
/// greets nobody: see `dialect`.
class qmp_client {
public:
    enum class dialect : std::uint8_t {
        monitor, ///< QEMU's monitor: greeting, `qmp_capabilities`, events
        agent,   ///< qemu-ga: no greeting, no events; synchronised by `guest-sync-delimited`
    };

    /// Connects to the Unix socket at `path` and is ready for commands. Fails with `unreachable`
    /// when nobody listens there or nobody answers within `watchdog`.
    [[nodiscard]] static expected<qmp_client>
    connect(const std::filesystem::path &path, dialect kind = dialect::monitor,
            std::chrono::milliseconds watchdog = std::chrono::seconds{60},
            std::stop_token stop = {});

    /// The same over a stream socket that is connected already, wherever to; errors call the other
    /// side `name`.
    [[nodiscard]] static expected<qmp_client>
    over(host::descriptor socket, std::string name, dialect kind = dialect::monitor,
         std::chrono::milliseconds watchdog = std::chrono::seconds{60}, std::stop_token stop = {});

    /// Executes a command and returns what it answers under `return`. A refusal by QEMU is `failed`
    /// with its class and description; a closed connection is `unreachable`. `fd` goes along as
    /// ancillary data (for `getfd`).
    [[nodiscard]] expected<nlohmann::json>
    execute(std::string_view command, nlohmann::json arguments = nlohmann::json::object(),
            int fd = -1);

    /// Waits for an event (those that came with earlier answers count) for which `wanted` is true.
    [[nodiscard]] expected<nlohmann::json>
    await_event(const std::function<bool(const nlohmann::json &)> &wanted,
                std::chrono::milliseconds watchdog);

private:
    qmp_client(host::descriptor socket, std::string name, std::chrono::milliseconds watchdog,
               std::stop_token stop)
        : socket_(std::move(socket)), name_(std::move(name)), watchdog_(watchdog),
          stop_(std::move(stop)) {}

    [[nodiscard]] expected<void> send(const std::string &text, int fd);
    [[nodiscard]] expected<nlohmann::json> receive(std::chrono::steady_clock::time_point deadline);

    host::descriptor socket_;
    std::string name_;
    std::chrono::milliseconds watchdog_;
    std::stop_token stop_;
    std::string pending_;
    std::deque<nlohmann::json> events_;
};

} // namespace kvmig::lab
