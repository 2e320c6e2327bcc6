// SPDX-License-Identifier: MIT
#include <lab/cli/diagnosis_text.hpp>
#include <lab/report/run_json.hpp>
#include <lab/scenario/runner.hpp>
#include <lab/topology/files.hpp>

#include <kvmig/diagnosis.hpp>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <map>
#include <string_view>

namespace kvmig::lab {

namespace {

/// Runs one scenario and settles its outcome: an error, or a proof that did not pass, is a failure.
/// Its files go into `folder`.
scenario_result run_one(const scenario &one, const venue &at, const std::filesystem::path &folder,
                        const progress &tell, const std::stop_token &stop) {
    scenario_result result;
    result.id = one.id;
    scenario_context context{at.where, result, tell, stop, folder, at.lab ? &*at.lab : nullptr};
    result.begun = std::chrono::steady_clock::now();
    const auto done = one.run(context);
    result.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - result.begun).count();
    const auto refuted = std::find_if(result.proofs.begin(), result.proofs.end(),
                                      [](const proof &each) { return !each.passed; });
    if (!done) {
        result.reason = describe(done.error());
        evidence all;
        diagnosis::add_error(all, done.error());
        result.samples["the scenario says"] = result.reason;
        result.samples["the scenario: diagnosis"] = cli::diagnosis_json(diagnosis::diagnose(all));
    } else if (refuted != result.proofs.end()) {
        result.reason = fmt::format("{}: {}", refuted->name, refuted->seen);
    } else if (result.proofs.empty()) {
        result.reason = "it proved nothing";
    } else {
        result.result = outcome::passed;
    }
    return result;
}

/// Of one that needs the lab's own machines, elsewhere.
scenario_result skip(const scenario &one) {
    scenario_result result;
    result.id = one.id;
    result.result = outcome::skipped;
    result.reason = fmt::format("it runs on the lab's own machines only: {}", one.only_in_lab);
    return result;
}

} // namespace

std::size_t run_result::count(outcome what) const noexcept {
    return static_cast<std::size_t>(
        std::count_if(scenarios.begin(), scenarios.end(),
                      [what](const scenario_result &each) { return each.result == what; }));
}

expected<run_result> run_scenarios(const venue &at, const run_plan &plan,
                                   const std::filesystem::path &folder, const progress &tell,
                                   const scenario_watcher &watch, const std::stop_token &stop) {
    run_result run;
    run.folder = folder;
    run.part = plan.part;
    std::map<std::string_view, unsigned> times; // that a scenario was run
    std::vector<std::string> failed_before;
    for (auto next = plan.scenarios.begin(); next != plan.scenarios.end();) {
        const scenario *one = *next;
        watch(*one, nullptr);
        const bool able = at.lab || one->only_in_lab.empty();
        if (able) {
            if (auto clean = at.clean(tell, stop); !clean) return fail(std::move(clean).error());
        }
        if (run.environment.is_null()) {
            auto environment = at.environment(stop);
            if (!environment) return fail(std::move(environment).error());
            run.environment = std::move(*environment);
        }
        const unsigned time = ++times[one->id];
        const auto place =
            folder / (time == 1 ? std::string{one->id} : fmt::format("{}.{}", one->id, time));
        scenario_result result = able ? run_one(*one, at, place, tell, stop) : skip(*one);
        result.failed_before = failed_before;
        if (result.result == outcome::failed) {
            tell("collecting the machines' logs");
            // A machine that has died cannot be asked: what is missing is part of the story.
            for (const error &gap : at.collect_logs(place)) {
                result.reason += "\nlog missing: " + describe(gap);
            }
        }
        watch(*one, &result);
        const bool failed = result.result == outcome::failed;
        if (failed && failed_before.size() < plan.retries && !stop.stop_requested()) {
            failed_before.push_back(std::move(result.reason));
            continue; // its reset comes with the next attempt
        }
        failed_before.clear();
        ++next;
        run.scenarios.push_back(std::move(result));
        // After each: what is known so far outlives this program.
        if (auto written = write_file(folder / "run.json", to_json(run).dump(1) + "\n"); !written) {
            return fail(std::move(written).error());
        }
        if (stop.stop_requested()) {
            return fail(error_kind::cancelled,
                        fmt::format("stopped after {} of {} scenarios; {} has what is known",
                                    run.scenarios.size(), plan.scenarios.size(),
                                    (folder / "run.json").string()));
        }
        if (failed) {
            if (auto clean = at.clean(tell, stop); !clean) return fail(std::move(clean).error());
        }
    }
    return run;
}

expected<std::filesystem::path> make_results_folder(const std::string &venue_name) {
    auto state = state_directory();
    if (!state) return fail(std::move(state).error());
    const std::string stamp = fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::time(nullptr)));
    for (unsigned attempt = 0;; ++attempt) {
        const auto folder = *state / "results" /
                            (attempt == 0 ? fmt::format("{}-{}", stamp, venue_name)
                                          : fmt::format("{}-{}-{}", stamp, venue_name, attempt));
        std::error_code code;
        if (std::filesystem::exists(folder, code)) continue;
        if (auto made = make_directory(folder); !made) return fail(std::move(made).error());
        return folder;
    }
}

} // namespace kvmig::lab
