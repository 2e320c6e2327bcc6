// SPDX-License-Identifier: MIT
/// The reasons of a forecast: each an observation with its figures.
#pragma once

#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::convergence {

/// What was observed. What the figures are is said beside each.
enum class observed : std::uint8_t {
    too_few_samples,   ///< seen, wanted
    no_rate,           ///< —
    no_dirty_rate,     ///< —
    first_pass,        ///< —
    counter_carried,   ///< the counter's first value
    post_copy,         ///< —
    fits_in_pause,     ///< bytes that a pass left, bytes that fit
    rate_above_dirty,  ///< bytes/s sent, bytes/s dirtied
    dirty_above_rate,  ///< bytes/s dirtied, bytes/s sent
    passes_not_shrink, ///< most bytes left by the newest passes, by those before
    passes_shrink,     ///< the same
    remaining_stalled, ///< least bytes remaining in the window, before it
    remaining_falls,   ///< the same
    link_stalled,      ///< seconds without a byte
    throttle_rising,   ///< per cent now, in the window at first
};

/// One observation.
struct observation {
    observed what;      ///< says what the figures are
    double figure = 0;  ///< the first that stands beside `what`; 0 where none does
    double against = 0; ///< the second; 0 where none does

    friend bool operator==(const observation &, const observation &) = default;
};

namespace detail {

[[nodiscard]] inline std::string size(double count) {
    static constexpr std::array<std::string_view, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    while (count >= 1024 && unit + 1 < units.size()) {
        count /= 1024;
        ++unit;
    }
    return fmt::format("{:.{}f} {}", count, unit == 0 ? 0 : 1, units[unit]);
}

} // namespace detail

/// As a clause of a sentence.
[[nodiscard]] inline std::string describe(const observation &o) {
    const auto a = [&] { return detail::size(o.figure); };
    const auto b = [&] { return detail::size(o.against); };
    switch (o.what) {
    case observed::too_few_samples:
        return fmt::format("only {:.0f} of {:.0f} samples have been seen", o.figure, o.against);
    case observed::no_rate: return "the daemon does not tell how fast memory is sent";
    case observed::no_dirty_rate: return "the daemon does not tell how fast memory is dirtied";
    case observed::first_pass:
        return "memory is being sent for the first time: what the guest dirties shows in the next "
               "pass";
    case observed::counter_carried:
        return fmt::format("the pass counter stood at {:.0f} when it was first seen; passes are "
                           "counted from there",
                           o.figure);
    case observed::post_copy: return "in post-copy each page is sent once";
    case observed::fits_in_pause:
        return fmt::format("a pass leaves {}, and {} fit in the pause that is allowed", a(), b());
    case observed::rate_above_dirty: return fmt::format("{}/s are sent and {}/s dirtied", a(), b());
    case observed::dirty_above_rate: return fmt::format("{}/s are dirtied and {}/s sent", a(), b());
    case observed::passes_not_shrink:
        return fmt::format("each pass leaves as much as the one before: {} now, {} before", a(),
                           b());
    case observed::passes_shrink:
        return fmt::format("each pass leaves less than the one before: {} now, {} before", a(),
                           b());
    case observed::remaining_stalled:
        return fmt::format("what remains has not fallen: at least {} lately, {} before", a(), b());
    case observed::remaining_falls:
        return fmt::format("what remains falls: at least {} lately, {} before", a(), b());
    case observed::link_stalled: return fmt::format("nothing has been sent for {:.0f} s", o.figure);
    case observed::throttle_rising:
        return fmt::format("auto-converge slows the guest more and more: by {:.0f} % now, {:.0f} % "
                           "before",
                           o.figure, o.against);
    }
    return "";
}

/// Joined to one sentence.
[[nodiscard]] inline std::string describe(const std::vector<observation> &all) {
    std::string out;
    for (const observation &o : all) {
        if (!out.empty()) out += "; ";
        out += describe(o);
    }
    return out;
}

} // namespace kvmig::convergence
