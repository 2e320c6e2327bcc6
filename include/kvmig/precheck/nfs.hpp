// SPDX-License-Identifier: MIT
/// The rules about NFS alone, for who asks about a store and not about a migration.
#pragma once

#include <kvmig/precheck/nfs_facts.hpp>
#include <kvmig/precheck/report.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace kvmig::precheck {

inline constexpr std::array nfs_rules_table{
    // exports
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
    // mounts
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
};

static_assert(std::all_of(nfs_rules_table.begin(), nfs_rules_table.end(),
                          [](const rule &each) { return find_rule(each.id) != nullptr; }),
              "kvmig check has the same rules");

/// What is wrong with exports and mounts, and what it comes to. `ignored` as in `check`.
[[nodiscard]] inline report check_nfs(const nfs_facts &told,
                                      const std::vector<std::string> &ignored = {}) {
    facts all;
    all.nfs = told;
    return check_by(nfs_rules_table, all, ignored);
}

/// The findings alone.
[[nodiscard]] inline std::vector<finding> findings_of(const nfs_facts &told) {
    return check_nfs(told).findings;
}

} // namespace kvmig::precheck
