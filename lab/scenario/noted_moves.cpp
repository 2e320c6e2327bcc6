// SPDX-License-Identifier: MIT
#include <lab/scenario/effect.hpp>
#include <lab/scenario/noted_moves.hpp>

#include <fmt/format.h>
#include <utility>

namespace kvmig::lab {

namespace {

expected<void> move_and_note(stage &on, performer &who, const std::string &prefix,
                             const libvirt::connection &to, noted_moves &into) {
    auto moved = on.move(who, prefix, to);
    if (!moved) return fail(std::move(moved).error());
    note(into, *moved, on.context().out, prefix);
    return {};
}

} // namespace

void note(noted_moves &into, const run::migration_result &seen, const scenario_result &proven,
          const std::string &prefix) {
    into.times.push_back(static_cast<double>(seen.wall_time.count()));
    for (const figure &each : proven.figures) {
        if (each.name == prefix + "heartbeat gap outside") into.gaps.push_back(each.value);
    }
    const auto &told =
        seen.source_statistics ? seen.source_statistics : seen.destination_statistics;
    if (told && told->memory_processed) {
        into.moved.push_back(static_cast<double>(told->memory_processed->count()));
    }
}

expected<void> move_there(stage &on, performer &who, const std::string &name, noted_moves &into) {
    return move_and_note(on, who, name + ", there: ", on.on().kvm02(), into);
}

expected<void> move_back(stage &on, performer &who, const std::string &name, noted_moves &into) {
    return move_and_note(on, who, name + ", back: ", on.on().kvm01(), into);
}

void tell_moves(scenario_result &out, const std::string &name, const std::string &plain_name,
                const noted_moves &plain, const noted_moves &tuned, const std::string &distorted) {
    struct row {
        const char *what;
        std::vector<double> noted_moves::*values;
    };
    for (const auto &[what, values] :
         {row{"migration time", &noted_moves::times}, row{"heartbeat gap", &noted_moves::gaps},
          row{"memory moved", &noted_moves::moved}}) {
        if ((plain.*values).empty() || (tuned.*values).empty()) continue;
        tell_effect(out, fmt::format("{}: {}, for {}", name, what, plain_name), plain.*values,
                    tuned.*values, distorted);
    }
}

noted_moves both_baselines(const noted_moves &before, const noted_moves &again) {
    return {both_baselines(before.times, again.times), both_baselines(before.gaps, again.gaps),
            both_baselines(before.moved, again.moved)};
}

} // namespace kvmig::lab
