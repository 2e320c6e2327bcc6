// SPDX-License-Identifier: MIT
/// Jobs of a domain: their statistics under libvirt's own names (`VIR_DOMAIN_JOB_*` in
/// libvirt-domain.h), each of them optional, in typed units.
#pragma once

#include <kvmig/core/units.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvmig::model {

/// `virDomainJobType`.
enum class job_type : std::uint8_t { none, bounded, unbounded, completed, failed, cancelled };

/// `virDomainJobOperation`.
enum class job_operation : std::uint8_t {
    unknown,
    start,
    save,
    restore,
    migration_in,
    migration_out,
    snapshot,
    snapshot_revert,
    dump,
    backup,
    snapshot_delete,
};

/// Its name.
[[nodiscard]] constexpr std::string_view to_string(job_type type) noexcept {
    switch (type) {
    case job_type::none: return "none";
    case job_type::bounded: return "bounded";
    case job_type::unbounded: return "unbounded";
    case job_type::completed: return "completed";
    case job_type::failed: return "failed";
    case job_type::cancelled: return "cancelled";
    }
    return "unknown";
}

/// Its name.
[[nodiscard]] constexpr std::string_view to_string(job_operation operation) noexcept {
    switch (operation) {
    case job_operation::unknown: return "unknown";
    case job_operation::start: return "start";
    case job_operation::save: return "save";
    case job_operation::restore: return "restore";
    case job_operation::migration_in: return "migration_in";
    case job_operation::migration_out: return "migration_out";
    case job_operation::snapshot: return "snapshot";
    case job_operation::snapshot_revert: return "snapshot_revert";
    case job_operation::dump: return "dump";
    case job_operation::backup: return "backup";
    case job_operation::snapshot_delete: return "snapshot_delete";
    }
    return "unknown";
}

/// What `virDomainGetJobStats` tells. Only the source has them while a migration runs; a field
/// is absent where the daemon does not report it. `time_elapsed` and `downtime` of a completed
/// migration are reckoned from both hosts' clocks; the `_net` fields leave out the hand-over of
/// control and are measured on one clock.
struct job_statistics {
    job_type type = job_type::none; ///< what sort of job runs, or how the last one ended
    /// Absent: not told; `unknown`: one that this version does not know.
    std::optional<job_operation> operation;

    std::optional<std::chrono::milliseconds> time_elapsed; ///< since the job began
    /// Since the job began, without the hand-over.
    std::optional<std::chrono::milliseconds> time_elapsed_net;
    /// An estimate, of `bounded` jobs only.
    std::optional<std::chrono::milliseconds> time_remaining;
    /// While it runs: what is expected; of a completed migration: what was measured.
    std::optional<std::chrono::milliseconds> downtime;
    /// Of a completed migration, without the hand-over.
    std::optional<std::chrono::milliseconds> downtime_net;
    std::optional<std::chrono::milliseconds> setup_time; ///< before the first pass over memory

    std::optional<bytes> data_total;     ///< memory and disks together, as the next two
    std::optional<bytes> data_processed; ///< sent; memory that was sent again counts again
    std::optional<bytes> data_remaining; ///< still to be sent; rises when a pass ends

    std::optional<bytes> memory_total; ///< the guest's, as QEMU counts it
    /// Bytes on the wire: less than the memory they stand for.
    std::optional<bytes> memory_processed;
    std::optional<bytes> memory_remaining;      ///< still to be sent; rises when a pass ends
    std::optional<pages> memory_constant;       ///< pages filled with one byte
    std::optional<pages> memory_normal;         ///< pages sent as they are
    std::optional<bytes> memory_normal_bytes;   ///< the bytes of `memory_normal`
    std::optional<byte_rate> memory_bps;        ///< bytes a second at which memory is sent
    std::optional<page_rate> memory_dirty_rate; ///< pages a second that the guest writes to
    std::optional<bytes> memory_page_size;      ///< of the pages that the fields here count
    /// Passes over memory; may carry over from a migration cancelled before (see `job_progress`).
    std::optional<std::uint64_t> memory_iteration;
    /// Pages that the destination asked for, in post-copy.
    std::optional<std::uint64_t> memory_postcopy_requests;

