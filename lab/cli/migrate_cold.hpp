// SPDX-License-Identifier: MIT
/// What `kvmig migrate --mode cold` has for itself.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/run/migrate_cold.hpp>
#include <kvmig/run/migrate_cold_copied.hpp>
#include <lab/cli/migrate_request.hpp>

#include <nlohmann/json.hpp>
#include <string>

namespace kvmig::lab::cli {

/// A cold migration as the library wants it.
struct cold_request {
    run::cold_options how;
    run::copy_wish copy;
};

/// Fails with `invalid_argument`, naming the option that is wrong, or has a meaning for live
/// migrations only.
[[nodiscard]] expected<cold_request> cold_request_of(const migrate_request &asked);

/// One line for people: `vm1: copying`.
[[nodiscard]] std::string progress_text(const std::string &domain, const run::cold_progress &now);

void print_answer(const run::cold_result &result);

} // namespace kvmig::lab::cli
