// SPDX-License-Identifier: MIT
/// The result of a run as JSON, schema `kvmig.run/1`.
#pragma once

#include <lab/scenario/runner.hpp>

#include <nlohmann/json.hpp>

namespace kvmig::lab {

/// `{"schema", "environment", "scenarios": [{"id", "outcome", "reason", "seconds", "proofs",
/// "figures", "samples"}]}`, and `"shard": {"index", "count"}` where it is one.
[[nodiscard]] nlohmann::json to_json(const run_result &run);

} // namespace kvmig::lab
