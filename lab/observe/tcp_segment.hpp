// SPDX-License-Identifier: MIT
/// A TCP segment as it lies in an Ethernet frame.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace kvmig::lab::observe {

/// One end of a TCP connection; the address as a number, 192.0.2.1 being 0xC0000201.
struct tcp_end {
    std::uint32_t address = 0;
    std::uint16_t port = 0;

    /// `192.0.2.1:49152`.
    [[nodiscard]] std::string text() const;
    friend auto operator<=>(const tcp_end &, const tcp_end &) = default;
};

/// A view of a frame that somebody else owns.
struct tcp_segment {
    tcp_end from;
    tcp_end to;
    std::uint32_t sequence = 0; ///< of its first byte; of a SYN, the one before the first byte
    bool opens = false;         ///< SYN
    std::span<const std::uint8_t> payload;
};

/// The segment in an Ethernet frame of IPv4 and TCP (RFC 791, RFC 9293); nothing for any other
/// frame, a fragment of a packet, or one that is cut short. A frame that stands for several
/// segments, as offloading network cards take and give them, is one long segment.
[[nodiscard]] std::optional<tcp_segment> parse_segment(std::span<const std::uint8_t> frame);

} // namespace kvmig::lab::observe
