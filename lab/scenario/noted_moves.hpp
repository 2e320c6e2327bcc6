// SPDX-License-Identifier: MIT
/// Live migrations whose figures are laid beside those of others.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/scenario/stage.hpp>

#include <string>
#include <vector>

namespace kvmig::lab {

/// What was seen of some migrations, one value of each.
struct noted_moves {
    std::vector<double> times; ///< milliseconds of libvirt's call
    /// Milliseconds in which it was not heard outside. libvirt's downtime is reckoned from both
    /// hosts' clocks, and so is longer one way than the other.
    std::vector<double> gaps;
    std::vector<double> moved; ///< bytes of memory on the wire, of those of which libvirt told them
};

/// Adds what a migration's result tells, and the gap that its proofs, whose names begin with
/// `prefix`, measured.
void note(noted_moves &into, const run::migration_result &seen, const scenario_result &proven,
          const std::string &prefix);

/// Moves `who` to kvm02, proves it as `stage::move` does, every name begun with `name`, and notes
/// it.
[[nodiscard]] expected<void> move_there(stage &on, performer &who, const std::string &name,
                                        noted_moves &into);
/// Likewise, to kvm01.
[[nodiscard]] expected<void> move_back(stage &on, performer &who, const std::string &name,
                                       noted_moves &into);

/// Measures the time, heartbeat gap and memory moved of `tuned` in per cent of `plain`, each with
/// its interval; what one of the two does not tell is left out. `name` is what was tuned,
/// `plain_name` what it is laid beside.
void tell_moves(scenario_result &out, const std::string &name, const std::string &plain_name,
                const noted_moves &plain, const noted_moves &tuned, const std::string &distorted);

/// Two baselines as one.
[[nodiscard]] noted_moves both_baselines(const noted_moves &before, const noted_moves &again);

} // namespace kvmig::lab
