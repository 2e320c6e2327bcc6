// SPDX-License-Identifier: MIT
#include <lab/scenario/counted.hpp>
#include <lab/scenario/pace.hpp>
#include <lab/scenario/page_writes.hpp>

#include <lab/guest/pattern.hpp>

#include <utility>

namespace kvmig::lab {

namespace {

constexpr std::uint64_t first_asked_rate = 200'000;
constexpr std::uint64_t highest_asked_rate = 200'000'000;

/// Waits until the guest has told of new writes; whether it misses much of what is asked for.
expected<bool> falls_behind(performer &who, std::uint64_t asked, const std::stop_token &stop) {
    auto first = who.watch.client().status();
    if (!first) return fail(std::move(first).error());
    while (true) {
        if (auto paused = pause_for(std::chrono::seconds{1}, stop); !paused) {
            return fail(std::move(paused).error());
        }
        auto now = who.watch.client().status();
        if (!now) return fail(std::move(now).error());
        if (now->memory.writes - first->memory.writes < asked / 2) continue;
        return now->memory.missed - first->memory.missed > asked / 10;
    }
}

template <class Count>
work_seen work_in(const std::vector<guest::guest_status> &looks, Count count) {
    std::vector<counted> done;
    for (const guest::guest_status &each : looks) {
        done.push_back({static_cast<double>(count(each).writes), each.monotonic});
    }
    return {rates_of(done), rate_between(done.front(), done.back()),
            count(looks.back()).writes - count(looks.front()).writes,
            count(looks.back()).missed - count(looks.front()).missed};
}

} // namespace

expected<void> write_pages(performer &who, page_rate rate, bytes set) {
    guest::workload_change change;
    change.rate = rate;
    change.working_set = pages{set.count() / guest::page_bytes};
    if (auto done = who.watch.client().set_workload(change); !done) {
        return fail(std::move(done).error());
    }
    return {};
}

expected<page_rate> more_pages_than_it_can(performer &who, bytes set, const std::stop_token &stop) {
    std::uint64_t asked = first_asked_rate;
    for (; asked < highest_asked_rate; asked *= 4) {
        if (auto done = write_pages(who, page_rate{asked}, set); !done) {
            return fail(std::move(done).error());
        }
        auto behind = falls_behind(who, asked, stop);
        if (!behind) return fail(std::move(behind).error());
        if (*behind) break;
    }
    return page_rate{asked};
}

work_seen pages_in(const std::vector<guest::guest_status> &looks) {
    return work_in(looks, [](const guest::guest_status &each) { return each.memory; });
}

work_seen blocks_in(const std::vector<guest::guest_status> &looks) {
    return work_in(looks, [](const guest::guest_status &each) { return each.disk; });
}

expected<std::vector<guest::guest_status>> look_on(performer &who, std::size_t times,
                                                   std::chrono::seconds period,
                                                   const std::stop_token &stop) {
    std::vector<guest::guest_status> looks;
    pacemaker pace(period, stop);
    while (true) {
        auto now = who.watch.client().status();
        if (!now) return fail(std::move(now).error());
        looks.push_back(*std::move(now));
        if (looks.size() > times) return looks;
        if (auto paced = pace.next(); !paced) return fail(std::move(paced).error());
    }
}

} // namespace kvmig::lab
