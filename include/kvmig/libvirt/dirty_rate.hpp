// SPDX-License-Identifier: MIT
/// How fast a running guest changes its memory, as QEMU estimates it by samples of pages.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/typed_parameters.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

namespace kvmig::libvirt {

/// What is known of the estimate that was started last.
struct dirty_rate_estimate {
    bool running = false;          ///< QEMU still looks: `VIR_DOMAIN_DIRTYRATE_MEASURING`
    std::optional<byte_rate> rate; ///< absent until it has ended
    std::chrono::seconds over{0};  ///< for so long it looks
};

/// Of the statistics of a domain.
[[nodiscard]] inline dirty_rate_estimate to_dirty_rate(parameter_view told) {
    dirty_rate_estimate out;
    const auto status = told.number("dirtyrate.calc_status");
    out.running = status == std::uint64_t{VIR_DOMAIN_DIRTYRATE_MEASURING};
    out.over = std::chrono::seconds(told.number("dirtyrate.calc_period").value_or(0));
    const auto mib = told.number("dirtyrate.megabytes_per_second");
    if (status == std::uint64_t{VIR_DOMAIN_DIRTYRATE_MEASURED} && mib) {
        out.rate = byte_rate::mib(*mib);
    }
    return out;
}

/// Begins to look, for 1 to 60 s; the guest runs on (`virDomainStartDirtyRateCalc`).
[[nodiscard]] inline expected<void> start_dirty_rate(const domain &of, std::chrono::seconds over) {
    if (virDomainStartDirtyRateCalc(of.raw(), static_cast<int>(over.count()), 0) < 0) {
        return fail(of.problem("cannot estimate the dirty rate"));
    }
    return {};
}

/// What came of it so far (`VIR_DOMAIN_STATS_DIRTYRATE`).
[[nodiscard]] inline expected<dirty_rate_estimate> read_dirty_rate(const domain &of) {
    std::array<virDomainPtr, 2> domains{of.raw(), nullptr};
    virDomainStatsRecordPtr *records = nullptr;
    const int count =
        virDomainListGetStats(domains.data(), VIR_DOMAIN_STATS_DIRTYRATE, &records, 0);
    if (count < 0) return fail(of.problem("cannot read the dirty rate"));
    dirty_rate_estimate out;
    if (count > 0) out = to_dirty_rate({records[0]->params, records[0]->nparams});
    virDomainStatsRecordListFree(records);
    return out;
}

} // namespace kvmig::libvirt
