// SPDX-License-Identifier: MIT
// kvmig tune: plans, applies and puts back what tunes a host.
#include <lab/cli/help.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/cli/tuning_text.hpp>

#include <kvmig/core/expected.hpp>
#include <kvmig/host/apply_plan.hpp>
#include <kvmig/host/kernel_files.hpp>
#include <kvmig/host/revert_record.hpp>
#include <kvmig/host/tuning_facts.hpp>
#include <kvmig/tuning/huge_pages.hpp>
#include <kvmig/tuning/ksm_plan.hpp>
#include <kvmig/tuning/ksm_policy.hpp>
#include <kvmig/tuning/ksmtuned.hpp>
#include <kvmig/tuning/profile.hpp>
#include <kvmig/tuning/transparent_huge_pages.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::lab::cli {

namespace {

struct tune_request {
    bool dry_run = false;
    bool revert = false;
    std::string root = "/";

    std::string policy = "profit";
    std::vector<std::string> leaving;
    std::vector<std::string> tenants; ///< DOMAIN=TENANT
    double cpu_ceiling = 20;          ///< per cent
    double keep_free = 20;            ///< per cent

    std::vector<std::string> guests;
    std::string page = "2M";
    std::string keep = "512M";
    std::optional<std::string> thp_enabled;
    std::optional<std::string> thp_defrag;
    std::optional<std::string> thp_shmem_enabled;

