// SPDX-License-Identifier: MIT
// kvmig migrate: a domain from one libvirt host to another.
#include <lab/cli/console.hpp>
#include <lab/cli/diagnosis_text.hpp>
#include <lab/cli/ends.hpp>
#include <lab/cli/help.hpp>
#include <lab/cli/migrate_cold.hpp>
#include <lab/cli/migrate_plan.hpp>
#include <lab/cli/migrate_request.hpp>
#include <lab/cli/migration_json.hpp>
#include <lab/cli/migration_progress.hpp>
#include <lab/cli/mortal_journal.hpp>
#include <lab/cli/subcommands.hpp>

#include <kvmig/convergence/promise.hpp>
#include <kvmig/host/journal_sqlite.hpp>
#include <kvmig/libvirt.hpp>
#include <kvmig/migration/option_rules.hpp>
#include <kvmig/run/choose_mode.hpp>
#include <kvmig/run/explain.hpp>
#include <kvmig/run/migrate.hpp>
#include <kvmig/run/migrate_cold.hpp>
#include <kvmig/run/migrate_cold_copied.hpp>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>

namespace kvmig::lab::cli {

namespace {

using cli::print_answer; // of a cold migration
using migration::flag;

/// Shows progress on stderr: one live line on a terminal, a line every two seconds elsewhere.
class progress_line {
public:
    explicit progress_line(std::string domain)
        : progress_(std::move(domain)), terminal_(isatty(STDERR_FILENO) == 1) {}

