// SPDX-License-Identifier: MIT
/// A policy for KSM that goes by what merging brings and costs.
///
/// Where ksmtuned counts RSS and boosts by fixed steps, this one counts PSS (a merged page once),
/// listens to memory pressure, keeps ksmd below a share of one CPU, lets go where the account
/// costs more than merging saves, and leaves the speed to the kernel's advisor where there is one.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/tuning/ksm.hpp>
#include <kvmig/tuning/ksm_plan.hpp>
#include <kvmig/tuning/memory_facts.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::tuning {

/// A guest's process.
struct ksm_guest {
    /// Of the domain; the process's number where QEMU was told none.
    std::string name = {};
    std::string tenant = {}; ///< whose it is; empty when unknown
    /// VmRSS of `/proc/PID/status`: pages that are shared count in full; 0 where it cannot be read.
    bytes rss = {};
    std::optional<bytes> pss = {}; ///< `/proc/PID/smaps_rollup`
    /// `/proc/PID/ksm_stat`.
    ksm_process ksm = {};
    bool hugepages = false; ///< its memory is of huge pages, which are never merged
    bool leaving = false;   ///< it is about to be migrated away

    friend bool operator==(const ksm_guest &, const ksm_guest &) = default;
};

/// One look at a host.
struct ksm_sample {
    milliseconds at{0}; ///< on a clock that never jumps
    /// The files of `ksm_directory`.
    ksm_facts ksm = {};
    /// `/proc/meminfo`.
    memory_facts memory = {};
    /// `/proc/pressure/memory`; absent on kernels without PSI.
    std::optional<memory_pressure> pressure = {};
    std::optional<milliseconds> ksmd_cpu = {}; ///< CPU time of ksmd since boot
    /// All that run, whether they can be merged or not.
    std::vector<ksm_guest> guests = {};
    /// The kernel's usual size.
    bytes page = bytes::kib(4);

    friend bool operator==(const ksm_sample &, const ksm_sample &) = default;
};

/// By what need, profit and cost are told.
struct ksm_policy_settings {
    double cpu_ceiling = 0.2;     ///< of one CPU, for ksmd
    double keep_free = 0.2;       ///< part of MemTotal; less than that to be had is a need
    double pressure = 10;         ///< `some avg10` from which on there is a need
    std::uint64_t fair_trial = 2; ///< full scans before a loss is believed
    pages least{100};             ///< pages_to_scan: the kernel's default
    pages most{20000};            ///< pages_to_scan
    milliseconds sleep{20};       ///< the kernel's default
    bool advisor = true;          ///< let the kernel's advisor set the speed, where it exists
    /// Where there is room, merging is undone before a guest leaves.
    bool unmerge_before_leaving = true;
    milliseconds retry{std::chrono::minutes{30}}; ///< after a loss, before it is tried again
};

