// SPDX-License-Identifier: MIT
/// A domain's weights and limits of block I/O, as libvirt holds them. `flags` is
/// `VIR_DOMAIN_AFFECT_LIVE` or `VIR_DOMAIN_AFFECT_CONFIG`.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/domain_limits.hpp>
#include <kvmig/libvirt/typed_parameters.hpp>
#include <kvmig/tuning/blkiotune.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace kvmig::libvirt {

/// Those in force, or defined.
[[nodiscard]] inline expected<tuning::blkiotune> read_blkiotune(const domain &of, unsigned flags) {
    const auto params = detail::read_parameters(
        of, "cannot read the tuning of block I/O", [&](virTypedParameterPtr into, int *n) {
            return virDomainGetBlkioParameters(of.raw(), into, n, flags);
        });
    if (!params) return fail(params.error());
    tuning::blkiotune out;
    out.weight =
        static_cast<std::uint32_t>(params->view().number(VIR_DOMAIN_BLKIO_WEIGHT).value_or(0));
    for (const tuning::blkio_device &each : tuning::blkio_devices) {
        auto disks = tuning::parse_per_disk(params->view().text(each.name).value_or(""));
        if (!disks) return fail(std::move(disks).error());
        out.*each.of = *std::move(disks);
    }
    return out;
}

namespace detail {

/// Sets a weight by `set` so that `read` tells it, whatever systemd makes of it on the way.
template <class Set, class Read>
[[nodiscard]] expected<void> set_weight(std::uint32_t weight, Set set, Read read) {
    if (auto done = set(weight); !done) return done;
    const expected<std::uint32_t> now = read();
    if (!now) return fail(now.error());
    if (*now == weight || *now != tuning::bfq_weight_of(weight)) return {};
    return set(tuning::io_weight_for_bfq(weight));
}

} // namespace detail

/// Sets those that differ; a disk's number that is no longer there is set to 0, which takes it out
/// of the definition, and a limit away from what runs.
[[nodiscard]] inline expected<void> write_blkiotune(const domain &of, const tuning::blkiotune &to,
                                                    unsigned flags) {
    const auto now = read_blkiotune(of, flags);
    if (!now) return fail(now.error());
    const auto set = [&](const char *name, const auto &value) -> expected<void> {
        typed_parameters params;
        if (auto added = params.add(name, value); !added) return added;
        if (virDomainSetBlkioParameters(of.raw(), params.data(), params.size(), flags) < 0) {
            return fail(of.problem("cannot set the tuning of block I/O"));
        }
        return {};
    };
    for (const tuning::blkio_device &each : tuning::blkio_devices) {
        const tuning::per_disk &there = (*now).*each.of;
        tuning::per_disk disks = to.*each.of;
        for (const auto &[path, value] : there) disks.try_emplace(path, 0U);
        for (const auto &[path, value] : there) {
            if (disks[path] == value) disks.erase(path);
        }
        if (disks.empty()) continue;
        if (auto done = set(each.name, tuning::to_text(disks)); !done) return done;
    }
    if (now->weight == to.weight) return {};
    return detail::set_weight(
        to.weight, [&](unsigned weight) { return set(VIR_DOMAIN_BLKIO_WEIGHT, weight); },
        [&]() -> expected<std::uint32_t> {
            const auto told = read_blkiotune(of, flags);
            if (!told) return fail(told.error());
            return told->weight;
        });
}

} // namespace kvmig::libvirt
