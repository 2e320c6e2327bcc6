// SPDX-License-Identifier: MIT
#include <lab/usage/manual.hpp>

#include <lab/cli/help.hpp>
#include <lab/usage/completion.hpp>
#include <lab/usage/man_page.hpp>

#include <kvmig/core/version.hpp>
#include <kvmig/migration/document.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <utility>

namespace kvmig::lab::usage {

namespace {

using completion_maker = std::string (*)(const command_row &);

constexpr std::pair<const char *, completion_maker> shells[] = {
    {"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}};

/// The state machine as a page of the reference.
std::string states_page() {
    return fmt::format("# The states of a migration\n\n"
                       "Made from the array that drives the machine. States in bold are ends.\n\n"
                       "## States\n\n{}\n## Events\n\n{}\n## Transitions\n\n{}\n"
                       "## Diagram\n\nA state's colour tells who has the guest: blue the source, "
                       "green the destination, orange both, yellow is not settled, grey "
                       "nobody.\n\n```dot\n{}```\n",
                       migration::markdown_states(), migration::markdown_events(),
                       migration::markdown_transitions(), migration::dot());
}

} // namespace

void add_completion(CLI::App &app, cli::context &ctx) {
    const auto shell = std::make_shared<std::string>();
    CLI::App *sub = app.add_subcommand("completion", "Print what makes a shell complete kvmig");
    std::vector<std::string> names;
    for (const auto &[name, make] : shells) names.emplace_back(name);
    sub->add_option("SHELL", *shell, "The shell")->required()->check(CLI::IsMember(names));
    sub->footer(
        cli::closing({"source <(kvmig completion bash)", "kvmig completion fish | source"},
                     "What was installed is complete already; otherwise put the one of your "
                     "shell into its start-up file (zsh: after compinit)."));
    sub->callback([&app, &ctx, shell] {
        ctx.action = [&app, shell] {
            for (const auto &[name, make] : shells) {
                if (name == *shell) fmt::print("{}", make(table_of(app)));
            }
            return cli::exit_status::done;
        };
    });
}

void add_manual(CLI::App &app, cli::context &ctx) {
    const auto states = std::make_shared<bool>(false);
    CLI::App *sub = app.add_subcommand("manual", "Print the page that `man kvmig` shows");
    sub->add_flag("--states", *states,
                  "Print instead the states of a migration, and what leads from one to the next, "
                  "as Markdown");
    sub->footer(cli::closing({"kvmig manual | man -l -", "kvmig manual --states"}));
    sub->callback([&app, &ctx, states] {
        ctx.action = [&app, states] {
            fmt::print("{}", *states ? states_page() : man_page(table_of(app), version));
            return cli::exit_status::done;
        };
    });
}

} // namespace kvmig::lab::usage
