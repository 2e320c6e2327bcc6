// SPDX-License-Identifier: MIT
/// Steers one migration: samples in, decisions out. Whoever holds it does what it says, and tells
/// it by the next sample.
#pragma once

#include <kvmig/convergence/forecast.hpp>
#include <kvmig/convergence/policy.hpp>
#include <kvmig/convergence/sample.hpp>
#include <kvmig/convergence/window.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::convergence {

/// What is to be done now.
enum class action : std::uint8_t { wait, set_downtime, start_post_copy, suspend_guest, abort_job };

/// The enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(action a) noexcept {
    switch (a) {
    case action::wait: return "wait";
    case action::set_downtime: return "set_downtime";
    case action::start_post_copy: return "start_post_copy";
    case action::suspend_guest: return "suspend_guest";
    case action::abort_job: return "abort_job";
    }
    return "unknown";
}

/// What is to be done, and why.
struct decision {
    action what = action::wait;           ///< `wait` where nothing is to be done
    std::optional<milliseconds> downtime; ///< with `set_downtime`
    std::string reason;                   ///< one sentence, no full stop
    forecast seen;                        ///< upon which it was decided
};

/// Which aids this migration may use.
struct allowed_aids {
    bool post_copy = false; ///< it was started with `VIR_MIGRATE_POSTCOPY`
    bool suspend = false;   ///< the guest may be stopped
    bool abort = false;     ///< the migration may be given up
};

/// Holds what a policy must remember. An aid is decided on once.
class steering {
public:
    /// Steers by `how`; `aids` are those that the migration's options allow.
    explicit steering(const policy &how, allowed_aids aids = {})
        : policy_(how), aids_(aids), window_(how.window) {}

    /// What to do after this look. A sample that is no later than the last, or tells nothing of
    /// memory, changes nothing.
    [[nodiscard]] decision next(const sample &s) {
        const bool news = window_.add(s);
        decision out;
        out.seen = foretell(window_, policy_.judging);
        out.reason = describe(out.seen.because);
        if (s.post_copy) over_ = true;
        if (over_ || !news) return out;
        note(s);
        if (auto late = out_of_time(s)) return decided(std::move(*late), std::move(out));
        if (auto due = due_pause(s)) return decided(std::move(*due), std::move(out));
        const bool hopeless =
            out.seen.ends == verdict::no && !out.seen.rests_on(observed::link_stalled);
        if (!hopeless) hopeless_since_.reset();
        if (hopeless && at_least(s)) {
            if (auto help = help_from(policy_.when_hopeless, out.seen)) {
                help->reason = "it will not end by itself: " + out.reason + "; " + help->reason;
                last_help_ = s.at;
                return decided(std::move(*help), std::move(out));
            }
        }
        return out;
    }

    /// The pause allowed so far: QEMU's, as told by samples, or as decided here.
    [[nodiscard]] milliseconds pause() const noexcept { return pause_; }

private:
    struct choice {
        action what;
        std::optional<milliseconds> downtime;
        std::string reason;
    };

    decision decided(choice made, decision out) {
        out.what = made.what;
        out.downtime = made.downtime;
        out.reason = std::move(made.reason);
        if (made.downtime) {
            pause_ = *made.downtime;
            told_ = true;
        } else {
            over_ = true;
        }
        return out;
    }

    void note(const sample &s) {
        // What was decided here may not have reached the daemon when this was told.
        if (!told_) pause_ = s.downtime_limit.value_or(policy_.judging.default_downtime);
        const double remaining = detail::count(*s.memory_remaining);
        if (!first_remaining_) {
            first_remaining_ = remaining + detail::count(s.disk_remaining.value_or(bytes{0}));
            last_remaining_ = remaining;
        }
        if (remaining > last_remaining_) ++rises_;
        last_remaining_ = remaining;
    }

    /// Memory, and disks as they stood, in GiB; at least one, as a time for less is too short.
    [[nodiscard]] double gib() const {
        return std::max(1.0, first_remaining_.value_or(0) / (1024.0 * 1024.0 * 1024.0));
    }

    [[nodiscard]] std::optional<choice> out_of_time(const sample &s) {
        if (!policy_.time_per_gib) return std::nullopt;
        const seconds time = *policy_.time_per_gib * gib();
        if (seconds(s.at) < time) return std::nullopt;
        auto help = help_from(policy_.when_out_of_time, foretell(window_, policy_.judging));
        if (help) {
            help->reason =
                fmt::format("{:.0f} s, the time allowed, are over; {}", time.count(), help->reason);
        }
        return help;
    }

