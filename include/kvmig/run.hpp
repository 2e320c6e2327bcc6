// SPDX-License-Identifier: MIT
/// All of `kvmig/run`.
#pragma once

#include <kvmig/run/before_migration.hpp>
#include <kvmig/run/migrate.hpp>
#include <kvmig/run/migrate_between.hpp>
#include <kvmig/run/migration_result.hpp>
#include <kvmig/run/storage_targets.hpp>
#include <kvmig/run/whereabouts.hpp>
