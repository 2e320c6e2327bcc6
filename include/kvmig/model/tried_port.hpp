// SPDX-License-Identifier: MIT
/// What a host answered when a connection to one of its ports was tried.
#pragma once

#include <cstdint>
#include <string_view>

namespace kvmig::model {

/// What came of a connection that was tried.
enum class port_answer : std::uint8_t {
    open,        ///< somebody listens
    closed,      ///< the host itself said that nobody does: nothing stands in the way
    rejected,    ///< a firewall said no, or there is no way to the host
    dropped,     ///< no answer at all
    unreachable, ///< the kernel knows no network that leads there
};

/// The enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(port_answer what) noexcept {
    switch (what) {
    case port_answer::open: return "open";
    case port_answer::closed: return "closed";
    case port_answer::rejected: return "rejected";
    case port_answer::dropped: return "dropped";
    case port_answer::unreachable: return "unreachable";
    }
    return "unknown";
}

/// One port, and what came of it.
struct tried_port {
    std::uint16_t port = 0;                   ///< of TCP
    port_answer answer = port_answer::closed; ///< `dropped` also when none came in time

    friend bool operator==(const tried_port &, const tried_port &) = default;
};

} // namespace kvmig::model