    /// The pause that the policy's schedules allow by now, when it is longer than the present one.
    [[nodiscard]] std::optional<choice> due_pause(const sample &s) {
        std::optional<milliseconds> due;
        std::string reason;
        const auto raise = [&](milliseconds to, std::string why) {
            if (due && *due >= to) return;
            due = to;
            reason = std::move(why);
        };
        // The first may also shorten what the hypervisor allows by itself.
        if (policy_.first_pause && !told_) {
            return choice{action::set_downtime, policy_.first_pause,
                          "the pause with which this policy begins"};
        }
        const std::uint64_t passes = window_.passes_done().value_or(0);
        for (const pause_by_passes &step : policy_.by_passes) {
            if (passes >= step.passes) {
                raise(step.pause, fmt::format("{} passes over memory are done", passes));
            }
        }
        if (const auto &time = policy_.by_time) {
            const double apart = seconds(time->apart).count() * gib();
            const double gone = std::min(std::floor(seconds(s.at).count() / apart),
                                         static_cast<double>(time->steps));
            const double growth = seconds(time->last - time->first).count() * gone / time->steps;
            raise(time->first + std::chrono::round<milliseconds>(seconds(growth)),
                  fmt::format("step {:.0f} of {}", gone, time->steps));
            if (!told_) return choice{action::set_downtime, due, std::move(reason)};
        }
        if (const auto &rises = policy_.by_rises; rises && rises_ > rises->rises) {
            raise(std::min(pause_ * 2, rises->most),
                  fmt::format("what remains has risen {} times", rises_));
            rises_ = 0;
        }
        if (!due || *due <= pause_) return std::nullopt;
        return choice{action::set_downtime, due, std::move(reason)};
    }

    /// Whether little remains, as far as this window goes; where that never comes, any moment is
    /// as good after a window's length of waiting. An aid is given half a window to show.
    [[nodiscard]] bool at_least(const sample &s) {
        if (!hopeless_since_) hopeless_since_ = s.at;
        if (last_help_ && s.at - *last_help_ < policy_.window.length / 2) return false;
        const bool waited = s.at - *hopeless_since_ >= policy_.window.length;
        const double least = detail::count(*window_.least_within());
        return waited || detail::count(*s.memory_remaining) <= policy_.near_least * least;
    }

    [[nodiscard]] std::optional<choice> help_from(std::span<const aid> aids, const forecast &f) {
        for (const aid each : aids) {
            switch (each) {
            case aid::longer_pause:
                if (auto longer = longer_pause(f)) return longer;
                break;
            case aid::longest_pause:
                if (policy_.longest_pause && *policy_.longest_pause > pause_) {
                    return choice{action::set_downtime, policy_.longest_pause,
                                  "the longest pause that this policy allows"};
                }
                break;
            case aid::post_copy:
                if (aids_.post_copy) {
                    return choice{action::start_post_copy, std::nullopt,
                                  "post-copy sends each page once"};
                }
                break;
            case aid::suspend:
                if (aids_.suspend) {
                    return choice{action::suspend_guest, std::nullopt,
                                  "a guest that stands still dirties nothing"};
                }
                break;
            case aid::abort:
                if (aids_.abort) {
                    return choice{action::abort_job, std::nullopt, "nothing else is allowed"};
                }
                break;
            }
        }
        return std::nullopt;
    }

    /// A pause in which what a pass leaves fits, if it is little longer than the one first allowed.
    [[nodiscard]] std::optional<choice> longer_pause(const forecast &f) {
        if (!f.pause_needed) return std::nullopt;
        if (!allowed_) allowed_ = pause_;
        // With something to spare: what a pass leaves is seen only as well as it is sampled.
        const seconds most = policy_.tolerated * seconds(*allowed_);
        const auto needed = std::chrono::floor<milliseconds>(std::min(1.1 * *f.pause_needed, most));
        if (*f.pause_needed > most || needed <= pause_) return std::nullopt;
        return choice{action::set_downtime, needed,
                      fmt::format("what a pass leaves fits in {} ms", needed.count())};
    }

    policy policy_;
    allowed_aids aids_;
    window window_;
    milliseconds pause_{0};
    bool told_ = false; ///< the pause was set here
    bool over_ = false; ///< an aid was decided on that ends the steering
    std::optional<double> first_remaining_;
    double last_remaining_ = 0;
    std::uint32_t rises_ = 0;
    std::optional<milliseconds> hopeless_since_;
    std::optional<milliseconds> last_help_;
    std::optional<milliseconds> allowed_; ///< the pause before any was added for want of progress
};

} // namespace kvmig::convergence
