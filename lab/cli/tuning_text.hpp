// SPDX-License-Identifier: MIT
/// Plans for tuning a host as text for people, and as JSON (`kvmig.tune/1`).
#pragma once

#include <kvmig/host/apply_plan.hpp>
#include <kvmig/tuning/plan.hpp>

#include <nlohmann/json.hpp>
#include <string>

namespace kvmig::lab::cli {

[[nodiscard]] std::string tuning_text(const tuning::plan &all);
[[nodiscard]] std::string notes_text(const tuning::plan &all);

/// `changes` and `notes`; the caller adds the rest.
[[nodiscard]] nlohmann::json tuning_json(const tuning::plan &all);

[[nodiscard]] std::string tuning_text(const host::revert_result &done);
[[nodiscard]] nlohmann::json tuning_json(const host::revert_result &done);

} // namespace kvmig::lab::cli
