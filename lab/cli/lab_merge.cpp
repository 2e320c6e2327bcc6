// SPDX-License-Identifier: MIT
#include <lab/cli/lab_merge.hpp>

#include <lab/cli/help.hpp>
#include <lab/cli/output.hpp>
#include <lab/report/merge.hpp>
#include <lab/report/run_json.hpp>
#include <lab/report/saved_run.hpp>
#include <lab/report/table.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

namespace kvmig::lab::cli {

namespace {

struct merge_request {
    std::vector<std::string> runs;
    std::string json_file;
};

exit_status act(const merge_request &asked) {
    std::vector<named_run> runs;
    for (const std::string &each : asked.runs) {
        auto run = read_run(each);
        if (!run) return report(run.error());
        runs.emplace_back(each, *std::move(run));
    }
    const auto merged = merge_runs(runs);
    if (!merged) return report(merged.error());
    auto written = write_to(asked.json_file, to_json(*merged).dump(1) + "\n");
    if (!written) return report(written.error());
    fmt::print(beside(asked.json_file), "{}", table_of(*merged));
    return exit_status::done;
}

} // namespace

void add_lab_merge(CLI::App &lab, context &ctx) {
    const auto asked = std::make_shared<merge_request>();
    CLI::App *sub = lab.add_subcommand("merge", "One run from the shards of several machines");
    sub->add_option("RUN", asked->runs, "The runs: files, folders, or names of kept runs")
        ->required();
    sub->add_option("--json", asked->json_file, "Write the run to this file; - is stdout")
        ->required()
        ->type_name("FILE");
    sub->footer(closing(
        {"kvmig lab merge shard-1.json shard-2.json --json run.json"},
        "The machines may differ; the software of the hosts may not, every shard must be "
        "there, and no scenario in two runs.\n"
        "Exit status: 0 merged, whatever came of the scenarios; 1 refused, 2 wrong usage."));
    sub->callback([asked, &ctx] { ctx.action = [asked] { return act(*asked); }; });
}

} // namespace kvmig::lab::cli
