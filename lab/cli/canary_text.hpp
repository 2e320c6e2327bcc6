// SPDX-License-Identifier: MIT
/// What became of a canary, for people and programs.
#pragma once

#include <kvmig/precheck/canary_facts.hpp>

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace kvmig::lab::cli {

/// The field `canary` of `kvmig.check/1`.
[[nodiscard]] nlohmann::json canary_json(const precheck::canary_facts &told);
[[nodiscard]] std::string canary_text(const precheck::canary_facts &told);

} // namespace kvmig::lab::cli
