// SPDX-License-Identifier: MIT
/// How a migration is steered, as data.
#pragma once

#include <kvmig/convergence/forecast.hpp>
#include <kvmig/convergence/sample.hpp>
#include <kvmig/convergence/window.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace kvmig::convergence {

/// What helps a migration that will not end by itself, or ends it.
enum class aid : std::uint8_t {
    longer_pause,  ///< let it switch over with what remains, if little more than is allowed
    longest_pause, ///< allow `policy::longest_pause`, once
    post_copy,     ///< run the guest at the destination, and let the rest follow
    suspend,       ///< stop the guest, so that it dirties nothing
    abort,         ///< give up
};

/// The enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(aid a) noexcept {
    switch (a) {
    case aid::longer_pause: return "longer_pause";
    case aid::longest_pause: return "longest_pause";
    case aid::post_copy: return "post_copy";
    case aid::suspend: return "suspend";
    case aid::abort: return "abort";
    }
    return "unknown";
}

/// From so many passes after the first on, this much pause is allowed.
struct pause_by_passes {
    std::uint64_t passes; ///< 1 is the first that sends again what was dirtied
    milliseconds pause;   ///< at least; a longer one stays
};

/// The pause grows from `first` to `last` in `steps` equal steps, one each time that `apart`, for
/// each GiB of memory, has gone by.
struct pause_by_time {
    milliseconds first;         ///< from the start on
    milliseconds last;          ///< from the last step on
    std::uint32_t steps;        ///< from `first` to `last`; at least 1
    std::chrono::seconds apart; ///< for each GiB of memory
};

/// The pause doubles, up to `most`, whenever what remains was seen to rise more than `rises`
/// times.
struct pause_by_rises {
    std::uint32_t rises; ///< that do not count yet
    milliseconds most;   ///< no longer than this
};

/// A way to steer. The pause is only ever raised.
struct policy {
    std::string_view name;                                  ///< for `--policy`
    std::optional<milliseconds> first_pause = std::nullopt; ///< absent: left as it is
    /// With rising passes; empty: passes raise nothing.
    std::span<const pause_by_passes> by_passes = {};
    std::optional<pause_by_time> by_time = std::nullopt;      ///< absent: time raises nothing
    std::optional<pause_by_rises> by_rises = std::nullopt;    ///< absent: rises raise nothing
    std::optional<milliseconds> longest_pause = std::nullopt; ///< what `aid::longest_pause` allows

    window_settings window = {};    ///< what is remembered of the samples
    forecast_settings judging = {}; ///< when a forecast says "no"
    /// Acting on a forecast of "no": at a moment when no more than this part of the least in the
    /// window remains, so that the pause, or what post-copy has to fetch, is short.
    double near_least = 1.04;
    /// `longer_pause` allows no more than this part of the pause allowed so far.
    double tolerated = 1.5;

    std::span<const aid> when_hopeless = {}; ///< the first that is to be had
    /// So long for each GiB of memory and disk that remained at first; absent: for ever.
    std::optional<std::chrono::seconds> time_per_gib = std::nullopt;
    /// The first that is to be had, after `time_per_gib`.
    std::span<const aid> when_out_of_time = {};
};

namespace policies {

namespace detail {
inline constexpr std::array abort_only = {aid::abort};
inline constexpr std::array post_copy_or_suspend = {aid::post_copy, aid::suspend};
inline constexpr std::array post_copy_or_abort = {aid::post_copy, aid::abort};
inline constexpr std::array pause_or_post_copy = {aid::longer_pause, aid::post_copy};
inline constexpr std::array any_but_suspend = {aid::post_copy, aid::longer_pause, aid::abort};
inline constexpr std::array pause_at_last = {aid::post_copy, aid::longest_pause, aid::abort};
inline constexpr std::array<pause_by_passes, 5> five_passes = {{{1, milliseconds{150}},
                                                                {2, milliseconds{200}},
                                                                {3, milliseconds{300}},
                                                                {4, milliseconds{400}},
                                                                {6, milliseconds{500}}}};
} // namespace detail

/// Watches and tells; touches nothing.
inline constexpr policy watch = {.name = "watch"};

/// Keeps the pause that was promised, but for half as much again, and else goes to post-copy where
/// that is allowed. Never suspends nor aborts.
inline constexpr policy gentle = {.name = "gentle", .when_hopeless = detail::pause_or_post_copy};

/// Eleven steps up to 500 ms, 75 s for each GiB apart; after 800 s for each GiB, post-copy or else
/// the guest is suspended. As OpenStack's Nova steers when it is to force completion.
inline constexpr policy linear = {
    .name = "linear",
    .by_time = pause_by_time{milliseconds{50}, milliseconds{500}, 10, std::chrono::seconds{75}},
    .time_per_gib = std::chrono::seconds{800},
    .when_out_of_time = detail::post_copy_or_suspend};

/// 100 ms, then up to 500 ms by passes over memory; then post-copy, 5 s of pause, or abort. As
/// oVirt's VDSM steers.
inline constexpr policy by_passes = {.name = "by-passes",
                                     .first_pause = milliseconds{100},
                                     .by_passes = detail::five_passes,
                                     .longest_pause = milliseconds{5000},
                                     .when_hopeless = detail::pause_at_last};

/// A window of 40 s; without progress in it, at a moment when little remains: post-copy, or half
/// as much pause again, or abort; and a time for each GiB. As KubeVirt steers.
inline constexpr policy stall_window = {.name = "stall-window",
                                        .when_hopeless = detail::any_but_suspend,
                                        .time_per_gib = std::chrono::seconds{800},
                                        .when_out_of_time = detail::post_copy_or_abort};

/// The pause doubles from 100 ms whenever what remains rose more than five times. As Proxmox
/// steers. QEMU takes no more than 2000 s.
inline constexpr policy doubling = {.name = "doubling",
                                    .first_pause = milliseconds{100},
                                    .by_rises = pause_by_rises{5, milliseconds{2'000'000}}};

/// Every one, in the order of `--help`.
inline constexpr std::array all = {watch, gentle, linear, by_passes, stall_window, doubling};

/// The policy of that name, or nothing.
[[nodiscard]] constexpr std::optional<policy> named(std::string_view name) {
    for (const policy &p : all) {
        if (p.name == name) return p;
    }
    return std::nullopt;
}

} // namespace policies

} // namespace kvmig::convergence
