// SPDX-License-Identifier: MIT
/// Sends a numbered datagram to the probe at a steady pace.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/descriptor.hpp>
#include <lab/guest/messages.hpp>
#include <lab/guest/settings.hpp>

#include <atomic>
#include <memory>
#include <stop_token>
#include <thread>

namespace kvmig::lab::guest {

class heartbeat_sender {
public:
    /// Sends to `settings.probe` once it is begun; never when there is no probe.
    [[nodiscard]] static expected<std::unique_ptr<heartbeat_sender>>
    make(const guest_settings &settings, const uuid &boot_id);

    /// Sends from now on.
    void begin();

    [[nodiscard]] heartbeat_status status() const noexcept {
        return {sent_.load(), failed_.load()};
    }

private:
    heartbeat_sender(host::descriptor socket, guest_settings settings, const uuid &boot_id);
    void run(const std::stop_token &stop);

    host::descriptor socket_;
    guest_settings settings_;
    uuid boot_id_;
    std::atomic<std::uint64_t> sent_{0};
    std::atomic<std::uint64_t> failed_{0};
    std::jthread thread_; ///< last: it uses everything above
};

} // namespace kvmig::lab::guest
