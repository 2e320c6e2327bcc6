// SPDX-License-Identifier: MIT
/// The few socket calls that the agent's servers share.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/descriptor.hpp>

#include <cstdint>
#include <string>

namespace kvmig::lab::guest {

/// A listening TCP socket, and the port it has got.
struct listener {
    host::descriptor socket; ///< does not block
    std::uint16_t port = 0;
};

/// Listens on `host` (empty: on every address) and `port` (0: a free one).
[[nodiscard]] expected<listener> listen_on(const std::string &host, std::uint16_t port);

/// The next connection, which does not block; none when nobody waits. Sends small frames at once
/// (TCP_NODELAY), and finds out when the other side is gone for good.
[[nodiscard]] host::descriptor accept_from(const listener &from);

/// An eventfd that many threads can poll: readable from the first `raise` on.
class raised_flag {
public:
    raised_flag();
    void raise() noexcept;
    [[nodiscard]] int descriptor() const noexcept { return event_.get(); }

private:
    host::descriptor event_;
};

} // namespace kvmig::lab::guest
