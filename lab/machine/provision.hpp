// SPDX-License-Identifier: MIT
/// The last touches to freshly booted machines, before they are saved for good.
#pragma once

#include <kvmig/core/expected.hpp>

#include <stop_token>

namespace kvmig::lab {

/// Changes whenever `provision` changes what it does, so that older saved machines are not used.
inline constexpr const char *provision_recipe = "4";

/// Gives both hosts the `netfs` pool on the store, at the same path, and a pool on their own disk,
/// both started; makes what is slow under emulation once, or cheaper; and forgets caches, which
/// need not be saved. Inside the namespace.
[[nodiscard]] expected<void> provision(const std::stop_token &stop);

/// What a later boot of a host leaves to be started, for its shell; harmless where it is.
inline constexpr std::string_view started_by_hand =
    "virsh -q pool-start images; virsh -q pool-start local; "
    "sysctl -qw vm.unprivileged_userfaultfd=1";

} // namespace kvmig::lab
