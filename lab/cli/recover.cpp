// SPDX-License-Identifier: MIT
// kvmig recover: takes up migrations that were left without an end.
#include <lab/cli/help.hpp>
#include <lab/cli/inside.hpp>
#include <lab/cli/migration_json.hpp>
#include <lab/cli/out_of_reach.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/topology/paths.hpp>
#include <lab/topology/topology.hpp>

#include <kvmig/host/journal_sqlite.hpp>
#include <kvmig/libvirt.hpp>
#include <kvmig/run/recover.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace kvmig::lab::cli {

namespace {

using migration::choice;
using migration::state;

struct recover_request {
    std::optional<std::int64_t> id;
    bool all = false;
    std::string lab = default_lab();
    run::recovery_wish wish;
};

/// One migration, and what became of it; `came` is absent of one that is only listed.
struct recover_answer {
    ports::journaled_migration was;
    std::optional<expected<run::recovered>> came;
};

/// A word for scripts: `open`, or how it ended.
std::string outcome_of(const recover_answer &a) {
    if (!a.came) return "open";
    if (!*a.came) return (*a.came).error().kind == error_kind::conflict ? "driven" : "failed";
    const run::settlement &now = (**a.came).now;
    return now.ended() ? std::string(to_string(now.at)) : "open";
}

/// 0 done, 4 cancelled, 1 all else; of a migration that somebody drives, 0 among others.
exit_status status_of(const recover_answer &a, bool among_others) {
    if (!a.came) return exit_status::done;
    if (!*a.came) {
        const bool driven = (*a.came).error().kind == error_kind::conflict;
        return driven && among_others ? exit_status::done : cli::status_of((*a.came).error());
    }
    switch ((**a.came).now.at) {
    case state::completed:
    case state::taken_over: return exit_status::done;
    case state::cancelled: return exit_status::cancelled;
    default: return exit_status::failed;
    }
}

nlohmann::json to_json(const recover_answer &a) {
    const ports::migration_record &record = a.was.record;
    nlohmann::json out{{"id", a.was.id.number},
                       {"domain", {{"name", record.domain}, {"uuid", record.domain_uuid.text()}}},
                       {"source", record.source_uri},
                       {"destination", record.destination_uri},
                       {"was", to_string(a.was.at())},
                       {"outcome", outcome_of(a)}};
    if (!a.came) return out;
    if (!*a.came) {
        out["error"] = cli::to_json((*a.came).error());
        return out;
    }
    const run::settlement &now = (**a.came).now;
    out["state"] = to_string(now.at);
    if (!now.said.empty()) out["said"] = now.said;
    for (const choice each : now.choices) out["choices"].push_back(to_string(each));
    if (now.problem) out["error"] = cli::to_json(*now.problem);
    return out;
}

void print(const recover_answer &a) {
    const ports::migration_record &record = a.was.record;
    fmt::print("{}: {} from {} to {}: ", a.was.id.number, record.domain, record.source_uri,
               record.destination_uri);
    if (!a.came) {
        fmt::print("open in {}\n", to_string(a.was.at()));
        return;
    }
    fmt::print("{}\n", outcome_of(a));
    if (!*a.came) {
        fmt::print(stderr, "kvmig: {}\n", describe((*a.came).error()));
        return;
    }
    const run::recovered &came = **a.came;
    if (!came.now.said.empty()) fmt::print("{}\n", came.now.said);
    if (!came.now.choices.empty()) {
        fmt::print("choose by `kvmig recover {} --choose WORD`\n", a.was.id.number);
    }
    if (came.now.problem) fmt::print(stderr, "kvmig: {}\n", describe(*came.now.problem));
    for (const error &gap : came.gaps) fmt::print(stderr, "kvmig: {}\n", describe(gap));
}

/// The migrations asked for, as the journal tells them.
expected<std::vector<ports::journaled_migration>> read(host::sqlite_journal &journal,
                                                       const recover_request &asked) {
    std::vector<ports::migration_id> wanted;
    if (asked.id) {
        wanted.push_back({*asked.id});
    } else {
        auto open = journal.unfinished();
        if (!open) return fail(std::move(open).error());
        wanted = *std::move(open);
    }
    std::vector<ports::journaled_migration> out;
    for (const ports::migration_id id : wanted) {
        auto told = journal.read(id);
        if (!told) return fail(std::move(told).error());
        out.push_back(*std::move(told));
    }
    return out;
}

/// Whether a host of it is reached inside the lab only.
bool in_lab(const ports::journaled_migration &m) {
    return std::any_of(machines.begin(), machines.end(), [&](const machine_spec &each) {
        if (each.role != machine_role::host) return false;
        const std::string uri = libvirt_uri(each);
        return m.record.source_uri == uri || m.record.destination_uri == uri;
    });
}

/// Opens a connection, so that Ctrl-C does not end the `ssh` behind it.
expected<libvirt::hypervisor> connect(const std::string &uri) {
    const out_of_reach apart;
    auto on = libvirt::connection::open(uri, {.ask_credentials = isatty(STDIN_FILENO) == 1});
    if (!on) return fail(std::move(on).error());
    return libvirt::hypervisor(*on);
}

/// The worst of all: failed before cancelled before done.
exit_status worst(const std::vector<recover_answer> &all, bool among_others) {
    exit_status out = exit_status::done;
    for (const recover_answer &each : all) {
        const exit_status one = status_of(each, among_others);
        if (one == exit_status::done) continue;
        if (out == exit_status::done || out == exit_status::cancelled) out = one;
    }
    return out;
}

void print(const std::vector<recover_answer> &all, bool as_json) {
    if (!as_json) {
        for (const recover_answer &each : all) print(each);
        if (all.empty()) fmt::print("no migration is open\n");
        return;
    }
    nlohmann::json out{{"schema", "kvmig.recover/1"}, {"migrations", nlohmann::json::array()}};
    for (const recover_answer &each : all) out["migrations"].push_back(to_json(each));
    // Texts come from other hosts: what is not UTF-8 is replaced, not thrown at the user.
    fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

exit_status act(const recover_request &asked, const context &ctx) {
    const auto place = host::default_journal_path();
    if (!place) return report(place.error());
    auto journal = host::sqlite_journal::open_at(*place);
    if (!journal) return report(journal.error());
    auto wanted = read(*journal, asked);
    if (!wanted) return report(wanted.error());
    std::vector<recover_answer> out;
    if (!asked.all && !asked.id) {
        for (ports::journaled_migration &each : *wanted) out.push_back({std::move(each), {}});
        print(out, ctx.json);
        return exit_status::done;
    }
    if (!is_inside() && std::any_of(wanted->begin(), wanted->end(), in_lab)) {
        const auto paths = paths_of(asked.lab);
        return paths ? again_inside(*paths, ctx) : report(paths.error());
    }
    libvirt::quiet_errors();
    auto loop = libvirt::event_loop::start(); // outlives the connections
    if (!loop) return report(loop.error());
    for (ports::journaled_migration &each : *wanted) {
        auto came =
            run::recover(*journal, each.id, &connect, asked.wish, ctx.interrupted.get_token());
        out.push_back({std::move(each), std::move(came)});
        if (ctx.interrupted.stop_requested()) break;
    }
    print(out, ctx.json);
    return worst(out, asked.all);
}

const std::map<std::string, choice> choice_words = {
    {"ask-later", choice::ask_later},
    {"keep-source", choice::keep_source},
    {"keep-destination", choice::keep_destination},
    {"take-over", choice::take_over},
};

} // namespace

void add_recover(CLI::App &app, context &ctx) {
    const auto asked = std::make_shared<recover_request>();
    CLI::App *sub = app.add_subcommand(
        "recover",
        "Take up migrations that were left without an end; without arguments, list them");
    auto *id = sub->add_option("MIGRATION", asked->id, "The number of the migration");
    sub->add_flag("--all", asked->all, "All that are open; one that somebody drives is left alone")
        ->excludes(id);
    sub->add_flag("--undo", asked->wish.undo,
                  "Back to the source where that is as safe as going on");
    sub->add_option("--choose", asked->wish.chosen,
                    "What is to happen where the program must not decide: ask-later, keep-source, "
                    "keep-destination or take-over")
        ->transform(CLI::CheckedTransformer(choice_words))
        ->needs(id)
        ->type_name("WORD");
    sub->add_option("--lab", asked->lab, "Whose hosts kvm01 and kvm02 are")->capture_default_str();
    sub->add_flag("--json", ctx.json, "Answer as JSON (kvmig.recover/1) on stdout");
    sub->footer(closing(
        {"kvmig recover", "kvmig recover --all"},
        "Both hosts are asked where the guest is. Where they leave a doubt nothing is done: "
        "what was seen is told, and what can be chosen.\n"
        "Ctrl-C stops the watching of what goes on by itself.\n"
        "Exit status: 0 the destination has the guest, or a person has settled it, 1 "
        "failed, lost or still open, 2 wrong usage, 4 cancelled, 5 something is missing "
        "here."));
    sub->callback([asked, &ctx] { ctx.action = [asked, &ctx] { return act(*asked, ctx); }; });
}

} // namespace kvmig::lab::cli
