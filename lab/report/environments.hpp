// SPDX-License-Identifier: MIT
/// The environments that runs were made in, and where they differ.
#pragma once

#include <lab/scenario/runner.hpp>

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace kvmig::lab {

/// The environment of each machine that made the run: one, or of a merged run (merge.hpp) several.
[[nodiscard]] std::vector<nlohmann::json> environments_of(const run_result &run);

/// What of an environment is under test: the software of the hosts, and what moves their guests.
inline constexpr const char *software_places[] = {"/kvmig", "/release", "/host/kernel",
                                                  "/host/libvirt", "/host/qemu"};
/// What of an environment decides over speed.
inline constexpr const char *speed_places[] = {"/cpu",          "/cpus",      "/acceleration",
                                               "/release",      "/qemu",      "/host/kernel",
                                               "/host/libvirt", "/host/qemu", "/real_hosts"};

/// Where the environments differ in these places, given as JSON pointers, as `NAME: A, B`.
[[nodiscard]] std::vector<std::string> differences(std::span<const nlohmann::json> environments,
                                                   std::span<const char *const> places);

} // namespace kvmig::lab
