// SPDX-License-Identifier: MIT
#include <lab/cli/lab_history.hpp>

#include <lab/cli/help.hpp>
#include <lab/report/history.hpp>
#include <lab/topology/paths.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

namespace kvmig::lab::cli {

namespace {

exit_status show_history(const std::vector<std::string> &globs, const context &ctx) {
    const auto state = state_directory();
    if (!state) return report(state.error());
    const auto kept = read_kept_runs(*state);
    if (!kept) return report(kept.error());
    for (const error &each : kept->broken) {
        fmt::print(stderr, "kvmig: left out: {}\n", describe(each));
    }
    const auto scenarios = histories_of(kept->runs, globs);
    if (!scenarios) return report(scenarios.error());
    if (ctx.json) {
        fmt::print("{}\n", history_json(*kept, *scenarios).dump(1));
    } else if (globs.empty()) {
        fmt::print("{}", history_table(kept->runs));
    } else {
        for (const scenario_history &each : *scenarios) fmt::print("{}", history_table(each));
    }
    return exit_status::done;
}

} // namespace

void add_lab_history(CLI::App &lab, context &ctx) {
    const auto globs = std::make_shared<std::vector<std::string>>();
    CLI::App *sub = lab.add_subcommand("history", "The runs that were kept, the newest first");
    sub->add_option("SCENARIO", *globs,
                    "Tell of these scenarios over all runs instead, by id or pattern");
    sub->add_flag("--json", ctx.json, "Answer as JSON (kvmig.history/1)");
    sub->footer(closing(
        {"kvmig lab history", "kvmig lab history live-shared"},
        "Medians are of what passed in environments like that of the newest run: one CPU, "
        "acceleration and software of the hosts. A run is removed by removing its folder."));
    sub->callback(
        [globs, &ctx] { ctx.action = [globs, &ctx] { return show_history(*globs, ctx); }; });
}

} // namespace kvmig::lab::cli
