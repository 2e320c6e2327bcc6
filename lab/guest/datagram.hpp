// SPDX-License-Identifier: MIT
/// The two small binary messages: the heartbeat (UDP) and the frames of the echo session (TCP).
/// Integers are little-endian.
#pragma once

#include <kvmig/core/uuid.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::lab::guest {

namespace wire {

inline void put(std::span<std::uint8_t> out, std::uint64_t value) noexcept {
    for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(value >> (8 * i));
}
[[nodiscard]] inline std::uint64_t get(std::span<const std::uint8_t> in) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value |= std::uint64_t{in[i]} << (8 * i);
    return value;
}

} // namespace wire

/// One beat. On the wire: 8 bytes `kvmigHB1`, sequence, monotonic, 16 bytes boot id, name.
struct heartbeat {
    std::uint64_t sequence = 0;            ///< from 0; one more with each beat that was sent
    std::chrono::nanoseconds monotonic{0}; ///< the guest's clock when it sent
    uuid boot_id;
    std::string name; ///< 1 to 32 bytes

    friend bool operator==(const heartbeat &, const heartbeat &) = default;
};

inline constexpr std::string_view heartbeat_magic = "kvmigHB1";
inline constexpr std::size_t heartbeat_head = 40; ///< bytes before the name
inline constexpr std::size_t longest_heartbeat = heartbeat_head + 32;

[[nodiscard]] inline std::vector<std::uint8_t> encode(const heartbeat &beat) {
    std::vector<std::uint8_t> out(heartbeat_head + std::min<std::size_t>(beat.name.size(), 32));
    const std::span<std::uint8_t> all{out};
    std::copy(heartbeat_magic.begin(), heartbeat_magic.end(), out.begin());
    wire::put(all.subspan(8), beat.sequence);
    wire::put(all.subspan(16), static_cast<std::uint64_t>(beat.monotonic.count()));
    std::copy(beat.boot_id.raw().begin(), beat.boot_id.raw().end(), out.begin() + 24);
    std::copy_n(beat.name.begin(), out.size() - heartbeat_head, out.begin() + heartbeat_head);
    return out;
}

/// Nothing when it is no heartbeat.
[[nodiscard]] inline std::optional<heartbeat> decode_heartbeat(std::span<const std::uint8_t> in) {
    if (in.size() <= heartbeat_head || in.size() > longest_heartbeat) return std::nullopt;
    if (!std::equal(heartbeat_magic.begin(), heartbeat_magic.end(), in.begin())) {
        return std::nullopt;
    }
    heartbeat beat;
    beat.sequence = wire::get(in.subspan(8));
    const std::uint64_t clock = wire::get(in.subspan(16));
    if (clock > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    beat.monotonic = std::chrono::nanoseconds{static_cast<std::int64_t>(clock)};
    std::array<std::uint8_t, 16> raw{};
    std::copy_n(in.begin() + 24, raw.size(), raw.begin());
    beat.boot_id = uuid{raw};
    beat.name.assign(in.begin() + heartbeat_head, in.end());
    return beat;
}

/// What the probe sends over the echo session: a number from 0 that goes up by one. On the wire
/// 8 bytes. The agent answers each with an `echo_answer`, in order.
inline constexpr std::size_t echo_question_bytes = 8;

/// The answer: the number, how many the agent had answered on this very connection before, and
/// its boot id. Only the one who held the connection all along knows the count.
struct echo_answer {
    std::uint64_t sequence = 0;
    std::uint64_t answered = 0;
    uuid boot_id;

    friend bool operator==(const echo_answer &, const echo_answer &) = default;
};
inline constexpr std::size_t echo_answer_bytes = 32;

[[nodiscard]] inline std::array<std::uint8_t, echo_answer_bytes> encode(const echo_answer &in) {
    std::array<std::uint8_t, echo_answer_bytes> out{};
    const std::span<std::uint8_t> all{out};
    wire::put(all, in.sequence);
    wire::put(all.subspan(8), in.answered);
    std::copy(in.boot_id.raw().begin(), in.boot_id.raw().end(), out.begin() + 16);
    return out;
}
/// `in` has `echo_answer_bytes` bytes.
[[nodiscard]] inline echo_answer decode_echo_answer(std::span<const std::uint8_t> in) {
    std::array<std::uint8_t, 16> raw{};
    std::copy_n(in.begin() + 16, raw.size(), raw.begin());
    return {wire::get(in), wire::get(in.subspan(8)), uuid{raw}};
}

} // namespace kvmig::lab::guest
