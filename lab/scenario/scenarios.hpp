// SPDX-License-Identifier: MIT
/// Each scenario is defined in the file of its name.
#pragma once

#include <lab/scenario/scenario.hpp>

namespace kvmig::lab {

[[nodiscard]] scenario live_shared();

} // namespace kvmig::lab
