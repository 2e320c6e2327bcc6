// SPDX-License-Identifier: MIT
/// A TCP connection whose every wait has an end.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/descriptor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace kvmig::lab::observe {

/// Readable from the moment a stop is requested; for use beside other descriptors in poll(2).
class stop_descriptor {
public:
    explicit stop_descriptor(const std::stop_token &stop);
    stop_descriptor(const stop_descriptor &) = delete;
    stop_descriptor &operator=(const stop_descriptor &) = delete;
    ~stop_descriptor() = default;
    [[nodiscard]] int get() const noexcept { return event_.get(); }

private:
    host::descriptor event_;
    std::stop_callback<std::function<void()>> callback_;
};

/// Waits for poll(2)'s `events` on `fd`. Fails with `timed_out` at `deadline`, and with
/// `cancelled` when `stop` is requested; `what` says in the error what was waited for.
[[nodiscard]] expected<void> wait_for(int fd, short events,
                                      std::chrono::steady_clock::time_point deadline,
                                      const stop_descriptor &stop, const std::string &what);

/// Connects in the network namespace of the calling thread; the socket does not block and sends
/// at once (TCP_NODELAY). Fails with `unreachable`, `timed_out`, `cancelled`, or, when `address`
/// is no IPv4 address, `invalid_argument`.
[[nodiscard]] expected<host::descriptor> connect_to(const std::string &address, std::uint16_t port,
                                                    std::chrono::steady_clock::time_point deadline,
                                                    const stop_descriptor &stop);

} // namespace kvmig::lab::observe