    std::string profile;
};

/// A plan, and what the answer tells beside it.
struct tune_answer {
    tuning::plan plan;
    nlohmann::json more = nlohmann::json::object();
    std::string text; ///< before the plan
};

using planner =
    std::function<expected<tune_answer>(const tune_request &, const host::kernel_files &)>;

/// `4G`, `512MiB`, `1048576k`; bytes without a unit.
expected<bytes> parse_size(std::string_view text) {
    const auto wrong = [&] {
        return fail(make_error(error_kind::invalid_argument,
                               "'" + std::string(text) + "' is no amount of memory")
                        .advise("write a number and K, M or G, as in 4G"));
    };
    const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto count = tuning::number<std::uint64_t>(text.substr(0, end), "size");
    if (!count) return wrong();
    std::string unit(text.substr(end));
    std::transform(unit.begin(), unit.end(), unit.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    const std::vector<std::pair<const char *, unsigned>> units = {
        {"", 0},    {"B", 0},    {"K", 10}, {"KB", 10}, {"KIB", 10}, {"M", 20},
        {"MB", 20}, {"MIB", 20}, {"G", 30}, {"GB", 30}, {"GIB", 30}};
    const auto found = std::find_if(units.begin(), units.end(),
                                    [&](const auto &one) { return unit == one.first; });
    if (found == units.end()) return wrong();
    const unsigned shift = found->second;
    if (*count > (std::numeric_limits<std::uint64_t>::max() >> shift)) return wrong();
    return bytes{*count << shift};
}

expected<tuning::ksm_guest *> find_guest(tuning::ksm_sample &sample, const std::string &name) {
    for (tuning::ksm_guest &guest : sample.guests) {
        if (guest.name == name) return &guest;
    }
    return fail(make_error(error_kind::not_found, "no guest of that name runs here").about(name));
}

expected<tune_answer> plan_for_ksm(const tune_request &asked, const host::kernel_files &files) {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now().time_since_epoch());
    auto sample = host::read_ksm_sample(files, now);
    if (!sample) return fail(std::move(sample.error()));
    for (const std::string &name : asked.leaving) {
        const auto guest = find_guest(*sample, name);
        if (!guest) return fail(guest.error());
        (*guest)->leaving = true;
    }
    for (const std::string &text : asked.tenants) {
        const auto equals = text.find('=');
        if (equals == std::string::npos || equals + 1 == text.size()) {
            return fail(
                make_error(error_kind::invalid_argument, "a tenant is told as DOMAIN=TENANT")
                    .about("--tenant " + text));
        }
        const auto guest = find_guest(*sample, text.substr(0, equals));
        if (!guest) return fail(guest.error());
        (*guest)->tenant = text.substr(equals + 1);
    }
    tuning::ksm_decision decided;
    if (asked.policy == "ksmtuned") {
        auto daemon = tuning::ksmtuned::start(sample->memory.total);
        if (!daemon) return fail(std::move(daemon.error()));
        bytes committed;
        for (const tuning::ksm_guest &guest : sample->guests) committed = committed + guest.rss;
        const tuning::memory_facts &m = sample->memory;
        decided = tuning::decision_of(daemon->step(m.free + m.buffers + m.cached, committed));
    } else if (asked.policy == "profit") {
        tuning::ksm_policy_settings settings;
        settings.cpu_ceiling = asked.cpu_ceiling / 100;
        settings.keep_free = asked.keep_free / 100;
        auto policy = tuning::ksm_policy::make(settings);
        if (!policy) return fail(std::move(policy.error()));
        decided = policy->step(*sample);
    } else {
        decided.action =
            asked.policy == "stop" ? tuning::ksm_action::stop : tuning::ksm_action::unmerge;
        decided.reason = "asked for";
    }
    auto plan = tuning::plan_ksm(sample->ksm, decided);
    if (!plan) return fail(std::move(plan.error()));
    tune_answer out;
    out.plan = std::move(*plan);
    out.more["decision"] = {{"action", to_string(decided.action)}, {"reason", decided.reason}};
    nlohmann::json &facts = out.more["facts"];
    for (const tuning::ksm_file &file : tuning::ksm_files) {
        if (const auto value = get(sample->ksm, file.name)) facts[std::string(file.name)] = *value;
    }
    out.text = fmt::format("{}: {}\n", to_string(decided.action), decided.reason);
    if (const auto saved = tuning::saved(sample->ksm, sample->page)) {
        out.more["saved_bytes"] = saved->count();
        out.text += fmt::format("saved now: {:.1f} MiB", saved->as_mib());
        if (const auto profit = tuning::profit(sample->ksm, sample->page)) {
            out.more["profit_bytes"] = *profit;
            out.text += fmt::format(", less the account: {:.1f} MiB",
                                    static_cast<double>(*profit) / (1024.0 * 1024.0));
        }
        out.text += '\n';
    }
    return out;
}

/// `SIZE` or `SIZE@NODE`.
expected<tuning::huge_page_demand> parse_guest(const std::string &text, bytes page) {
    const auto at = text.find('@');
    const auto memory = parse_size(std::string_view(text).substr(0, at));
    if (!memory) return fail(memory.error());
    tuning::guest_cell cell{*memory, page, std::nullopt};
    if (at != std::string::npos) {
        const auto node =
            tuning::number<std::uint32_t>(std::string_view(text).substr(at + 1), text);
        if (!node) {
            return fail(make_error(error_kind::invalid_argument,
                                   "'" + text.substr(at + 1) + "' is no NUMA node")
                            .about("--guest " + text));
        }
        cell.node = *node;
    }
    return tuning::huge_page_demand{"--guest " + text, {cell}};
}

expected<tune_answer> plan_for_hugepages(const tune_request &asked,
                                         const host::kernel_files &files) {
    const auto page = parse_size(asked.page);
    if (!page) return fail(page.error());
    const auto keep = parse_size(asked.keep);
    if (!keep) return fail(keep.error());
    std::vector<tuning::huge_page_demand> demands;
    std::uint64_t needed = 0;
    for (const std::string &text : asked.guests) {
        auto demand = parse_guest(text, *page);
        if (!demand) return fail(std::move(demand.error()));
        const auto count = tuning::pages_needed(*demand);
        if (!count) return fail(count.error());
        needed += count->count();
        demands.push_back(std::move(*demand));
    }
    const auto facts = host::read_huge_pages(files);
    if (!facts) return fail(facts.error());
    auto reserved = tuning::plan_huge_pages(*facts, demands, *keep);
    if (!reserved) return fail(std::move(reserved.error()));
    const auto thp = host::read_thp(files);
    if (!thp) return fail(thp.error());
    auto transparent = tuning::plan_thp(*thp, {.enabled = asked.thp_enabled,
                                               .defrag = asked.thp_defrag,
                                               .shmem_enabled = asked.thp_shmem_enabled});
    if (!transparent) return fail(std::move(transparent.error()));
    tune_answer out;
    out.plan = std::move(*reserved);
    out.plan.append(std::move(*transparent));
    out.more["pages_needed"] = needed;
    if (!demands.empty()) {
        out.text = fmt::format("{} pages of {} KiB are needed for the guests' memory\n", needed,
                               page->count() / 1024);
    }
    return out;
}

expected<tune_answer> plan_for_profile(const tune_request &asked, const host::kernel_files &files) {
    const auto found = tuning::find_profile(asked.profile);
    if (!found) return fail(found.error());
    const host::profile_files read = host::read_profile(files, *found);
    tune_answer out;
    out.plan = tuning::plan_profile(*found, read.texts);
    for (const std::string &why : read.unreadable) out.plan.note(why);
    out.more["profile"] = found->name;
    return out;
}

expected<host::revert_record> open_record(const tune_request &asked,
                                          const host::kernel_files &files) {
    auto boot = host::read_boot_id(files);
    if (!boot) return fail(std::move(boot.error()));
    return host::revert_record::open(host::revert_record_path(asked.root), std::move(*boot));
}

exit_status put_back(const tune_request &asked, const context &ctx) {
    const host::kernel_files files{asked.root};
    host::revert_result done;
    std::size_t dropped = 0;
    const auto place = host::revert_record_path(asked.root);
    std::error_code code;
    const auto there = std::filesystem::status(place, code).type();
    if (there == std::filesystem::file_type::none) {
        return report(make_error(error_kind::environment,
                                 fmt::format("cannot look for the record: {}", code.message()))
                          .about(place.string())
                          .advise("run as root"));
    }
    if (there != std::filesystem::file_type::not_found) {
        auto record = open_record(asked, files);
        if (!record) return report(record.error());
        dropped = record->dropped();
        if (asked.dry_run) {
            for (const host::revert_entry &each : record->entries()) {
                done.restored.insert(done.restored.begin(), each.path);
            }
        } else {
            auto result = host::revert(files, *record);
            if (!result) return report(result.error());
            done = std::move(*result);
        }
    }
    if (ctx.json) {
        nlohmann::json out = tuning_json(done);
        out["dry_run"] = asked.dry_run;
        out["dropped"] = dropped;
        fmt::print("{}\n", out.dump(2));
        return exit_status::done;
    }
    fmt::print("{}", tuning_text(done));
    if (dropped != 0) fmt::print(stderr, "{} changes went with the last reboot\n", dropped);
    if (asked.dry_run) {
        fmt::print(stderr, "{} would be put back; nothing was written\n", done.restored.size());
    } else {
        fmt::print(stderr, "{} put back\n", done.restored.size());
    }
    return exit_status::done;
}

exit_status act(const tune_request &asked, const context &ctx, const planner &make) {
    if (asked.revert) return put_back(asked, ctx);
    const host::kernel_files files{asked.root};
    auto made = make(asked, files);
    if (!made) return report(made.error());
    const bool apply = !asked.dry_run && !made->plan.empty();
    if (apply) {
        auto record = open_record(asked, files);
        if (!record) return report(record.error());
        if (auto done = host::apply(files, *record, made->plan); !done) return report(done.error());
    }
    if (ctx.json) {
        nlohmann::json out = tuning_json(made->plan);
        out["dry_run"] = asked.dry_run;
        out.update(made->more);
        fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
        return exit_status::done;
    }
    fmt::print("{}{}", made->text, tuning_text(made->plan));
    if (made->plan.empty()) {
        fmt::print(stderr, "nothing to change\n");
    } else if (apply) {
        fmt::print(stderr, "{} applied; kvmig tune --revert puts back what was there\n",
                   made->plan.changes.size());
    } else {
        fmt::print(stderr, "{} planned; nothing was written\n", made->plan.changes.size());
    }
    return exit_status::done;
}

} // namespace

