// SPDX-License-Identifier: MIT
/// A host's memory and how hard it is pressed, from the text of procfs.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/tuning/value.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace kvmig::tuning {

/// `/proc/meminfo`, as far as tuning asks.
struct memory_facts {
    /// MemTotal.
    bytes total;
    /// MemFree.
    bytes free;
    /// Buffers; 0 where it is not told.
    bytes buffers;
    /// Cached; 0 where it is not told.
    bytes cached;
    std::optional<bytes> available = {}; ///< MemAvailable, from Linux 3.14 on

    /// What can be had without swapping: MemAvailable, or on kernels without it what ksmtuned
    /// takes for free.
    [[nodiscard]] constexpr bytes to_be_had() const noexcept {
        return available.value_or(free + buffers + cached);
    }

    friend bool operator==(const memory_facts &, const memory_facts &) = default;
};

namespace detail {

/// The number after `NAME:` in a text of lines `NAME:  NUMBER kB`, where `before` may stand before
/// the name.
[[nodiscard]] inline expected<std::optional<bytes>>
kb_of(std::string_view text, std::string_view name, std::string_view before = {}) {
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        std::string_view line = trimmed(text.substr(at, end - at));
        at = end + 1;
        if (!line.starts_with(before)) continue;
        line = trimmed(line.substr(before.size()));
        if (!line.starts_with(name) || line.substr(name.size(), 1) != ":") continue;
        line = trimmed(line.substr(name.size() + 1));
        if (line.ends_with("kB")) line.remove_suffix(2);
        const auto value = number<std::uint64_t>(line, name);
        if (!value) return fail(value.error());
        return bytes::kib(*value);
    }
    return std::nullopt;
}

} // namespace detail

/// The text of `/proc/meminfo`; fails with `protocol` when MemTotal or MemFree is missing.
[[nodiscard]] inline expected<memory_facts> parse_meminfo(std::string_view text) {
    memory_facts out;
    const auto take = [&](std::string_view name, bool needed) -> expected<std::optional<bytes>> {
        auto value = detail::kb_of(text, name);
        if (value && !*value && needed) {
            return fail(make_error(error_kind::protocol, "/proc/meminfo does not tell it")
                            .about(std::string(name)));
        }
        return value;
    };
    const auto total = take("MemTotal", true);
    if (!total) return fail(total.error());
    const auto free = take("MemFree", true);
    if (!free) return fail(free.error());
    const auto buffers = take("Buffers", false);
    if (!buffers) return fail(buffers.error());
    const auto cached = take("Cached", false);
    if (!cached) return fail(cached.error());
    const auto available = take("MemAvailable", false);
    if (!available) return fail(available.error());
    out.total = **total;
    out.free = **free;
    out.buffers = buffers->value_or(bytes{});
    out.cached = cached->value_or(bytes{});
    out.available = *available;
    return out;
}

/// `/proc/pressure/memory` (Documentation/accounting/psi.rst): per cent of the time in which some
/// task, or all of them, waited for memory.
struct memory_pressure {
    /// Some task waited, over the last 10 s.
    double some_avg10 = 0;
    /// Some task waited, over the last 60 s.
    double some_avg60 = 0;
    /// All tasks waited, over the last 10 s.
    double full_avg10 = 0;
    /// All tasks waited, over the last 60 s.
    double full_avg60 = 0;

    friend bool operator==(const memory_pressure &, const memory_pressure &) = default;
};

/// The text of `/proc/pressure/memory`; fails with `protocol` when a figure is missing.
[[nodiscard]] inline expected<memory_pressure> parse_pressure(std::string_view text) {
    memory_pressure out;
    const auto all = words(text);
    const auto figure = [&](std::string_view line, std::string_view name, double &into) {
        bool within = false;
        for (const std::string_view word : all) {
            if (word == "some" || word == "full") within = word == line;
            if (!within || !word.starts_with(name)) continue;
            const std::string_view value = word.substr(name.size());
            const char *const end = value.data() + value.size();
            const auto [stop, code] = std::from_chars(value.data(), end, into);
            return code == std::errc{} && stop == end;
        }
        return false;
    };
    if (!figure("some", "avg10=", out.some_avg10) || !figure("some", "avg60=", out.some_avg60) ||
        !figure("full", "avg10=", out.full_avg10) || !figure("full", "avg60=", out.full_avg60)) {
        return fail(make_error(error_kind::protocol, "memory pressure is written in another way")
                        .about("/proc/pressure/memory"));
    }
    return out;
}

} // namespace kvmig::tuning
