// SPDX-License-Identifier: MIT
/// A run read back from its JSON, schema `kvmig.run/1` (run.schema.json).
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/scenario/runner.hpp>

#include <string>
#include <string_view>

namespace kvmig::lab {

/// `text` as `to_json` of run_json.hpp wrote it; `folder` stays empty. Fails with
/// `invalid_argument`, naming `name` and the place in it, for anything else.
[[nodiscard]] expected<run_result> parse_run(std::string_view text, const std::string &name);

/// The run in a file, in the run.json of a folder, or kept under this name with the results
/// (`$XDG_STATE_HOME/kvmig/results`). Fails as `parse_run`, and when there is none to be read.
[[nodiscard]] expected<run_result> read_run(const std::string &name);

} // namespace kvmig::lab
