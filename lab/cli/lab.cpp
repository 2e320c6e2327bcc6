// SPDX-License-Identifier: MIT
/// `kvmig lab …`
#include <kvmig/libvirt/error.hpp>
#include <lab/cli/console.hpp>
#include <lab/cli/help.hpp>
#include <lab/cli/inside.hpp>
#include <lab/cli/lab_bench.hpp>
#include <lab/cli/lab_choice.hpp>
#include <lab/cli/lab_compare.hpp>
#include <lab/cli/lab_history.hpp>
#include <lab/cli/lab_inventory.hpp>
#include <lab/cli/lab_merge.hpp>
#include <lab/cli/lab_report.hpp>
#include <lab/cli/lab_run.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/machine/lifecycle.hpp>
#include <lab/machine/network.hpp>
#include <lab/machine/remote.hpp>
#include <lab/scenario/failures.hpp>
#include <lab/scenario/runner.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <tuple>

namespace kvmig::lab::cli {

namespace {

struct lab_options : lab_choice {
    std::string host;
    std::vector<std::string> command;
    bool purge = false;
    std::string fault;
};

template <class T> exit_status ended(const expected<T> &result) {
    return result ? exit_status::done : report(result.error());
}

exit_status up(const lab_options &options, context &ctx) {
    auto paths = paths_of(options.name);
    if (!paths) return report(paths.error());
    const auto stop = ctx.interrupted.get_token();
    if (is_inside()) {
        libvirt::quiet_errors();
        console line;
        return ended(bring_up(*paths, line.teller(), stop));
    }
    const exit_status status = make_and_enter(*paths, options, "up", ctx);
    if (status == exit_status::done) fmt::print(stderr, "the lab '{}' is up\n", paths->name);
    return status;
}

exit_status down(const lab_options &options, context &ctx) {
    auto paths = paths_of(options.name);
    if (!paths) return report(paths.error());
    std::error_code code;
    if (!std::filesystem::exists(paths->root, code)) return exit_status::done;
    auto lock = lock_lab(*paths, "down", ctx);
    if (!lock) return report(lock.error());
    return ended(bring_down(*paths, options.purge));
}

exit_status put_back(const lab_options &options, context &ctx) {
    auto paths = paths_of(options.name);
    if (!paths) return report(paths.error());
    if (is_inside()) {
        console line;
        return ended(reset(*paths, line.teller(), ctx.interrupted.get_token()));
    }
    auto lock = lock_lab(*paths, "reset", ctx);
    if (!lock) return report(lock.error());
    return again_inside(*paths, ctx);
}

nlohmann::json status_json(const lab_paths &paths, const lab_status &status) {
    nlohmann::json machines = nlohmann::json::array();
    for (const machine_status &machine : status.machines) {
        machines.push_back(
            {{"name", machine.name},
             {"address", machine.address},
             {"state", machine.run_state},
             {"pid", machine.pid ? nlohmann::json(*machine.pid) : nlohmann::json()}});
    }
    nlohmann::json json{{"schema", "kvmig.lab/1"}, {"lab", paths.name},
                        {"state", status.state},   {"directory", paths.root.string()},
                        {"saved", status.saved},   {"in_use_by", status.holder},
                        {"machines", machines}};
    const acceleration accel = status.settings ? status.settings->accel : detect_acceleration();
    json["acceleration"] = {{"kind", name_of(accel)}, {"reason", accel.reason}};
    json["release"] = status.settings ? nlohmann::json(status.settings->release) : nlohmann::json();
    return json;
}

exit_status show_status(const lab_options &options, context &ctx) {
    auto paths = paths_of(options.name);
    if (!paths) return report(paths.error());
    auto status = status_of_lab(*paths);
    if (!status) return report(status.error());
    const nlohmann::json json = status_json(*paths, *status);
    if (ctx.json) {
        fmt::print("{}\n", json.dump(1));
        return exit_status::done;
    }
    fmt::print("lab           {} ({})\n", paths->name, status->state);
    fmt::print("directory     {}\n", paths->root.string());
    fmt::print("release       {}\n", status->settings ? status->settings->release : "none yet");
    fmt::print("acceleration  {}: {}\n", json["acceleration"]["kind"].get<std::string>(),
               json["acceleration"]["reason"].get<std::string>());
    fmt::print("snapshot      {}\n",
               status->saved ? "saved: `up` restores it" : "none: `up` boots");
    if (!status->holder.empty()) fmt::print("in use by     {}\n", status->holder);
    for (const machine_status &machine : status->machines) {
        fmt::print("{:<13} {:<12} {}\n", machine.name, machine.address, machine.run_state);
    }
    return exit_status::done;
}

exit_status shell(const lab_options &options, context &ctx) {
    auto paths = paths_of(options.name);
    if (!paths) return report(paths.error());
    const machine_spec *machine = find_machine(options.host); // the parser knows no other
    auto status = run_inside(*paths, remote_command(*machine, options.command).argv,
                             ctx.interrupted.get_token());
    if (!status) return report(status.error());
    return static_cast<exit_status>(*status);
}

exit_status list(const lab_options &, context &ctx) {
    if (ctx.json) {
        nlohmann::json scenarios = nlohmann::json::array();
        for (const scenario &each : all_scenarios()) {
            scenarios.push_back({{"id", each.id},
                                 {"family", each.family},
                                 {"title", each.title},
                                 {"headline", each.headline},
                                 {"any_hosts", each.only_in_lab.empty()}});
        }
        nlohmann::json benchmarks = nlohmann::json::array();
        for (const scenario &each : all_benchmarks()) {
            benchmarks.push_back({{"id", each.id}, {"title", each.title}});
        }
        fmt::print("{}\n", nlohmann::json{{"schema", "kvmig.list/1"},
                                          {"scenarios", scenarios},
                                          {"benchmarks", benchmarks}}
                               .dump(1));
        return exit_status::done;
    }
    for (const scenario &each : all_scenarios()) fmt::print("{:<24} {}\n", each.id, each.title);
    return exit_status::done;
}

/// Whether mending it boots a machine.
bool boots(const fault &what) {
    return std::any_of(what.undo.begin(), what.undo.end(),
                       [](const fault_step &each) { return each.turned == power::on; });
}

/// Runs `work` on the failure that was asked for, inside a lab that is up.
template <class Work>
exit_status with_fault(const lab_options &options, context &ctx, std::string_view purpose,
                       Work work) {
    auto paths = paths_of(options.name);
    if (!paths) return report(paths.error());
    auto what = find_fault(options.fault);
    if (!what) return report(what.error());
    if (is_inside()) {
        libvirt::quiet_errors();
        return work(*paths, **what);
    }
    auto status = status_of_lab(*paths);
    if (!status) return report(status.error());
    // A failure may be that a machine is off.
    if (status->state != "up" && !(status->network && boots(**what))) {
        return report(make_error(error_kind::failed,
                                 fmt::format("the lab '{}' is {}", paths->name, status->state))
                          .advise("bring it up with `kvmig lab up`"));
    }
    auto lock = lock_lab(*paths, purpose, ctx);
    if (!lock) return report(lock.error());
    return again_inside(*paths, ctx);
}

exit_status break_lab(const lab_options &options, context &ctx) {
    return with_fault(options, ctx, "break", [&](const lab_paths &paths, const fault &what) {
        const auto stop = ctx.interrupted.get_token();
        scenario_result result;
        expected<void> done;
        {
            console line;
            const progress tell = line.teller();
            const site where = nested_site();
            scenario_context scene{where, result, tell, stop, {}, &paths};
            done = reset(paths, tell, stop);
            if (done) done = hand_over(what, scene);
        }
        if (!done) return report(done.error());
        const bool meanwhile = what.tried == attempt::library;
        fmt::print("{}: {}\n", what.id, what.title);
        fmt::print("try         kvmig lab shell kvm01 -- {}\n",
                   fmt::join(attempt_by_virsh(what), " "));
        for (const fault_step &each : what.breaks) {
            fmt::print("{} {}\n", meanwhile ? "meanwhile  " : "broken by  ", describe(each));
        }
        fmt::print("explained   kvmig explain {}\nmend        kvmig lab mend {}\n", what.diagnosed,
                   what.id);
        return exit_status::done;
    });
}

exit_status mend_lab(const lab_options &options, context &ctx) {
    return with_fault(options, ctx, "mend", [&](const lab_paths &paths, const fault &what) {
        return ended(carry_out(what.undo, paths, ctx.interrupted.get_token()));
    });
}

exit_status hold(const lab_options &options) {
    auto paths = paths_of(options.name);
    if (!paths) return report(paths.error());
    return ended(hold_network(*paths));
}

} // namespace

void add_lab(CLI::App &app, context &ctx) {
    auto *lab = app.add_subcommand("lab", "Two nested KVM hosts and an NFS server on this machine");
    lab->require_subcommand(1);
    lab->footer(closing({"kvmig lab run live-shared", "kvmig lab down"},
                        "`kvmig lab COMMAND --help` tells more."));
    const auto options = std::make_shared<lab_options>();
    const auto add = [&](const char *name, const char *help, auto work) {
        auto *sub = lab->add_subcommand(name, help);
        add_lab_option(*sub, *options);
        sub->callback([&ctx, options, work] {
            ctx.action = [&ctx, options, work] { return work(*options, ctx); };
        });
        return sub;
    };

    auto *up_command =
        add("up", "Bring the lab up: seconds from its snapshot, minutes the first time", up);
    add_making_options(*up_command, *options);
    up_command->footer(closing({"kvmig lab up", "kvmig lab up --release trixie --lab new"}));

    auto *down_command = add("down", "End the lab; its snapshot stays for the next `up`", down);
    down_command->add_flag("--purge", options->purge, "Remove snapshot, keys and settings too");
    down_command->footer(closing({"kvmig lab down", "kvmig lab down --purge --lab new"}));

    add("reset", "Throw away what happened and restore the snapshot", put_back)
        ->footer(closing({"kvmig lab reset"}));

    auto *status_command = add("status", "What runs, how it is accelerated, and why", show_status);
    status_command->add_flag("--json", ctx.json, "Answer as JSON");
    status_command->footer(closing({"kvmig lab status", "kvmig lab status --json"}));

    auto *shell_command =
        add("shell", "Log in to a machine of the lab, or run a command there", shell);
    std::vector<std::string> names;
    for (const machine_spec &each : machines) names.emplace_back(each.name);
    shell_command->add_option("HOST", options->host, "The machine")
        ->required()
        ->check(CLI::IsMember(names));
    shell_command->add_option("COMMAND", options->command, "Command and arguments, after --");
    shell_command->footer(
        closing({"kvmig lab shell nfs", "kvmig lab shell kvm01 -- virsh list --all"}));

    auto *list_command = add("list", "The scenarios there are", list);
    list_command->add_flag("--json", ctx.json, "Answer as JSON");
    list_command->footer(closing({"kvmig lab list"}));

    add_lab_run(*lab, ctx);
    add_lab_inventory(*lab, ctx);

    for (const auto &[name, help, work] :
         {std::tuple{"break",
                     "Break a clean lab, with a guest on kvm01, as a documented failure does",
                     &break_lab},
          std::tuple{"mend", "Undo what `break` did; the guest stays", &mend_lab}}) {
        auto *sub = add(name, help, work);
        sub->add_option("SCENARIO", options->fault,
                        "The failure: a scenario `fail-...` of `kvmig lab list`")
            ->required();
        sub->footer(closing({fmt::format("kvmig lab {} fail-fqdn", name)}));
    }

    add_lab_report(*lab, ctx);
    add_lab_compare(*lab, ctx);
    add_lab_merge(*lab, ctx);
    add_lab_history(*lab, ctx);

    add_lab_bench(*lab, ctx);

    auto *hold_command = add("hold", "Hold the lab's namespaces open",
                             [](const lab_options &given, context &) { return hold(given); });
    hold_command->group(""); // for the lab itself
}

} // namespace kvmig::lab::cli
