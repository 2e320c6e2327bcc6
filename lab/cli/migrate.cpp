// SPDX-License-Identifier: MIT
// kvmig migrate: a domain from one libvirt host to another.
#include <lab/cli/console.hpp>
#include <lab/cli/inside.hpp>
#include <lab/cli/migrate_cold.hpp>
#include <lab/cli/migration_json.hpp>
#include <lab/cli/out_of_reach.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/topology/files.hpp>
#include <lab/topology/paths.hpp>
#include <lab/topology/topology.hpp>

#include <kvmig/host/journal_sqlite.hpp>
#include <kvmig/libvirt.hpp>
#include <kvmig/run/migrate.hpp>
#include <kvmig/run/migrate_cold.hpp>

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

/// What was asked for on the command line.
struct request {
    std::string domain;
    std::string lab = default_lab();
    std::string from;
    std::string to;
    migration::options options{.flags = {}};
    std::optional<bool> live; ///< as asked for; otherwise unless offline
    std::string mode = "live";
    std::string xml_file;
    std::string persistent_xml_file;
    // Amounts as they are typed, in MiB/s and bytes.
    std::uint64_t bandwidth = 0;
    std::uint64_t postcopy_bandwidth = 0;
    std::uint64_t switchover_bandwidth = 0;
    std::uint64_t xbzrle_cache = 0;
    unsigned interval = 250;
};

struct flag_option {
    const char *name;
    flag value;
    const char *help;
};

/// Flags under virsh's names; each help ends in the name that libvirt and messages use.
constexpr std::array flag_options = {
    flag_option{"--offline", flag::offline,
                "Move the definition of a guest that does not run [offline]"},
    flag_option{"--p2p", flag::peer2peer,
                "The source's daemon leads, and connects to the destination itself [peer2peer]"},
    flag_option{"--tunnelled", flag::tunnelled,
                "Send the guest's memory through the daemons' connection [tunnelled]"},
    flag_option{"--persistent", flag::persist_dest,
                "Define the guest at the destination [persist_dest]"},
    flag_option{"--undefinesource", flag::undefine_source,
                "Undefine the guest at the source when it has moved [undefine_source]"},
    flag_option{"--suspend", flag::paused, "Leave the guest paused at the destination [paused]"},
    flag_option{"--copy-storage-all", flag::non_shared_disk,
                "Copy the disks too, with their backing chains [non_shared_disk]"},
    flag_option{"--copy-storage-inc", flag::non_shared_inc,
                "Copy the top of each disk's chain; the rest is there [non_shared_inc]"},
    flag_option{"--copy-storage-synchronous-writes", flag::non_shared_synchronous_writes,
                "Let the guest's writes wait for the copy, so that it ends "
                "[non_shared_synchronous_writes]"},
    flag_option{"--change-protection", flag::change_protection,
                "Fail where the guest cannot be kept from changing [change_protection]"},
    flag_option{"--unsafe", flag::unsafe,
                "Migrate although disk caches or storage make it unsafe [unsafe]"},
    flag_option{"--compressed", flag::compressed, "Compress memory [compressed]"},
    flag_option{"--auto-converge", flag::auto_converge,
                "Slow the guest down until it can be caught up with [auto_converge]"},
    flag_option{"--rdma-pin-all", flag::rdma_pin_all,
                "Pin all memory before it is sent over RDMA [rdma_pin_all]"},
    flag_option{"--abort-on-error", flag::abort_on_error,
                "End the migration when the guest meets an I/O error [abort_on_error]"},
    flag_option{"--postcopy", flag::postcopy,
                "Allow to switch over to post-copy while it runs [postcopy]"},
    flag_option{"--postcopy-resume", flag::postcopy_resume,
                "Resume a migration that broke in post-copy [postcopy_resume]"},
    flag_option{"--tls", flag::tls, "Encrypt the guest's memory on its way [tls]"},
    flag_option{"--parallel", flag::parallel, "Send memory over several connections [parallel]"},
    flag_option{"--zerocopy", flag::zerocopy, "Send memory without copying it [zerocopy]"},
};

/// Shows progress on stderr: one live line on a terminal, a line every two seconds elsewhere.
class progress_line {
public:
    explicit progress_line(std::string domain)
        : domain_(std::move(domain)), terminal_(isatty(STDERR_FILENO) == 1) {}

