// SPDX-License-Identifier: MIT
/// How a live migration is steered to its end: by a policy over its samples, and by a time limit.
#pragma once

#include <kvmig/convergence/policy.hpp>
#include <kvmig/convergence/steering.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvmig::run {

/// What is done when a migration has taken as long as it may.
enum class at_limit : std::uint8_t {
    cancel,    ///< the guest goes on at the source
    suspend,   ///< the guest stands still until it has moved; it runs again at the destination
    post_copy, ///< the guest runs at the destination, and its memory follows
};

/// As the command line calls it.
[[nodiscard]] constexpr std::string_view to_string(at_limit what) noexcept {
    switch (what) {
    case at_limit::cancel: return "cancel";
    case at_limit::suspend: return "suspend";
    case at_limit::post_copy: return "post-copy";
    }
    return "unknown";
}

/// After which time something is done, and what.
struct time_limit {
    std::chrono::milliseconds after{0}; ///< since the migration began
    at_limit then = at_limit::cancel;   ///< once; what needs memory to move waits until it does
};

/// Post-copy is used only where the migration has the flag `postcopy`.
struct steering_wish {
    /// How it is steered; `watch` touches nothing.
    convergence::policy policy = convergence::policies::watch;
    bool may_suspend = false; ///< the policy, that is
    bool may_abort = false;   ///< the same
    /// Absent: it may take for ever, but for the policy's own limit.
    std::optional<time_limit> limit{};
    /// The longest downtime: what will not end within it goes to post-copy where that is allowed,
    /// and else is given up. It takes the policy's place.
    std::optional<std::chrono::milliseconds> promise{};
};

/// Something that was decided on the way.
struct steering_step {
    std::chrono::milliseconds at{0};                      ///< since the migration began
    convergence::action what = convergence::action::wait; ///< never `wait`
    std::optional<std::chrono::milliseconds> downtime;    ///< with `set_downtime`
    std::string reason;                                   ///< one sentence without a full stop
};

} // namespace kvmig::run
