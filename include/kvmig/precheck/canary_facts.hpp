// SPDX-License-Identifier: MIT
/// What became of a canary: a tiny guest that was migrated in the guest's place.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::precheck {

/// What became of a canary.
enum class canary_fate : std::uint8_t {
    arrived, ///< at the destination
    lost,    ///< its migration failed
    untried, ///< it could not be migrated: nothing is known
};

/// The word of `kvmig.facts/1` and `kvmig.check/1`, which is the enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(canary_fate what) noexcept {
    switch (what) {
    case canary_fate::arrived: return "arrived";
    case canary_fate::lost: return "lost";
    case canary_fate::untried: return "untried";
    }
    return "unknown";
}

/// A cause that the diagnosis named, the likeliest first.
struct canary_cause {
    std::string id;                  ///< of the catalogue, e.g. `KVM-NET-001`
    std::string title;               ///< of the catalogue, a few words
    std::string confidence;          ///< `certain`, `likely`, `possible`
    std::vector<std::string> remedy; ///< commands, each for a POSIX shell here

    friend bool operator==(const canary_cause &, const canary_cause &) = default;
};

/// What a canary told.
struct canary_facts {
    canary_fate fate = canary_fate::untried; ///< what the rest is about
    std::string host;                        ///< where it failed; empty when it arrived
    std::string said;                  ///< the failure in libvirt's words; empty when it arrived
    std::vector<canary_cause> causes;  ///< empty when none is known
    std::vector<std::string> left_out; ///< what of the guest it did without
    std::vector<std::string> swept;    ///< old canaries of others that were removed
    std::vector<std::string> remains;  ///< what could not be removed, and why
    std::chrono::milliseconds took{0}; ///< in all, until it was removed

    friend bool operator==(const canary_facts &, const canary_facts &) = default;
};

} // namespace kvmig::precheck
