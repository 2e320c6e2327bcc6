// SPDX-License-Identifier: MIT
// kvmig migrate: a domain from one libvirt host to another.
#include <lab/cli/console.hpp>
#include <lab/cli/ends.hpp>
#include <lab/cli/migrate_cold.hpp>
#include <lab/cli/migrate_request.hpp>
#include <lab/cli/migration_json.hpp>
#include <lab/cli/migration_progress.hpp>
#include <lab/cli/subcommands.hpp>

#include <kvmig/host/journal_sqlite.hpp>
#include <kvmig/libvirt.hpp>
#include <kvmig/run/migrate.hpp>
#include <kvmig/run/migrate_cold.hpp>
#include <kvmig/run/migrate_cold_copied.hpp>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
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

/// Opens what a migration needs, and calls `move(domain, destination, journal)`. What is wrong with
/// the request is told before anything is opened.
template <class Move>
auto between(const migrate_request &asked, const std::stop_token &stop, Move move)
    -> decltype(move(std::declval<const libvirt::domain &>(),
                     std::declval<const libvirt::connection &>(),
                     std::declval<host::sqlite_journal &>())) {
    for (const std::string *uri : {&asked.from, &asked.to}) {
        if (auto parsed = model::connection_uri::parse(*uri); !parsed) {
            return fail(std::move(parsed).error());
        }
    }
    const auto place = host::default_journal_path();
    if (!place) return fail(place.error());
    libvirt::quiet_errors();
    auto loop = libvirt::event_loop::start(); // outlives the connections
    if (!loop) return fail(std::move(loop).error());
    auto ends = open_both(asked.from, asked.to);
    if (!ends) {
        if (!stop.stop_requested()) return fail(std::move(ends).error());
        return fail(make_error(error_kind::cancelled, "cancelled before the migration began")
                        .because(std::move(ends).error()));
    }
    auto &[source, destination] = *ends;
    auto domain = libvirt::domain::find(source, asked.domain);
    if (!domain) {
        return fail(std::move(domain).error().advise("`virsh -c " + asked.from +
                                                     " list --all` lists the domains there"));
    }
    auto journal = host::sqlite_journal::open_at(*place);
    if (!journal) return fail(std::move(journal).error());
    return move(*domain, destination, *journal);
}

expected<run::migration_result> migrate(const migrate_request &asked, const std::stop_token &stop) {
    auto options = options_of(asked);
    if (!options) return fail(std::move(options).error());
    if (auto found = migration::validate(*options); !found.empty()) {
        return fail(migration::refusal(std::move(found)));
    }
    return between(asked, stop, [&](const auto &domain, const auto &destination, auto &journal) {
        progress_line line(asked.domain);
        return run::migrate(
            domain, destination, journal, *options,
            [&line](const model::job_progress &now) { line.show(now); }, stop,
            {.interval = std::chrono::milliseconds(asked.interval), .steer = steering_of(asked)});
    });
}

expected<run::cold_result> migrate_cold(const migrate_request &asked, const std::stop_token &stop) {
    auto options = options_of(asked);
    if (!options) return fail(std::move(options).error());
    auto how = cold_options_of(*options);
    if (!how) return fail(std::move(how).error());
    const auto wish = copy_wish_of(asked);
    if (!wish) return fail(wish.error());
    return between(asked, stop, [&](const auto &domain, const auto &destination, auto &journal) {
        console line;
        libvirt::hypervisor from(domain.on());
        libvirt::hypervisor to(destination);
        const run::cold_callback show = [&](const run::cold_progress &now) {
            line.show(progress_text(asked.domain, now));
        };
        const run::sampling watched{.interval = std::chrono::milliseconds(asked.interval)};
        if (asked.copy_images) {
            return run::migrate_cold_copied(from, domain.id(), domain.name(), to, journal, *wish,
                                            *how, show, stop, watched);
        }
        return run::migrate_cold_shared(from, domain.id(), domain.name(), to, journal, *how, show,
                                        stop, watched);
    });
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

template <class Result> exit_status answer(const expected<Result> &outcome, const context &ctx) {
    if (ctx.json) {
        const nlohmann::json told =
            outcome ? to_json(*outcome)
                    : nlohmann::json{{"schema", "kvmig.migrate/1"},
                                     {"outcome", outcome.error().kind == error_kind::cancelled
                                                     ? "cancelled"
                                                     : "failed"},
                                     {"error", to_json(outcome.error())}};
        // Texts come from other hosts: what is not UTF-8 is replaced, not thrown at the user.
        fmt::print("{}\n", told.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    }
    if (!outcome) return report(outcome.error());
    if (!ctx.json) print_answer(*outcome);
    return exit_status::done;
}

exit_status act(const migrate_request &asked, const context &ctx) {
    const std::stop_token stop = ctx.interrupted.get_token();
    if (asked.mode == "cold") return answer(migrate_cold(asked, stop), ctx);
    return answer(migrate(asked, stop), ctx);
}

} // namespace

void add_migrate(CLI::App &app, context &ctx) {
    const auto asked = std::make_shared<migrate_request>();
    CLI::App *sub = app.add_subcommand("migrate", "Migrate a domain from one host to another");
    add_request(*sub, *asked, ctx);
    sub->footer("Example:\n"
                "  kvmig migrate vm1 --from qemu+ssh://kvm01/system --to qemu+ssh://kvm02/system "
                "--persistent\n"
                "  kvmig migrate vm1 --from kvm01 --to kvm02 --mode block   (in the lab)\n"
                "Ctrl-C cancels: the guest goes on at the source. Each step is recorded below "
                "$XDG_STATE_HOME/kvmig; `kvmig recover` takes up what was left.\n"
                "Exit status: 0 migrated, 1 failed, 2 wrong usage, 4 cancelled, 5 something is "
                "missing here.");
    sub->callback([asked, &ctx] {
        ctx.action = [asked, &ctx] {
            const auto elsewhere = moved_inside(asked->from, asked->to, asked->lab, ctx);
            return elsewhere ? *elsewhere : act(*asked, ctx);
        };
    });
}

} // namespace kvmig::lab::cli
