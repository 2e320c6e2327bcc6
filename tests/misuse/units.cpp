// SPDX-License-Identifier: MIT
#include <kvmig/core.hpp>
#include <kvmig/tuning/ksmtuned.hpp>

#include <chrono>

kvmig::byte_rate scanned(kvmig::page_rate of) {
#ifdef RATE_WITHOUT_PAGE
    return of; // error: page_rate.*byte_rate
#else
    return of.of(kvmig::bytes::kib(4));
#endif
}

kvmig::tuning::ksmtuned_step decide() {
    kvmig::tuning::ksmtuned_step out;
#ifdef BYTES_FOR_PAGES
    out.pages_to_scan = kvmig::bytes::mib(4); // error: bytes
#else
    out.pages_to_scan = kvmig::pages::holding(kvmig::bytes::mib(4), kvmig::bytes::kib(4));
#endif
#ifdef NUMBER_FOR_PAGES
    out.pages_to_scan = 1250; // error: int
#endif
#ifdef NUMBER_FOR_TIME
    out.sleep_millisecs = 20; // error: int
#else
    out.sleep_millisecs = std::chrono::milliseconds(20);
#endif
    return out;
}

bool older_than_a_minute(std::chrono::milliseconds age) {
#ifdef PARTS_LOST
    const std::chrono::seconds whole = age; // error: duration
#else
    const auto whole = std::chrono::floor<std::chrono::seconds>(age);
#endif
    return whole > std::chrono::minutes(1);
}

#ifdef RATE_FOR_AMOUNT
inline const auto needed =
    kvmig::byte_rate::mib(110).time_for(kvmig::byte_rate::mib(1)); // error: byte_rate
#else
inline const auto needed = kvmig::byte_rate::mib(110).time_for(kvmig::bytes::gib(1));
#endif
#ifdef PAGES_AND_BYTES
inline const bool more =
    kvmig::pages(3) < kvmig::bytes(4096); // error: (operator<|binary expression)
#endif
