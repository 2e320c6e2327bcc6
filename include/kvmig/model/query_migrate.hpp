// SPDX-License-Identifier: MIT
/// What QEMU itself tells of a migration (`query-migrate` of its machine protocol, `info migrate`
/// on its monitor), where no libvirt stands between.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/job.hpp>
#include <kvmig/model/json_leaves.hpp>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace kvmig::model {

/// One answer to `query-migrate`.
struct qemu_migration {
    /// QEMU's `MigrationStatus`: `setup`, `active`, `completed`, `failed`, `cancelled`, …; `none`
    /// where there has been no migration.
    std::string status = "none";
    std::string error_text;    ///< `error-desc`: for people, not for programs
    job_statistics statistics; ///< under libvirt's words for the same counts

    /// Nothing more will happen.
    [[nodiscard]] bool ended() const noexcept {
        return status == "completed" || status == "failed" || status == "cancelled";
    }

    friend bool operator==(const qemu_migration &, const qemu_migration &) = default;
};

namespace detail {

/// The number that `text` is, if it is no more than that.
template <class Number> [[nodiscard]] std::optional<Number> number_in(std::string_view text) {
    Number out{};
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return out;
}

[[nodiscard]] constexpr job_type job_type_of(std::string_view status) noexcept {
    if (status == "none") return job_type::none;
    if (status == "completed") return job_type::completed;
    if (status == "failed") return job_type::failed;
    if (status == "cancelled") return job_type::cancelled;
    return job_type::unbounded;
}

/// Puts what QEMU calls `path` into the field that libvirt fills from it
/// (qemuMonitorJSONGetMigrationStatsReply, qemuDomainMigrationJobDataToParams); what is not told
/// of here, or no such number, is left out.
inline void put_count(job_statistics &out, std::string_view path, const std::string &text) {
    if (path == "ram.mbps") {
        // The one that is no whole number: 10^6 bits a second.
        if (const auto rate = number_in<double>(text); rate && *rate >= 0) {
            out.memory_bps = byte_rate{static_cast<std::uint64_t>(*rate * 1e6 / 8)};
        }
        return;
    }
    const auto count = number_in<std::uint64_t>(text);
    if (!count) return;
    const auto is = [&](std::string_view name, auto &field) {
        if (path != name) return;
        using unit = typename std::remove_reference_t<decltype(field)>::value_type;
        if constexpr (std::is_same_v<unit, std::chrono::milliseconds>) {
            field = std::chrono::milliseconds{static_cast<std::int64_t>(*count)};
        } else {
            field = unit{*count};
        }
    };
    is("total-time", out.time_elapsed);
    is("setup-time", out.setup_time);
    is("downtime", out.downtime);
    if (!out.downtime) is("expected-downtime", out.downtime);
    is("ram.transferred", out.memory_processed);
    is("ram.remaining", out.memory_remaining);
    is("ram.total", out.memory_total);
    is("ram.duplicate", out.memory_constant);
    is("ram.normal", out.memory_normal);
    is("ram.normal-bytes", out.memory_normal_bytes);
    is("ram.dirty-pages-rate", out.memory_dirty_rate);
    is("ram.dirty-sync-count", out.memory_iteration);
    is("ram.page-size", out.memory_page_size);
    is("ram.postcopy-requests", out.memory_postcopy_requests);
    is("disk.transferred", out.disk_processed);
    is("disk.remaining", out.disk_remaining);
    is("disk.total", out.disk_total);
    is("xbzrle-cache.cache-size", out.compression_cache);
    is("xbzrle-cache.bytes", out.compression_bytes);
    is("xbzrle-cache.pages", out.compression_pages);
    is("xbzrle-cache.cache-miss", out.compression_cache_misses);
    is("xbzrle-cache.overflow", out.compression_overflow);
    is("cpu-throttle-percentage", out.auto_converge_throttle);
}

/// As libvirt adds memory and disks up.
inline void add_up(job_statistics &out) {
    const auto sum = [](const std::optional<bytes> &memory, const std::optional<bytes> &disk) {
        if (!memory && !disk) return std::optional<bytes>{};
        return std::optional{memory.value_or(bytes{0}) + disk.value_or(bytes{0})};
    };
    out.data_total = sum(out.memory_total, out.disk_total);
    out.data_processed = sum(out.memory_processed, out.disk_processed);
    out.data_remaining = sum(out.memory_remaining, out.disk_remaining);
}

} // namespace detail

/// Reads what `query-migrate` answered: the JSON object itself, or the whole reply that has it
/// under `return`. Fails with `protocol` when it is no JSON.
[[nodiscard]] inline expected<qemu_migration> parse_query_migrate(std::string_view text) {
    const auto leaves = json_leaves(text);
    if (!leaves) return fail(leaves.error());
    qemu_migration out;
    for (const json_leaf &each : *leaves) {
        constexpr std::string_view reply = "return.";
        std::string_view path = each.path;
        if (path.starts_with(reply)) path.remove_prefix(reply.size());
        if (each.is_string) {
            if (path == "status") out.status = each.text;
            if (path == "error-desc") out.error_text = each.text;
        } else {
            detail::put_count(out.statistics, path, each.text);
        }
    }
    out.statistics.type = detail::job_type_of(out.status);
    detail::add_up(out.statistics);
    return out;
}

} // namespace kvmig::model
