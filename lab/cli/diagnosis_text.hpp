// SPDX-License-Identifier: MIT
/// A diagnosis as JSON and as text for people.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/diagnosis/report.hpp>

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace kvmig::lab::cli {

/// The shape `kvmig.diagnosis/1`.
[[nodiscard]] nlohmann::json diagnosis_json(const diagnosis::report &found);

/// Lines for a terminal; ends with a newline.
[[nodiscard]] std::string diagnosis_text(const diagnosis::report &found);

/// Whether a failure has causes that the user cannot know: it was neither asked for, nor is
/// something wrong with the request or with this machine.
[[nodiscard]] bool worth_explaining(const error &why) noexcept;

/// Prints the causes on stderr, behind the failure that they explain; nothing where none is known.
void tell_causes(const diagnosis::report &found);

} // namespace kvmig::lab::cli
