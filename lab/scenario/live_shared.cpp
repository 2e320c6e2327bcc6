// SPDX-License-Identifier: MIT
/// live-shared: a running guest whose disk lies in a `netfs` pool that both hosts mount at the same
/// path moves to the other host and back.
#include <lab/scenario/guest_domain.hpp>
#include <lab/scenario/hosts.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/witnesses.hpp>

#include <kvmig/run/migrate.hpp>
#include <kvmig/xml/storage.hpp>

#include <fmt/format.h>

namespace kvmig::lab {

namespace {

/// The pool of both hosts, and whether they are the same: source, path, started.
expected<libvirt::storage_pool> prove_pools(scenario_result &out, const hosts &on) {
    std::vector<std::string> seen;
    bool active = true;
    std::optional<libvirt::storage_pool> first;
    for (const libvirt::connection *host : {&on.kvm01(), &on.kvm02()}) {
        auto pool = libvirt::storage_pool::lookup(*host, std::string{pool_name});
        if (!pool) return pool;
        auto text = pool->xml();
        if (!text) return fail(std::move(text).error());
        auto parsed = xml::parse_storage_pool(*text);
        if (!parsed) return fail(std::move(parsed).error());
        auto runs = pool->is_active();
        if (!runs) return fail(std::move(runs).error());
        active = active && *runs;
        seen.push_back(fmt::format("{} {}:{} at {}", parsed->type, parsed->source_host,
                                   parsed->source_dir, parsed->target_path));
        if (!first) first = std::move(*pool);
    }
    out.prove("the same pool on both hosts", active && seen.front() == seen.back(), seen.front());
    return std::move(*first);
}

/// One move, with its proofs.
expected<libvirt::domain> move_guest(scenario_context &context, witnesses &watch,
                                     const std::string &prefix, const libvirt::domain &from,
                                     const libvirt::connection &to, const migration::options &how) {
    if (auto begun = watch.begin(); !begun) return fail(std::move(begun).error());
    context.tell(fmt::format("{}migrating to {}", prefix, to.hostname()));
    auto result = run::migrate(
        from, to, how,
        [&](const model::job_progress &now) {
            const auto fraction = now.fraction();
            if (fraction)
                context.tell(fmt::format("{}migrating to {}: {:.0f} %", prefix, to.hostname(),
                                         *fraction * 100));
        },
        context.stop);
    if (!result) return fail(std::move(result).error());
    prove_migration(context.out, prefix, *result);
    auto there = libvirt::domain::lookup(to, result->id);
    if (!there) return there;
    context.out.prove(prefix + "same name at the destination", there->name() == result->domain,
                      fmt::format("'{}' on {}", there->name(), to.hostname()));
    context.tell(prefix + "checking memory and disk");
    if (auto proven = watch.prove(context.out, prefix, context.stop); !proven)
        return fail(std::move(proven).error());
    return there;
}

expected<void> run_live_shared(scenario_context &context) {
    context.tell("connecting to both hosts");
    auto on = hosts::connect();
    if (!on) return fail(std::move(on).error());
    auto before = inventory(*on);
    if (!before) return fail(std::move(before).error());
    auto probe = observe::heartbeat_probe::start();
    if (!probe) return fail(std::move(probe).error());
    auto pool = prove_pools(context.out, *on);
    if (!pool) return fail(std::move(pool).error());

    context.tell("creating the volume and starting the guest");
    model::storage_volume volume;
    volume.name = "vm1.qcow2";
    volume.format = "qcow2";
    volume.capacity = bytes::gib(10);
    volume.allocation = bytes{0};
    auto created = pool->create_volume(xml::build_storage_volume(volume));
    if (!created) return fail(std::move(created).error());
    auto path = created->path();
    if (!path) return fail(std::move(path).error());
    guest_domain guest = usual_guest();
    guest.disk = *path;
    auto domain = libvirt::domain::define(on->kvm01(), domain_xml(guest));
    if (!domain) return fail(std::move(domain).error());
    if (auto started = domain->start(); !started) return started;

    auto watch = witnesses::meet(guest, *probe, context.stop);
    if (!watch) return fail(std::move(watch).error());
    context.tell("writing the disk's pattern");
    if (auto written = watch->client().write_disk(); !written)
        return fail(std::move(written).error());

    auto there = move_guest(context, *watch, "there: ", *domain, on->kvm02(), {});
    if (!there) return fail(std::move(there).error());
    const auto left = domain->status();
    context.out.prove("there: source shut off, still defined",
                      left && !left->active && left->persistent,
                      left ? left->reason_text : describe(left.error()));
    // The way back by the other road: kvm02's libvirtd talks to kvm01's without the controller.
    migration::options peer_to_peer;
    peer_to_peer.flags.set(migration::flag::peer2peer);
    auto back = move_guest(context, *watch, "back: ", *there, on->kvm01(), peer_to_peer);
    if (!back) return fail(std::move(back).error());

    context.tell("tidying up");
    watch->leave();
    if (auto ended = back->destroy(); !ended) return ended;
    if (auto undefined = back->undefine(); !undefined) return undefined;
    if (auto removed = created->remove(); !removed) return removed;
    auto after = inventory(*on);
    if (!after) return fail(std::move(after).error());
    context.out.prove(
        "nothing is left on either host", *before == *after,
        fmt::format("{} domains and volumes before, {} after", before->size(), after->size()));
    return {};
}

} // namespace

scenario live_shared() {
    return {"live-shared", "live", "live, over shared storage in a netfs pool, there and back",
            true, run_live_shared};
}

} // namespace kvmig::lab
