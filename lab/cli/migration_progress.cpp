// SPDX-License-Identifier: MIT
#include <lab/cli/migration_progress.hpp>

#include <kvmig/convergence/forecast.hpp>

#include <chrono>
#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <string_view>
#include <utility>

namespace kvmig::lab::cli {

namespace {

bool is_some(const std::optional<bytes> &amount) { return amount && amount->count() > 0; }

/// QEMU counts the pages that the guest asks for in post-copy, and only then.
bool in_post_copy(const model::job_statistics &s) {
    return s.memory_postcopy_requests.value_or(0) > 0;
}

std::string_view phase_of(const model::job_statistics &s) {
    if (in_post_copy(s)) return "post-copy";
    if (is_some(s.memory_total)) return "memory";
    return is_some(s.disk_total) ? "disks" : "preparing";
}

} // namespace

migration_progress::migration_progress(std::string domain) : domain_(std::move(domain)) {}

void migration_progress::add(const model::job_progress &now) {
    if (!disks_began_ && is_some(now.statistics.disk_remaining)) disks_began_ = now;
    newest_ = now;
    any_ = true;
    seen_.add(convergence::sample_of(now, std::nullopt, in_post_copy(now.statistics)));
}

/// Of disks libvirt counts bytes and, where they are mirrored, no rate: the mean since they began.
std::optional<byte_rate> migration_progress::disk_rate() const {
    const auto &told = newest_.statistics.disk_bps;
    if (told && told->per_second() > 0) return told;
    if (!disks_began_ || !newest_.statistics.disk_remaining) return std::nullopt;
    const bytes first = *disks_began_->statistics.disk_remaining;
    const bytes now = *newest_.statistics.disk_remaining;
    const std::chrono::duration<double> time = newest_.since_start - disks_began_->since_start;
    if (time.count() <= 0 || now >= first) return std::nullopt;
    return byte_rate{static_cast<std::uint64_t>(static_cast<double>(first.count() - now.count()) /
                                                time.count())};
}

std::string migration_progress::text() const {
    if (!any_) return {};
    const model::job_statistics &s = newest_.statistics;
    std::string out =
        fmt::format("{}: {:.1f} s, {}", domain_,
                    std::chrono::duration<double>(newest_.since_start).count(), phase_of(s));
    if (const auto part = newest_.fraction()) out += fmt::format(", {:.0f} %", *part * 100);
    if (s.memory_remaining && is_some(s.memory_total)) {
        out += fmt::format(", memory left {:.1f} of {:.1f} MiB", s.memory_remaining->as_mib(),
                           s.memory_total->as_mib());
    }
    if (s.disk_remaining && is_some(s.disk_total)) {
        out += fmt::format(", disk left {:.1f} of {:.1f} MiB", s.disk_remaining->as_mib(),
                           s.disk_total->as_mib());
    }
    if (const auto now = rate()) out += fmt::format(", {:.1f} MiB/s", now->as_mib());
    if (s.memory_dirty_rate && s.memory_dirty_rate->per_second() > 0) {
        out += s.memory_page_size
                   ? fmt::format(", {:.1f} MiB/s dirtied",
                                 s.memory_dirty_rate->of(*s.memory_page_size).as_mib())
                   : fmt::format(", {} pages/s dirtied", s.memory_dirty_rate->per_second());
    }
    if (newest_.iteration) out += fmt::format(", pass {}", *newest_.iteration);
    if (s.auto_converge_throttle && *s.auto_converge_throttle > 0) {
        out += fmt::format(", guest slowed by {} %", *s.auto_converge_throttle);
    }
    return out + end_text();
}

std::optional<byte_rate> migration_progress::rate() const {
    const model::job_statistics &s = newest_.statistics;
    if (!is_some(s.memory_total)) {
        if (const auto disks = disk_rate()) return disks;
    }
    if (s.memory_bps && s.memory_bps->per_second() > 0) return s.memory_bps;
    return std::nullopt;
}

std::string migration_progress::end_text() const {
    const model::job_statistics &s = newest_.statistics;
    const auto disks = is_some(s.memory_total) ? std::nullopt : disk_rate();
    if (disks && s.disk_remaining) {
        return fmt::format(", at least {:.0f} s left", disks->time_for(*s.disk_remaining).count());
    }
    const convergence::forecast end = convergence::foretell(seen_);
    if (end.ends == convergence::verdict::no) return ", no end in sight";
    if (!end.total_time) return {};
    const bool least = end.rests_on(convergence::observed::first_pass) ||
                       end.rests_on(convergence::observed::post_copy);
    return fmt::format(", {}{:.0f} s left", least ? "at least " : "", end.total_time->count());
}

std::string migration_progress::brief() const {
    if (!any_) return {};
    const model::job_statistics &s = newest_.statistics;
    std::string out{phase_of(s)};
    if (const auto part = newest_.fraction()) out += fmt::format(" {:.0f} %", *part * 100);
    const auto &left = is_some(s.memory_total) ? s.memory_remaining : s.disk_remaining;
    if (is_some(left)) out += fmt::format(", {:.1f} MiB left", left->as_mib());
    if (const auto now = rate()) out += fmt::format(", {:.1f} MiB/s", now->as_mib());
    return out + end_text();
}

} // namespace kvmig::lab::cli
