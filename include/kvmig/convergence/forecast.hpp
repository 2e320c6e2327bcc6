// SPDX-License-Identifier: MIT
/// Will it end, when, and how long will the guest stand still?
///
/// A pass over memory sends, at the rate b, what was dirty when it began; what the guest dirties
/// meanwhile, at the rate d, is left to the next. While d < b each pass leaves d/b of the one
/// before, and the sum of the series from N bytes on is (N − T)/(b − d) until no more is left than
/// the T = b·L that fits in the pause L that is allowed (Clark et al., Live Migration of Virtual
/// Machines, 2005). While d ≥ b they do not shrink, unless the guest's working set is smaller than
/// T: so "no" also wants to have seen that they do not. What remains within a pass says little of
/// all this: it falls towards nothing, and rises when the next begins.
#pragma once

#include <kvmig/convergence/observation.hpp>
#include <kvmig/convergence/sample.hpp>
#include <kvmig/convergence/window.hpp>
#include <kvmig/core/units.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::convergence {

/// Whether it will come to an end as it is going.
enum class verdict : std::uint8_t { unknown, yes, no };

/// The enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(verdict v) noexcept {
    switch (v) {
    case verdict::unknown: return "unknown";
    case verdict::yes: return "yes";
    case verdict::no: return "no";
    }
    return "unknown";
}

/// What counts as progress, and as enough to judge.
struct forecast_settings {
    /// No progress: at least this part of the least seen before still remains.
    double stalled_at = 0.96;
    /// Unless what remains has fallen by this part of what was sent.
    double useful = 0.5;
    /// Passes shrink when the newest leave less than this part of what those before left; further
    /// from 1, because a pass's most is seen only as well as it is sampled.
    double shrunk_at = 0.9;
    /// A dirty rate below this part of the rate is told to end. Closer to it, chance decides: a
    /// pass is looked at when it has been sent but for what fits in the pause, and by then as much
    /// may have been dirtied.
    double clearly_below = 0.95;
    std::size_t least_samples = 3; ///< fewer, and the verdict is `unknown`
    /// So many passes after the first, and one more, are wanted before they are compared.
    std::size_t passes_wanted = 3;
    /// QEMU's `downtime-limit`, unless told otherwise.
    milliseconds default_downtime{300};
};

/// What is to be expected.
struct forecast {
    verdict ends = verdict::unknown;    ///< whether memory will have been sent, as it goes now
    std::vector<observation> because;   ///< what the verdict rests on
    std::optional<bytes> to_move;       ///< memory and disks, as it stands
    std::optional<byte_rate> bandwidth; ///< moving average
    std::optional<byte_rate> dirty;     ///< mean over the window
    /// Until the switch-over and through it; of the first pass and of post-copy: at least.
    std::optional<seconds> total_time;
    /// What remains over the rate: the pause, were nothing dirtied since the pass began.
    std::optional<seconds> downtime;
    /// What the newest passes left over the rate: the pause that would have to be allowed.
    std::optional<seconds> pause_needed;
    /// The pause that is allowed; absent: not one sample was seen.
    std::optional<milliseconds> downtime_limit;

    /// Whether `what` is among the reasons.
    [[nodiscard]] bool rests_on(observed what) const noexcept {
        return std::any_of(because.begin(), because.end(),
                           [&](const observation &o) { return o.what == what; });
    }
};

