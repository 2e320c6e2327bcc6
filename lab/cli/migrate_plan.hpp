// SPDX-License-Identifier: MIT
/// What `kvmig migrate --dry-run` tells.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/migration/plan.hpp>
#include <lab/cli/migrate_request.hpp>

#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>

namespace kvmig::lab::cli {

/// Plans as the migration itself does, and stops there. `why`: why this mode.
[[nodiscard]] expected<migration::plan> plan_of(const migrate_request &asked,
                                                const libvirt::domain &domain,
                                                const libvirt::connection &destination,
                                                const std::string &why,
                                                const std::stop_token &stop);

/// For people.
[[nodiscard]] std::string plan_text(const migration::plan &plan);
/// `kvmig.plan/1`. Sizes are bytes; what is not known is left out.
[[nodiscard]] nlohmann::json plan_json(const migration::plan &plan);

} // namespace kvmig::lab::cli
