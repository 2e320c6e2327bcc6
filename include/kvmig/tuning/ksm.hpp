// SPDX-License-Identifier: MIT
/// Kernel samepage merging: every file of `/sys/kernel/mm/ksm`, and what the figures say.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/tuning/value.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace kvmig::tuning {

using std::chrono::milliseconds;

inline constexpr std::string_view ksm_directory = "/sys/kernel/mm/ksm/"; ///< Where KSM's files are.

/// The files, by their names; absent where the kernel has none. Meanings:
/// Documentation/admin-guide/mm/ksm.rst; a version is that of the first kernel with the file.
struct ksm_facts {
    /// 0 stopped, 1 scanning, 2 stopped and everything unmerged.
    std::optional<std::uint64_t> run = {};
    /// Looked at before ksmd sleeps.
    std::optional<pages> pages_to_scan = {};
    /// For which ksmd sleeps then.
    std::optional<milliseconds> sleep_millisecs = {};
    /// 1: pages of different NUMA nodes are merged; 0: only those of one.
    std::optional<std::uint64_t> merge_across_nodes = {};
    /// The most places that share one page, at least 2; beyond, it is kept once more.
    std::optional<std::uint64_t> max_page_sharing = {};
    /// Between two looks for stale entries among pages that met `max_page_sharing`.
    std::optional<milliseconds> stable_node_chains_prune_millisecs = {};
    std::optional<std::uint64_t> use_zero_pages = {};           ///< 4.12, 1: to the zero page
    std::optional<std::uint64_t> smart_scan = {};               ///< 6.7, 1: skips what never merged
    std::optional<std::string> advisor_mode = {};               ///< 6.8, `none` or `scan-time`
    std::optional<std::uint64_t> advisor_max_cpu = {};          ///< per cent of one CPU
    std::optional<pages> advisor_min_pages_to_scan = {};        ///< the least it chooses
    std::optional<pages> advisor_max_pages_to_scan = {};        ///< the most it chooses
    std::optional<std::uint64_t> advisor_target_scan_time = {}; ///< seconds for a full scan

    /// How often all mergeable memory was looked at, since boot.
    std::optional<std::uint64_t> full_scans = {};
    std::optional<pages> pages_shared = {};   ///< kept
    std::optional<pages> pages_sharing = {};  ///< saved: sites beyond the first of each
    std::optional<pages> pages_unshared = {}; ///< unique, and looked at again and again
    std::optional<pages> pages_volatile = {}; ///< change too fast
    std::optional<pages> pages_scanned = {};  ///< since boot; 6.6
    std::optional<pages> pages_skipped = {};  ///< by `smart_scan`; 6.7
    std::optional<pages> ksm_zero_pages = {}; ///< by `use_zero_pages`; 6.6
    /// Pages that met `max_page_sharing`.
    std::optional<std::uint64_t> stable_node_chains = {};
    /// How often such pages are kept, all told.
    std::optional<std::uint64_t> stable_node_dups = {};
    std::optional<std::int64_t> general_profit = {}; ///< 6.4, bytes; negative: a loss

    /// The kernel has KSM.
    [[nodiscard]] bool present() const noexcept { return run.has_value(); }
    /// The kernel's advisor has the say over `pages_to_scan`, which then cannot be written.
    [[nodiscard]] bool advised() const noexcept { return advisor_mode.value_or("none") != "none"; }

    friend bool operator==(const ksm_facts &, const ksm_facts &) = default;
};

/// Where a file's value is kept.
using ksm_field =
    std::variant<std::optional<std::uint64_t> ksm_facts::*,
                 std::optional<std::int64_t> ksm_facts::*, std::optional<pages> ksm_facts::*,
                 std::optional<milliseconds> ksm_facts::*, std::optional<std::string> ksm_facts::*>;

/// A file of KSM, and where its value goes.
struct ksm_file {
    /// In `ksm_directory`.
    std::string_view name;
    /// Where its value is kept.
    ksm_field field;
    /// It sets something; otherwise it only tells.
    bool writable;
};

/// Those that this library knows.
inline constexpr std::array<ksm_file, 24> ksm_files = {{
    {"run", &ksm_facts::run, true},
    {"pages_to_scan", &ksm_facts::pages_to_scan, true},
    {"sleep_millisecs", &ksm_facts::sleep_millisecs, true},
    {"merge_across_nodes", &ksm_facts::merge_across_nodes, true},
    {"max_page_sharing", &ksm_facts::max_page_sharing, true},
    {"stable_node_chains_prune_millisecs", &ksm_facts::stable_node_chains_prune_millisecs, true},
    {"use_zero_pages", &ksm_facts::use_zero_pages, true},
    {"smart_scan", &ksm_facts::smart_scan, true},
    {"advisor_mode", &ksm_facts::advisor_mode, true},
    {"advisor_max_cpu", &ksm_facts::advisor_max_cpu, true},
    {"advisor_min_pages_to_scan", &ksm_facts::advisor_min_pages_to_scan, true},
    {"advisor_max_pages_to_scan", &ksm_facts::advisor_max_pages_to_scan, true},
    {"advisor_target_scan_time", &ksm_facts::advisor_target_scan_time, true},
    {"full_scans", &ksm_facts::full_scans, false},
    {"pages_shared", &ksm_facts::pages_shared, false},
    {"pages_sharing", &ksm_facts::pages_sharing, false},
    {"pages_unshared", &ksm_facts::pages_unshared, false},
    {"pages_volatile", &ksm_facts::pages_volatile, false},
    {"pages_scanned", &ksm_facts::pages_scanned, false},
    {"pages_skipped", &ksm_facts::pages_skipped, false},
    {"ksm_zero_pages", &ksm_facts::ksm_zero_pages, false},
    {"stable_node_chains", &ksm_facts::stable_node_chains, false},
    {"stable_node_dups", &ksm_facts::stable_node_dups, false},
    {"general_profit", &ksm_facts::general_profit, false},
}};

