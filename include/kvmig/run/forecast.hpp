// SPDX-License-Identifier: MIT
/// What a migration that has not begun will take: the facts it rests on, and the forecast.
#pragma once

#include <kvmig/convergence/prospect.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/dirty_rate.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/precheck/facts.hpp>
#include <kvmig/precheck/rules/storage.hpp>
#include <kvmig/run/check.hpp>

#include <chrono>
#include <condition_variable>
#include <fmt/format.h>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// The prospect, with what it takes for granted and what it lacks, each as a sentence.
struct forecast_answer {
    convergence::planned_move plan;   ///< the figures that it rests on
    convergence::prospect prospect;   ///< what they foretell
    std::vector<std::string> assumed; ///< what is taken for granted; never empty
    std::vector<std::string> unknown; ///< what was not known, and why; empty: nothing lacked
};

namespace detail {

/// Looks again and again until QEMU has its estimate.
[[nodiscard]] inline expected<precheck::dirtied_memory>
measure_dirty_rate(const libvirt::domain &of, std::chrono::seconds over,
                   const std::stop_token &stop) {
    if (auto begun = libvirt::start_dirty_rate(of, over); !begun) {
        return fail(std::move(begun).error());
    }
    const auto give_up = std::chrono::steady_clock::now() + over + std::chrono::seconds(10);
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    while (true) {
        auto now = libvirt::read_dirty_rate(of);
        if (!now) return fail(std::move(now).error());
        if (now->rate) return precheck::dirtied_memory{*now->rate, over};
        if (std::chrono::steady_clock::now() > give_up) {
            return fail(error_kind::timed_out, "QEMU did not end its estimate of the dirty rate");
        }
        stopped.wait_for(lock, stop, std::chrono::milliseconds(100), [] { return false; });
        if (stop.stop_requested()) {
            return fail(error_kind::cancelled, "estimating the dirty rate was cancelled");
        }
    }
}

} // namespace detail

/// What a forecast needs beside the facts of a check. Takes `over`, 1 to 60 s, in which QEMU looks
/// at samples of the guest's memory again and again.
[[nodiscard]] inline precheck::load_facts
collect_load(const libvirt::domain &of, std::chrono::seconds over = std::chrono::seconds(1),
             const std::stop_token &stop = {}) {
    precheck::load_facts out;
    out.dirty = detail::as_fact(detail::measure_dirty_rate(of, over, stop));
    out.downtime_limit = detail::as_fact(of.max_downtime());
    out.speed_limit = detail::as_fact(of.max_speed());
    return out;
}

/// The forecast from facts alone; `link` is what the way between the hosts carries, where a person
/// knows it, in place of what was measured.
[[nodiscard]] inline forecast_answer foretell(const precheck::facts &all,
                                              std::optional<byte_rate> link) {
    forecast_answer out;
    convergence::planned_move &plan = out.plan;
    const precheck::load_facts load = all.load.value_or(precheck::load_facts{});
    plan.memory = all.domain.current_memory.value_or(all.domain.memory);
    out.assumed.emplace_back("all of the guest's memory is sent; pages of zeros cost less");
    bool all_sizes = true;
    for (const model::disk &disk : all.domain.disks) {
        if (!precheck::rules::is_copied(all, disk)) continue;
        const auto place = all.source.storage.of(precheck::storage_name(disk.source));
        if (place.known() && place->image) {
            plan.disks = plan.disks + place->image->capacity;
        } else {
            all_sizes = false;
            out.unknown.push_back(fmt::format("the size of the disk {}: {}", disk.target,
                                              place.known() ? "no pool of the source has its image"
                                                            : place.reason()));
        }
    }
    if (plan.disks.count() != 0) {
        out.assumed.emplace_back("disks are copied in full, holes too, one after the other, "
                                 "before the memory");
    }
    const bool measured = !link && load.link.known();
    if (measured) link = load.link->rate;
    plan.rate = link;
    if (!link) {
        out.unknown.push_back("what the link carries was not told, and not measured: " +
                              load.link.reason());
    } else {
        out.assumed.push_back(
            measured ? fmt::format(
                           "the link carries {:.1f} MiB/s all the time, as one SSH connection "
                           "did during {:.1f} s: its cipher may be slower than the link",
                           link->as_mib(), std::chrono::duration<double>(load.link->over).count())
                     : fmt::format("the link carries {:.1f} MiB/s all the time, as was told",
                                   link->as_mib()));
        if (load.speed_limit.known() && *load.speed_limit < *link) {
            plan.rate = *load.speed_limit;
            out.assumed.push_back(fmt::format(
                "libvirt sends no more than {:.1f} MiB/s, the limit that was set for the domain",
                load.speed_limit->as_mib()));
        }
    }
    if (load.dirty.known()) {
        plan.dirty = load.dirty->rate;
        plan.dirty_over = load.dirty->over;
        out.assumed.push_back(fmt::format(
            "the guest goes on dirtying {:.1f} MiB/s, as QEMU estimated from samples during {} s",
            plan.dirty->as_mib(), std::chrono::duration<double>(plan.dirty_over).count()));
    } else {
        out.unknown.push_back("how fast the guest dirties its memory: " + load.dirty.reason());
    }
    if (load.downtime_limit.known()) plan.downtime_limit = *load.downtime_limit;
    out.assumed.push_back(
        fmt::format("a pause of {} ms is allowed, {}; the state of devices and "
                    "the hand-over come on top",
                    plan.downtime_limit.count(),
                    load.downtime_limit.known() ? "as the domain is set" : "QEMU's default"));
    out.prospect = convergence::foretell(plan);
    if (!all_sizes && out.prospect.ends == convergence::verdict::yes) {
        out.prospect.ends = convergence::verdict::unknown; // the time told is the least it takes
        out.prospect.downtime.reset();
    }
    return out;
}

} // namespace kvmig::run
