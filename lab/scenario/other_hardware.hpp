// SPDX-License-Identifier: MIT
/// Hosts that are made of something else than usual, for one scenario.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/machine/machine.hpp>
#include <lab/scenario/scenario.hpp>

namespace kvmig::lab {

/// Cuts the power of both hosts and boots them from their disks as they stand, made of this. The
/// clean restore before the next scenario throws them away.
[[nodiscard]] expected<void> boot_hosts(const scenario_context &context, hardware made_of);

} // namespace kvmig::lab
