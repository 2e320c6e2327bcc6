// SPDX-License-Identifier: MIT
/// What the lab's machines wrote down, kept for whoever looks into a failure.
#pragma once

#include <kvmig/core/error.hpp>
#include <lab/topology/paths.hpp>

#include <filesystem>
#include <vector>

namespace kvmig::lab {

/// Copies into `folder`, for each machine: its console, its journal (libvirtd and kernel among it)
/// and libvirt's logs of QEMU and of guests' consoles. Machines that do not answer are in the list
/// of errors that comes back; what could be had is there. Inside the lab's namespace.
[[nodiscard]] std::vector<error> collect_logs(const lab_paths &paths,
                                              const std::filesystem::path &folder);

} // namespace kvmig::lab
