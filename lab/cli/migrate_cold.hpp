// SPDX-License-Identifier: MIT
/// What `kvmig migrate --mode cold` has for itself.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/run/migrate_cold.hpp>
#include <kvmig/run/migrate_cold_copied.hpp>
#include <lab/cli/migrate_request.hpp>

#include <nlohmann/json.hpp>
#include <string>

namespace kvmig::lab::cli {

/// Fails with `invalid_argument`, naming what has a meaning for live migrations only.
[[nodiscard]] expected<run::cold_options> cold_options_of(const migration::options &asked);

/// What is asked of the copy of images. Fails with `invalid_argument`, naming the option.
[[nodiscard]] expected<run::copy_wish> copy_wish_of(const migrate_request &asked);

/// One line for people: `vm1: copying`.
[[nodiscard]] std::string progress_text(const std::string &domain, const run::cold_progress &now);

void print_answer(const run::cold_result &result);

} // namespace kvmig::lab::cli
