// SPDX-License-Identifier: MIT
#include <lab/cli/lab_compare.hpp>

#include <lab/cli/help.hpp>
#include <lab/report/compare.hpp>
#include <lab/report/saved_run.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace kvmig::lab::cli {

namespace {

struct compare_request {
    std::vector<std::string> before;
    std::vector<std::string> after;
    double floor = smallest_change;
    bool unlike = false;
    bool in_turn = false;
};

expected<std::vector<run_result>> read_runs(const std::vector<std::string> &names) {
    std::vector<run_result> out;
    for (const std::string &each : names) {
        auto run = read_run(each);
        if (!run) return fail(std::move(run).error());
        out.push_back(*std::move(run));
    }
    return out;
}

nlohmann::json change_json(const figure_change &one) {
    return {{"scenario", one.scenario},
            {"figure", one.figure},
            {"unit", one.unit},
            {"before", one.before},
            {"after", one.after},
            {"ratio", one.ratio},
            {"low", one.low},
            {"high", one.high},
            {"p", one.p},
            {"floor", one.floor},
            {"verdict", to_string(one.verdict)}};
}

exit_status act(const compare_request &asked, const context &ctx) {
    const auto before = read_runs(asked.before);
    if (!before) return report(before.error());
    const auto after = read_runs(asked.after);
    if (!after) return report(after.error());
    if (asked.in_turn && before->size() != after->size()) {
        return report(make_error(error_kind::invalid_argument,
                                 fmt::format("--in-turn: there are {} runs of the one side and {} "
                                             "of the other, and each has one beside it",
                                             before->size(), after->size()))
                          .advise("give both sides' runs in the order in which they were made"));
    }
    const auto differences = unlike(*before, *after);
    if (!differences.empty() && !asked.unlike) {
        return report(make_error(error_kind::refused,
                                 fmt::format("the runs were made in unlike environments: {}",
                                             fmt::join(differences, "; ")))
                          .advise("compare runs of one machine and one software; or give --unlike "
                                  "if the difference is what you want to see"));
    }
    const auto changes = compare_runs(*before, *after, asked.floor,
                                      asked.in_turn ? sampling::in_turn : sampling::apart);
    if (changes.empty()) {
        return report(make_error(error_kind::invalid_argument,
                                 "the runs have no figure in common of a scenario that passed"));
    }
    if (ctx.json) {
        nlohmann::json all = nlohmann::json::array();
        for (const figure_change &each : changes) all.push_back(change_json(each));
        fmt::print("{}\n", nlohmann::json{{"schema", "kvmig.compare/1"},
                                          {"unlike", differences},
                                          {"figures", std::move(all)}}
                               .dump(1));
    } else {
        fmt::print("{}", compare_table(changes));
    }
    const bool worse = std::any_of(changes.begin(), changes.end(), [](const figure_change &each) {
        return each.verdict == change::slower;
    });
    return worse ? exit_status::failed : exit_status::done;
}

} // namespace

void add_lab_compare(CLI::App &lab, context &ctx) {
    const auto asked = std::make_shared<compare_request>();
    CLI::App *sub = lab.add_subcommand("compare", "Two sides of runs, figure by figure: slower?");
    sub->add_option("--base", asked->before,
                    "Runs of the one side: files, or names of kept runs; five or more tell much")
        ->required()
        ->type_name("RUN");
    sub->add_option("--new", asked->after, "Runs of the other side")->required()->type_name("RUN");
    sub->add_option("--floor", asked->floor,
                    "A ratio of medians no further from 1 than this is no change")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    sub->add_flag("--in-turn", asked->in_turn,
                  "The n-th run of one side was made beside the n-th of the other");
    sub->add_flag("--unlike", asked->unlike, "Compare although the environments differ");
    sub->add_flag("--json", ctx.json, "Answer as JSON (kvmig.compare/1) on stdout");
    sub->footer(
        closing({"kvmig lab compare --base a.json b.json --new c.json d.json",
                 "kvmig lab compare --in-turn --base a1.json a2.json --new b1.json b2.json"},
                "A figure is slower or faster when its medians differ by more than the floor and "
                "more than its samples scatter, and a permutation test finds that unlikely by "
                "chance. Three samples on each side cannot tell; four can. On a machine that is "
                "faster at one time than at another, make the runs of both sides in turn: with "
                "--in-turn each is compared with the one beside it, and six pairs can tell.\n"
                "Exit status: 0 nothing is slower, 1 something is, or it failed, 2 wrong usage."));
    sub->callback([asked, &ctx] { ctx.action = [asked, &ctx] { return act(*asked, ctx); }; });
}

} // namespace kvmig::lab::cli
