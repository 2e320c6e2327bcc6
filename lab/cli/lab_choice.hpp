// SPDX-License-Identifier: MIT
/// What the subcommands of `lab` that work on a lab share: which one, and what it is made from.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/cli/cli.hpp>
#include <lab/topology/lock.hpp>
#include <lab/topology/paths.hpp>

#include <string>
#include <string_view>

namespace kvmig::lab::cli {

struct lab_choice {
    std::string name = default_lab();
    std::string release; ///< empty: as the lab was, or the default
    std::string accel;   ///< likewise
};

/// `--lab`
void add_lab_option(CLI::App &sub, lab_choice &choice);

/// `--release` and `--accel`, for the commands that may have to make the lab.
void add_making_options(CLI::App &sub, lab_choice &choice);

/// Waits for whoever works on the lab, saying who that is.
[[nodiscard]] expected<file_lock> lock_lab(const lab_paths &paths, std::string_view purpose,
                                           context &ctx);

/// Makes what the lab lacks, and runs this same command inside it: for a command that is outside
/// yet. The lab is locked meanwhile.
[[nodiscard]] exit_status make_and_enter(const lab_paths &paths, const lab_choice &choice,
                                         std::string_view purpose, context &ctx);

} // namespace kvmig::lab::cli