namespace detail {

[[nodiscard]] inline double count(bytes b) noexcept { return static_cast<double>(b.count()); }
[[nodiscard]] inline double count(byte_rate r) noexcept {
    return static_cast<double>(r.per_second());
}

/// The most that one of the newest passes began with: what the guest dirtied during the one
/// before. Absent in the first pass, which sends everything, and without a counter.
[[nodiscard]] inline std::optional<double> left_by_pass(const window &w, std::size_t newest) {
    std::optional<double> most;
    for (auto p = w.passes().rbegin(); p != w.passes().rend() && newest != 0; ++p, --newest) {
        if (p->number != 0) most = std::max(most.value_or(0), count(p->most));
    }
    return most;
}

/// This pass, those that follow until what is left fits in the pause, and the pause; `dirty` is
/// less than `rate`.
[[nodiscard]] inline seconds time_left(const window &w, byte_rate rate, byte_rate dirty,
                                       milliseconds limit) {
    const sample &now = w.samples().back();
    const seconds pass = rate.time_for(*now.memory_remaining);
    const seconds gone = w.passes().empty() ? seconds{0} : now.at - w.passes().back().began;
    const double next = count(dirty) * (gone + pass).count();
    const double fits = count(rate) * seconds(limit).count();
    const double more = std::max(0.0, next - fits) / (count(rate) - count(dirty));
    return pass + seconds(more) + seconds(std::min(next, fits) / count(rate));
}

/// Whether the newest passes leave less than those before, by what the guest dirtied in each; the
/// first pass, which sends everything, is left out. Absent with too few passes.
[[nodiscard]] inline std::optional<observation> pass_trend(const window &w,
                                                           const forecast_settings &settings) {
    std::vector<double> sizes;
    for (const pass &p : w.passes()) {
        if (p.number != 0) sizes.push_back(count(p.most));
    }
    if (sizes.size() < settings.passes_wanted + 1) return std::nullopt;
    // The newest against as many older ones.
    const auto half =
        static_cast<std::ptrdiff_t>(std::min(sizes.size() / 2, settings.passes_wanted));
    const auto middle = sizes.end() - half;
    const double lately = *std::max_element(middle, sizes.end());
    const double before = *std::max_element(middle - half, middle);
    const bool shrink = lately < settings.shrunk_at * before;
    return observation{shrink ? observed::passes_shrink : observed::passes_not_shrink, lately,
                       before};
}

/// Whether the least that remained within the window is less than before it. A large memory over
/// a slow link falls by little too: what counts then is that it falls by what is sent.
[[nodiscard]] inline std::optional<observation> remaining_trend(const window &w,
                                                                const forecast_settings &settings) {
    if (!w.full() || w.covered() * 2 < w.settings().length) return std::nullopt;
    const double lately = count(*w.least_within());
    const double before = count(*w.least_before());
    const double sent =
        w.sent() ? count(*w.sent())
                 : count(w.bandwidth().value_or(byte_rate{0})) * seconds(w.covered()).count();
    const bool stalled =
        lately >= settings.stalled_at * before && before - lately < settings.useful * sent;
    return observation{stalled ? observed::remaining_stalled : observed::remaining_falls, lately,
                       before};
}

/// Nothing was sent during at least a quarter of the window, by whichever figure there is.
[[nodiscard]] inline std::optional<observation> link_trend(const window &w) {
    const auto &samples = w.samples();
    const sample &last = samples.back();
    const auto idle_then = [&last](const sample &s) {
        if (s.memory_remaining != last.memory_remaining) return false;
        if (s.memory_processed && last.memory_processed) {
            return *s.memory_processed == *last.memory_processed;
        }
        return s.rate && s.rate->per_second() == 0;
    };
    const auto busy = std::find_if_not(samples.rbegin(), samples.rend(), idle_then);
    if (busy == samples.rbegin()) return std::nullopt;
    const milliseconds idle = last.at - std::prev(busy)->at;
    if (idle * 4 < w.settings().length) return std::nullopt;
    return observation{observed::link_stalled, seconds(idle).count(), 0};
}

[[nodiscard]] inline std::optional<observation> throttle_trend(const window &w) {
    const auto &first = w.samples().front().throttle;
    const auto &last = w.samples().back().throttle;
    // QEMU stops raising it at 99 %.
    if (!last || *last >= 99 || *last <= first.value_or(0)) return std::nullopt;
    return observation{observed::throttle_rising, static_cast<double>(*last),
                       static_cast<double>(first.value_or(0))};
}

/// The verdict, where a rate is known and more remains than fits in the pause.
[[nodiscard]] inline verdict judge(const window &w, const forecast_settings &settings,
                                   std::optional<byte_rate> dirty, byte_rate rate,
                                   std::vector<observation> &because) {
    const auto passes = pass_trend(w, settings);
    const auto remaining = remaining_trend(w, settings);
    for (const auto &trend : {passes, remaining}) {
        if (trend) because.push_back(*trend);
    }
    // What a pass leaves says more than what remains, which falls and rises within each pass.
    const auto &trend = passes ? passes : remaining;
    const bool stuck = trend && (trend->what == observed::passes_not_shrink ||
                                 trend->what == observed::remaining_stalled);
    if (dirty && *dirty < rate) {
        because.push_back({observed::rate_above_dirty, count(rate), count(*dirty)});
        // Where the figures contradict each other, no verdict is better than a wrong one.
        const bool clear = count(*dirty) < settings.clearly_below * count(rate);
        return stuck || !clear ? verdict::unknown : verdict::yes;
    }
    because.push_back(dirty ? observation{observed::dirty_above_rate, count(*dirty), count(rate)}
                            : observation{observed::no_dirty_rate});
    if (const auto rising = throttle_trend(w)) {
        because.push_back(*rising);
        return verdict::unknown;
    }
    // Bytes flow, and it gets no less: as much is dirtied as is sent.
    if (stuck) return verdict::no;
    return !dirty && passes ? verdict::yes : verdict::unknown;
}

} // namespace detail

