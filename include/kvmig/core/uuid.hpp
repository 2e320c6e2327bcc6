// SPDX-License-Identifier: MIT
/// UUIDs as libvirt writes them (RFC 4122 text form, lower case).
#pragma once

#include <kvmig/core/expected.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace kvmig {

/// 16 bytes in the order in which the text form writes them.
class uuid {
public:
    constexpr uuid() noexcept = default;
    /// From its 16 bytes, in the order of the text.
    constexpr explicit uuid(const std::array<std::uint8_t, 16> &raw) noexcept : raw_(raw) {}

    /// Accepts what libvirt accepts: 32 hexadecimal digits, hyphens anywhere between digits,
    /// either case (`virUUIDParse`). Fails with `invalid_argument`, naming the text.
    [[nodiscard]] static expected<uuid> parse(std::string_view text) {
        std::array<std::uint8_t, 16> raw{};
        std::size_t digits = 0;
        for (const char c : text) {
            if (c == '-') continue;
            const int value = digit(c);
            if (value < 0 || digits == 32) return malformed(text);
            auto &byte = raw[digits / 2];
            byte = static_cast<std::uint8_t>((unsigned{byte} << 4U) | static_cast<unsigned>(value));
            ++digits;
        }
        if (digits != 32) return malformed(text);
        return uuid{raw};
    }

    /// A random one (version 4).
    [[nodiscard]] static uuid random() {
        std::random_device source;
        std::array<std::uint8_t, 16> raw{};
        for (auto &byte : raw) byte = static_cast<std::uint8_t>(source());
        raw[6] = static_cast<std::uint8_t>((raw[6] & 0x0FU) | 0x40U);
        raw[8] = static_cast<std::uint8_t>((raw[8] & 0x3FU) | 0x80U);
        return uuid{raw};
    }

    /// As libvirt writes it: lower-case hexadecimal, in groups of 8-4-4-4-12.
    [[nodiscard]] std::string text() const {
        static constexpr std::string_view hex = "0123456789abcdef";
        std::string out;
        out.reserve(36);
        for (std::size_t i = 0; i < raw_.size(); ++i) {
            if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
            out += hex[raw_[i] >> 4U];
            out += hex[raw_[i] & 0x0FU];
        }
        return out;
    }

    /// The 16 bytes, in the order of the text.
    [[nodiscard]] constexpr const std::array<std::uint8_t, 16> &raw() const noexcept {
        return raw_;
    }

    friend constexpr auto operator<=>(const uuid &, const uuid &) noexcept = default;

private:
    [[nodiscard]] static constexpr int digit(char c) noexcept {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    }
    [[nodiscard]] static unexpected malformed(std::string_view text) {
        return fail(
            make_error(error_kind::invalid_argument, "'" + std::string(text) + "' is not a UUID")
                .advise("write 32 hexadecimal digits, as in "
                        "123e4567-e89b-42d3-a456-426614174000"));
    }

    std::array<std::uint8_t, 16> raw_{};
};

} // namespace kvmig
