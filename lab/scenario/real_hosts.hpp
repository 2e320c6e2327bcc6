// SPDX-License-Identifier: MIT
/// Hosts of an inventory as a venue. Other people's guests run there: the lab makes only what bears
/// its prefix, and changes nothing of the hosts themselves.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/scenario/venue.hpp>

#include <stop_token>
#include <string>
#include <vector>

namespace kvmig::lab {

/// What was found out about a site before anything is done on it.
struct examination {
    std::vector<error> problems;    ///< each stands in the way
    std::vector<std::string> notes; ///< what is as well to know
    site where;                     ///< with what the inventory left out
};

/// Looks for everything at once that stands in the way of scenarios: hosts that cannot be reached,
/// without KVM or memory, too unlike; pools, networks and addresses that are not there or not free;
/// things of another lab. Changes nothing. `where` has its prefix (`own_prefix`).
[[nodiscard]] examination examine(site where, const std::stop_token &stop);

/// Removes what an earlier run has left of `where`'s prefix, and puts the guest's kernel and
/// initramfs into the store: the venue on these hosts.
[[nodiscard]] expected<venue> enter(site where, const progress &tell, const std::stop_token &stop);

/// Removes all that the lab has on these hosts.
[[nodiscard]] expected<void> leave(const site &where, const progress &tell);

} // namespace kvmig::lab
