// SPDX-License-Identifier: MIT
/// live-parallel: three guests together, then in turn, and the third with several connections.
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/run/migrate.hpp>

#include <chrono>
#include <fmt/format.h>
#include <future>

namespace kvmig::lab {

namespace {

using migration::flag;
using clock = std::chrono::steady_clock;

constexpr unsigned guest_count = 3;

double seconds_since(clock::time_point begun) {
    return std::chrono::duration<double>(clock::now() - begun).count();
}

expected<std::vector<performer>> start_guests(stage &on) {
    std::vector<performer> out;
    for (unsigned i = 0; i < guest_count; ++i) {
        auto path = on.add_image(pool_name, fmt::format("vm{}.qcow2", i + 1), bytes::mib(512));
        if (!path) return fail(std::move(path).error());
        guest_domain actor = usual_guest();
        actor.name = actor.settings.name = fmt::format("vm{}", i + 1);
        actor.index = i;
        actor.settings.address.host = guest_address(i);
        actor.settings.memory = bytes::mib(48);
        actor.settings.rate = page_rate{200};
        actor.disk = *path;
        auto guest = on.start(actor);
        if (!guest) return fail(std::move(guest).error());
        out.push_back(*std::move(guest));
    }
    return out;
}

/// Moves all at once, each by a thread of its own.
expected<void> move_together(stage &on, std::vector<performer> &guests) {
    for (performer &each : guests) {
        if (auto begun = each.watch.begin(); !begun) return begun;
    }
    on.context().tell("together: migrating");
    const auto begun = clock::now();
    std::vector<std::future<expected<run::migration_result>>> moves;
    for (performer &each : guests) {
        moves.push_back(std::async(std::launch::async, [&] {
            return run::migrate(each.at, on.on().kvm02(), {}, {}, on.context().stop);
        }));
    }
    std::vector<expected<run::migration_result>> results;
    for (auto &each : moves) results.push_back(each.get());
    scenario_result &out = on.context().out;
    out.measure("together: total time", seconds_since(begun), "s");
    for (std::size_t i = 0; i < guests.size(); ++i) {
        if (!results[i]) return fail(std::move(results[i]).error());
        const std::string prefix = fmt::format("together, {}: ", guests[i].guest.name);
        prove_migration(out, prefix, *results[i]);
        auto there = libvirt::domain::lookup(on.on().kvm02(), results[i]->id);
        if (!there) return fail(std::move(there).error());
        guests[i].at = *std::move(there);
        on.context().tell(prefix + "checking memory and disk");
        auto proven = guests[i].watch.prove(out, prefix, on.context().stop);
        if (!proven) return proven;
    }
    return {};
}

/// Moves one after another; the last with its memory spread over several connections.
expected<void> move_in_turn(stage &on, std::vector<performer> &guests) {
    double total = 0;
    for (std::size_t i = 0; i < guests.size(); ++i) {
        const bool last = i + 1 == guests.size();
        migration::options how;
        if (last) {
            how.flags.set(flag::parallel);
            how.parallel_connections = 2;
        }
        const std::string prefix = fmt::format("in turn, {}{}: ", guests[i].guest.name,
                                               last ? " over two connections" : "");
        auto moved = on.move(guests[i], prefix, on.on().kvm01(), how);
        if (!moved) return fail(std::move(moved).error());
        total += std::chrono::duration<double>(moved->wall_time).count();
    }
    on.context().out.measure("in turn: total time", total, "s");
    return {};
}

expected<void> run_live_parallel(scenario_context &context) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    auto guests = start_guests(*on);
    if (!guests) return fail(std::move(guests).error());
    auto done = move_together(*on, *guests);
    if (done) done = move_in_turn(*on, *guests);
    for (performer &each : *guests) {
        if (done) done = on->dismiss(each);
    }
    if (done) done = on->strike();
    return done;
}

} // namespace

scenario live_parallel() {
    return {"live-parallel", "live", "live, three guests together and in turn, one over multifd",
            false, run_live_parallel};
}

} // namespace kvmig::lab
