// SPDX-License-Identifier: MIT
// kvmig check: what would go wrong if a domain were migrated.
#include <lab/cli/check_text.hpp>
#include <lab/cli/ends.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/topology/paths.hpp>

#include <kvmig/libvirt/event_loop.hpp>
#include <kvmig/precheck/report.hpp>
#include <kvmig/run/check.hpp>
#include <kvmig/run/check_proof.hpp>
#include <kvmig/xml/domain.hpp>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
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
    std::vector<std::string> ignored;
    precheck::storage_copy copy = precheck::storage_copy::none;
    bool prove_storage = false;
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
    auto facts = run::collect_facts(*domain, destination, asked.from, asked.copy,
                                    ctx.interrupted.get_token());
    if (!facts || !asked.prove_storage) return facts;
    const run::prove_options how{.stop = ctx.interrupted.get_token()};
    for (const std::string &left : run::prove_storage(*facts, source, destination, how)) {
        fmt::print(stderr, "kvmig: {}\n", left);
    }
    return facts;
}

exit_status act(const check_request &asked, const context &ctx) {
    if (auto known = precheck::check_ignored(asked.ignored); !known) return report(known.error());
    const auto facts = asked.xml_file.empty() ? ask_hosts(asked, ctx) : read_domain_xml(asked);
    if (!facts) return report(facts.error());
    const precheck::report found = precheck::check(*facts, asked.ignored);
    if (ctx.json) {
        // Texts come from other hosts: what is not UTF-8 is replaced.
        fmt::print("{}\n",
                   check_json(found).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
        fmt::print("{}", check_text(found));
    }
    return found.verdict == precheck::verdict::blocked ? exit_status::blocked : exit_status::done;
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
    sub->add_flag(
           "--prove-storage", asked->prove_storage,
           "Where pools do not tell that a disk's folder is shared: write a token there, look "
           "for it on the other host, and remove it")
        ->needs(domain);
    sub->add_flag("--json", ctx.json, "Answer as JSON (kvmig.check/1) on stdout");
    sub->footer(
        "Example:\n"
        "  kvmig check vm1 --from qemu+ssh://kvm01/system --to qemu+ssh://kvm02/system\n"
        "All findings are told at once. A fact that cannot be had is unknown, never clear.\n"
        "Not looked at yet: whether the migration ports are open, the clocks, and how "
        "fast the guest dirties its memory.\n"
        "Exit status: 0 nothing blocks, 1 failed, 2 wrong usage, 3 something blocks, 5 "
        "something is missing here.");
    sub->callback([asked, &ctx] {
        if (asked->domain.empty() && asked->xml_file.empty()) {
            throw CLI::RequiredError("DOMAIN with --from and --to, or --domain-xml");
        }
        ctx.action = [asked, &ctx] {
            const auto elsewhere = moved_inside(asked->from, asked->to, asked->lab, ctx);
            return elsewhere ? *elsewhere : act(*asked, ctx);
        };
    });
}

} // namespace kvmig::lab::cli
