// SPDX-License-Identifier: MIT
/// Migrations as JSON: statistics under libvirt's names and in libvirt's units (milliseconds,
/// bytes, bytes per second, pages, pages per second, per cent); what is not known is left out.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/model/job.hpp>
#include <kvmig/run/migrate_cold.hpp>
#include <kvmig/run/migration_result.hpp>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace kvmig::lab::cli {

[[nodiscard]] nlohmann::json to_json(const error &err);
[[nodiscard]] nlohmann::json to_json(const model::host &host);
[[nodiscard]] nlohmann::json to_json(const model::job_statistics &statistics);
[[nodiscard]] nlohmann::json to_json(const model::job_progress &progress);

/// `[{"at", "from", "on", "to"}]`, `at` in milliseconds since `begun`.
[[nodiscard]] nlohmann::json to_json(const std::vector<run::timed_step> &steps,
                                     std::chrono::steady_clock::time_point begun);
/// `kvmig.migrate/1` of a migration that succeeded.
[[nodiscard]] nlohmann::json to_json(const run::migration_result &result);
/// The same of a cold one.
[[nodiscard]] nlohmann::json to_json(const run::cold_result &result);

/// What was seen of a migration that did not succeed.
struct unmoved {
    error why;
    std::string source; ///< hosts, by name
    std::string destination;
    std::chrono::steady_clock::time_point begun; ///< from when times of samples count
    std::chrono::steady_clock::time_point ended;
    std::vector<run::timed_step> steps;
    std::vector<model::job_progress> samples;
};
/// `kvmig.migrate/1` of it.
[[nodiscard]] nlohmann::json to_json(const unmoved &what);

} // namespace kvmig::lab::cli
