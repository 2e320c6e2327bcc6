// SPDX-License-Identifier: MIT
#include <lab/cli/ends.hpp>
#include <lab/cli/help.hpp>
#include <lab/cli/nfs_probe.hpp>
#include <lab/topology/paths.hpp>

#include <kvmig/libvirt/event_loop.hpp>
#include <kvmig/libvirt/hypervisor.hpp>
#include <kvmig/model/nfs_url.hpp>
#include <kvmig/run/before_migration.hpp>
#include <kvmig/run/prove_shared.hpp>
#include <kvmig/run/shared_place_libvirt.hpp>
#include <kvmig/run/shared_place_local.hpp>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>

namespace kvmig::lab::cli {

namespace {

struct probe_request {
    std::string path;
    std::string lab = default_lab();
    std::string from;
    std::string to;
    std::string with;
    std::string server;
    std::string image;
    unsigned timeout = 60;
};

std::string machine_name() {
    std::array<char, 256> told{};
    if (::gethostname(told.data(), told.size() - 1) != 0) return "this machine";
    return told.data();
}

/// One host must not be taken for two that share.
expected<void> require_two(const libvirt::connection &from, const libvirt::connection &to) {
    libvirt::hypervisor source(from);
    libvirt::hypervisor destination(to);
    auto met = run::meet(source, destination);
    return met ? expected<void>() : fail(std::move(met).error());
}

expected<run::shared_proof> prove(const probe_request &asked, const context &ctx) {
    const run::prove_options how{.deadline = std::chrono::seconds(asked.timeout),
                                 .image = asked.image,
                                 .stop = ctx.interrupted.get_token()};
    const nfs::connect_options reach{.stop = how.stop, .waits_until = how.stop};
    const auto now = ports::system_clock{}.utc();
    std::optional<run::nfs_witness> third;
    if (!asked.server.empty()) {
        auto url = model::parse_nfs_url(asked.server);
        if (!url) return fail(std::move(url).error());
        third.emplace(*std::move(url), reach);
    }
    std::optional<run::nfs_place> there;
    if (!asked.with.empty()) {
        auto url = model::parse_nfs_url(asked.with);
        if (!url) return fail(std::move(url).error());
        there.emplace(*std::move(url), reach);
        if (asked.from.empty()) {
            run::local_place here(asked.path, machine_name());
            return run::prove_shared(here, *there, how, third);
        }
    }
    for (const std::string *uri : {&asked.from, &asked.to}) {
        if (uri->empty()) continue;
        if (auto parsed = model::connection_uri::parse(*uri); !parsed) {
            return fail(std::move(parsed).error());
        }
    }
    libvirt::quiet_errors();
    auto loop = libvirt::event_loop::start(); // outlives the connections
    if (!loop) return fail(std::move(loop).error());
    if (there) {
        auto from = libvirt::connection::open(asked.from);
        if (!from) return fail(std::move(from).error());
        run::libvirt_place here(*from, asked.path, now);
        return run::prove_shared(here, *there, how, third);
    }
    auto ends = open_both(asked.from, asked.to);
    if (!ends) return fail(std::move(ends).error());
    const auto &[from, to] = *ends;
    if (auto two = require_two(from, to); !two) return fail(std::move(two).error());
    run::libvirt_place a(from, asked.path, now);
    run::libvirt_place b(to, asked.path, now);
    return run::prove_shared(a, b, how, third);
}

nlohmann::json place_json(const model::shared_side &side) {
    return {{"name", side.facts.name},        {"host", side.facts.host},
            {"path", side.facts.path},        {"pool", side.facts.pool},
            {"type", side.facts.type},        {"server", side.facts.server},
            {"folder", side.facts.directory}, {"found_in", side.found_in}};
}

void tell_json(const run::shared_proof &proof) {
    const nlohmann::json out{
        {"schema", "kvmig.nfs-probe/1"},
        {"verdict", to_string(proof.answer.verdict)},
        {"export", proof.answer.in_export},
        {"seen", proof.answer.seen},
        {"places", {place_json(proof.evidence.a), place_json(proof.evidence.b)}},
        {"swept", proof.swept},
        {"left", proof.left}};
    // Texts come from other hosts: what is not UTF-8 is replaced.
    fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void tell_text(const run::shared_proof &proof) {
    std::string verdict{to_string(proof.answer.verdict)};
    for (char &c : verdict) c = c == '_' ? ' ' : c;
    fmt::print("{}{}\n", verdict,
               proof.answer.in_export.empty() ? "" : ": " + proof.answer.in_export);
    for (const std::string &each : proof.answer.seen) fmt::print("  {}\n", each);
    for (const std::string &each : proof.swept) fmt::print("  swept: {}\n", each);
    for (const std::string &each : proof.left) fmt::print("  left behind: {}\n", each);
}

exit_status act(const probe_request &asked, const context &ctx) {
    if (!asked.path.starts_with('/')) {
        return report(
            make_error(error_kind::invalid_argument, "PATH is a folder, by its absolute path")
                .about(asked.path));
    }
    if (asked.image.find('/') != std::string::npos) {
        return report(make_error(error_kind::invalid_argument,
                                 "--image is the name of a file in the folder, without a path")
                          .about(asked.image));
    }
    const auto proof = prove(asked, ctx);
    if (!proof) return report(proof.error());
    if (ctx.json) {
        tell_json(*proof);
    } else {
        tell_text(*proof);
    }
    if (ctx.interrupted.stop_requested()) return exit_status::cancelled;
    return proof->answer.verdict == model::shared_verdict::shared ? exit_status::done
                                                                  : exit_status::failed;
}

} // namespace

void add_nfs_probe(CLI::App &nfs, context &ctx) {
    const auto asked = std::make_shared<probe_request>();
    CLI::App *sub = nfs.add_subcommand("probe", "Prove whether a folder is shared storage");
    sub->add_option("PATH", asked->path, "The folder, by its absolute path")->required();
    auto *from = sub->add_option("--from", asked->from, "A libvirt URI, or a lab host's name")
                     ->type_name("URI");
    auto *to = sub->add_option("--to", asked->to, "The other libvirt URI, or lab host's name")
                   ->type_name("URI")
                   ->needs(from);
    sub->add_option("--with", asked->with,
                    "In the other host's stead: nfs://SERVER/FOLDER, reached from here; without "
                    "--from, PATH is of this machine")
        ->type_name("URL")
        ->excludes(to);
    sub->add_option("--server", asked->server,
                    "nfs://SERVER/FOLDER: ask the server in which export the tokens are")
        ->type_name("URL");
    sub->add_option("--image", asked->image, "An image in the folder, to be compared too")
        ->type_name("NAME");
    sub->add_option("--timeout", asked->timeout,
                    "How long a token is looked for before it counts as not there; clients of "
                    "NFS remember for a minute")
        ->type_name("SECONDS")
        ->capture_default_str();
    sub->add_option("--lab", asked->lab, "Whose hosts kvm01 and kvm02 are; also KVMIG_LAB")
        ->capture_default_str();
    sub->add_flag("--json", ctx.json, "Answer as JSON (kvmig.nfs-probe/1) on stdout");
    sub->footer(closing(
        {"kvmig nfs probe /srv/images --from qemu+ssh://kvm01/system --to "
         "qemu+ssh://kvm02/system",
         "kvmig nfs probe /mnt/a --with nfs://server/export"},
        "Writes a small file on each side, looks for it on the other, and removes both.\n"
        "Exit status: 0 shared, 1 not shared, not known or failed, 2 wrong usage, 4 cancelled, 5 "
        "something is missing here."));
    sub->callback([asked, &ctx] {
        if (asked->with.empty() && (asked->from.empty() || asked->to.empty())) {
            throw CLI::RequiredError("--from with --to, or --with");
        }
        ctx.action = [asked, &ctx] {
            const auto elsewhere = moved_inside(asked->from, asked->to, asked->lab, ctx);
            return elsewhere ? *elsewhere : act(*asked, ctx);
        };
    });
}

} // namespace kvmig::lab::cli
