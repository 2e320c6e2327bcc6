// SPDX-License-Identifier: MIT
/// live-parallel: three guests one after another, then all at once; and one over several
/// connections.
#include <lab/machine/remote.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/run/migrate.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <optional>
#include <thread>

namespace kvmig::lab {

namespace {

using migration::flag;
using guests = std::vector<performer>;

constexpr unsigned how_many = 3;
constexpr int connections = 2;
/// No guest is to stand still for longer. On a busy machine, between emulated hosts, one alone
/// takes up to 3 s.
constexpr std::chrono::seconds promised{10};

run::sampling promising() {
    run::sampling out;
    out.steer.promise = promised;
    return out;
}

void prove_promise(stage &on, const std::string &prefix, const run::migration_result &result) {
    const auto &came = result.promise;
    on.context().out.prove(prefix + "the promised downtime was kept",
                           came && came->measured && !came->broken(),
                           came ? convergence::describe(*came) : "nothing was promised");
}

expected<guests> start_all(stage &on) {
    guests out;
    for (unsigned i = 0; i < how_many; ++i) {
        guest_domain guest = usual_guest();
        guest.name = fmt::format("vm{}", i + 1);
        guest.index = i;
        guest.settings.name = guest.name;
        guest.settings.address.host = guest_address(i);
        auto path = on.add_image(pool_name, guest.name + ".qcow2", bytes::mib(64));
        if (!path) return fail(std::move(path).error());
        guest.disk = *path;
        auto started = on.start(guest);
        if (!started) return fail(std::move(started).error());
        out.push_back(*std::move(started));
    }
    return out;
}

expected<void> in_turn(stage &on, guests &all) {
    std::chrono::milliseconds moving{0};
    for (performer &each : all) {
        const std::string prefix = fmt::format("in turn, {}: ", each.guest.name);
        auto moved = on.move(each, prefix, on.on().kvm02(), {}, {}, promising());
        if (!moved) return fail(std::move(moved).error());
        prove_promise(on, prefix, *moved);
        moving += moved->wall_time;
    }
    on.context().out.measure("in turn: all moved after", static_cast<double>(moving.count()), "ms");
    return {};
}

expected<void> together(stage &on, guests &all) {
    for (performer &each : all) {
        if (auto begun = each.watch.begin(); !begun) return begun;
    }
    on.context().tell("together: migrating three guests at once");
    std::vector<std::optional<expected<run::migration_result>>> came(all.size());
    const auto begun = std::chrono::steady_clock::now();
    {
        std::vector<std::jthread> movers;
        for (std::size_t i = 0; i < all.size(); ++i) {
            movers.emplace_back([&, i] {
                came[i] = run::migrate(all[i].at, on.on().kvm01(), {}, {}, on.context().stop,
                                       promising());
            });
        }
    }
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const std::string prefix = fmt::format("together, {}: ", all[i].guest.name);
        expected<run::migration_result> &result = *came[i];
        if (!result) return fail(std::move(result).error());
        prove_promise(on, prefix, *result);
        auto proven = on.prove_moved(all[i], prefix, on.on().kvm01(), *result);
        if (!proven) return proven;
    }
    on.context().out.measure("together: all moved after", took.count(), "ms");
    const auto first_end = std::min_element(came.begin(), came.end(), [](auto &a, auto &b) {
        return (**a).begun + (**a).wall_time < (**b).begun + (**b).wall_time;
    });
    const auto last_begin = std::max_element(
        came.begin(), came.end(), [](auto &a, auto &b) { return (**a).begun < (**b).begun; });
    const bool at_once = (***last_begin).begun < (***first_end).begun + (***first_end).wall_time;
    on.context().out.prove("together: at once", at_once,
                           at_once ? "the last began before the first had ended"
                                   : "one had ended before another began");
    return {};
}

/// How many connections the migration ports of kvm02 have.
expected<std::size_t> streams(const scenario_context &context) {
    auto told = remote_output(
        *find_machine("kvm02"),
        {"ss", "-Htn", "state", "established", "sport >= 49152 and sport <= 49215"}, context.stop);
    if (!told) return fail(std::move(told).error());
    return static_cast<std::size_t>(std::count(told->begin(), told->end(), '\n'));
}

expected<void> over_several(stage &on, performer &guest) {
    std::size_t most = 0;
    expected<void> looked;
    auto moved = on.move(guest, "multifd: ", on.on().kvm02(),
                         {.flags = {flag::live, flag::parallel},
                          .bandwidth = byte_rate::mib(16),
                          .parallel_connections = connections},
                         [&](const model::job_progress &now) {
                             if (!looked || most > connections ||
                                 now.statistics.memory_processed.value_or(bytes{0}).count() == 0) {
                                 return;
                             }
                             const auto seen = streams(on.context());
                             if (seen)
                                 most = std::max(most, *seen);
                             else
                                 looked = fail(seen.error());
                         });
    if (!moved) return fail(std::move(moved).error());
    if (!looked) return looked;
    on.context().out.prove("multifd: over connections of their own", most > connections,
                           fmt::format("{} at once: {} for memory, and one that leads", most,
                                       most == 0 ? 0 : most - 1));
    return {};
}

expected<void> run_live_parallel(scenario_context &context) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    auto all = start_all(*on);
    if (!all) return fail(std::move(all).error());
    auto done = in_turn(*on, *all);
    if (done) done = together(*on, *all);
    if (done) done = over_several(*on, all->front());
    for (performer &each : *all) {
        if (done) done = on->dismiss(each);
    }
    return done ? on->strike() : done;
}

} // namespace

scenario live_parallel() {
    return {"live-parallel", "live",
            "live, three guests in turn and at once, and one over several connections", false,
            run_live_parallel};
}

} // namespace kvmig::lab
