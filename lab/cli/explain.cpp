// SPDX-License-Identifier: MIT
// kvmig explain: the catalogue of causes.
#include <lab/cli/help.hpp>
#include <lab/cli/subcommands.hpp>

#include <kvmig/diagnosis/explain.hpp>
#include <kvmig/diagnosis/fold.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>
#include <string>
#include <utility>

namespace kvmig::lab::cli {

namespace {

struct explain_request {
    std::string id;
    bool list = false;
    bool markdown = false;
};

exit_status act(const explain_request &asked) {
    if (asked.markdown) {
        fmt::print("{}", diagnosis::catalogue_markdown());
        return exit_status::done;
    }
    if (asked.list) {
        for (const auto &part : diagnosis::catalogue) {
            for (const diagnosis::entry &one : part) fmt::print("{}  {}\n", one.id, one.title);
        }
        return exit_status::done;
    }
    if (const diagnosis::entry *one = diagnosis::find_entry(asked.id)) {
        fmt::print("{}", diagnosis::explain(*one));
        return exit_status::done;
    }
    const auto near = diagnosis::near_ids(asked.id);
    // Another spelling of one id is that id.
    if (!near.empty() && near.front().size() == asked.id.size() &&
        diagnosis::folded(near.front()) == diagnosis::folded(asked.id)) {
        fmt::print("{}", diagnosis::explain(*diagnosis::find_entry(near.front())));
        return exit_status::done;
    }
    std::string advice = "kvmig explain --list shows them all";
    if (!near.empty()) advice = fmt::format("perhaps {}; {}", fmt::join(near, ", "), advice);
    return report(make_error(error_kind::invalid_argument, "there is no entry of this id")
                      .about(asked.id)
                      .advise(advice));
}

} // namespace

void add_explain(CLI::App &app, context &ctx) {
    const auto asked = std::make_shared<explain_request>();
    CLI::App *sub = app.add_subcommand("explain", "Print what is known about a cause");
    auto *id = sub->add_option("ID", asked->id, "An id, e.g. KVM-NET-001");
    auto *list = sub->add_flag("--list", asked->list, "Print every id with its title");
    auto *markdown =
        sub->add_flag("--markdown", asked->markdown, "Print the whole catalogue as Markdown");
    id->excludes(list)->excludes(markdown);
    list->excludes(markdown);
    sub->footer(closing({"kvmig explain KVM-NET-001", "kvmig explain --list"},
                        "Exit status: 0 printed, 2 no such id (the nearest are named)."));
    sub->callback([asked, &ctx] {
        if (asked->id.empty() && !asked->list && !asked->markdown) {
            throw CLI::RequiredError("ID, --list or --markdown");
        }
        ctx.action = [asked] { return act(*asked); };
    });
}

} // namespace kvmig::lab::cli
