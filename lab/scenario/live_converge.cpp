// SPDX-License-Identifier: MIT
/// live-converge: a guest that dirties memory faster than the link carries it. Unaided it is told
/// that this will not end; auto-converge ends it.
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <fmt/format.h>

namespace kvmig::lab {

namespace {

using migration::flag;

/// Slow beside what the guest dirties: 8 MiB over and over, at 3000 pages a second.
constexpr byte_rate narrow_link = byte_rate::mib(4);
/// A time limit that is far behind the moment at which the end is foretold.
constexpr run::time_limit late{std::chrono::minutes{15}, run::at_limit::cancel};

/// Gives up when its end is foretold not to come, and only then.
expected<void> without_aid(stage &on, performer &guest) {
    static constexpr std::array aids = {convergence::aid::abort};
    run::sampling how;
    how.steer = {.policy = {.name = "foretell", .when_hopeless = aids},
                 .may_suspend = false,
                 .may_abort = true,
                 .limit = late};
    if (auto begun = guest.watch.begin(); !begun) return begun;
    const auto begun = std::chrono::steady_clock::now();
    const auto result = on.attempt(guest, "unaided: ", on.on().kvm02(), {.bandwidth = narrow_link},
                                   {.watched = how});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    const std::string said = result ? "it ended by itself" : describe(result.error());
    scenario_result &out = on.context().out;
    out.prove("unaided: foretold not to end, before the time limit",
              !result && result.error().kind == error_kind::timed_out &&
                  said.find("it will not end by itself") != std::string::npos,
              said);
    out.measure("unaided: told after", took.count(), "s");
    return on.prove_unhurt(guest, "unaided: ");
}

expected<void> converge(stage &on, performer &guest) {
    if (auto told = without_aid(on, guest); !told) return told;

    run::sampling how;
    how.steer.limit = late;
    auto slowed =
        on.move(guest, "auto-converge: ", on.on().kvm02(),
                {.flags = {flag::live, flag::auto_converge}, .bandwidth = narrow_link}, {}, how);
    if (!slowed) return fail(std::move(slowed).error());
    std::uint64_t throttle = 0;
    for (const model::job_progress &each : slowed->samples) {
        throttle = std::max(throttle, each.statistics.auto_converge_throttle.value_or(0));
    }
    on.context().out.prove("auto-converge: the guest was slowed down", throttle > 0,
                           fmt::format("by up to {} %", throttle));

    return {};
}

expected<void> run_live_converge(scenario_context &context) {
    guest_domain guest = usual_guest();
    guest.settings.rate = page_rate{3000};
    return play(context, guest, context.where.pool, bytes::mib(64), converge);
}

} // namespace

scenario live_converge() {
    return {"live-converge",
            "live",
            "live, more dirtied than the link carries: foretold, and ended by auto-converge",
            false,
            run_live_converge,
            any_hosts};
}

} // namespace kvmig::lab
