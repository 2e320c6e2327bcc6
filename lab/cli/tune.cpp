// SPDX-License-Identifier: MIT
// kvmig tune: plans, applies and puts back what tunes a host.
#include <lab/cli/help.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/cli/tune_domain.hpp>
#include <lab/cli/tune_ksm.hpp>
#include <lab/cli/tune_profile.hpp>
#include <lab/cli/tune_request.hpp>
#include <lab/cli/tuning_text.hpp>

#include <kvmig/core/expected.hpp>
#include <kvmig/host/apply_plan.hpp>
#include <kvmig/host/kernel_files.hpp>
#include <kvmig/host/revert_record.hpp>
#include <kvmig/host/tuning_facts.hpp>
#include <kvmig/tuning/huge_pages.hpp>
#include <kvmig/tuning/transparent_huge_pages.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
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

namespace {

using planner =
    std::function<expected<tune_answer>(const tune_request &, const host::kernel_files &)>;

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

/// Puts back what one record holds, if there is one, or tells what would be.
template <class Files, class Open>
expected<void> put_back_record(const tune_request &asked, const std::filesystem::path &place,
                               const Files &files, Open open, host::revert_result &done,
                               std::size_t &dropped) {
    std::error_code code;
    const auto there = std::filesystem::status(place, code).type();
    if (there == std::filesystem::file_type::none) {
        return fail(make_error(error_kind::environment,
                               fmt::format("cannot look for the record: {}", code.message()))
                        .about(place.string())
                        .advise("run as root"));
    }
    if (there == std::filesystem::file_type::not_found) return {};
    expected<host::revert_record> record = open();
    if (!record) return fail(record.error());
    dropped += record->dropped();
    host::revert_result here;
    if (asked.dry_run) {
        for (const host::revert_entry &each : record->entries()) {
            here.restored.insert(here.restored.begin(), each.path);
        }
    } else {
        auto result = host::revert(files, *record);
        if (!result) return fail(std::move(result.error()));
        here = std::move(*result);
    }
    done.restored.insert(done.restored.end(), here.restored.begin(), here.restored.end());
    done.gone.insert(done.gone.end(), here.gone.begin(), here.gone.end());
    return {};
}

/// The record of domains; what it tells outlives a boot.
expected<host::revert_record> open_domain_record(const tune_request &asked) {
    return host::revert_record::open(domain_record_path(asked), "");
}

exit_status put_back(const tune_request &asked, const context &ctx) {
    const host::kernel_files files{asked.root};
    host::revert_result done;
    std::size_t dropped = 0;
    const auto of_host = put_back_record(
        asked, host::revert_record_path(asked.root), files,
        [&] { return open_record(asked, files); }, done, dropped);
    const auto of_domains = put_back_record(
        asked, domain_record_path(asked), settings_of_domains(),
        [&] { return open_domain_record(asked); }, done, dropped);
    exit_status status = exit_status::done; // that of the last which failed
    for (const auto *each : {&of_host, &of_domains}) {
        if (!*each) status = report(each->error());
    }
    if (!of_host && !of_domains) return status;
    if (ctx.json) {
        nlohmann::json out = tuning_json(done);
        out["dry_run"] = asked.dry_run;
        out["dropped"] = dropped;
        fmt::print("{}\n", out.dump(2));
        return status;
    }
    fmt::print("{}", tuning_text(done));
    if (dropped != 0) fmt::print(stderr, "{} changes went with the last reboot\n", dropped);
    if (asked.dry_run) {
        fmt::print(stderr, "{} would be put back; nothing was written\n", done.restored.size());
    } else {
        fmt::print(stderr, "{} put back\n", done.restored.size());
    }
    return status;
}

exit_status act(const tune_request &asked, const context &ctx, const planner &make) {
    if (asked.revert) return put_back(asked, ctx);
    if (asked.watch) return watch_for_ksm(asked, ctx);
    const host::kernel_files files{asked.root};
    auto made = make(asked, files);
    if (!made) return report(made.error());
    const bool apply = !asked.dry_run && !asked.diff && !made->plan.empty();
    if (apply) {
        auto record = made->steps ? open_domain_record(asked) : open_record(asked, files);
        if (!record) return report(record.error());
        const auto domains = settings_of_domains();
        if (made->steps) {
            if (auto marked = domains.mark_runs(*made->steps); !marked) {
                return report(marked.error());
            }
        }
        const auto done = made->steps ? host::apply(domains, *record, *made->steps)
                                      : host::apply(files, *record, made->plan);
        if (!done) return report(done.error());
    }
    if (ctx.json) {
        nlohmann::json out = tuning_json(made->plan);
        out["dry_run"] = asked.dry_run || asked.diff;
        out.update(made->more);
        fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
        return exit_status::done;
    }
    fmt::print("{}{}", made->text, asked.diff ? notes_text(made->plan) : tuning_text(made->plan));
    const bool shows = asked.diff || (!asked.domain.empty() && !made->steps);
    if (made->plan.empty()) {
        if (!shows) fmt::print(stderr, "nothing to change\n");
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
    tune->add_flag(
        "--revert", asked->revert,
        "Put back everything that kvmig tune changed on this host, or of domains from it");
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

    CLI::App *ksm =
        topic("ksm", "Merging of like pages, by memory and profit", plan_for_ksm,
              [](const tune_request &r) {
                  const bool once = r.policy == "stop" || r.policy == "unmerge";
                  return std::string(r.watch && once ? "--policy profit or ksmtuned" : "");
              });
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
    auto *watch =
        ksm->add_flag("--watch", asked->watch, "Decide again and again, until it is told to end");
    ksm->add_option("--every", asked->every, "How long from one decision to the next")
        ->needs(watch)
        ->check(CLI::Range(1, 86400))
        ->type_name("SECONDS")
        ->capture_default_str();
    ksm->footer(
        closing({"kvmig tune ksm --dry-run", "kvmig tune ksm --policy ksmtuned",
                 "kvmig tune ksm --watch --every 30"},
                "Scans only when memory is needed. Merging lets one guest find out, by the time a "
                "write takes, what another has in memory.\n"
                "--watch tells each change, and each other reason, as a line on stderr; with "
                "--json each decision as a line on stdout. Ended by Ctrl-C or SIGTERM, it puts "
                "back what was there when it began, since nobody would steer ksmd any longer; if "
                "it was killed, --revert does. While it runs nothing else tunes this host."));

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

    CLI::App *profile = topic(
        "profile", "One of tuned's profiles or your own, without its daemon", plan_for_profile,
        [](const tune_request &r) { return std::string(r.profile.empty() ? "NAME" : ""); });
    profile
        ->add_option("NAME", asked->profile,
                     "The profile, or a file of your own in the format of tuned.conf")
        ->check(profile_or_file());
    profile->add_flag("--diff", asked->diff,
                      "Show every file with what it holds and what is wanted, and write nothing");
    profile->footer(
        closing({"kvmig tune profile virtual-host --dry-run",
                 "kvmig tune profile virtual-host --diff", "kvmig tune profile ./mine.conf"},
                "A file has [main] with include=NAME, one of the profiles here, [sysctl] with the "
                "kernel's names, [sysfs] with paths, and [vm], [cpu] and [disk] with tuned's own "
                "keys. What is wrong with it is told line by line, before anything is written."));

    const missing no_domain = [](const tune_request &r) {
        return std::string(r.domain.empty() ? "DOMAIN" : "");
    };
    add_disk_options(*topic("disk", "Limits of a domain's disk", plan_for_disk, no_domain), asked);
    add_cpu_options(
        *topic("cpu", "The host's CPUs on which a domain runs", plan_for_cpu, no_domain), asked);
    add_memory_options(*topic("memory", "Limits of a domain's memory", plan_for_memory, no_domain),
                       asked);

    // Runs after that of the topic.
    tune->final_callback([asked, tune, &ctx] {
        if (!tune->get_subcommands().empty()) return;
        if (!asked->revert)
            throw CLI::RequiredError("ksm, hugepages, profile, disk, cpu, memory or --revert");
        ctx.action = [asked, &ctx] { return put_back(*asked, ctx); };
    });
    tune->footer(
        closing({"kvmig tune profile virtual-host", "kvmig tune --revert"},
                "What was there is recorded in /var/lib/kvmig before each write, so that --revert "
                "puts it back after a crash too: what is set on this host, and what was set of "
                "domains from here.\n"
                "Exit status: 0 done, 1 failed (and put back), 2 wrong usage, 5 this host lacks "
                "something, or root's rights."));
}

} // namespace kvmig::lab::cli
