// SPDX-License-Identifier: MIT
/// live-converge: a guest that dirties memory faster than the link carries it. Unaided it is told
/// that this will not end; auto-converge, differences (XBZRLE) and post-copy each end it.
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
expected<void> without_aid(stage &on, performer &guest, const std::string &prefix,
                           migration::options how_to_move) {
    static constexpr std::array aids = {convergence::aid::abort};
    run::sampling how;
    how.steer = {.policy = {.name = "foretell", .when_hopeless = aids},
                 .may_suspend = false,
                 .may_abort = true,
                 .limit = late};
    if (auto begun = guest.watch.begin(); !begun) return begun;
    const auto begun = std::chrono::steady_clock::now();
    how_to_move.bandwidth = narrow_link;
    const auto result =
        on.attempt(guest, prefix, on.on().other_than(guest.at), how_to_move, {.watched = how});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    const std::string said = result ? "it ended by itself" : describe(result.error());
    scenario_result &out = on.context().out;
    out.prove(prefix + "foretold not to end, before the time limit",
              !result && result.error().kind == error_kind::timed_out &&
                  said.find("it will not end by itself") != std::string::npos,
              said);
    out.measure(prefix + "told after", took.count(), "s");
    return on.prove_unhurt(guest, prefix);
}

/// The guest is held back until the link keeps up.
expected<void> by_auto_converge(stage &on, performer &guest, const run::sampling &watched) {
    auto moved = on.move(guest, "auto-converge: ", on.on().other_than(guest.at),
                         {.flags = {flag::live, flag::auto_converge}, .bandwidth = narrow_link}, {},
                         watched);
    if (!moved) return fail(std::move(moved).error());
    std::uint64_t throttle = 0;
    for (const model::job_progress &each : moved->samples) {
        throttle = std::max(throttle, each.statistics.auto_converge_throttle.value_or(0));
    }
    on.context().out.prove("auto-converge: the guest was slowed down", throttle > 0,
                           fmt::format("by up to {} %", throttle));
    return {};
}

/// Of a page that was sent before, what differs: here a word.
expected<void> by_differences(stage &on, performer &guest, const run::sampling &watched) {
    auto moved = on.move(guest, "xbzrle: ", on.on().other_than(guest.at),
                         {.flags = {flag::live, flag::compressed},
                          .bandwidth = narrow_link,
                          .compression = {"xbzrle"},
                          .compression_xbzrle_cache = bytes::mib(64)},
                         {}, watched);
    if (!moved) return fail(std::move(moved).error());
    bytes sent;
    pages differing;
    for (const model::job_progress &each : moved->samples) {
        sent = std::max(sent, each.statistics.compression_bytes.value_or(bytes{}));
        differing = std::max(differing, each.statistics.compression_pages.value_or(pages{}));
    }
    scenario_result &out = on.context().out;
    const std::string seen =
        fmt::format("{} pages in {:.2f} MiB", differing.count(), sent.as_mib());
    out.prove("xbzrle: pages went as differences", differing > pages{}, seen);
    out.measure("xbzrle: sent as differences", static_cast<double>(sent.count()), "bytes");
    return {};
}

/// Each page is compressed as a whole, by a thread beside. That alone does not end it: QEMU holds
/// what is left, as it is in memory, against the rate at which compressed bytes go.
expected<void> by_compression(stage &on, performer &guest, const run::sampling &watched) {
    auto moved = on.move(guest, "mt: ", on.on().other_than(guest.at),
                         {.flags = {flag::live, flag::compressed, flag::auto_converge},
                          .bandwidth = narrow_link,
                          .compression = {"mt"},
                          .compression_mt_level = 1,
                          .compression_mt_threads = 1,
                          .compression_mt_dthreads = 1},
                         {}, watched);
    if (!moved) return fail(std::move(moved).error());
    // Each page went once at least; those that are not all of one byte would have been more bytes.
    bytes sent;
    bytes held;
    for (const model::job_progress &each : moved->samples) {
        const model::job_statistics &now = each.statistics;
        sent = std::max(sent, now.memory_processed.value_or(bytes{}));
        const std::uint64_t constant =
            now.memory_constant.value_or(pages{}).count() * guest::page_bytes;
        const std::uint64_t total = now.memory_total.value_or(bytes{}).count();
        held = bytes{total - std::min(total, constant)};
    }
    on.context().out.prove(
        "mt: pages went compressed", sent < held,
        fmt::format("{:.1f} MiB of them in {:.1f} MiB", held.as_mib(), sent.as_mib()));
    return {};
}

/// The guest goes ahead once its end is foretold not to come, and fetches what it needs.
expected<void> by_post_copy(stage &on, performer &guest, run::sampling watched) {
    watched.steer.policy = convergence::policies::gentle;
    auto moved =
        on.move(guest, "post-copy: ", on.on().other_than(guest.at),
                {.flags = {flag::live, flag::postcopy}, .bandwidth = narrow_link}, {}, watched);
    if (!moved) return fail(std::move(moved).error());
    const bool ahead =
        std::any_of(moved->steps.begin(), moved->steps.end(), [](const run::timed_step &step) {
            return step.what.to == migration::state::post_copy;
        });
    on.context().out.prove("post-copy: begun when the end was foretold not to come", ahead,
                           ahead ? "the guest went ahead of its memory"
                                 : "it ended without post-copy");
    return {};
}

expected<void> converge(stage &on, performer &guest) {
    auto done = without_aid(on, guest, "unaided: ", {});
    // More connections do not help where the link is the bound.
    if (done) {
        done = without_aid(on, guest, "multifd: ",
                           {.flags = {flag::live, flag::parallel}, .parallel_connections = 4});
    }
    run::sampling watched;
    watched.steer.limit = late;
    if (done) done = by_auto_converge(on, guest, watched);
    if (done) done = by_differences(on, guest, watched);
    if (done) done = by_compression(on, guest, watched);
    if (done) done = by_post_copy(on, guest, watched);
    return done;
}

expected<void> run_live_converge(scenario_context &context) {
    guest_domain guest = usual_guest();
    guest.settings.rate = page_rate{3000};
    guest.settings.period = 8; // something to compress
    return play(context, guest, context.where.pool, bytes::mib(64), converge);
}

} // namespace

scenario live_converge() {
    return {"live-converge",
            "live",
            "live, more dirtied than the link carries: foretold, and ended by each aid",
            false,
            run_live_converge,
            any_hosts};
}

} // namespace kvmig::lab