/// What the window foretells. Changes nothing, and asks no clock.
[[nodiscard]] inline forecast foretell(const window &w, const forecast_settings &settings = {}) {
    forecast out;
    if (w.samples().size() < settings.least_samples) {
        out.because.push_back({observed::too_few_samples, static_cast<double>(w.samples().size()),
                               static_cast<double>(settings.least_samples)});
        if (w.empty()) return out;
    }
    const sample &now = w.samples().back();
    const bytes remaining = *now.memory_remaining;
    const milliseconds limit = now.downtime_limit.value_or(settings.default_downtime);
    out.to_move = remaining + now.disk_remaining.value_or(bytes{0});
    out.bandwidth = w.bandwidth();
    out.dirty = w.dirty();
    out.downtime_limit = limit;
    if (const auto first = w.first_iteration(); first && *first > 1) {
        out.because.push_back({observed::counter_carried, static_cast<double>(*first)});
    }
    const bool enough = w.samples().size() >= settings.least_samples;
    const auto stalled = enough ? detail::link_trend(w) : std::nullopt;
    if (stalled && remaining.count() != 0) {
        out.because.push_back(*stalled);
        out.ends = verdict::no;
        return out;
    }
    if (!out.bandwidth || out.bandwidth->per_second() == 0) {
        out.because.push_back({observed::no_rate});
        return out;
    }
    const byte_rate rate = *out.bandwidth;
    out.downtime = rate.time_for(remaining);
    if (now.post_copy) {
        out.because.push_back({observed::post_copy});
        out.total_time = out.downtime;
        out.downtime.reset(); // that is over
        out.ends = verdict::yes;
        return out;
    }
    if (!enough) return out;
    const double fits = detail::count(rate) * seconds(limit).count();
    if (const auto left = detail::left_by_pass(w, settings.passes_wanted)) {
        out.pause_needed = seconds(*left / detail::count(rate));
        if (*left <= fits) {
            out.because.push_back({observed::fits_in_pause, *left, fits});
            out.total_time = *out.downtime + *out.pause_needed;
            out.ends = verdict::yes;
            return out;
        }
    }
    if (w.passes_done() == std::uint64_t{0}) {
        out.because.push_back({observed::first_pass});
        out.total_time = out.downtime;
        return out;
    }
    out.ends = detail::judge(w, settings, out.dirty, rate, out.because);
    if (out.ends == verdict::yes && out.dirty) {
        out.total_time = detail::time_left(w, rate, *out.dirty, limit);
    }
    return out;
}

} // namespace kvmig::convergence
