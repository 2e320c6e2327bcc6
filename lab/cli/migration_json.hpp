// SPDX-License-Identifier: MIT
/// Migrations as JSON: statistics under libvirt's names and in libvirt's units (milliseconds,
/// bytes, bytes per second, pages, pages per second, per cent); what is not known is left out.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/model/job.hpp>
#include <kvmig/run/migrate_cold.hpp>
#include <kvmig/run/migration_result.hpp>

#include <nlohmann/json.hpp>

namespace kvmig::lab::cli {

[[nodiscard]] nlohmann::json to_json(const error &err);
[[nodiscard]] nlohmann::json to_json(const model::host &host);
[[nodiscard]] nlohmann::json to_json(const model::job_statistics &statistics);
[[nodiscard]] nlohmann::json to_json(const model::job_progress &progress);

/// `kvmig.migrate/1` of a migration that succeeded.
[[nodiscard]] nlohmann::json to_json(const run::migration_result &result);
/// The same of a cold one.
[[nodiscard]] nlohmann::json to_json(const run::cold_result &result);

} // namespace kvmig::lab::cli
