// SPDX-License-Identifier: MIT
/// All of `kvmig/run`.
#pragma once

/// @namespace kvmig::run
/// What puts the rest to work: check, migrate, recover, copy, prove that storage is shared.

#include <kvmig/run/before_migration.hpp>
#include <kvmig/run/check.hpp>
#include <kvmig/run/check_clock.hpp>
#include <kvmig/run/check_names.hpp>
#include <kvmig/run/check_ports.hpp>
#include <kvmig/run/check_proof.hpp>
#include <kvmig/run/check_storage.hpp>
#include <kvmig/run/choose_mode.hpp>
#include <kvmig/run/copied_images.hpp>
#include <kvmig/run/copy.hpp>
#include <kvmig/run/copy_chain.hpp>
#include <kvmig/run/copy_end.hpp>
#include <kvmig/run/copy_engine.hpp>
#include <kvmig/run/copy_local.hpp>
#include <kvmig/run/copy_lock.hpp>
#include <kvmig/run/copy_mark.hpp>
#include <kvmig/run/copy_nfs.hpp>
#include <kvmig/run/copy_one.hpp>
#include <kvmig/run/copy_open.hpp>
#include <kvmig/run/copy_options.hpp>
#include <kvmig/run/copy_pieces.hpp>
#include <kvmig/run/copy_plan.hpp>
#include <kvmig/run/copy_rebased.hpp>
#include <kvmig/run/describe_cold.hpp>
#include <kvmig/run/drive_cold.hpp>
#include <kvmig/run/drive_live.hpp>
#include <kvmig/run/driver.hpp>
#include <kvmig/run/failure.hpp>
#include <kvmig/run/forecast.hpp>
#include <kvmig/run/image_facts.hpp>
#include <kvmig/run/image_targets.hpp>
#include <kvmig/run/inbox.hpp>
#include <kvmig/run/journaled.hpp>
#include <kvmig/run/look.hpp>
#include <kvmig/run/memory_journal.hpp>
#include <kvmig/run/migrate.hpp>
#include <kvmig/run/migrate_between.hpp>
#include <kvmig/run/migrate_cold.hpp>
#include <kvmig/run/migrate_cold_copied.hpp>
#include <kvmig/run/migration_result.hpp>
#include <kvmig/run/on_host.hpp>
#include <kvmig/run/open.hpp>
#include <kvmig/run/plan_cold.hpp>
#include <kvmig/run/plan_images.hpp>
#include <kvmig/run/plan_live.hpp>
#include <kvmig/run/plan_migration.hpp>
#include <kvmig/run/plan_transport.hpp>
#include <kvmig/run/prove_shared.hpp>
#include <kvmig/run/recover.hpp>
#include <kvmig/run/rsync.hpp>
#include <kvmig/run/sampler.hpp>
#include <kvmig/run/settle.hpp>
#include <kvmig/run/shared_images.hpp>
#include <kvmig/run/shared_place.hpp>
#include <kvmig/run/shared_place_libvirt.hpp>
#include <kvmig/run/shared_place_local.hpp>
#include <kvmig/run/shared_place_nfs.hpp>
#include <kvmig/run/steer.hpp>
#include <kvmig/run/storage_targets.hpp>
#include <kvmig/run/target_images.hpp>
#include <kvmig/run/whereabouts.hpp>