void add_tune(CLI::App &app, context &ctx) {
    const auto asked = std::make_shared<tune_request>();
    CLI::App *tune = app.add_subcommand("tune", "Plan, apply and put back what tunes this host");
    tune->add_flag("--dry-run", asked->dry_run, "Show what would be done, and write nothing");
    tune->add_flag("--json", ctx.json, "Answer as JSON (kvmig.tune/1) on stdout");
    tune->add_flag("--revert", asked->revert,
                   "Put back everything that kvmig tune changed on this host");
    tune->add_option("--root", asked->root, "The host whose /sys, /proc and /var are below DIR")
        ->type_name("DIR")
        ->check(CLI::ExistingDirectory)
        ->capture_default_str();
    tune->require_subcommand(0, 1);

    using missing = std::function<std::string(const tune_request &)>;
    const auto topic = [&](const char *name, const char *about, planner make, missing lacks) {
        CLI::App *sub = tune->add_subcommand(name, about);
        sub->fallthrough();
        sub->callback([asked, &ctx, make = std::move(make), lacks = std::move(lacks)] {
            if (const std::string what = lacks(*asked); !asked->revert && !what.empty()) {
                throw CLI::RequiredError(what);
            }
            ctx.action = [asked, &ctx, make] { return act(*asked, ctx, make); };
        });
        return sub;
    };

    CLI::App *ksm = topic("ksm", "Merging of like pages, by memory and profit", plan_for_ksm,
                          [](const tune_request &) { return std::string{}; });
    ksm->add_option("--policy", asked->policy,
                    "profit: by need, profit and cost; ksmtuned: one step of its algorithm; stop; "
                    "unmerge")
        ->check(CLI::IsMember({"profit", "ksmtuned", "stop", "unmerge"}))
        ->capture_default_str();
    ksm->add_option("--leaving", asked->leaving, "A guest that is about to be migrated away")
        ->type_name("DOMAIN");
    ksm->add_option("--tenant", asked->tenants, "Whose a guest is, to be warned of merging across")
        ->type_name("DOMAIN=TENANT");
    ksm->add_option("--cpu-ceiling", asked->cpu_ceiling, "Per cent of one CPU for ksmd")
        ->capture_default_str();
    ksm->add_option("--keep-free", asked->keep_free, "Per cent of memory that is to stay free")
        ->capture_default_str();
    ksm->footer(
        closing({"kvmig tune ksm --dry-run", "kvmig tune ksm --policy ksmtuned"},
                "Scans only when memory is needed. Merging lets one guest find out, by the time a "
                "write takes, what another has in memory."));

    CLI::App *huge = topic("hugepages", "Huge pages for guests to come", plan_for_hugepages,
                           [](const tune_request &r) {
                               const bool any = !r.guests.empty() || r.thp_enabled ||
                                                r.thp_defrag || r.thp_shmem_enabled;
                               return std::string(any ? "" : "--guest or one of --thp-...");
                           });
    huge->add_option("--guest", asked->guests,
                     "Memory of a guest, or of one of its NUMA cells, and the node it is bound to")
        ->type_name("SIZE[@NODE]");
    huge->add_option("--page", asked->page, "Size of a page")->capture_default_str();
    huge->add_option("--keep", asked->keep, "Memory of each node that stays for the host")
        ->capture_default_str();
    huge->add_option("--thp-enabled", asked->thp_enabled, "transparent_hugepage/enabled")
        ->type_name("WORD");
    huge->add_option("--thp-defrag", asked->thp_defrag, "transparent_hugepage/defrag")
        ->type_name("WORD");
    huge->add_option("--thp-shmem-enabled", asked->thp_shmem_enabled,
                     "transparent_hugepage/shmem_enabled")
        ->type_name("WORD");
    huge->footer(
        closing({"kvmig tune hugepages --guest 4G --dry-run",
                 "kvmig tune hugepages --guest 4G@0 --guest 4G@1 --page 2M"},
                "Pages that are free are used, pages in use are left, and none is given back. A "
                "guest of 1 GiB needs 512 pages of 2 MiB."));

    CLI::App *profile =
        topic("profile", "One of tuned's profiles, without its daemon", plan_for_profile,
              [](const tune_request &r) { return std::string(r.profile.empty() ? "NAME" : ""); });
    std::vector<std::string> names;
    for (const tuning::profile &one : tuning::profiles) names.emplace_back(one.name);
    profile->add_option("NAME", asked->profile, "The profile")->check(CLI::IsMember(names));
    profile->footer(closing({"kvmig tune profile virtual-host --dry-run"}));

    // Runs after that of the topic.
    tune->final_callback([asked, tune, &ctx] {
        if (!tune->get_subcommands().empty()) return;
        if (!asked->revert) throw CLI::RequiredError("ksm, hugepages, profile or --revert");
        ctx.action = [asked, &ctx] { return put_back(*asked, ctx); };
    });
    tune->footer(
        closing({"kvmig tune profile virtual-host", "kvmig tune --revert"},
                "What was there is recorded in /var/lib/kvmig/tuning.revert before each write, so "
                "that --revert puts it back after a crash too.\n"
                "Exit status: 0 done, 1 failed (and put back), 2 wrong usage, 5 this host lacks "
                "something, or root's rights."));
}

} // namespace kvmig::lab::cli
