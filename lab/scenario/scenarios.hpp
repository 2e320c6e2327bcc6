// SPDX-License-Identifier: MIT
/// Each scenario is defined in the file of its name, or of its family's.
#pragma once

#include <lab/scenario/scenario.hpp>

namespace kvmig::lab {

[[nodiscard]] scenario cold_shared();
[[nodiscard]] scenario cold_local_file();
[[nodiscard]] scenario cold_local_lvm();
[[nodiscard]] scenario cold_state_save();
[[nodiscard]] scenario cold_state_snapshot();
[[nodiscard]] scenario live_shared();
[[nodiscard]] scenario live_shared_mount();
[[nodiscard]] scenario live_nfs_direct();
[[nodiscard]] scenario live_block();
[[nodiscard]] scenario live_incremental();
[[nodiscard]] scenario live_cancel();
[[nodiscard]] scenario live_speed();
[[nodiscard]] scenario live_downtime();
[[nodiscard]] scenario live_converge();
[[nodiscard]] scenario live_recovery();
[[nodiscard]] scenario recovery_live();
[[nodiscard]] scenario recovery_p2p();
[[nodiscard]] scenario recovery_postcopy();
[[nodiscard]] scenario recovery_steered();
[[nodiscard]] scenario recovery_incremental();
[[nodiscard]] scenario recovery_cold_images();
[[nodiscard]] scenario recovery_block();
[[nodiscard]] scenario recovery_cold();
[[nodiscard]] scenario live_postcopy();
[[nodiscard]] scenario live_parallel();
[[nodiscard]] scenario live_auto();
[[nodiscard]] scenario live_media();
[[nodiscard]] scenario live_bridge();
[[nodiscard]] scenario live_macvtap();
[[nodiscard]] scenario live_32_64();
[[nodiscard]] scenario live_passthrough();
[[nodiscard]] scenario live_tls();
[[nodiscard]] scenario live_100mbit();
[[nodiscard]] scenario live_monitor();
[[nodiscard]] scenario shared_proof();
[[nodiscard]] scenario check_canary();
[[nodiscard]] scenario check_facts();

[[nodiscard]] scenario tune_domain();

[[nodiscard]] scenario bench_ksm();
[[nodiscard]] scenario bench_blkio();
[[nodiscard]] scenario bench_hugepages();
[[nodiscard]] scenario bench_memtune();
[[nodiscard]] scenario bench_profile();
[[nodiscard]] scenario bench_migration_under_tuning();

} // namespace kvmig::lab
