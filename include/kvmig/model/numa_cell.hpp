// SPDX-License-Identifier: MIT
/// A NUMA cell of a host.
#pragma once

#include <kvmig/core/units.hpp>

#include <cstdint>
#include <set>

namespace kvmig::model {

/// Memory, and the CPUs that are near it.
struct numa_cell {
    std::uint32_t id = 0;              ///< the kernel's number of the node
    bytes memory = {};                 ///< all of the node, free or not
    std::set<std::uint32_t> cpus = {}; ///< by the kernel's numbers

    friend bool operator==(const numa_cell &, const numa_cell &) = default;
};

} // namespace kvmig::model
