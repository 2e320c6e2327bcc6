// SPDX-License-Identifier: MIT
/// How far apart the clocks of two hosts are.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/command.hpp>
#include <kvmig/ports/clock.hpp>
#include <kvmig/precheck/facts.hpp>
#include <kvmig/run/check_names.hpp>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::run {

/// A host's clock, between two moments of this process.
struct clock_reading {
    std::chrono::nanoseconds there{0}; ///< since 1970
    ports::steady_time asked;          ///< when it was asked
    ports::steady_time heard;          ///< when it answered
};

namespace detail {

/// `SECONDS.NANOSECONDS`, as `date +%s.%N` prints them. Fails with `protocol`.
[[nodiscard]] inline expected<std::chrono::nanoseconds> parse_clock(std::string_view text) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const char *const end = line.data() + line.size();
    std::int64_t seconds = 0;
    std::uint32_t fraction = 0;
    const auto whole = std::from_chars(line.data(), end, seconds);
    const bool parted = whole.ec == std::errc{} && whole.ptr != end && *whole.ptr == '.';
    const auto digits = parted ? static_cast<std::size_t>(end - whole.ptr - 1) : 0;
    const bool good = digits == 9 && std::from_chars(whole.ptr + 1, end, fraction).ptr == end &&
                      seconds >= 0 && seconds < std::int64_t{1} << 33U; // the nanoseconds fit
    if (!good) {
        return fail(error_kind::protocol,
                    "asked for its clock, the host answered '" + std::string(line) + "'");
    }
    return std::chrono::seconds(seconds) + std::chrono::nanoseconds(fraction);
}

/// Of the second against the first. A clock was read at some moment between asking and hearing:
/// half of that is what the answer can be off.
[[nodiscard]] inline precheck::clock_offset offset_of(const clock_reading &first,
                                                      const clock_reading &second) {
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    const auto off = [](const clock_reading &of) { return (of.heard - of.asked) / 2; };
    const auto apart =
        second.there - first.there - ((second.asked + off(second)) - (first.asked + off(first)));
    return {duration_cast<milliseconds>(apart),
            duration_cast<milliseconds>(off(first) + off(second)) + milliseconds{1}};
}

} // namespace detail

/// The clock of the host at `uri`: here, or over SSH as libvirt goes there.
[[nodiscard]] inline expected<clock_reading>
read_clock_at(const std::string &uri, const std::stop_token &stop = {},
              const std::vector<std::string> &ssh = {}) {
    const ports::system_clock here;
    auto command = command_at(uri, {"date", "+%s.%N"}, ssh);
    if (!command) return fail(std::move(command).error());
    clock_reading out;
    // Closing an SSH connection takes time too, and says nothing.
    command->heard = [&](std::string_view) {
        if (out.heard == ports::steady_time{}) out.heard = here.steady();
    };
    out.asked = here.steady();
    auto result = host::run(*command, stop);
    if (!result) return fail(std::move(result).error());
    if (result->status != 0) return fail(detail::ended(*command, *result));
    auto there = detail::parse_clock(result->out);
    if (!there) return fail(std::move(there).error());
    out.there = *there;
    return out;
}

/// How far the clock of the second host is ahead of that of the first; fails with what kept either
/// from being read.
[[nodiscard]] inline expected<precheck::clock_offset>
compare_clocks(const expected<clock_reading> &first, const expected<clock_reading> &second) {
    if (!first) return fail(first.error());
    if (!second) return fail(second.error());
    return detail::offset_of(*first, *second);
}

} // namespace kvmig::run
