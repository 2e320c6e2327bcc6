// SPDX-License-Identifier: MIT
/// What is plugged into the guest's PCI buses.
#pragma once

#include <string>
#include <vector>

namespace kvmig::lab::guest {

/// Each device as `vendor:device` in hexadecimal, as in `1af4:1041`; sorted. Nothing where the
/// kernel tells of none.
[[nodiscard]] std::vector<std::string> pci_devices();

} // namespace kvmig::lab::guest