    void show(const model::job_progress &now) {
        if (!terminal_ && last_ && now.since_start - *last_ < std::chrono::seconds(2)) return;
        last_ = now.since_start;
        console_.show(text(now));
    }

private:
    [[nodiscard]] std::string text(const model::job_progress &now) const {
        const model::job_statistics &s = now.statistics;
        std::string out = fmt::format("{}: {:.1f} s", domain_,
                                      std::chrono::duration<double>(now.since_start).count());
        if (const auto part = now.fraction()) out += fmt::format(", {:.0f} %", *part * 100);
        if (s.memory_remaining && s.memory_total && s.memory_total->count() > 0) {
            out += fmt::format(", memory left {:.1f} MiB", s.memory_remaining->as_mib());
        }
        if (s.disk_remaining && s.disk_total && s.disk_total->count() > 0) {
            out += fmt::format(", disk left {:.1f} MiB", s.disk_remaining->as_mib());
        }
        if (s.memory_bps) out += fmt::format(", {:.1f} MiB/s", s.memory_bps->as_mib());
        if (s.memory_dirty_rate && s.memory_dirty_rate->per_second() > 0) {
            out += fmt::format(", {} pages/s dirtied", s.memory_dirty_rate->per_second());
        }
        if (now.iteration) out += fmt::format(", pass {}", *now.iteration);
        if (s.auto_converge_throttle && *s.auto_converge_throttle > 0) {
            out += fmt::format(", guest slowed by {} %", *s.auto_converge_throttle);
        }
        return out;
    }

    console console_;
    std::string domain_;
    bool terminal_;
    std::optional<std::chrono::milliseconds> last_;
};

/// The text of a file that an option names.
expected<std::string> text_for(const std::string &option, const std::string &path) {
    auto text = read_file(path);
    if (text) return text;
    error err =
        make_error(error_kind::invalid_argument, option + ": " + text.error().what).about(path);
    err.system = text.error().system;
    return fail(std::move(err));
}

/// Completes the options with what was typed in other units, or stands in files.
expected<migration::options> options_of(const request &asked) {
    migration::options out = asked.options;
    const bool cold = asked.mode == "cold";
    out.flags.set(flag::live, asked.live.value_or(!cold && !out.flags.has(flag::offline)));
    if (asked.mode == "block") out.flags.set(flag::non_shared_disk);
    if (asked.mode == "incremental") out.flags.set(flag::non_shared_inc);
    const auto mib = [](std::uint64_t typed) -> std::optional<byte_rate> {
        if (typed == 0) return std::nullopt;
        return byte_rate::mib(typed);
    };
    out.bandwidth = mib(asked.bandwidth);
    out.postcopy_bandwidth = mib(asked.postcopy_bandwidth);
    out.bandwidth_avail_switchover = mib(asked.switchover_bandwidth);
    if (asked.xbzrle_cache != 0) out.compression_xbzrle_cache = bytes{asked.xbzrle_cache};
    if (!asked.xml_file.empty()) {
        auto text = text_for("--xml", asked.xml_file);
        if (!text) return fail(std::move(text).error());
        out.destination_xml = *std::move(text);
    }
    if (!asked.persistent_xml_file.empty()) {
        auto text = text_for("--persistent-xml", asked.persistent_xml_file);
        if (!text) return fail(std::move(text).error());
        out.persistent_xml = *std::move(text);
    }
    return out;
}

/// Opens the connections, so that Ctrl-C does not end the `ssh` behind them.
expected<std::pair<libvirt::connection, libvirt::connection>> open_both(const request &asked) {
    const out_of_reach apart;
    const libvirt::open_options how{.ask_credentials = isatty(STDIN_FILENO) == 1};
    auto source = libvirt::connection::open(asked.from, how);
    if (!source) return fail(std::move(source).error());
    auto destination = libvirt::connection::open(asked.to, how);
    if (!destination) return fail(std::move(destination).error());
    return std::pair{*std::move(source), *std::move(destination)};
}

/// Opens what a migration needs, and calls `move(domain, destination, journal)`. What is wrong with
/// the request is told before anything is opened.
template <class Move>
auto between(const request &asked, const std::stop_token &stop, Move move)
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
    auto ends = open_both(asked);
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

