// SPDX-License-Identifier: MIT
/// A diagnosis as JSON and as text for people.
#pragma once

#include <kvmig/diagnosis/report.hpp>

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace kvmig::lab::cli {

/// The shape `kvmig.diagnosis/1`.
[[nodiscard]] nlohmann::json diagnosis_json(const diagnosis::report &found);

/// Lines for a terminal; ends with a newline.
[[nodiscard]] std::string diagnosis_text(const diagnosis::report &found);

} // namespace kvmig::lab::cli
