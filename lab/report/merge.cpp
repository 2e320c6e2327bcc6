// SPDX-License-Identifier: MIT
#include <lab/report/environments.hpp>
#include <lab/report/merge.hpp>
#include <lab/report/repetition.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <set>
#include <tuple>

namespace kvmig::lab {

namespace {

/// The environment of each machine, with what it ran.
std::vector<nlohmann::json> machines_of(const run_result &run) {
    auto out = environments_of(run);
    if (!run.environment.contains("machines")) {
        out.front()["scenarios"] = nlohmann::json::array();
        std::set<std::string_view> told;
        for (const scenario_result &each : run.scenarios) {
            if (told.insert(each.id).second) out.front()["scenarios"].push_back(each.id);
        }
    }
    return out;
}

nlohmann::json merged_environment(const std::vector<nlohmann::json> &each_machine) {
    nlohmann::json out = each_machine.front();
    for (const nlohmann::json &each : each_machine) {
        for (auto item = out.begin(); item != out.end();) {
            if (item.key() == "time") {
                item.value() = std::min(item.value(), each.value("time", item.value()));
                ++item;
            } else if (each.contains(item.key()) && each.at(item.key()) == item.value()) {
                ++item;
            } else {
                item = out.erase(item);
            }
        }
    }
    out.erase("scenarios");
    out["machines"] = each_machine;
    return out;
}

error not_one_run(std::string what) {
    return make_error(error_kind::invalid_argument, std::move(what))
        .advise("merge the run.json of every shard of one run, each once");
}

expected<void> look_at_shards(const std::vector<named_run> &runs) {
    std::map<unsigned, std::string> seen;
    const named_run *first = nullptr;
    for (const named_run &each : runs) {
        const auto &[name, run] = each;
        if (!run.part) continue;
        if (first == nullptr) first = &each;
        if (run.part->count != first->second.part->count) {
            return fail(not_one_run(fmt::format("{} is shard {}, and {} is shard {}", first->first,
                                                to_string(*first->second.part), name,
                                                to_string(*run.part))));
        }
        const auto [known, added] = seen.emplace(run.part->index, name);
        if (!added) {
            return fail(not_one_run(fmt::format("{} and {} are both shard {}", known->second, name,
                                                to_string(*run.part))));
        }
    }
    const unsigned count = first == nullptr ? 0 : first->second.part->count;
    std::vector<std::string> missing;
    for (unsigned index = 1; index <= count; ++index) {
        if (!seen.contains(index)) missing.push_back(to_string(shard{index, count}));
    }
    if (missing.empty()) return {};
    return fail(not_one_run(fmt::format("shard {} is missing", fmt::join(missing, ", "))));
}

/// In the order in which one machine would have run them.
void sort_as_one(run_result &run) {
    std::map<std::string_view, std::size_t> places;
    for (const scenario &each : all_scenarios()) places.emplace(each.id, places.size());
    const auto repetitions = repetitions_of(run);
    std::vector<std::tuple<std::size_t, std::size_t, std::size_t>> order; // round, place, entry
    for (std::size_t i = 0; i < run.scenarios.size(); ++i) {
        const auto known = places.find(run.scenarios[i].id);
        order.emplace_back(std::max<std::size_t>(repetitions[i], 1),
                           known == places.end() ? places.size() : known->second, i);
    }
    std::sort(order.begin(), order.end());
    std::vector<scenario_result> sorted;
    for (const auto &each : order) {
        sorted.push_back(std::move(run.scenarios[std::get<2>(each)]));
    }
    run.scenarios = std::move(sorted);
}

} // namespace

expected<run_result> merge_runs(const std::vector<named_run> &runs) {
    if (auto whole = look_at_shards(runs); !whole) return fail(std::move(whole).error());
    run_result out;
    std::vector<nlohmann::json> ran_on;
    std::map<std::string, const named_run *> ran_by;
    for (const named_run &one : runs) {
        for (nlohmann::json &each : machines_of(one.second)) ran_on.push_back(std::move(each));
        for (const scenario_result &each : one.second.scenarios) {
            const named_run *other = ran_by.emplace(each.id, &one).first->second;
            if (other != &one) {
                return fail(not_one_run(
                    fmt::format("{} is in both {} and {}", each.id, other->first, one.first)));
            }
            out.scenarios.push_back(each);
        }
    }
    if (const auto unlike = differences(ran_on, software_places); !unlike.empty()) {
        return fail(
            make_error(error_kind::refused,
                       fmt::format("the runs are of unlike software: {}", fmt::join(unlike, "; ")))
                .advise("merge runs of one build of kvmig and one image of the hosts"));
    }
    sort_as_one(out);
    out.environment = merged_environment(ran_on);
    return out;
}

} // namespace kvmig::lab
