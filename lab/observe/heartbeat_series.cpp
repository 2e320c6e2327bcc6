// SPDX-License-Identifier: MIT
#include <lab/observe/heartbeat_series.hpp>

#include <algorithm>

namespace kvmig::lab::observe {

void heartbeat_series::add(const arrival &beat) {
    ++counts_.received;
    if (clocks_.empty()) {
        lowest_ = highest_ = beat.sequence;
        clocks_.push_back(beat.monotonic.count());
        arrivals_.push_back(beat);
        return;
    }
    const std::uint64_t jump = beat.sequence > highest_  ? beat.sequence - highest_
                               : beat.sequence < lowest_ ? lowest_ - beat.sequence
                                                         : 0;
    if (jump > widest_jump) {
        ++counts_.implausible;
        return;
    }
    arrivals_.push_back(beat);
    if (beat.sequence > highest_) {
        counts_.lost += jump - 1;
        highest_ = beat.sequence;
        clocks_.resize(clocks_.size() + jump, -1);
        clocks_.back() = beat.monotonic.count();
        return;
    }
    if (beat.sequence < lowest_) {
        clocks_.insert(clocks_.begin(), jump, -1);
        lowest_ = beat.sequence;
        clocks_.front() = beat.monotonic.count();
        counts_.lost += jump - 1;
        ++counts_.reordered;
        return;
    }
    std::int64_t &known = clocks_[beat.sequence - lowest_];
    if (known < 0) {
        known = beat.monotonic.count();
        --counts_.lost;
        ++counts_.reordered;
    } else if (known == beat.monotonic.count()) {
        ++counts_.duplicates;
    } else {
        ++counts_.conflicts;
    }
}

beat_gap heartbeat_series::between(std::size_t index) const {
    const arrival &before = arrivals_[index];
    const arrival &after = arrivals_[index + 1];
    beat_gap gap{before.at, after.at, after.monotonic - before.monotonic, 0};
    if (after.sequence > before.sequence + 1) gap.lost = after.sequence - before.sequence - 1;
    return gap;
}

std::vector<beat_gap> heartbeat_series::gaps(std::chrono::nanoseconds threshold, steady_time from,
                                             steady_time to) const {
    std::vector<beat_gap> result;
    // The first arrival after `from` ends the first gap that touches it.
    const auto first =
        std::upper_bound(arrivals_.begin(), arrivals_.end(), from,
                         [](steady_time time, const arrival &beat) { return time < beat.at; });
    auto index = static_cast<std::size_t>(first - arrivals_.begin());
    if (index > 0) --index;
    for (; index + 1 < arrivals_.size() && arrivals_[index].at < to; ++index) {
        const beat_gap gap = between(index);
        if (gap.length() >= threshold) result.push_back(gap);
    }
    if (!arrivals_.empty() && arrivals_.back().at < to) {
        const beat_gap open{arrivals_.back().at, to, std::nullopt, 0};
        if (open.length() >= threshold) result.push_back(open);
    }
    return result;
}

std::optional<beat_gap> heartbeat_series::longest_gap(steady_time from, steady_time to) const {
    const auto all = gaps(std::chrono::nanoseconds{0}, from, to);
    if (all.empty()) return std::nullopt;
    return *std::max_element(all.begin(), all.end(), [](const beat_gap &a, const beat_gap &b) {
        return a.length() < b.length();
    });
}

std::optional<steady_time> heartbeat_series::on_probe_clock(std::chrono::nanoseconds monotonic,
                                                            nearest_beat by) const {
    const arrival *nearest = nullptr;
    for (const arrival &each : arrivals_) {
        const bool before = by == nearest_beat::last_before;
        if (before ? each.monotonic > monotonic : each.monotonic < monotonic) continue;
        const bool nearer = nearest == nullptr || (before ? each.monotonic > nearest->monotonic
                                                          : each.monotonic < nearest->monotonic);
        if (nearer) nearest = &each;
    }
    if (nearest == nullptr) return std::nullopt;
    return nearest->at +
           std::chrono::duration_cast<steady_time::duration>(monotonic - nearest->monotonic);
}

nlohmann::json to_json(const heartbeat_series &series, steady_time origin) {
    auto arrivals = nlohmann::json::array();
    for (const arrival &beat : series.arrivals()) {
        if (beat.at < origin - kept_before) continue;
        arrivals.push_back({to_milliseconds(beat.at - origin), beat.sequence});
    }
    const beat_counts &counts = series.counts();
    return {{"received", counts.received},    {"lost", counts.lost},
            {"reordered", counts.reordered},  {"duplicates", counts.duplicates},
            {"conflicts", counts.conflicts},  {"implausible", counts.implausible},
            {"arrivals", std::move(arrivals)}};
}

} // namespace kvmig::lab::observe