expected<run::migration_result> migrate(const request &asked, const std::stop_token &stop) {
    auto options = options_of(asked);
    if (!options) return fail(std::move(options).error());
    if (auto found = migration::validate(*options); !found.empty()) {
        return fail(migration::refusal(std::move(found)));
    }
    return between(asked, stop, [&](const auto &domain, const auto &destination, auto &journal) {
        progress_line line(asked.domain);
        return run::migrate(domain, destination, journal, *options,
                            [&line](const model::job_progress &now) { line.show(now); }, stop,
                            {.interval = std::chrono::milliseconds(asked.interval)});
    });
}

expected<run::cold_result> migrate_cold(const request &asked, const std::stop_token &stop) {
    auto options = options_of(asked);
    if (!options) return fail(std::move(options).error());
    auto how = cold_options_of(*options);
    if (!how) return fail(std::move(how).error());
    return between(asked, stop, [&](const auto &domain, const auto &destination, auto &journal) {
        console line;
        libvirt::hypervisor from(domain.on());
        libvirt::hypervisor to(destination);
        return run::migrate_cold_shared(
            from, domain.id(), domain.name(), to, journal, *how,
            [&](const run::cold_progress &now) { line.show(progress_text(asked.domain, now)); },
            stop, {.interval = std::chrono::milliseconds(asked.interval)});
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

exit_status act(const request &asked, const context &ctx) {
    const std::stop_token stop = ctx.interrupted.get_token();
    if (asked.mode == "cold") return answer(migrate_cold(asked, stop), ctx);
    return answer(migrate(asked, stop), ctx);
}

/// A lab host's name becomes the URI by which it is reached inside the lab; a URI stays.
expected<void> resolve_lab_host(std::string &end) {
    const machine_spec *machine = find_machine(end);
    if (machine == nullptr) return {};
    if (machine->role != machine_role::host) {
        return fail(make_error(error_kind::invalid_argument,
                               "'" + end + "' is a machine of the lab, but runs no libvirt")
                        .advise("use kvm01 or kvm02"));
    }
    end = libvirt_uri(*machine);
    return {};
}

/// Lab hosts are reached from inside the lab only.
exit_status act_in_place(request asked, const context &ctx) {
    const bool in_lab = find_machine(asked.from) != nullptr || find_machine(asked.to) != nullptr;
    for (std::string *end : {&asked.from, &asked.to}) {
        if (auto resolved = resolve_lab_host(*end); !resolved) return report(resolved.error());
    }
    if (!in_lab || is_inside()) return act(asked, ctx);
    const auto paths = paths_of(asked.lab);
    if (!paths) return report(paths.error());
    return again_inside(*paths, ctx);
}

void add_parameters(CLI::App &sub, request &asked) {
    migration::options &o = asked.options;
    const auto natural = CLI::PositiveNumber;
    sub.add_flag("--direct", o.direct, "The hypervisor itself leads; needs --migrateuri");
    sub.add_option("--desturi", o.destination_uri,
                   "With --p2p: the destination's URI as the source's daemon is to open it; "
                   "otherwise that of --to");
    sub.add_option("--migrateuri", o.migrate_uri,
                   "Where memory is sent: tcp://HOST[:PORT], rdma://HOST, unix:///PATH");
    sub.add_option("--graphicsuri", o.graphics_uri, "Where graphical clients are sent");
    sub.add_option("--listen-address", o.listen_address, "The address the destination listens on");
    sub.add_option("--dname", o.destination_name, "The domain's new name at the destination");
    sub.add_option("--xml", asked.xml_file, "A file with the domain's XML for the destination")
        ->type_name("FILE");
    sub.add_option("--persistent-xml", asked.persistent_xml_file,
                   "A file with the XML to define at the destination")
        ->type_name("FILE");
    sub.add_option("--migrate-disks", o.migrate_disks,
                   "The disks to copy by target name, e.g. vda,vdb")
        ->delimiter(',');
    sub.add_option("--migrate-disks-detect-zeroes", o.migrate_disks_detect_zeroes,
                   "The disks whose zeroes need not be sent (libvirt 10.9)")
        ->delimiter(',');
    sub.add_option("--disks-port", o.disks_port, "The port that receives disks");
    sub.add_option("--disks-uri", o.disks_uri,
                   "Where disks are sent: tcp://HOST[:PORT] or unix:///PATH");
    sub.add_option("--comp-methods", o.compression,
                   "With --compressed: xbzrle, mt, zlib, zstd, joined by commas")
        ->delimiter(',');
    sub.add_option("--comp-mt-level", o.compression_mt_level, "0 to 9");
    sub.add_option("--comp-mt-threads", o.compression_mt_threads, "Threads that compress");
    sub.add_option("--comp-mt-dthreads", o.compression_mt_dthreads, "Threads that decompress");
    sub.add_option("--comp-xbzrle-cache", asked.xbzrle_cache, "The cache's size in bytes")
        ->check(natural);
    sub.add_option("--comp-zlib-level", o.compression_zlib_level, "0 to 9 (libvirt 9.4)");
    sub.add_option("--comp-zstd-level", o.compression_zstd_level, "0 to 20 (libvirt 9.4)");
    sub.add_option("--auto-converge-initial", o.auto_converge_initial,
                   "By how many per cent the guest is slowed at first");
    sub.add_option("--auto-converge-increment", o.auto_converge_increment,
                   "By how many per cent more each time");
    sub.add_option("--parallel-connections", o.parallel_connections, "How many connections");
    sub.add_option("--bandwidth", asked.bandwidth, "The most to send, in MiB/s")->check(natural);
    sub.add_option("--postcopy-bandwidth", asked.postcopy_bandwidth,
                   "The most to send in post-copy, in MiB/s")
        ->check(natural);
    sub.add_option("--available-switchover-bandwidth", asked.switchover_bandwidth,
                   "What the link carries at switch-over, in MiB/s (libvirt 11.1)")
        ->check(natural);
    sub.add_option("--tls-destination", o.tls_destination,
                   "The name in the destination's certificate");
}

} // namespace

void add_migrate(CLI::App &app, context &ctx) {
    const auto asked = std::make_shared<request>();
    CLI::App *sub = app.add_subcommand("migrate", "Migrate a domain from one host to another");
    sub->add_option("DOMAIN", asked->domain, "The domain's name or UUID")->required();
    sub->add_option("--from", asked->from, "The source's libvirt URI, or a lab host's name")
        ->required()
        ->type_name("URI");
    sub->add_option("--to", asked->to, "The destination's libvirt URI, or a lab host's name")
        ->required()
        ->type_name("URI");
    sub->add_option("--lab", asked->lab, "Whose hosts kvm01 and kvm02 are; also KVMIG_LAB")
        ->capture_default_str();
    sub->add_flag("--json", ctx.json, "Answer as JSON (kvmig.migrate/1) on stdout");
    sub->add_option("--interval", asked->interval, "Milliseconds between looks at its progress")
        ->check(CLI::Range(10U, 3'600'000U))
        ->capture_default_str();
    sub->add_option("--mode", asked->mode,
                    "live: disks are shared; block: they are copied; incremental: the top of each "
                    "chain is; cold: the guest is shut down, and started there")
        ->check(CLI::IsMember({"live", "block", "incremental", "cold"}))
        ->capture_default_str();
    sub->add_flag_function(
        "--live,!--no-live", [asked](std::int64_t count) { asked->live = count > 0; },
        "Keep the guest running while it moves: the default, unless --offline [live]");
    for (const flag_option &each : flag_options) {
        sub->add_flag_function(
            each.name,
            [asked, value = each.value](std::int64_t count) {
                asked->options.flags.set(value, count > 0);
            },
            each.help);
    }
    add_parameters(*sub, *asked);
    sub->footer("Example:\n"
                "  kvmig migrate vm1 --from qemu+ssh://kvm01/system --to qemu+ssh://kvm02/system "
                "--persistent\n"
                "Ctrl-C cancels: the guest goes on at the source. Each step is recorded below "
                "$XDG_STATE_HOME/kvmig; `kvmig recover` takes up what was left.\n"
                "Exit status: 0 migrated, 1 failed, 2 wrong usage, 4 cancelled, 5 something is "
                "missing here.");
    sub->callback(
        [asked, &ctx] { ctx.action = [asked, &ctx] { return act_in_place(*asked, ctx); }; });
}

} // namespace kvmig::lab::cli
