// SPDX-License-Identifier: MIT
/// shared-proof: whether the hosts share a folder is proven by tokens, and told apart from all that
/// looks like it.
#include <lab/scenario/on_machine.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/model/nfs_url.hpp>
#include <kvmig/run/prove_shared.hpp>
#include <kvmig/run/shared_place_libvirt.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kvmig::lab {

namespace {

constexpr std::string_view mount_path = "/srv/kvmig-probe";

/// Both hosts' folders probed; the verdict is as expected, and no token is left.
expected<void> probe(stage &on, const std::string &what, std::string_view folder,
                     model::shared_verdict awaited,
                     const std::optional<run::nfs_witness> &third = {}) {
    scenario_context &context = on.context();
    context.tell("probing: " + what);
    const auto now = ports::system_clock{}.utc();
    run::libvirt_place here(on.on().kvm01(), std::string{folder}, now);
    run::libvirt_place there(on.on().kvm02(), std::string{folder}, now);
    const auto proof = run::prove_shared(here, there, {.stop = context.stop}, third);
    const std::string seen = fmt::format("{}", fmt::join(proof.answer.seen, "; "));
    context.out.prove(what + ": " + std::string{to_string(awaited)},
                      proof.answer.verdict == awaited,
                      fmt::format("{}: {}", to_string(proof.answer.verdict), seen));
    context.out.prove(what + ": nothing is left behind", proof.left.empty(),
                      proof.left.empty() ? "all tokens were removed"
                                         : fmt::format("{}", fmt::join(proof.left, "; ")));
    if (third && awaited == model::shared_verdict::shared) {
        context.out.prove(what + ": the server has both tokens",
                          proof.answer.in_export == third->named(), proof.answer.in_export);
    }
    for (const libvirt::connection *host : {&on.on().kvm01(), &on.on().kvm02()}) {
        run::libvirt_place again(*host, std::string{folder}, now);
        const auto tokens = again.tokens();
        if (!tokens) return fail(tokens.error());
        context.out.prove(fmt::format("{}: no token on {}", what, host->hostname()),
                          tokens->empty(), fmt::format("{}", fmt::join(*tokens, ", ")));
        if (auto closed = again.close(); !closed) return closed;
    }
    return {};
}

/// A mount on kvm02, and what is there on kvm01, probed while they stand.
expected<void> probe_mount(stage &on, const std::string &what, const std::string &options,
                           const std::string &source, model::shared_verdict awaited) {
    const std::string path{mount_path};
    const std::string whole = fmt::format("{}:{}", fqdn(*find_machine("nfs")), export_path);
    for (const std::string_view host : {"kvm01", "kvm02"}) {
        if (auto made = on_machine(on.context(), host, {"mkdir", "-p", path}); !made) return made;
    }
    auto done = on_machine(on.context(), "kvm01", {"mount", "-t", "nfs", whole, path});
    if (!done) return done;
    done = on_machine(on.context(), "kvm02", {"mount", "-t", "nfs", "-o", options, source, path});
    if (done) {
        done = probe(on, what, mount_path, awaited);
        auto gone = on_machine(on.context(), "kvm02", {"umount", path});
        if (done) done = std::move(gone);
    }
    auto gone = on_machine(on.context(), "kvm01", {"umount", path});
    if (done) done = std::move(gone);
    for (const std::string_view host : {"kvm01", "kvm02"}) {
        auto removed = on_machine(on.context(), host, {"rmdir", path});
        if (done) done = std::move(removed);
    }
    return done;
}

expected<void> run_shared_proof(scenario_context &context) {
    using model::shared_verdict;
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    const std::string server = fqdn(*find_machine("nfs"));
    auto url = model::parse_nfs_url(fmt::format("nfs://{}{}", server, export_path));
    if (!url) return fail(std::move(url).error());
    auto done = probe(*on, "the netfs pool", pool_path, shared_verdict::shared,
                      run::nfs_witness(*std::move(url)));
    if (done) {
        done = probe(*on, "each host's own disk", local_pool_path,
                     shared_verdict::same_path_other_content);
    }
    const std::string whole = fmt::format("{}:{}", server, export_path);
    if (done) {
        done = probe_mount(*on, "the export, read-only", "ro", whole, shared_verdict::read_only);
    }
    const std::string folder = fmt::format("{}/other", export_path);
    if (done) done = on_machine(context, "nfs", {"mkdir", "-p", folder});
    if (done) {
        // libvirt sees a folder, not what is mounted there: only the content tells.
        done = probe_mount(*on, "another folder of the export", "rw",
                           fmt::format("{}:{}", server, folder),
                           shared_verdict::same_path_other_content);
        auto removed = on_machine(context, "nfs", {"rmdir", folder});
        if (done) done = std::move(removed);
    }
    if (done) done = on->strike();
    return done;
}

} // namespace

scenario shared_proof() {
    return {"shared-proof", "storage",        "whether storage is shared, proven by tokens",
            false,          run_shared_proof, "it mounts the store in other ways on both hosts"};
}

} // namespace kvmig::lab
