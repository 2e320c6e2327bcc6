// SPDX-License-Identifier: MIT
/// What a figure depends on besides what it measures.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/topology/paths.hpp>

#include <nlohmann/json.hpp>
#include <stop_token>

namespace kvmig::lab {

/// Versions (kvmig, kernel, QEMU here; kernel, libvirt and QEMU on the hosts), CPU, memory, load,
/// acceleration and release. Inside the lab's namespace, the lab up.
[[nodiscard]] expected<nlohmann::json> describe_environment(const lab_paths &paths,
                                                            const std::stop_token &stop);

} // namespace kvmig::lab
