// SPDX-License-Identifier: MIT
/// One look at a running migration, reduced to what tells whether it will end.
#pragma once

#include <kvmig/core/units.hpp>
#include <kvmig/model/job.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace kvmig::convergence {

using std::chrono::milliseconds;
/// Of forecasts, which are not counted in whole milliseconds.
using seconds = std::chrono::duration<double>;

/// What was told at one moment; a field is absent where the daemon does not report it.
struct sample {
    milliseconds at{0};                ///< since the migration began, on one clock that never jumps
    std::optional<bytes> memory_total; ///< 0: memory is not being sent yet
    /// Still to be sent; what is dirtied meanwhile is added when the pass ends.
    std::optional<bytes> memory_remaining;
    std::optional<bytes> memory_processed;  ///< sent so far, over all passes
    std::optional<bytes> disk_remaining;    ///< of the disks that are copied along
    std::optional<byte_rate> rate;          ///< at which memory is sent
    std::optional<byte_rate> dirty;         ///< at which the guest changes memory
    std::optional<std::uint64_t> iteration; ///< passes over memory, as the counter stands
    /// The pause that is allowed; absent: nobody could tell.
    std::optional<milliseconds> downtime_limit;
    std::optional<std::uint64_t> throttle; ///< per cent, when auto-converge slows the guest
    bool post_copy = false;                ///< the guest runs at the destination already

    /// Memory is being sent: before that, and while disks are mirrored, its fields say nothing.
    [[nodiscard]] constexpr bool in_memory_phase() const noexcept {
        return memory_remaining.has_value() && memory_total.value_or(bytes{1}).count() != 0;
    }

    friend bool operator==(const sample &, const sample &) = default;
};

/// From libvirt's statistics; `limit` is what `virDomainMigrateGetMaxDowntime` told.
[[nodiscard]] inline sample sample_of(const model::job_progress &progress,
                                      std::optional<milliseconds> limit, bool post_copy) {
    const model::job_statistics &s = progress.statistics;
    sample out;
    out.at = progress.since_start;
    out.memory_total = s.memory_total;
    out.memory_remaining = s.memory_remaining;
    out.memory_processed = s.memory_processed;
    out.disk_remaining = s.disk_remaining;
    out.rate = s.memory_bps;
    if (s.memory_dirty_rate && s.memory_page_size) {
        out.dirty = s.memory_dirty_rate->of(*s.memory_page_size);
    }
    out.iteration = s.memory_iteration;
    out.downtime_limit = limit;
    out.throttle = s.auto_converge_throttle;
    out.post_copy = post_copy;
    return out;
}

} // namespace kvmig::convergence
