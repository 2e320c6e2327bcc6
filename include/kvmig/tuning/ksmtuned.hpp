// SPDX-License-Identifier: MIT
/// The algorithm of ksmtuned, step for step, in its own integer arithmetic in kB.
///
/// Known faults, kept: the sum of RSS counts a merged page once for each guest, so that merging
/// never shows in it; no bound on what ksmd costs; and free memory is `MemFree + Buffers + Cached`,
/// which counts shared memory as free.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fmt/format.h>
#include <string>

namespace kvmig::tuning {

/// `/etc/ksmtuned.conf`, with its defaults.
struct ksmtuned_settings {
    std::chrono::seconds monitor_interval{60}; ///< KSM_MONITOR_INTERVAL
    std::chrono::milliseconds sleep_msec{10};  ///< KSM_SLEEP_MSEC, of a host with 16 GiB
    std::int64_t npages_boost = 300;           ///< KSM_NPAGES_BOOST
    std::int64_t npages_decay = -50;           ///< KSM_NPAGES_DECAY
    std::int64_t npages_min = 64;              ///< KSM_NPAGES_MIN
    std::int64_t npages_max = 1250;            ///< KSM_NPAGES_MAX
    std::uint32_t thres_coef = 20;             ///< KSM_THRES_COEF, per cent of MemTotal
    bytes thres_const = bytes::kib(2048);      ///< KSM_THRES_CONST
};

/// What it does at the end of an interval.
struct ksmtuned_step {
    bool run = false;                             ///< `run` becomes 1, else 0
    pages pages_to_scan;                          ///< only written when it runs
    std::chrono::milliseconds sleep_millisecs{0}; ///< likewise
    /// One sentence without a full stop.
    std::string reason;

    friend bool operator==(const ksmtuned_step &, const ksmtuned_step &) = default;
};

/// One run of the daemon.
class ksmtuned {
public:
    /// `total` is MemTotal. Fails with `invalid_argument` on a host without memory, and on settings
    /// that leave no number of pages.
    [[nodiscard]] static expected<ksmtuned> start(bytes total, ksmtuned_settings settings = {}) {
        if (total < bytes::kib(1)) {
            return fail(
                make_error(error_kind::invalid_argument, "MemTotal is zero").about("total"));
        }
        if (settings.npages_min < 0 || settings.npages_min > settings.npages_max) {
            return fail(make_error(error_kind::invalid_argument,
                                   fmt::format("KSM_NPAGES_MIN {} and KSM_NPAGES_MAX {} leave no "
                                               "number of pages between them",
                                               settings.npages_min, settings.npages_max))
                            .about("KSM_NPAGES_MIN"));
        }
        if (settings.sleep_msec.count() < 0) {
            return fail(
                make_error(error_kind::invalid_argument,
                           fmt::format("a sleep of {} ms is none", settings.sleep_msec.count()))
                    .about("KSM_SLEEP_MSEC"));
        }
        return ksmtuned(total, settings);
    }

    /// `free` is MemFree + Buffers + Cached; `committed` is the sum of the guests' RSS.
    ksmtuned_step step(bytes free, bytes committed) {
        const std::uint64_t free_kb = free.count() / 1024;
        const std::uint64_t wanted_kb = committed.count() / 1024 + threshold_kb_;
        if (wanted_kb < total_kb_ && free_kb > threshold_kb_) {
            return {false, pages{}, std::chrono::milliseconds{0},
                    fmt::format("{} kB committed and to be kept free are less than the {} kB there "
                                "are, and {} kB are free",
                                wanted_kb, total_kb_, free_kb)};
        }
        const bool short_of = free_kb < threshold_kb_;
        npages_ = std::clamp(npages_ + (short_of ? settings_.npages_boost : settings_.npages_decay),
                             settings_.npages_min, settings_.npages_max);
        return {true, pages{static_cast<std::uint64_t>(npages_)}, sleep_,
                fmt::format("{} kB are free, {} than the {} kB to be kept free: {}", free_kb,
                            short_of ? "less" : "no less", threshold_kb_,
                            short_of ? "boost" : "decay")};
    }

    /// Free memory below which KSM is needed.
    [[nodiscard]] bytes threshold() const noexcept { return bytes::kib(threshold_kb_); }
    /// ksmd's `sleep_millisecs` for this host.
    [[nodiscard]] std::chrono::milliseconds sleep() const noexcept { return sleep_; }

private:
    ksmtuned(bytes total, const ksmtuned_settings &settings)
        : settings_(settings), total_kb_(total.count() / 1024),
          threshold_kb_(
              std::max(total_kb_ * settings.thres_coef / 100, settings.thres_const.count() / 1024)),
          sleep_(std::max<std::int64_t>(settings.sleep_msec.count() * 16 * 1024 * 1024 /
                                            static_cast<std::int64_t>(total_kb_),
                                        10)) {}

    ksmtuned_settings settings_;
    std::uint64_t total_kb_;
    std::uint64_t threshold_kb_;
    std::chrono::milliseconds sleep_;
    std::int64_t npages_ = 0; ///< not what the kernel has: the daemon begins at nothing
};

} // namespace kvmig::tuning
