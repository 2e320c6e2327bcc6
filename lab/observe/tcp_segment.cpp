// SPDX-License-Identifier: MIT
#include <lab/observe/tcp_segment.hpp>

#include <cstddef>
#include <fmt/format.h>

namespace kvmig::lab::observe {

namespace {

using bytes_seen = std::span<const std::uint8_t>;

constexpr std::size_t ethernet_head = 14;
constexpr std::size_t least_ipv4_head = 20;
constexpr std::size_t least_tcp_head = 20;
constexpr std::uint16_t type_ipv4 = 0x0800;
constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t flag_syn = 0x02;

std::uint16_t get16(bytes_seen in, std::size_t at) {
    return static_cast<std::uint16_t>(in[at] << 8U | in[at + 1]);
}

std::uint32_t get32(bytes_seen in, std::size_t at) {
    return std::uint32_t{get16(in, at)} << 16U | get16(in, at + 2);
}

} // namespace

std::string tcp_end::text() const {
    return fmt::format("{}.{}.{}.{}:{}", address >> 24U, address >> 16U & 0xFFU,
                       address >> 8U & 0xFFU, address & 0xFFU, port);
}

std::optional<tcp_segment> parse_segment(bytes_seen frame) {
    if (frame.size() < ethernet_head + least_ipv4_head || get16(frame, 12) != type_ipv4) {
        return std::nullopt;
    }
    bytes_seen packet = frame.subspan(ethernet_head);
    const std::size_t head = std::size_t{packet[0] & 0x0FU} * 4;
    const bool fragment = (get16(packet, 6) & 0x3FFFU) != 0;
    if (packet[0] >> 4U != 4 || head < least_ipv4_head || fragment || packet[9] != protocol_tcp) {
        return std::nullopt;
    }
    // What follows is padding of a short frame. A length of 0 is of a frame beyond 64 KiB.
    const std::size_t length = get16(packet, 2) == 0 ? packet.size() : get16(packet, 2);
    if (length > packet.size() || length < head + least_tcp_head) return std::nullopt;
    packet = packet.first(length);
    const bytes_seen segment = packet.subspan(head);
    const std::size_t options = static_cast<std::size_t>(segment[12] >> 4U) * 4U;
    if (options < least_tcp_head || options > segment.size()) return std::nullopt;
    tcp_segment out;
    out.from = {get32(packet, 12), get16(segment, 0)};
    out.to = {get32(packet, 16), get16(segment, 2)};
    out.sequence = get32(segment, 4);
    out.opens = (segment[13] & flag_syn) != 0;
    out.payload = segment.subspan(options);
    return out;
}

} // namespace kvmig::lab::observe
