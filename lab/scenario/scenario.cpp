// SPDX-License-Identifier: MIT
#include <lab/scenario/failures.hpp>
#include <lab/scenario/scenario.hpp>
#include <lab/scenario/scenarios.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>
#include <utility>
#include <vector>

namespace kvmig::lab {

std::string_view to_string(outcome what) noexcept {
    switch (what) {
    case outcome::passed: return "passed";
    case outcome::failed: return "failed";
    case outcome::skipped: return "skipped";
    }
    return "unknown";
}

void scenario_result::prove(std::string name, bool passed, std::string seen) {
    proofs.push_back({std::move(name), passed, std::move(seen)});
}

void scenario_result::measure(std::string name, double value, std::string unit,
                              std::string distorted) {
    figures.push_back({std::move(name), value, std::move(unit), std::move(distorted)});
}

std::span<const scenario> all_scenarios() {
    static const std::vector<scenario> scenarios = [] {
        std::vector all{
            cold_shared(),       cold_local_file(),      cold_local_lvm(),
            cold_state_save(),   cold_state_snapshot(),  live_shared(),
            live_shared_mount(), live_nfs_direct(),      live_block(),
            live_incremental(),  live_cancel(),          live_speed(),
            live_downtime(),     live_converge(),        live_recovery(),
            live_postcopy(),     live_parallel(),        live_auto(),
            live_media(),        live_bridge(),          live_macvtap(),
            live_32_64(),        live_passthrough(),     live_tls(),
            live_100mbit(),      live_monitor(),         shared_proof(),
            check_canary(),      check_facts(),          tune_domain(),
            recovery_live(),     recovery_p2p(),         recovery_postcopy(),
            recovery_steered(),  recovery_block(),       recovery_incremental(),
            recovery_cold(),     recovery_cold_images(),
        };
        for (scenario &each : failures()) all.push_back(std::move(each));
        return all;
    }();
    return scenarios;
}

std::span<const scenario> all_benchmarks() {
    static const std::vector<scenario> benchmarks{
        bench_ksm(),     bench_blkio(),   bench_hugepages(),
        bench_memtune(), bench_profile(), bench_migration_under_tuning()};
    return benchmarks;
}

expected<std::vector<const scenario *>> select_scenarios(std::span<const std::string> globs,
                                                         std::span<const scenario> all) {
    std::vector<const scenario *> chosen;
    const auto matches = [](const std::string &glob, const scenario &one) {
        return ::fnmatch(glob.c_str(), std::string{one.id}.c_str(), 0) == 0;
    };
    for (const std::string &glob : globs) {
        if (std::any_of(all.begin(), all.end(),
                        [&](const scenario &one) { return matches(glob, one); })) {
            continue;
        }
        std::vector<std::string_view> ids;
        for (const scenario &one : all) ids.push_back(one.id);
        return fail(make_error(error_kind::invalid_argument,
                               fmt::format("no scenario is called '{}'", glob))
                        .advise(fmt::format("use one of {}, or a pattern such as 'live-*'",
                                            fmt::join(ids, ", "))));
    }
    for (const scenario &one : all) {
        const bool wanted =
            globs.empty() || std::any_of(globs.begin(), globs.end(), [&](const std::string &glob) {
                return matches(glob, one);
            });
        if (wanted) chosen.push_back(&one);
    }
    return chosen;
}

} // namespace kvmig::lab
