// SPDX-License-Identifier: MIT
/// The subcommand `lab run`, and the run itself.
#pragma once

#include <lab/cli/cli.hpp>
#include <lab/cli/lab_choice.hpp>
#include <lab/scenario/runner.hpp>

#include <string>
#include <string_view>

namespace kvmig::lab::cli {

/// Adds it to the group `lab`.
void add_lab_run(CLI::App &lab, context &ctx);

/// Runs `plan` on the lab's own machines, which are made and brought up first, and prints the table
/// of results; writes the result to `json_file` too (`-`: stdout; empty: nowhere).
[[nodiscard]] exit_status run_in_lab(const lab_choice &lab, std::string_view purpose,
                                     const run_plan &plan, const std::string &json_file,
                                     context &ctx);

} // namespace kvmig::lab::cli
