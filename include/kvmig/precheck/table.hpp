// SPDX-License-Identifier: MIT
/// Every rule, in the order in which findings are told.
#pragma once

#include <kvmig/precheck/rule.hpp>
#include <kvmig/precheck/rules/canary.hpp>
#include <kvmig/precheck/rules/cpu.hpp>
#include <kvmig/precheck/rules/devices.hpp>
#include <kvmig/precheck/rules/devices_models.hpp>
#include <kvmig/precheck/rules/identity.hpp>
#include <kvmig/precheck/rules/lifecycle.hpp>
#include <kvmig/precheck/rules/memory.hpp>
#include <kvmig/precheck/rules/names.hpp>
#include <kvmig/precheck/rules/network.hpp>
#include <kvmig/precheck/rules/nfs_exports.hpp>
#include <kvmig/precheck/rules/nfs_mounts.hpp>
#include <kvmig/precheck/rules/peer.hpp>
#include <kvmig/precheck/rules/security.hpp>
#include <kvmig/precheck/rules/storage.hpp>
#include <kvmig/precheck/rules/storage_copy.hpp>
#include <kvmig/precheck/rules/storage_images.hpp>
#include <kvmig/precheck/rules/time.hpp>
#include <kvmig/precheck/rules/transport.hpp>
#include <kvmig/precheck/rules/versions.hpp>

#include <array>
#include <cstddef>
#include <string_view>

namespace kvmig::precheck {

/// Every rule, in the order in which findings are told.
inline constexpr std::array rules_table{
    // identity
    rules::same_host,
    rules::name_taken,
    rules::uuid_taken,
    rules::already_running,
    rules::definition_there,
    // names
    rules::loopback_name,
    rules::unresolved,
    rules::one_name,
    // transport
    rules::cannot_migrate,
    rules::ports_rejected,
    rules::ports_dropped,
    rules::no_network,
    rules::peer_host_key,
    rules::peer_denied,
    rules::peer_stuck,
    // versions
    rules::architecture,
    rules::machine_missing,
    rules::older_qemu,
    rules::older_libvirt,
    rules::firmware,
    // CPU
    rules::no_kvm,
    rules::vendor,
    rules::cpu_mode,
    rules::cpu_fits,
    rules::passthrough,
    rules::invtsc,
    rules::vcpus,
    // memory
    rules::memory_short,
    rules::huge_pages,
    rules::modules,
    // storage
    rules::not_shared,
    rules::image_missing,
    rules::backing_missing,
    rules::pool_missing,
    rules::stale_handle,
    rules::medium,
    rules::transient,
    rules::format,
    rules::cache,
    rules::unlocked,
    rules::target_size,
    rules::space,
    // NFS, where somebody asked; in a row, which precheck/nfs.hpp takes
    rules::nfs_async,
    rules::nfs_no_root_squash,
    rules::nfs_everybody,
    rules::nfs_detached,
    rules::nfs_export_ro,
    rules::nfs_squash,
    rules::nfs_fsid,
    rules::nfs_same_fsid,
    rules::nfs_insecure,
    rules::nfs_subtree,
    rules::nfs_mount_ro,
    rules::nfs_soft,
    rules::nfs_local_locks,
    rules::nfs_versions,
    rules::nfs_mountpoints,
    rules::nfs_other_export,
    rules::nfs_addresses,
    rules::nfs_caching,
    rules::nfs_udp,
    rules::nfs_one_side,
    rules::nfs_unknown,
    // network
    rules::bridge,
    rules::network_missing,
    rules::network_stopped,
    rules::macvtap,
    rules::filter,
    rules::listen_address,
    rules::user_network,
    // devices
    rules::host_device,
    rules::usb_device,
    rules::vdpa,
    rules::vhost_user,
    rules::virtiofs,
    rules::share_9p,
    rules::graphics_3d,
    rules::shmem,
    rules::tpm_kind,
    rules::swtpm,
    rules::encrypted,
    rules::hyperv,
    rules::vdagent,
    // security
    rules::security_model,
    rules::secret,
    // lifecycle
    rules::shut_off,
    rules::io_error,
    rules::snapshots,
    rules::block_jobs,
    rules::migrating,
    rules::busy,
    rules::saved,
    rules::autostart,
    // time
    rules::clocks_differ,
    // the canary, where one was sent
    rules::canary_lost,
    rules::canary_remains,
};

/// The rule of that id; null when there is none.
[[nodiscard]] constexpr const rule *find_rule(std::string_view id) noexcept {
    for (const rule &each : rules_table) {
        if (each.id == id) return &each;
    }
    return nullptr;
}

namespace detail {

[[nodiscard]] constexpr bool ids_differ() {
    for (std::size_t i = 0; i < rules_table.size(); ++i) {
        for (std::size_t j = i + 1; j < rules_table.size(); ++j) {
            if (rules_table[i].id == rules_table[j].id) return false;
        }
    }
    return true;
}

} // namespace detail

static_assert(detail::ids_differ(), "an id stands for one rule");

} // namespace kvmig::precheck
