// SPDX-License-Identifier: MIT
#include <lab/cli/help.hpp>
#include <lab/cli/lab_inventory.hpp>

#include <kvmig/libvirt/error.hpp>
#include <lab/cli/console.hpp>
#include <lab/scenario/belongings.hpp>
#include <lab/scenario/real_hosts.hpp>
#include <lab/scenario/scenario.hpp>
#include <lab/topology/inventory.hpp>
#include <lab/topology/paths.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <memory>

namespace kvmig::lab::cli {

namespace {

struct inventory_request {
    std::string file;
    bool clean = false;
};

expected<file_lock> lock_inventories(context &ctx) {
    auto state = state_directory();
    if (!state) return fail(std::move(state).error());
    return file_lock::acquire(
        *state / "inventory" / "lock", "kvmig lab run --inventory",
        [](const std::string &holder) {
            fmt::print(stderr, "the hosts of an inventory are in use: {}; waiting for it\n",
                       holder);
        },
        ctx.interrupted.get_token());
}

/// The site of the file, with this user's prefix.
expected<site> named_site(const std::string &file) {
    auto where = read_inventory(file);
    if (!where) return where;
    auto prefix = own_prefix();
    if (!prefix) return fail(std::move(prefix).error());
    where->prefix = *std::move(prefix);
    return where;
}

exit_status clean_up(const std::string &file, context &ctx) {
    auto where = named_site(file);
    if (!where) return report(where.error());
    auto lock = lock_inventories(ctx);
    if (!lock) return report(lock.error());
    console line;
    auto left = leave(*where, line.teller());
    return left ? exit_status::done : report(left.error());
}

exit_status act(const inventory_request &asked, context &ctx) {
    libvirt::quiet_errors();
    if (asked.clean) return clean_up(asked.file, ctx);
    auto hosts = claim_hosts(asked.file, ctx);
    if (!hosts) return report(hosts.error());
    const site &where = hosts->where;
    fmt::print("{} and {}: nothing stands in the way\n", where.hosts[0].uri, where.hosts[1].uri);
    fmt::print("all that the lab makes there is called {}…\n", where.prefix);
    for (const scenario &each : all_scenarios()) {
        if (each.only_in_lab.empty()) {
            fmt::print("  {:<24} {}\n", each.id, each.title);
        }
    }
    return exit_status::done;
}

} // namespace

expected<claimed_hosts> claim_hosts(const std::string &file, context &ctx) {
    auto where = named_site(file);
    if (!where) return fail(std::move(where).error());
    auto lock = lock_inventories(ctx);
    if (!lock) return fail(std::move(lock).error());
    examination found = [&] {
        console line;
        line.show("looking at both hosts");
        return examine(*std::move(where), ctx.interrupted.get_token());
    }();
    for (const std::string &note : found.notes) fmt::print(stderr, "kvmig: {}\n", note);
    if (found.problems.empty()) {
        return claimed_hosts{std::move(found.where), *std::move(lock)};
    }
    error all = make_error(error_kind::environment,
                           fmt::format("'{}': {} in the way; nothing was done", file,
                                       found.problems.size() == 1
                                           ? std::string("something is")
                                           : fmt::format("{} things are", found.problems.size())));
    all.causes = std::move(found.problems);
    return fail(std::move(all));
}

void add_lab_inventory(CLI::App &lab, context &ctx) {
    const auto asked = std::make_shared<inventory_request>();
    CLI::App *sub = lab.add_subcommand(
        "inventory", "Check hosts of your own for `lab run --inventory`; changes nothing");
    sub->add_option("FILE", asked->file, "The inventory, a TOML file")->required();
    sub->add_flag("--clean", asked->clean,
                  "Remove what a run that was killed has left on them, and end");
    sub->footer(
        closing({"kvmig lab inventory hosts.toml", "kvmig lab inventory hosts.toml --clean"}));
    sub->callback([asked, &ctx] { ctx.action = [asked, &ctx] { return act(*asked, ctx); }; });
}

} // namespace kvmig::lab::cli
