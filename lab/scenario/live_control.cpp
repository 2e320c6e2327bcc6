// SPDX-License-Identifier: MIT
/// live-cancel, live-speed, live-downtime: a migration that is steered while it runs.
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

namespace kvmig::lab {

namespace {

using migration::flag;

guest_domain guest_dirtying(page_rate rate) {
    guest_domain guest = usual_guest();
    guest.settings.disk_size = bytes::mib(32);
    guest.settings.rate = rate;
    return guest;
}

constexpr bytes image_size = bytes::mib(64);

/// Which part of a migration is done, by its memory or by its disks.
using part_done = std::optional<double> (*)(const model::job_statistics &);

std::optional<double> memory_done(const model::job_statistics &s) {
    if (!s.memory_total || s.memory_total->count() == 0 || !s.memory_remaining) return std::nullopt;
    return 1 - s.memory_remaining->as_mib() / s.memory_total->as_mib();
}

std::optional<double> disk_done(const model::job_statistics &s) {
    if (!s.disk_total || s.disk_total->count() == 0 || !s.disk_remaining) return std::nullopt;
    return 1 - s.disk_remaining->as_mib() / s.disk_total->as_mib();
}

/// Begins a migration and cancels it when `part` of it is done; proves that it was called off and
/// hurt nobody.
expected<void> cancel_at(stage &on, performer &guest, const std::string &prefix,
                         const migration::options &how, part_done done, double part) {
    if (auto begun = guest.watch.begin(); !begun) return begun;
    std::stop_source cancel;
    const std::stop_callback interrupted(on.context().stop, [&] { cancel.request_stop(); });
    std::optional<double> reached;
    const auto cancel_it = [&](const model::job_progress &now) {
        const auto share = done(now.statistics);
        if (reached || !share || *share < part) return;
        reached = share;
        cancel.request_stop();
    };
    const auto result = on.attempt(guest, prefix, on.on().kvm02(), how,
                                   {.each_sample = cancel_it,
                                    .watched = {.interval = std::chrono::milliseconds{50}},
                                    .stop = cancel.get_token()});
    scenario_result &out = on.context().out;
    out.prove(prefix + "called off", !result && result.error().kind == error_kind::cancelled,
              result ? "it was migrated" : result.error().what);
    out.prove(prefix + "at the right moment", reached.has_value(),
              reached ? fmt::format("{:.0f} % were done", *reached * 100)
                      : "the moment did not come");
    return on.prove_unhurt(guest, prefix);
}

expected<void> cancel(stage &on, performer &guest) {
    // Slow enough that no phase is over before it can be cancelled.
    const migration::options copying{.flags = {flag::live, flag::non_shared_disk},
                                     .bandwidth = byte_rate::mib(8)};
    auto done = cancel_at(on, guest, "disk at 50 %: ", copying, disk_done, 0.5);
    for (const unsigned percent : {10U, 50U, 90U}) {
        if (!done) return done;
        done = cancel_at(on, guest, fmt::format("memory at {} %: ", percent), copying, memory_done,
                         percent / 100.0);
    }
    if (!done) return done;
    // And it can still move.
    auto moved = on.move(guest, "afterwards: ", on.on().kvm02(),
                         {.flags = {flag::live, flag::non_shared_disk}});
    if (!moved) return fail(std::move(moved).error());
    on.own_volume(on.on().kvm02(), guest.guest.disk.string());
    return {};
}

using moment = std::chrono::milliseconds;

/// Memory sent between two samples, per second.
double rate_between(const model::job_progress &from, const model::job_progress &to) {
    const auto &a = from.statistics.memory_processed;
    const auto &b = to.statistics.memory_processed;
    const double seconds = std::chrono::duration<double>(to.since_start - from.since_start).count();
    if (!a || !b || *b < *a || seconds <= 0) return 0;
    return (b->as_mib() - a->as_mib()) / seconds;
}

/// MiB/s over the second that ends with `samples[end]`; nothing while less was seen.
std::optional<double> rate_until(const std::vector<model::job_progress> &samples, std::size_t end) {
    for (std::size_t begin = end; begin-- > 0;) {
        if (samples[end].since_start - samples[begin].since_start >= std::chrono::seconds{1}) {
            return rate_between(samples[begin], samples[end]);
        }
    }
    return std::nullopt;
}

/// Of a guest that dirties nothing: whatever is sent is the first pass.
expected<void> change_speed(stage &on, performer &guest) {
    // An emulated host sends little more than this.
    const double slow = 1;
    const double fast = 4;
    std::optional<moment> changed;
    expected<void> accepted;
    std::vector<model::job_progress> seen;
    const libvirt::domain source = guest.at.share();
    auto result =
        on.move(guest, "", on.on().kvm02(), {.bandwidth = byte_rate::mib(1)},
                [&](const model::job_progress &now) {
                    seen.push_back(now);
                    const auto rate = rate_until(seen, seen.size() - 1);
                    // A steady rate first: then the change can be told from the
                    // beginning.
                    if (changed || !rate || *rate <= 0 || now.since_start < std::chrono::seconds{6})
                        return;
                    accepted = source.set_max_speed(byte_rate::mib(4));
                    changed = now.since_start;
                });
    if (!result) return fail(std::move(result).error());
    if (!accepted) return accepted;
    if (!changed) return fail(error_kind::failed, "it ended before the limit could be changed");
    double before = 0;
    double after = 0;
    std::optional<moment> followed;
    for (std::size_t i = 0; i < seen.size(); ++i) {
        const auto rate = rate_until(seen, i);
        if (!rate) continue;
        if (seen[i].since_start <= *changed) before = std::max(before, *rate);
        if (seen[i].since_start <= *changed) continue;
        after = std::max(after, *rate);
        if (!followed && *rate > slow * 1.5) followed = seen[i].since_start - *changed;
    }
    on.context().out.prove(
        "the first limit holds", before > 0 && before < slow * 1.5,
        fmt::format("limit {} MiB/s, at most {:.1f} seen in a second", slow, before));
    on.context().out.prove(
        "the rate follows the new limit", followed.has_value(),
        fmt::format("limit {} MiB/s, up to {:.1f} seen in a second", fast, after));
    if (followed) {
        on.context().out.measure("rate followed after", static_cast<double>(followed->count()),
                                 "ms");
    }
    return {};
}

/// Of a guest that dirties 8 MiB over and over at a rate near the link's: what remains never falls
/// to what 30 ms carry, and is soon less than what 5 s do.
expected<void> change_downtime(stage &on, performer &guest) {
    const libvirt::domain source = guest.at.share();
    const moment tight{30};
    const moment loose{5000};
    if (auto set = source.set_max_downtime(tight); !set) return set;
    expected<void> accepted;
    std::optional<model::job_progress> at_change;
    std::optional<model::job_progress> last;
    auto result = on.move(guest, "", on.on().kvm02(), {.bandwidth = byte_rate::mib(6)},
                          [&](const model::job_progress &now) {
                              last = now;
                              // Three passes in which it could have ended, had the limit allowed.
                              if (at_change || now.iteration.value_or(0) < 3) return;
                              at_change = now;
                              accepted = source.set_max_downtime(loose);
                          });
    if (!result) return fail(std::move(result).error());
    if (!accepted) return accepted;
    on.context().out.prove(
        "with 30 ms it goes on and on", at_change.has_value(),
        at_change ? fmt::format("after {} passes and {:.1f} s, {:.1f} MiB remained",
                                *at_change->iteration,
                                std::chrono::duration<double>(at_change->since_start).count(),
                                at_change->statistics.memory_remaining.value_or(bytes{0}).as_mib())
                  : "it ended before the limit was raised");
    if (!at_change || !last) return {};
    const auto &end = result->source_statistics;
    const auto paused = end && end->downtime ? end->downtime->count() : -1;
    const std::chrono::duration<double> later = result->wall_time - at_change->since_start;
    on.context().out.prove(
        "with 5 s it ends", paused > tight.count(),
        fmt::format("{:.1f} s later, with a downtime of {} ms", later.count(), paused));
    return {};
}

} // namespace

scenario live_cancel() {
    return {"live-cancel",
            "live",
            "live, called off in the disk phase and at 10, 50, 90 % of memory",
            false,
            [](scenario_context &context) {
                return play(context, guest_dirtying(page_rate{100}), context.where.local_pool,
                            image_size, cancel);
            },
            any_hosts};
}

scenario live_speed() {
    return {"live-speed",
            "live",
            "live, its speed limit changed while it runs",
            false,
            [](scenario_context &context) {
                return play(context, guest_dirtying(page_rate{0}), context.where.pool, image_size,
                            change_speed);
            },
            any_hosts};
}

scenario live_downtime() {
    return {"live-downtime",
            "live",
            "live, its downtime limit changed while it runs",
            false,
            [](scenario_context &context) {
                return play(context, guest_dirtying(page_rate{3000}), context.where.pool,
                            image_size, change_downtime);
            },
            any_hosts};
}

} // namespace kvmig::lab
