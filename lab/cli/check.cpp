// SPDX-License-Identifier: MIT
// kvmig check: what would go wrong if a domain were migrated.
#include <lab/cli/canary_text.hpp>
#include <lab/cli/check_text.hpp>
#include <lab/cli/diagnosis_text.hpp>
#include <lab/cli/ends.hpp>
#include <lab/cli/forecast_text.hpp>
#include <lab/cli/help.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/facts/facts_file.hpp>
#include <lab/topology/paths.hpp>

#include <kvmig/libvirt/event_loop.hpp>
#include <kvmig/precheck/report.hpp>
#include <kvmig/run/canary_libvirt.hpp>
#include <kvmig/run/check.hpp>
#include <kvmig/run/check_proof.hpp>
#include <kvmig/run/explain.hpp>
#include <kvmig/run/forecast.hpp>
#include <kvmig/run/measure_link.hpp>
#include <kvmig/xml/domain.hpp>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::lab::cli {

namespace {

struct check_request {
    std::string domain;
    std::string lab = default_lab();
    std::string from;
    std::string to;
    std::string xml_file;
    std::string facts_file;
    std::string save_file;
    std::vector<std::string> ignored;
    precheck::storage_copy copy = precheck::storage_copy::none;
    bool prove_storage = false;
    bool forecast = false;
    std::optional<std::uint64_t> bandwidth; ///< MiB/s
    bool measure_link = false;
    bool canary = false;
    migration::options move{.flags = {migration::flag::live}}; ///< the canary's, and who leads
    std::uint64_t canary_age = model::canary_old.count();      ///< seconds
};

/// What the domain's XML alone tells.
expected<precheck::facts> read_domain_xml(const check_request &asked) {
    std::ifstream in(asked.xml_file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in || in.bad()) {
        const int number = errno;
        error problem = make_error(error_kind::invalid_argument,
                                   "--domain-xml: cannot read the file '" + asked.xml_file +
                                       "': " + std::strerror(number))
                            .about(asked.xml_file);
        problem.system = number;
        return fail(std::move(problem));
    }
    auto domain = xml::parse_domain(text);
    if (!domain) return fail(std::move(domain).error());
    precheck::facts out;
    out.domain = *std::move(domain);
    out.copy = asked.copy;
    out.source.name = "source";
    out.destination.name = "destination";
    return out;
}

/// Moved as the guest would be.
run::canary_options canary_of(const check_request &asked, const context &ctx) {
    using migration::flag;
    run::canary_options out{.move = asked.move,
                            .old = std::chrono::seconds(asked.canary_age),
                            .stop = ctx.interrupted.get_token()};
    out.move.flags.set(flag::non_shared_disk, asked.copy == precheck::storage_copy::all);
    out.move.flags.set(flag::non_shared_inc, asked.copy == precheck::storage_copy::incremental);
    return out;
}

/// What both hosts tell.
expected<precheck::facts> ask_hosts(const check_request &asked, const context &ctx) {
    for (const std::string *uri : {&asked.from, &asked.to}) {
        if (auto parsed = model::connection_uri::parse(*uri); !parsed) {
            return fail(std::move(parsed).error());
        }
    }
    libvirt::quiet_errors();
    auto loop = libvirt::event_loop::start(); // outlives the connections
    if (!loop) return fail(std::move(loop).error());
    auto ends = open_both(asked.from, asked.to);
    if (!ends) return fail(std::move(ends).error());
    const auto &[source, destination] = *ends;
    auto domain = libvirt::domain::find(source, asked.domain);
    if (!domain) {
        return fail(std::move(domain).error().advise("`virsh -c " + asked.from +
                                                     " list --all` lists the domains there"));
    }
    auto facts = run::collect_facts(*domain, destination, asked.from,
                                    {.copy = asked.copy,
                                     .peer2peer = asked.move.flags.has(migration::flag::peer2peer),
                                     .destination_uri = asked.move.destination_uri,
                                     .stop = ctx.interrupted.get_token()});
    if (facts && asked.forecast) {
        facts->load =
            run::collect_load(*domain, std::chrono::seconds(1), ctx.interrupted.get_token());
        if (asked.measure_link) {
            facts->load->link = run::detail::as_fact(
                run::measure_link(asked.from, asked.to, {}, ctx.interrupted.get_token()));
        }
    }
    if (facts && asked.prove_storage) {
        const run::prove_options how{.stop = ctx.interrupted.get_token()};
        for (const std::string &left : run::prove_storage(*facts, source, destination, how)) {
            fmt::print(stderr, "kvmig: {}\n", left);
        }
    }
    if (!facts || !asked.canary) return facts;
    auto flown = run::send_canary(*domain, destination, canary_of(asked, ctx));
    if (!flown) return fail(std::move(flown).error());
    facts->canary = *std::move(flown);
    return facts;
}

expected<precheck::facts> find_facts(const check_request &asked, const context &ctx) {
    if (!asked.facts_file.empty()) return read_facts(asked.facts_file);
    return asked.xml_file.empty() ? ask_hosts(asked, ctx) : read_domain_xml(asked);
}

exit_status act(const check_request &asked, const context &ctx) {
    if (auto known = precheck::check_ignored(asked.ignored); !known) return report(known.error());
    const auto facts = find_facts(asked, ctx);
    if (!facts) {
        const exit_status status = report(facts.error());
        if (worth_explaining(facts.error())) {
            evidence all;
            all.domain = asked.domain;
            tell_causes(run::explain(facts.error(), std::move(all)));
        }
        return status;
    }
    if (!asked.save_file.empty()) {
        if (auto kept = write_facts(*facts, asked.save_file); !kept) return report(kept.error());
    }
    const precheck::report found = precheck::check(*facts, asked.ignored);
    std::optional<run::forecast_answer> forecast;
    if (asked.forecast) {
        std::optional<byte_rate> link;
        if (asked.bandwidth) link = byte_rate::mib(*asked.bandwidth);
        forecast = run::foretell(*facts, link);
    }
    if (ctx.json) {
        nlohmann::json answer = check_json(found);
        if (forecast) answer["forecast"] = forecast_json(*forecast);
        if (facts->canary) answer["canary"] = canary_json(*facts->canary);
        // Texts come from other hosts: what is not UTF-8 is replaced.
        fmt::print("{}\n", answer.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
        fmt::print("{}{}{}", forecast ? forecast_text(*forecast) : "",
                   facts->canary ? canary_text(*facts->canary) : "", check_text(found));
    }
    return found.verdict == precheck::verdict::blocked ? exit_status::blocked : exit_status::done;
}

/// Who will lead the migration: under the names of `kvmig migrate`.
void add_leader(CLI::App &sub, check_request &asked, CLI::Option *domain) {
    auto *p2p = sub.add_flag_function(
                       "--p2p",
                       [&asked](std::int64_t count) {
                           asked.move.flags.set(migration::flag::peer2peer, count > 0);
                       },
                       "The source's daemon is to lead, as root, or virsh on the source: try "
                       "whether it can open the destination [peer2peer]")
                    ->needs(domain);
    sub.add_option("--desturi", asked.move.destination_uri,
                   "With --p2p: the destination's URI as the source's daemon is to open it")
        ->type_name("URI")
        ->needs(p2p);
}

/// The canary, and the way that it takes: under the names of `kvmig migrate`.
void add_canary(CLI::App &sub, check_request &asked, CLI::Option *domain) {
    using migration::flag;
    auto *canary = sub.add_flag(
        "--canary", asked.canary,
        "Move a tiny paused guest in the domain's place, of the same machine type, CPU, labels, "
        "bridges and storage, and remove it; the domain itself is not touched");
    canary->needs(domain);
    const auto set = [&](const char *name, flag what, const char *help) {
        sub.add_flag_function(
               name, [&asked, what](std::int64_t count) { asked.move.flags.set(what, count > 0); },
               help)
            ->needs(canary);
    };
    set("--tls", flag::tls, "With --canary: its memory is encrypted on its way [tls]");
    set("--unsafe", flag::unsafe, "With --canary: whatever its disks' caches are [unsafe]");
    sub.add_option("--migrateuri", asked.move.migrate_uri,
                   "With --canary: where its memory is sent, tcp://HOST[:PORT]")
        ->needs(canary);
    sub.add_option("--canary-age", asked.canary_age,
                   "Canaries this old, in seconds, were left by a check that was killed: they are "
                   "removed")
        ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 30U))
        ->capture_default_str()
        ->needs(canary);
}

} // namespace

