// SPDX-License-Identifier: MIT
/// The machine's power button: what `virsh shutdown` presses.
#pragma once

#include <kvmig/host/descriptor.hpp>

#include <vector>

namespace kvmig::lab::guest {

/// Every input device that has a power key, opened; they do not block.
[[nodiscard]] std::vector<host::descriptor> power_buttons();

/// Reads the device's events; true when its power key was pressed.
[[nodiscard]] bool power_pressed(const host::descriptor &device);

} // namespace kvmig::lab::guest
