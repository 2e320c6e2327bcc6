// SPDX-License-Identifier: MIT
/// The documented failures on the lab: as scenarios, and handed over to a person.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/fault/fault.hpp>
#include <lab/scenario/scenario.hpp>

#include <string>
#include <vector>

namespace kvmig::lab {

/// One scenario for each failure.
[[nodiscard]] std::vector<scenario> failures();

/// Starts the failure's guest on kvm01 of a clean lab, and breaks what is to be broken. What breaks
/// in the middle of a migration is left whole.
[[nodiscard]] expected<void> hand_over(const fault &what, scenario_context &context);

/// The documented attempt, to be made on kvm01.
[[nodiscard]] std::vector<std::string> attempt_by_virsh(const fault &what);

} // namespace kvmig::lab