namespace detail {

inline std::uint64_t plain(std::uint64_t value) { return value; }
inline std::int64_t plain(std::int64_t value) { return value; }
inline std::uint64_t plain(pages value) { return value.count(); }
inline std::int64_t plain(milliseconds value) { return value.count(); }

[[nodiscard]] inline const ksm_file *find_ksm_file(std::string_view name) {
    for (const ksm_file &file : ksm_files) {
        if (file.name == name) return &file;
    }
    return nullptr;
}

} // namespace detail

/// Takes over the text of the file of that name; fails with `protocol` when it is no such value,
/// with `invalid_argument` when there is no such file.
[[nodiscard]] inline expected<void> set(ksm_facts &facts, std::string_view name,
                                        std::string_view text) {
    const ksm_file *const file = detail::find_ksm_file(name);
    if (file == nullptr) {
        return fail(make_error(error_kind::invalid_argument, "KSM has no file of that name")
                        .about(std::string(name)));
    }
    return std::visit(
        [&](auto member) -> expected<void> {
            using value_type = typename std::decay_t<decltype(facts.*member)>::value_type;
            if constexpr (std::is_same_v<value_type, std::string>) {
                facts.*member = std::string(chosen(text));
            } else {
                using raw = decltype(detail::plain(value_type{}));
                auto value = number<raw>(text, name);
                if (!value) return fail(std::move(value.error()));
                facts.*member = value_type{*value};
            }
            return {};
        },
        file->field);
}

/// The value as the file is written; absent when the kernel has none, or there is no such file.
[[nodiscard]] inline std::optional<std::string> get(const ksm_facts &facts, std::string_view name) {
    const ksm_file *const file = detail::find_ksm_file(name);
    if (file == nullptr) return std::nullopt;
    return std::visit(
        [&](auto member) -> std::optional<std::string> {
            const auto &value = facts.*member;
            if (!value) return std::nullopt;
            if constexpr (std::is_same_v<std::decay_t<decltype(*value)>, std::string>) {
                return *value;
            } else {
                return std::to_string(detail::plain(*value));
            }
        },
        file->field);
}

/// Memory saved: `pages_sharing` times the size of a page.
[[nodiscard]] inline std::optional<bytes> saved(const ksm_facts &facts, bytes page) {
    if (!facts.pages_sharing) return std::nullopt;
    return facts.pages_sharing->size(page);
}

/// The size of the kernel's `struct ksm_rmap_item` on 64-bit machines: kept for each page looked
/// at.
inline constexpr bytes ksm_rmap_item{64};

/// Bytes saved less bytes spent on keeping account: the kernel's own figure where it tells one,
/// else its approximation (ksm.rst, "Monitoring KSM profit"). Negative when it costs more.
[[nodiscard]] inline std::optional<std::int64_t> profit(const ksm_facts &facts, bytes page) {
    if (facts.general_profit) return facts.general_profit;
    if (!facts.pages_sharing || !facts.pages_shared || !facts.pages_unshared ||
        !facts.pages_volatile) {
        return std::nullopt;
    }
    const pages items{facts.pages_sharing->count() + facts.pages_shared->count() +
                      facts.pages_unshared->count() + facts.pages_volatile->count()};
    return static_cast<std::int64_t>(facts.pages_sharing->size(page).count()) -
           static_cast<std::int64_t>(items.size(ksm_rmap_item).count());
}

/// What KSM does for one process (`/proc/PID/ksm_stat`); absent on kernels without.
struct ksm_process {
    /// Pages of it that are accounted for, at `ksm_rmap_item` bytes each.
    std::optional<std::uint64_t> rmap_items = {};
    /// Pages of it that are merged.
    std::optional<pages> merging_pages = {};
    /// Bytes; negative: a loss.
    std::optional<std::int64_t> process_profit = {};

    friend bool operator==(const ksm_process &, const ksm_process &) = default;
};

/// As `profit`, of one process.
[[nodiscard]] inline std::optional<std::int64_t> profit(const ksm_process &process, bytes page) {
    if (process.process_profit) return process.process_profit;
    if (!process.merging_pages || !process.rmap_items) return std::nullopt;
    return static_cast<std::int64_t>(process.merging_pages->size(page).count()) -
           static_cast<std::int64_t>(pages{*process.rmap_items}.size(ksm_rmap_item).count());
}

} // namespace kvmig::tuning
