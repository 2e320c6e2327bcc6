// SPDX-License-Identifier: MIT
/// Units as types: a count of bytes is never passed where a count of pages is meant.
///
/// Durations are `std::chrono`'s. libvirt speaks of KiB in domain XML, of bytes in job
/// statistics and of MiB/s in `virDomainMigrateSetMaxSpeed`: convert at the adapter, never above.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace kvmig {

/// A count of bytes.
class bytes {
public:
    constexpr bytes() noexcept = default;
    constexpr explicit bytes(std::uint64_t count) noexcept : count_(count) {} ///< So many bytes.

    /// From KiB of 1024 bytes.
    [[nodiscard]] static constexpr bytes kib(std::uint64_t n) noexcept { return bytes{n << 10U}; }
    /// From MiB of 1024 KiB.
    [[nodiscard]] static constexpr bytes mib(std::uint64_t n) noexcept { return bytes{n << 20U}; }
    /// From GiB of 1024 MiB.
    [[nodiscard]] static constexpr bytes gib(std::uint64_t n) noexcept { return bytes{n << 30U}; }

    [[nodiscard]] constexpr std::uint64_t count() const noexcept { return count_; } ///< In bytes.
    /// In MiB, with fractions.
    [[nodiscard]] constexpr double as_mib() const noexcept {
        return static_cast<double>(count_) / (1024.0 * 1024.0);
    }

    friend constexpr auto operator<=>(const bytes &, const bytes &) noexcept = default;
    friend constexpr bytes operator+(bytes a, bytes b) noexcept {
        return bytes{a.count_ + b.count_};
    }
    /// Stops at zero: a remainder is never negative.
    friend constexpr bytes operator-(bytes a, bytes b) noexcept {
        return bytes{a.count_ > b.count_ ? a.count_ - b.count_ : 0};
    }

private:
    std::uint64_t count_ = 0;
};

/// A count of pages; the size of a page is a fact of the host and is given at each conversion.
class pages {
public:
    constexpr pages() noexcept = default;
    /// So many pages, of whatever size.
    constexpr explicit pages(std::uint64_t count) noexcept : count_(count) {}

    /// How many they are.
    [[nodiscard]] constexpr std::uint64_t count() const noexcept { return count_; }
    /// What they take up when a page has `page` bytes.
    [[nodiscard]] constexpr bytes size(bytes page) const noexcept {
        return bytes{count_ * page.count()};
    }
    /// The pages that hold `amount`, the last one perhaps in part; `page` is not zero.
    [[nodiscard]] static constexpr pages holding(bytes amount, bytes page) noexcept {
        return pages{(amount.count() + page.count() - 1) / page.count()};
    }

    friend constexpr auto operator<=>(const pages &, const pages &) noexcept = default;

private:
    std::uint64_t count_ = 0;
};

/// Bytes per second.
class byte_rate {
public:
    constexpr byte_rate() noexcept = default;
    /// In bytes per second.
    constexpr explicit byte_rate(std::uint64_t per_second) noexcept : per_second_(per_second) {}

    /// From MiB per second, in which libvirt counts bandwidth.
    [[nodiscard]] static constexpr byte_rate mib(std::uint64_t n) noexcept {
        return byte_rate{n << 20U};
    }
    /// In bytes per second.
    [[nodiscard]] constexpr std::uint64_t per_second() const noexcept { return per_second_; }
    /// In MiB per second, with fractions.
    [[nodiscard]] constexpr double as_mib() const noexcept {
        return static_cast<double>(per_second_) / (1024.0 * 1024.0);
    }

    /// How long `amount` takes; the longest duration there is when the rate is zero.
    [[nodiscard]] constexpr std::chrono::duration<double> time_for(bytes amount) const noexcept {
        using seconds = std::chrono::duration<double>;
        if (per_second_ == 0) return seconds::max();
        return seconds{static_cast<double>(amount.count()) / static_cast<double>(per_second_)};
    }

    friend constexpr auto operator<=>(const byte_rate &, const byte_rate &) noexcept = default;

private:
    std::uint64_t per_second_ = 0;
};

/// Pages per second, as in a dirty rate.
class page_rate {
public:
    constexpr page_rate() noexcept = default;
    /// In pages per second.
    constexpr explicit page_rate(std::uint64_t per_second) noexcept : per_second_(per_second) {}

    /// In pages per second.
    [[nodiscard]] constexpr std::uint64_t per_second() const noexcept { return per_second_; }
    /// The rate of pages of `page` bytes.
    [[nodiscard]] constexpr byte_rate of(bytes page) const noexcept {
        return byte_rate{per_second_ * page.count()};
    }

    friend constexpr auto operator<=>(const page_rate &, const page_rate &) noexcept = default;

private:
    std::uint64_t per_second_ = 0;
};

} // namespace kvmig
