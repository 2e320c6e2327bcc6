// SPDX-License-Identifier: MIT
/// A cap on what a running guest writes to its disk.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/libvirt/domain_limits.hpp>
#include <kvmig/tuning/iotune.hpp>

#include <utility>

namespace kvmig::lab {

/// Caps what `who` writes to `vda`, until it ends; 0 takes the cap away.
[[nodiscard]] inline expected<void> cap_writes(const libvirt::domain &who, byte_rate most) {
    auto limits = libvirt::read_iotune(who, "vda", VIR_DOMAIN_AFFECT_LIVE);
    if (!limits) return fail(std::move(limits).error());
    (*limits)[tuning::io_limit::write_bytes].avg = most.per_second();
    return libvirt::write_iotune(who, "vda", *limits, VIR_DOMAIN_AFFECT_LIVE);
}

} // namespace kvmig::lab
