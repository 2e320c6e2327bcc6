// SPDX-License-Identifier: MIT
/// The processes of a lab, found by a mark in their environment.
///
/// No file of process ids can be right at every moment: whoever is killed between starting a
/// process and writing its id down leaves a stray. A mark in the environment is there from the
/// process's first instruction, and ends with it.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/topology/paths.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace kvmig::lab {

/// The variable whose value is `<lab's directory>:<role>`.
inline constexpr std::string_view process_mark = "KVMIG_LAB_PROCESS";

struct lab_process {
    pid_t pid = 0;
    std::string role; ///< `network`, `machine/kvm01`, `ssh`, …
};

/// The environment entry that marks a process as one of this lab's.
[[nodiscard]] std::pair<std::string, std::string> mark(const lab_paths &paths,
                                                       std::string_view role);

/// Every live process with this lab's mark, this one not among them.
[[nodiscard]] std::vector<lab_process> processes_of(const lab_paths &paths);

/// The one in this role, if it is there.
[[nodiscard]] std::optional<pid_t> find_process(const lab_paths &paths, std::string_view role);

/// Ends these processes: SIGTERM, and SIGKILL for those that are still there after `grace`. Returns
/// when all are gone; `timed_out` names those that a SIGKILL did not end.
[[nodiscard]] expected<void> end_processes(const std::vector<lab_process> &processes,
                                           std::chrono::milliseconds grace);

} // namespace kvmig::lab
