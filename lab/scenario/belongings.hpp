// SPDX-License-Identifier: MIT
/// What the lab has on hosts, told by its name, and removed: on hosts that others use too it
/// touches nothing else.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/scenario/hosts.hpp>

#include <set>
#include <string>
#include <vector>

namespace kvmig::lab {

/// What of domains and volumes the lab has on each host, as `HOST: domain NAME` and
/// `HOST: volume NAME in POOL`; volumes of the site's pools.
[[nodiscard]] expected<std::set<std::string>> belongings(const hosts &on);

/// What the names of everything begin with that a lab makes on hosts which are not its own; a word
/// of this user's follows, so that labs tell their things apart.
inline constexpr std::string_view lab_prefix = "kvmig-lab-";

/// This user's prefix, `kvmig-lab-WORD-`: chosen once, and kept in the state directory before
/// anything is made by it.
[[nodiscard]] expected<std::string> own_prefix();

/// What the host has of another user's lab, in the form of `belongings`.
[[nodiscard]] expected<std::vector<std::string>>
belongings_of_others(const libvirt::connection &host, const site &where);

/// Ends and removes all domains and volumes of the site's prefix but the volumes of the names in
/// `keep`, whatever they were doing, and looks that nothing is left. Fails with `invalid_argument`
/// for a site whose prefix is not `own_prefix`'s form.
[[nodiscard]] expected<void> remove_belongings(const hosts &on, const std::set<std::string> &keep);

} // namespace kvmig::lab
