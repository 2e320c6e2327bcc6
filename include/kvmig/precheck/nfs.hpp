// SPDX-License-Identifier: MIT
/// The rules about NFS alone, for who asks about a store and not about a migration.
#pragma once

#include <kvmig/precheck/nfs_facts.hpp>
#include <kvmig/precheck/report.hpp>
#include <kvmig/precheck/table.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace kvmig::precheck {

namespace detail {

constexpr std::size_t place_in_table(const rule &of) noexcept {
    std::size_t at = 0;
    while (rules_table[at].id != of.id) ++at;
    return at;
}

} // namespace detail

/// They stand in a row in the table of all rules.
inline constexpr std::span<const rule> nfs_rules_table =
    std::span(rules_table)
        .subspan(detail::place_in_table(rules::nfs_async),
                 detail::place_in_table(rules::nfs_unknown) -
                     detail::place_in_table(rules::nfs_async) + 1);

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
