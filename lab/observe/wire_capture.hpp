// SPDX-License-Identifier: MIT
/// Listens on a network device of the lab for what two machines say to each other over TCP.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/observe/wire_search.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace kvmig::lab::observe {

/// What to listen to: either direction of TCP between two hosts, where one side's port is in a
/// range.
struct wire_filter {
    std::string device; ///< in the network namespace of the calling thread
    std::string one;    ///< IPv4 addresses
    std::string other;
    std::uint16_t first_port = 0;
    std::uint16_t last_port = 65535;
};

class wire_capture {
public:
    /// Listens until it is stopped or destroyed. Fails with `environment` where this process may
    /// not listen (CAP_NET_RAW), `not_found` when there is no such device, and
    /// `invalid_argument` for what is no address.
    [[nodiscard]] static expected<wire_capture> start(const wire_filter &what,
                                                      std::vector<std::string> markers);

    wire_capture(wire_capture &&) noexcept;
    wire_capture &operator=(wire_capture &&) noexcept;
    ~wire_capture();
    wire_capture(const wire_capture &) = delete;
    wire_capture &operator=(const wire_capture &) = delete;

    /// Takes what has arrived until now, and listens no more. Fails with `io` when the kernel could
    /// not be listened to.
    [[nodiscard]] expected<wire_report> stop();

private:
    class impl;
    explicit wire_capture(std::unique_ptr<impl> self);
    std::unique_ptr<impl> self_;
};

} // namespace kvmig::lab::observe