void add_check(CLI::App &app, context &ctx) {
    const auto asked = std::make_shared<check_request>();
    CLI::App *sub = app.add_subcommand("check", "Say beforehand what would go wrong");
    auto *domain = sub->add_option("DOMAIN", asked->domain, "The domain's name or UUID");
    auto *from =
        sub->add_option("--from", asked->from, "The source's libvirt URI, or a lab host's name")
            ->type_name("URI");
    auto *to =
        sub->add_option("--to", asked->to, "The destination's libvirt URI, or a lab host's name")
            ->type_name("URI");
    auto *file = sub->add_option("--domain-xml", asked->xml_file,
                                 "Ask no host: a file with the domain's XML, and what it tells")
                     ->type_name("FILE");
    domain->needs(from)->needs(to);
    from->needs(domain);
    to->needs(domain);
    file->excludes(domain);
    auto *replayed =
        sub->add_option("--facts", asked->facts_file, "Ask no host: a file that --save-facts wrote")
            ->type_name("FILE")
            ->excludes(domain)
            ->excludes(file);
    sub->add_option("--save-facts", asked->save_file,
                    "Write what is known to a file (kvmig.facts/1), to be checked again by --facts")
        ->type_name("FILE")
        ->excludes(replayed);
    sub->add_option("--lab", asked->lab, "Whose hosts kvm01 and kvm02 are; also KVMIG_LAB")
        ->capture_default_str();
    sub->add_option("--ignore", asked->ignored,
                    "An id, e.g. KVM-LIF-102: told, but not counted; may be given several times")
        ->type_name("ID")
        ->allow_extra_args(false);
    auto *all = sub->add_flag_function(
        "--copy-storage-all",
        [asked](std::int64_t count) {
            if (count > 0) asked->copy = precheck::storage_copy::all;
        },
        "The disks are to be copied too");
    auto *incremental = sub->add_flag_function(
        "--copy-storage-inc",
        [asked](std::int64_t count) {
            if (count > 0) asked->copy = precheck::storage_copy::incremental;
        },
        "The top of each disk's chain is to be copied");
    all->excludes(incremental);
    replayed->excludes(all)->excludes(incremental); // the file tells
    sub->add_flag(
           "--prove-storage", asked->prove_storage,
           "Where pools do not tell that a disk's folder is shared: write a token there, look "
           "for it on the other host, and remove it")
        ->needs(domain);
    auto *forecast = sub->add_flag("--forecast", asked->forecast,
                                   "Say what will move, for how long, and whether it ends; QEMU "
                                   "looks for a second how fast the guest dirties its memory");
    auto *bandwidth = sub->add_option("--bandwidth", asked->bandwidth,
                                      "What the link carries, in MiB/s: for --forecast")
                          ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40U))
                          ->type_name("MIB/S")
                          ->needs(forecast);
    sub->add_flag("--measure-link", asked->measure_link,
                  "Measure what the link carries, for --forecast: the source sends zeros to the "
                  "destination over SSH, for 5 s or 64 MiB at most; its cipher may be slower than "
                  "the link")
        ->needs(forecast)
        ->needs(domain)
        ->excludes(bandwidth);
    add_leader(*sub, *asked, domain);
    add_canary(*sub, *asked, domain);
    sub->add_flag("--json", ctx.json, "Answer as JSON (kvmig.check/1) on stdout");
    sub->footer(closing(
        {"kvmig check vm1 --from qemu+ssh://kvm01/system --to qemu+ssh://kvm02/system",
         "kvmig check vm1 --from kvm01 --to kvm02 --forecast --bandwidth 110"},
        "All findings are told at once. A fact that cannot be had is unknown, never clear.\n"
        "Exit status: 0 nothing blocks, 1 failed, 2 wrong usage, 3 something blocks, 5 "
        "something is missing here."));
    sub->callback([asked, &ctx] {
        if (asked->domain.empty() && asked->xml_file.empty() && asked->facts_file.empty()) {
            throw CLI::RequiredError("DOMAIN with --from and --to, or --domain-xml, or --facts");
        }
        ctx.action = [asked, &ctx] {
            const auto elsewhere = moved_inside(asked->from, asked->to, asked->lab, ctx);
            return elsewhere ? *elsewhere : act(*asked, ctx);
        };
    });
}

} // namespace kvmig::lab::cli
