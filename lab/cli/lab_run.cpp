// SPDX-License-Identifier: MIT
#include <lab/cli/lab_run.hpp>

#include <kvmig/libvirt/error.hpp>
#include <lab/cli/console.hpp>
#include <lab/cli/help.hpp>
#include <lab/cli/inside.hpp>
#include <lab/cli/lab_choice.hpp>
#include <lab/cli/lab_inventory.hpp>
#include <lab/cli/output.hpp>
#include <lab/report/run_json.hpp>
#include <lab/report/table.hpp>
#include <lab/scenario/real_hosts.hpp>
#include <lab/scenario/runner.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

namespace kvmig::lab::cli {

namespace {

struct run_request {
    lab_choice lab;
    std::vector<std::string> globs;
    bool headline = false;
    std::string shard; ///< empty: all
    unsigned repeats = 1;
    unsigned retries = 0;
    std::string json_file;
    std::string inventory; ///< a file; empty: on the lab's own machines
};

expected<run_plan> plan_of(const run_request &asked) {
    run_plan plan;
    plan.retries = asked.retries;
    auto chosen = select_scenarios(asked.globs);
    if (!chosen) return fail(std::move(chosen).error());
    if (asked.headline) {
        std::erase_if(*chosen, [](const scenario *each) { return !each->headline; });
    }
    if (!asked.shard.empty()) {
        auto part = parse_shard(asked.shard);
        if (!part) return fail(std::move(part).error());
        plan.part = *part;
        chosen = share_of(*chosen, *part);
        if (!chosen) return fail(std::move(chosen).error());
    }
    plan.scenarios = in_rounds(*chosen, asked.repeats);
    return plan;
}

exit_status run_at(const venue &at, const run_plan &plan, const std::string &json_file,
                   context &ctx) {
    const auto stop = ctx.interrupted.get_token();
    auto folder = make_results_folder(at.name);
    if (!folder) return report(folder.error());
    auto done = [&] {
        console line;
        return run_scenarios(
            at, plan, *folder, line.teller(),
            [&](const scenario &each, const scenario_result *result) {
                if (result == nullptr)
                    line.show(fmt::format("{}: {}", each.id, each.title));
                else
                    line.show(fmt::format("{}: {}", each.id, to_string(result->result)));
            },
            stop);
    }();
    if (!done) return report(done.error());
    if (!json_file.empty()) {
        auto written = write_to(json_file, to_json(*done).dump(1) + "\n");
        if (!written) return report(written.error());
    }
    fmt::print(beside(json_file), "{}results: {}\n", table_of(*done),
               (done->folder / "run.json").string());
    return done->count(outcome::failed) == 0 ? exit_status::done : exit_status::failed;
}

exit_status run_by_inventory(const run_request &asked, const run_plan &plan, context &ctx) {
    if (std::none_of(plan.scenarios.begin(), plan.scenarios.end(),
                     [](const scenario *each) { return each->only_in_lab.empty(); })) {
        return report(make_error(error_kind::invalid_argument,
                                 "what was chosen runs on the lab's own machines only")
                          .advise(fmt::format("see what runs elsewhere: kvmig lab inventory {}",
                                              asked.inventory)));
    }
    libvirt::quiet_errors();
    auto hosts = claim_hosts(asked.inventory, ctx);
    if (!hosts) return report(hosts.error());
    auto at = [&] {
        console line;
        return enter(hosts->where, line.teller(), ctx.interrupted.get_token());
    }();
    exit_status status = at ? run_at(*at, plan, asked.json_file, ctx) : report(at.error());
    console line;
    if (auto left = leave(hosts->where, line.teller()); !left) status = report(left.error());
    return status;
}

exit_status act(const run_request &asked, context &ctx) {
    auto plan = plan_of(asked);
    if (!plan) return report(plan.error());
    if (!asked.inventory.empty()) return run_by_inventory(asked, *plan, ctx);
    return run_in_lab(asked.lab, "run", *plan, asked.json_file, ctx);
}

} // namespace

exit_status run_in_lab(const lab_choice &lab, std::string_view purpose, const run_plan &plan,
                       const std::string &json_file, context &ctx) {
    auto paths = paths_of(lab.name);
    if (!paths) return report(paths.error());
    if (is_inside()) {
        libvirt::quiet_errors();
        return run_at(nested_venue(*paths), plan, json_file, ctx);
    }
    return make_and_enter(*paths, lab, purpose, ctx);
}

void add_lab_run(CLI::App &lab, context &ctx) {
    const auto asked = std::make_shared<run_request>();
    CLI::App *sub =
        lab.add_subcommand("run", "Run scenarios, each from a clean lab; brings the lab up first");
    add_lab_option(*sub, asked->lab);
    sub->add_option("SCENARIO", asked->globs, "Which, by id or pattern; all when none is given");
    sub->add_flag("--headline", asked->headline, "Only the headline scenarios: one of each family");
    sub->add_option("--shard", asked->shard,
                    "Only the I-th of N shares of them, for several machines; `lab merge` joins "
                    "the results")
        ->type_name("I/N");
    sub->add_option("--repeat", asked->repeats,
                    "Run them all so many times, in rounds: samples for `lab compare`")
        ->check(CLI::Range(1U, 1000U))
        ->capture_default_str();
    sub->add_option("--json", asked->json_file,
                    "Write the result (kvmig.run/1) to this file too; - is stdout")
        ->type_name("FILE");
    sub->add_option("--retry", asked->retries,
                    "Run a scenario that failed again, so many times; the result tells of it")
        ->capture_default_str();
    add_making_options(*sub, asked->lab);
    CLI::Option *inventory = sub->add_option(
        "--inventory", asked->inventory,
        "Run them on hosts of your own, named in this TOML file, instead of the lab's");
    inventory->type_name("FILE");
    for (const char *other : {"--lab", "--release", "--accel"}) {
        inventory->excludes(sub->get_option(other));
    }
    sub->footer(
        closing({"kvmig lab run 'live-*' --json result.json", "kvmig lab run --shard 2/4"}));
    sub->callback([asked, &ctx] { ctx.action = [asked, &ctx] { return act(*asked, ctx); }; });
}

} // namespace kvmig::lab::cli
