// SPDX-License-Identifier: MIT
/// A domain's weights of block I/O, as libvirt holds them. `flags` is `VIR_DOMAIN_AFFECT_LIVE` or
/// `VIR_DOMAIN_AFFECT_CONFIG`.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/domain_limits.hpp>
#include <kvmig/libvirt/typed_parameters.hpp>
#include <kvmig/tuning/blkio_weights.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace kvmig::libvirt {

/// Those in force, or defined.
[[nodiscard]] inline expected<tuning::blkio_weights> read_blkio_weights(const domain &of,
                                                                        unsigned flags) {
    const auto params = detail::read_parameters(
        of, "cannot read the weights of block I/O", [&](virTypedParameterPtr into, int *n) {
            return virDomainGetBlkioParameters(of.raw(), into, n, flags);
        });
    if (!params) return fail(params.error());
    tuning::blkio_weights out;
    out.weight =
        static_cast<std::uint32_t>(params->view().number(VIR_DOMAIN_BLKIO_WEIGHT).value_or(0));
    auto devices = tuning::parse_device_weights(
        params->view().text(VIR_DOMAIN_BLKIO_DEVICE_WEIGHT).value_or(""));
    if (!devices) return fail(std::move(devices).error());
    out.devices = *std::move(devices);
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

/// Sets those that differ; a disk's weight that is no longer there is set to 0, which takes it out
/// of the definition.
[[nodiscard]] inline expected<void>
write_blkio_weights(const domain &of, const tuning::blkio_weights &to, unsigned flags) {
    const auto now = read_blkio_weights(of, flags);
    if (!now) return fail(now.error());
    const auto set = [&](const char *name, const auto &value) -> expected<void> {
        typed_parameters params;
        if (auto added = params.add(name, value); !added) return added;
        if (virDomainSetBlkioParameters(of.raw(), params.data(), params.size(), flags) < 0) {
            return fail(of.problem("cannot set the weights of block I/O"));
        }
        return {};
    };
    auto devices = to.devices;
    for (const auto &[path, weight] : now->devices) devices.try_emplace(path, 0U);
    for (const auto &[path, weight] : now->devices) {
        if (devices[path] == weight) devices.erase(path);
    }
    if (!devices.empty()) {
        if (auto done = set(VIR_DOMAIN_BLKIO_DEVICE_WEIGHT, tuning::to_text(devices)); !done) {
            return done;
        }
    }
    if (now->weight == to.weight) return {};
    return detail::set_weight(
        to.weight, [&](unsigned weight) { return set(VIR_DOMAIN_BLKIO_WEIGHT, weight); },
        [&]() -> expected<std::uint32_t> {
            const auto told = read_blkio_weights(of, flags);
            if (!told) return fail(told.error());
            return told->weight;
        });
}

} // namespace kvmig::libvirt
