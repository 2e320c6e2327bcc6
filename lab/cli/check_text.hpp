// SPDX-License-Identifier: MIT
/// Findings of prechecks as JSON and as text for people.
#pragma once

#include <kvmig/precheck/report.hpp>

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace kvmig::lab::cli {

/// The shape `kvmig.check/1`.
[[nodiscard]] nlohmann::json check_json(const precheck::report &found);

/// Lines for a terminal; ends with a newline.
[[nodiscard]] std::string check_text(const precheck::report &found);

} // namespace kvmig::lab::cli