    /// Images that are copied along; without such, 0 or absent, as the next three.
    std::optional<bytes> disk_total;
    std::optional<bytes> disk_processed; ///< written to the destination's images
    std::optional<bytes> disk_remaining; ///< still to be copied
    std::optional<byte_rate> disk_bps;   ///< bytes a second at which images are copied

    /// Size of XBZRLE's cache; these five only with compression.
    std::optional<bytes> compression_cache;
    std::optional<bytes> compression_bytes; ///< sent as differences
    std::optional<pages> compression_pages; ///< sent as differences
    /// Written again, but not in the cache: sent as they are.
    std::optional<pages> compression_cache_misses;
    /// Their difference was larger than they: sent as they are.
    std::optional<pages> compression_overflow;

    std::optional<std::uint64_t> auto_converge_throttle; ///< per cent

    std::optional<bool> success;       ///< of a completed job only
    std::optional<std::string> errmsg; ///< of a completed job that failed

    friend bool operator==(const job_statistics &, const job_statistics &) = default;
};

/// Calls `visit(name, field)` for every optional field but `operation`, in the order above;
/// `name` is libvirt's word. The one list of fields for reading, writing and comparing them.
template <class Statistics, class Visitor>
constexpr void for_each_field(Statistics &&s, Visitor &&visit) {
    visit("time_elapsed", s.time_elapsed);
    visit("time_elapsed_net", s.time_elapsed_net);
    visit("time_remaining", s.time_remaining);
    visit("downtime", s.downtime);
    visit("downtime_net", s.downtime_net);
    visit("setup_time", s.setup_time);
    visit("data_total", s.data_total);
    visit("data_processed", s.data_processed);
    visit("data_remaining", s.data_remaining);
    visit("memory_total", s.memory_total);
    visit("memory_processed", s.memory_processed);
    visit("memory_remaining", s.memory_remaining);
    visit("memory_constant", s.memory_constant);
    visit("memory_normal", s.memory_normal);
    visit("memory_normal_bytes", s.memory_normal_bytes);
    visit("memory_bps", s.memory_bps);
    visit("memory_dirty_rate", s.memory_dirty_rate);
    visit("memory_page_size", s.memory_page_size);
    visit("memory_iteration", s.memory_iteration);
    visit("memory_postcopy_requests", s.memory_postcopy_requests);
    visit("disk_total", s.disk_total);
    visit("disk_processed", s.disk_processed);
    visit("disk_remaining", s.disk_remaining);
    visit("disk_bps", s.disk_bps);
    visit("compression_cache", s.compression_cache);
    visit("compression_bytes", s.compression_bytes);
    visit("compression_pages", s.compression_pages);
    visit("compression_cache_misses", s.compression_cache_misses);
    visit("compression_overflow", s.compression_overflow);
    visit("auto_converge_throttle", s.auto_converge_throttle);
    visit("success", s.success);
    visit("errmsg", s.errmsg);
}

/// One look at a running migration.
struct job_progress {
    /// Since the migration was started, on this process's steady clock.
    std::chrono::milliseconds since_start{0};
    job_statistics statistics; ///< as told at that moment
    /// Passes over memory since this migration began: `memory_iteration` less its first value.
    std::optional<std::uint64_t> iteration;

    /// The part already sent of what is known to be to send, 0 to 1; absent without totals. It
    /// can fall: the guest dirties what was sent.
    [[nodiscard]] std::optional<double> fraction() const noexcept {
        if (!statistics.data_total || !statistics.data_remaining) return std::nullopt;
        const bytes total = *statistics.data_total;
        if (total.count() == 0) return std::nullopt;
        const bytes sent = total - *statistics.data_remaining;
        return static_cast<double>(sent.count()) / static_cast<double>(total.count());
    }

    friend bool operator==(const job_progress &, const job_progress &) = default;
};

} // namespace kvmig::model
