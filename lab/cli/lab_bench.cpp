// SPDX-License-Identifier: MIT
#include <lab/cli/lab_bench.hpp>

#include <lab/cli/bench.hpp>
#include <lab/cli/help.hpp>
#include <lab/cli/lab_choice.hpp>
#include <lab/cli/lab_run.hpp>
#include <lab/report/run_json.hpp>
#include <lab/scenario/runner.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::lab::cli {

namespace {

struct bench_request {
    lab_choice lab;
    std::vector<std::string> globs;
    unsigned repeats = 1;
};

exit_status measure_startup(const bench_request &asked, context &ctx) {
    auto result = bench_startup(asked.lab.release, asked.lab.accel, ctx);
    if (!result) return report(result.error());
    if (ctx.json) {
        run_result run;
        run.environment = result->samples["environment"];
        run.scenarios.push_back(std::move(*result));
        fmt::print("{}\n", to_json(run).dump(1));
    } else {
        fmt::print("{}", startup_table(*result));
    }
    return exit_status::done;
}

exit_status act_on_benchmarks(const bench_request &asked, context &ctx) {
    if (std::find(asked.globs.begin(), asked.globs.end(), "startup") != asked.globs.end()) {
        if (asked.globs.size() == 1) return measure_startup(asked, ctx);
        return report(make_error(error_kind::invalid_argument,
                                 "startup makes a lab of its own, and goes with no other")
                          .advise("call it by itself: kvmig lab bench startup"));
    }
    auto chosen = select_scenarios(asked.globs, all_benchmarks());
    if (!chosen) return report(chosen.error());
    run_plan plan;
    plan.scenarios = in_rounds(*chosen, asked.repeats);
    return run_in_lab(asked.lab, "bench", plan, ctx.json ? "-" : "", ctx);
}

} // namespace

void add_lab_bench(CLI::App &lab, context &ctx) {
    const auto asked = std::make_shared<bench_request>();
    CLI::App *sub = lab.add_subcommand(
        "bench", "Measure what tuning does on the lab's hosts, or the lab itself");
    add_lab_option(*sub, asked->lab);
    std::string names;
    for (const scenario &each : all_benchmarks()) names += fmt::format("{}, ", each.id);
    sub->add_option("BENCHMARK", asked->globs,
                    fmt::format("Which, by id or pattern: {}or startup, of the lab itself in one "
                                "made for it from nothing; all but startup when none is given",
                                names));
    sub->add_option("--repeat", asked->repeats,
                    "Run them all so many times, in rounds: samples for `lab compare`")
        ->check(CLI::Range(1U, 1000U))
        ->capture_default_str();
    sub->add_flag("--json", ctx.json, "Answer as JSON (kvmig.run/1)");
    add_making_options(*sub, asked->lab);
    sub->footer(closing({"kvmig lab bench bench-ksm", "kvmig lab bench startup"}));
    sub->callback(
        [asked, &ctx] { ctx.action = [asked, &ctx] { return act_on_benchmarks(*asked, ctx); }; });
}

} // namespace kvmig::lab::cli