    void show(const model::job_progress &now) {
        progress_.add(now);
        if (!terminal_ && last_ && now.since_start - *last_ < std::chrono::seconds(2)) return;
        last_ = now.since_start;
        console_.show(progress_.text());
    }

private:
    console console_;
    migration_progress progress_;
    bool terminal_;
    std::optional<std::chrono::milliseconds> last_;
};

/// The two connections and the guest.
struct opened {
    libvirt::connection source;
    libvirt::connection destination;
    libvirt::domain domain;
};

expected<opened> open(const migrate_request &asked, const std::stop_token &stop) {
    auto ends = open_both(asked.from, asked.to);
    if (!ends) {
        if (!stop.stop_requested()) return fail(std::move(ends).error());
        return fail(make_error(error_kind::cancelled, "cancelled before the migration began")
                        .because(std::move(ends).error()));
    }
    auto domain = libvirt::domain::find(ends->first, asked.domain);
    if (!domain) {
        return fail(std::move(domain).error().advise("`virsh -c " + asked.from +
                                                     " list --all` lists the domains there"));
    }
    return opened{std::move(ends->first), std::move(ends->second), *std::move(domain)};
}

expected<mortal_journal> open_journal() {
    const auto place = host::default_journal_path();
    if (!place) return fail(place.error());
    return mortal_journal::open_at(*place);
}

/// What opening a migration of the guest would be refused for; makes no journal where there is
/// none.
expected<void> check_journal(const libvirt::domain &of) {
    const auto place = host::default_journal_path();
    if (!place) return fail(place.error());
    std::error_code none;
    if (!std::filesystem::exists(*place, none) && !none) return {};
    auto journal = host::sqlite_journal::open_at(*place);
    if (!journal) return fail(std::move(journal).error());
    return ports::check_none_open(*journal, of.name(), of.id());
}

/// What is wrong with the request whatever the hosts say.
expected<void> check_request(const migrate_request &asked) {
    for (const std::string *uri : {&asked.from, &asked.to}) {
        if (auto parsed = model::connection_uri::parse(*uri); !parsed) {
            return fail(std::move(parsed).error());
        }
    }
    if (asked.mode == "cold") {
        if (auto wish = cold_request_of(asked); !wish) return fail(std::move(wish).error());
        return {};
    }
    const auto options = options_of(asked);
    if (!options) return fail(options.error());
    if (asked.mode == "auto") return {}; // once it is chosen
    auto found = migration::validate(*options);
    if (!found.empty()) return fail(migration::refusal(std::move(found)));
    return {};
}

/// Where the mode is to be chosen: the request with that mode, and why. Otherwise as it is.
expected<std::pair<migrate_request, std::string>> choose(const migrate_request &asked,
                                                         const opened &ends) {
    if (asked.mode != "auto") {
        return std::pair(asked, std::string(asked.mode_given ? "as asked for" : "the default"));
    }
    auto chosen = run::choose_mode(ends.domain, ends.destination);
    if (!chosen) return fail(std::move(chosen).error());
    migrate_request out = asked;
    out.mode = to_string(chosen->mode);
    out.options.migrate_disks = chosen->disks;
    fmt::print(stderr, "kvmig: mode {}: {}\n", out.mode, chosen->why);
    if (auto fits = check_request(out); !fits) return fail(std::move(fits).error());
    return std::pair(std::move(out), "chosen: " + chosen->why);
}

expected<run::migration_result> migrate(const migrate_request &asked, const opened &ends,
                                        const std::stop_token &stop) {
    const auto options = options_of(asked);
    if (!options) return fail(options.error());
    auto journal = open_journal();
    if (!journal) return fail(std::move(journal).error());
    progress_line line(asked.domain);
    return run::migrate(
        ends.domain, ends.destination, *journal, *options,
        [&line](const model::job_progress &now) { line.show(now); }, stop,
        {.interval = std::chrono::milliseconds(asked.interval), .steer = steering_of(asked)});
}

expected<run::cold_result> migrate_cold(const migrate_request &asked, const opened &ends,
                                        const std::stop_token &stop) {
    const auto wish = cold_request_of(asked);
    if (!wish) return fail(wish.error());
    auto journal = open_journal();
    if (!journal) return fail(std::move(journal).error());
    console line;
    libvirt::hypervisor from(ends.domain.on());
    libvirt::hypervisor to(ends.destination);
    const run::cold_callback show = [&](const run::cold_progress &now) {
        line.show(progress_text(asked.domain, now));
    };
    const run::sampling watched{.interval = std::chrono::milliseconds(asked.interval)};
    const uuid &id = ends.domain.id();
    const std::string &name = ends.domain.name();
    if (asked.copy_images) {
        return run::migrate_cold_copied(from, id, name, to, *journal, wish->copy, wish->how, show,
                                        stop, watched);
    }
    return run::migrate_cold_shared(from, id, name, to, *journal, wish->how, show, stop, watched);
}

void print_answer(const run::migration_result &result) {
    fmt::print("{}: migrated from {} to {} in {:.1f} s\n", result.domain, result.source.hostname,
               result.destination.hostname,
               std::chrono::duration<double>(result.wall_time).count());
    if (const auto &s = result.source_statistics) {
        if (s->data_processed) {
            fmt::print("  moved      {:.1f} MiB\n", s->data_processed->as_mib());
        }
        if (s->downtime) fmt::print("  downtime   {} ms\n", s->downtime->count());
        if (s->downtime_net) {
            fmt::print("  downtime   {} ms, without network\n", s->downtime_net->count());
        }
        if (s->setup_time) fmt::print("  setup      {} ms\n", s->setup_time->count());
    }
    if (result.promise && result.promise->measured && !result.promise->broken()) {
        fmt::print("  {}\n", convergence::describe(*result.promise));
    }
    for (const run::steering_step &each : result.steered) {
        fmt::print("  after {:.1f} s  {}: {}\n", std::chrono::duration<double>(each.at).count(),
                   to_string(each.what), each.reason);
    }
    fmt::print("  {}\n", result.guest.text());
    for (const error &gap : result.gaps) fmt::print(stderr, "kvmig: {}\n", describe(gap));
    if (result.cancelled_too_late) {
        fmt::print(stderr, "kvmig: the request to cancel came too late: the guest had moved\n");
    }
}

void print_json(const nlohmann::json &told) {
    // Texts come from other hosts: what is not UTF-8 is replaced, not thrown at the user.
    fmt::print("{}\n", told.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

/// `ends`: none where they could not be opened. What libvirt says may be a symptom, which both
/// hosts know the cause of.
diagnosis::report causes_of(const error &why, const migrate_request &asked, const opened *ends,
                            const std::stop_token &stop) {
    if (!worth_explaining(why)) return {};
    evidence all;
    all.domain = asked.domain;
    diagnosis::report told = run::explain(why, std::move(all));
    if (ends == nullptr || run::names_cause(told) || !run::told_by_libvirt(why)) return told;
    fmt::print(stderr, "kvmig: asking both hosts for the cause\n");
    using precheck::storage_copy;
    const auto &flags = asked.options.flags;
    const bool whole =
        asked.copy_images || asked.mode == "block" || flags.has(flag::non_shared_disk);
    const bool top = asked.mode == "incremental" || flags.has(flag::non_shared_inc);
    return run::explain(why, ends->domain, ends->destination, asked.from,
                        {.copy = whole ? storage_copy::all
                                 : top ? storage_copy::incremental
                                       : storage_copy::none,
                         .peer2peer = flags.has(flag::peer2peer),
                         .destination_uri = asked.options.destination_uri,
                         .stop = stop});
}

exit_status answer_failure(const error &why, const context &ctx,
                           const diagnosis::report &causes = {}) {
    if (ctx.json) {
        const bool cancelled = why.kind == error_kind::cancelled;
        nlohmann::json told = {{"schema", "kvmig.migrate/1"},
                               {"outcome", cancelled ? "cancelled" : "failed"},
                               {"error", to_json(why)}};
        if (!causes.causes.empty()) told["diagnosis"] = diagnosis_json(causes);
        print_json(told);
    }
    const exit_status status = report(why);
    tell_causes(causes);
    return status;
}

/// `why`: the mode was taken.
template <class Result>
exit_status answer(const expected<Result> &outcome, const migrate_request &asked,
                   const std::string &why, const opened &ends, const context &ctx) {
    if (!outcome) {
        return answer_failure(
            outcome.error(), ctx,
            causes_of(outcome.error(), asked, &ends, ctx.interrupted.get_token()));
    }
    if (ctx.json) {
        nlohmann::json told = to_json(*outcome);
        told["mode"] = asked.mode;
        told["mode_why"] = why;
        print_json(told);
    } else {
        print_answer(*outcome);
    }
    if constexpr (std::is_same_v<Result, run::migration_result>) {
        if (outcome->promise && (outcome->promise->broken() || !outcome->promise->measured)) {
            fmt::print(stderr, "kvmig: {}\n", convergence::describe(*outcome->promise));
        }
        if (outcome->promise && outcome->promise->broken()) return exit_status::failed;
    }
    return exit_status::done;
}

exit_status act(const migrate_request &typed, const context &ctx) {
    const std::stop_token stop = ctx.interrupted.get_token();
    if (auto fits = check_request(typed); !fits) return answer_failure(fits.error(), ctx);
    libvirt::quiet_errors();
    const auto loop = libvirt::event_loop::start(); // outlives the connections
    if (!loop) return answer_failure(loop.error(), ctx);
    const auto ends = open(typed, stop);
    if (!ends) {
        return answer_failure(ends.error(), ctx, causes_of(ends.error(), typed, nullptr, stop));
    }
    const auto chosen = choose(typed, *ends);
    if (!chosen) return answer_failure(chosen.error(), ctx);
    const auto &[asked, why] = *chosen;
    if (asked.dry_run) {
        if (auto free = check_journal(ends->domain); !free) {
            return answer_failure(free.error(), ctx);
        }
        const auto plan = plan_of(asked, ends->domain, ends->destination, why, stop);
        if (!plan) return answer_failure(plan.error(), ctx);
        if (ctx.json) {
            print_json(plan_json(*plan));
        } else {
            fmt::print("{}", plan_text(*plan));
        }
        return exit_status::done;
    }
    if (asked.mode == "cold")
        return answer(migrate_cold(asked, *ends, stop), asked, why, *ends, ctx);
    return answer(migrate(asked, *ends, stop), asked, why, *ends, ctx);
}

} // namespace

void add_migrate(CLI::App &app, context &ctx) {
    const auto asked = std::make_shared<migrate_request>();
    CLI::App *sub = app.add_subcommand("migrate", "Migrate a domain from one host to another");
    add_request(*sub, *asked, ctx);
    sub->footer(
        closing({"kvmig migrate vm1 --from qemu+ssh://kvm01/system --to qemu+ssh://kvm02/system "
                 "--persistent",
                 "kvmig migrate vm1 --from kvm01 --to kvm02 --mode block",
                 "kvmig migrate vm1 --from kvm01 --to kvm02 --mode auto --dry-run",
                 "kvmig migrate vm1 --from kvm01 --to kvm02 --promise-downtime 300 --timeout 600 "
                 "--timeout-cancel"},
                "Ctrl-C cancels: the guest goes on at the source. Each step is recorded below "
                "$XDG_STATE_HOME/kvmig; `kvmig recover` takes up what was left.\n"
                "Exit status: 0 migrated, 1 failed or a promise broken, 2 wrong usage, 4 "
                "cancelled, 5 something is missing here."));
    sub->callback([asked, &ctx] {
        ctx.action = [asked, &ctx] {
            const auto elsewhere = moved_inside(asked->from, asked->to, asked->lab, ctx);
            return elsewhere ? *elsewhere : act(*asked, ctx);
        };
    });
}

} // namespace kvmig::lab::cli
