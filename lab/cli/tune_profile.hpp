// SPDX-License-Identifier: MIT
/// kvmig tune profile: one of tuned's, or one's own.
#pragma once

#include <lab/cli/tune_request.hpp>

#include <CLI/CLI.hpp>

namespace kvmig::lab::cli {

[[nodiscard]] expected<tune_answer> plan_for_profile(const tune_request &asked,
                                                     const host::kernel_files &files);

/// Takes the name of a profile, a file that is there, or a path.
[[nodiscard]] CLI::Validator profile_or_file();

} // namespace kvmig::lab::cli