/// The most that ksmd may sleep between two batches.
inline constexpr milliseconds longest_sleep{10'000};

/// Decides again and again; what it remembers is the sample before.
class ksm_policy {
public:
    /// Fails with `invalid_argument`, naming a setting that makes no sense.
    [[nodiscard]] static expected<ksm_policy> make(ksm_policy_settings settings = {}) {
        const auto wrong = [](const char *name, const std::string &what) {
            return fail(make_error(error_kind::invalid_argument, what).about(name));
        };
        if (!(settings.cpu_ceiling > 0 && settings.cpu_ceiling <= 1)) {
            return wrong("cpu_ceiling", fmt::format("{} is no share of one CPU: above 0, at most 1",
                                                    settings.cpu_ceiling));
        }
        if (!(settings.keep_free >= 0 && settings.keep_free < 1)) {
            return wrong("keep_free", fmt::format("{} is no part of the memory that can be kept "
                                                  "free: at least 0, below 1",
                                                  settings.keep_free));
        }
        if (!(settings.pressure > 0 && settings.pressure <= 100)) {
            return wrong("pressure", fmt::format("{} is no per cent of time: above 0, at most 100",
                                                 settings.pressure));
        }
        if (settings.least.count() == 0 || settings.least > settings.most) {
            return wrong("least", fmt::format("no number of pages is at least {} and at most {}",
                                              settings.least.count(), settings.most.count()));
        }
        if (settings.sleep.count() <= 0) {
            return wrong("sleep", "without a sleep ksmd takes a whole CPU");
        }
        return ksm_policy(settings);
    }

    /// What to do now. `now` must be later than the sample before.
    ksm_decision step(const ksm_sample &now) {
        ksm_decision out = decide(now);
        if (out.action == ksm_action::scan && now.ksm.run != std::uint64_t{1}) {
            trial_from_ = now.ksm.full_scans.value_or(0);
        }
        before_ = now;
        return out;
    }

private:
    explicit ksm_policy(const ksm_policy_settings &settings) : settings_(settings) {}

    [[nodiscard]] bytes reserve(const ksm_sample &now) const {
        return bytes{static_cast<std::uint64_t>(static_cast<double>(now.memory.total.count()) *
                                                settings_.keep_free)};
    }

    [[nodiscard]] ksm_decision decide(const ksm_sample &now) {
        ksm_decision out;
        if (!now.ksm.present()) {
            out.reason = "this kernel has no KSM";
            return out;
        }
        const auto leaving = std::find_if(now.guests.begin(), now.guests.end(),
                                          [](const ksm_guest &g) { return g.leaving; });
        if (leaving != now.guests.end()) return before_leaving(now, leaving->name);

        const bool can_merge = std::any_of(now.guests.begin(), now.guests.end(),
                                           [](const ksm_guest &g) { return !g.hugepages; });
        if (!can_merge) {
            out.action = ksm_action::stop;
            out.reason = now.guests.empty() ? "no guest runs"
                                            : "all guests are of huge pages, which are not merged";
            return out;
        }
        if (const auto loss = is_loss(now)) {
            lost_at_ = now.at;
            return let_go(now, *loss);
        }
        const auto need = needed(now);
        if (!need) {
            out.action = ksm_action::stop;
            out.reason = fmt::format("{:.0f} MiB can be had, enough without merging more; what is "
                                     "merged stays so",
                                     now.memory.to_be_had().as_mib());
            return out;
        }
        if (lost_at_ && now.at - *lost_at_ < settings_.retry) {
            // Unmerging took the loss away, and what caused it is still there.
            out.action = ksm_action::stop;
            out.reason = *need + "; but merging was a loss before, and is not tried again yet";
            return out;
        }
        out.action = ksm_action::scan;
        out.reason = *need;
        if (const auto warning = across_tenants(now)) out.warnings.push_back(*warning);
        set_speed(now, out);
        return out;
    }

    /// ksmd must not go on merging what is being sent, and copies made on write would slow the
    /// guest further. Unmerging concerns every guest (run = 2): only where there is room for it.
    [[nodiscard]] ksm_decision before_leaving(const ksm_sample &now,
                                              const std::string &guest) const {
        ksm_decision out;
        const bytes back = saved(now.ksm, now.page).value_or(bytes{});
        const bytes room = now.memory.to_be_had() - reserve(now);
        if (settings_.unmerge_before_leaving && back <= room) {
            out.action = ksm_action::unmerge;
            out.reason = fmt::format("{} is about to leave, and there is room for the {:.0f} MiB "
                                     "that merging saves",
                                     guest, back.as_mib());
        } else {
            out.action = ksm_action::stop;
            out.reason = fmt::format("{} is about to leave; merging stops", guest);
            if (settings_.unmerge_before_leaving) {
                out.reason += fmt::format(", and is not undone: that takes {:.0f} MiB, and {:.0f} "
                                          "MiB are to be had",
                                          back.as_mib(), room.as_mib());
            }
        }
        return out;
    }

    /// Bytes lost, once it had a fair trial.
    [[nodiscard]] std::optional<std::int64_t> is_loss(const ksm_sample &now) const {
        if (now.ksm.full_scans.value_or(0) < trial_from_ + settings_.fair_trial) {
            return std::nullopt;
        }
        std::optional<std::int64_t> sum;
        for (const ksm_guest &guest : now.guests) {
            if (const auto p = profit(guest.ksm, now.page)) sum = sum.value_or(0) + *p;
        }
        // The guests' own figures, because the host's mix in all other processes.
        if (!sum) sum = profit(now.ksm, now.page);
        return sum && *sum < 0 ? std::optional(-*sum) : std::nullopt;
    }

    [[nodiscard]] ksm_decision let_go(const ksm_sample &now, std::int64_t loss) const {
        ksm_decision out;
        const bytes back = saved(now.ksm, now.page).value_or(bytes{});
        out.action =
            back <= now.memory.to_be_had() - reserve(now) ? ksm_action::unmerge : ksm_action::stop;
        out.reason = fmt::format("after {} full scans the account of merging takes {} bytes more "
                                 "than it saves",
                                 now.ksm.full_scans.value_or(0), loss);
        return out;
    }

    /// Why memory is needed; absent when it is not.
    [[nodiscard]] std::optional<std::string> needed(const ksm_sample &now) const {
        if (now.pressure && now.pressure->some_avg10 >= settings_.pressure) {
            return fmt::format("tasks waited for memory in {:.1f} % of the last 10 s",
                               now.pressure->some_avg10);
        }
        const bytes keep = reserve(now);
        if (now.memory.to_be_had() < keep) {
            return fmt::format("{:.0f} MiB can be had, less than the {:.0f} MiB to be kept free",
                               now.memory.to_be_had().as_mib(), keep.as_mib());
        }
        bytes committed;
        for (const ksm_guest &guest : now.guests) {
            committed = committed + guest.pss.value_or(guest.rss);
        }
        if (committed + keep > now.memory.total) {
            return fmt::format("guests hold {:.0f} MiB of {:.0f} MiB", committed.as_mib(),
                               now.memory.total.as_mib());
        }
        return std::nullopt;
    }

    [[nodiscard]] static std::optional<std::string> across_tenants(const ksm_sample &now) {
        std::vector<std::string> tenants;
        for (const ksm_guest &guest : now.guests) {
            if (!guest.hugepages && !guest.tenant.empty()) tenants.push_back(guest.tenant);
        }
        std::sort(tenants.begin(), tenants.end());
        tenants.erase(std::unique(tenants.begin(), tenants.end()), tenants.end());
        if (tenants.size() < 2) return std::nullopt;
        return fmt::format("guests of {} tenants share pages ({}): by the time a write takes, one "
                           "can find out what another has in memory",
                           tenants.size(), fmt::join(tenants, ", "));
    }

    void set_speed(const ksm_sample &now, ksm_decision &out) const {
        const double ceiling = settings_.cpu_ceiling;
        // The advisor reckons with no less than 10 % (KSM_ADVISOR_MIN_CPU).
        if (settings_.advisor && now.ksm.advisor_mode && ceiling >= 0.1) {
            out.advisor_max_cpu = static_cast<std::uint64_t>(std::floor(ceiling * 100));
            out.reason += "; the kernel's advisor sets the speed";
            return;
        }
        const double least = static_cast<double>(settings_.least.count());
        const double most = static_cast<double>(settings_.most.count());
        const double usual = static_cast<double>(settings_.sleep.count());
        // Pages for each millisecond; where the advisor had the say, it is not ours to go on from.
        double rate = least / usual;
        if (!now.ksm.advised() && now.ksm.pages_to_scan && now.ksm.sleep_millisecs) {
            rate = static_cast<double>(now.ksm.pages_to_scan->count()) /
                   static_cast<double>(std::max<std::int64_t>(now.ksm.sleep_millisecs->count(), 1));
        }
        if (const auto share = ksmd_share(now)) {
            // What it costs grows with what it scans; at most doubled, since pages differ.
            rate *= *share > 0 ? std::min(ceiling / *share, 2.0) : 2.0;
            out.reason += fmt::format("; ksmd takes {:.1f} % of a CPU, {:.1f} % are allowed",
                                      *share * 100, ceiling * 100);
        } else {
            out.reason += "; what ksmd takes is not known yet";
        }
        const double speed = std::clamp(std::floor(rate * usual), least, most);
        out.pages_to_scan = pages{static_cast<std::uint64_t>(speed)};
        out.sleep_millisecs = settings_.sleep;
        if (rate * usual < least) {
            // Slower than that by longer sleeps.
            const double sleep =
                std::min(least / std::max(rate, 1e-9), static_cast<double>(longest_sleep.count()));
            out.sleep_millisecs = milliseconds{static_cast<std::int64_t>(std::ceil(sleep))};
        }
    }

    /// Of one CPU, since the sample before; only while it was scanning all the time.
    [[nodiscard]] std::optional<double> ksmd_share(const ksm_sample &now) const {
        if (!before_ || !before_->ksmd_cpu || !now.ksmd_cpu || now.at <= before_->at ||
            *now.ksmd_cpu < *before_->ksmd_cpu || before_->ksm.run != std::uint64_t{1} ||
            now.ksm.run != std::uint64_t{1}) {
            return std::nullopt;
        }
        return static_cast<double>((*now.ksmd_cpu - *before_->ksmd_cpu).count()) /
               static_cast<double>((now.at - before_->at).count());
    }

    ksm_policy_settings settings_;
    std::optional<ksm_sample> before_;
    std::uint64_t trial_from_ = 0; ///< full_scans when it began to scan
    std::optional<milliseconds> lost_at_;
};

} // namespace kvmig::tuning
