// SPDX-License-Identifier: MIT
/// live-shared, live-shared-mount: a running guest whose disk lies on storage that both hosts mount
/// at the same path moves to the other host and back.
#include <lab/scenario/off_server.hpp>
#include <lab/scenario/on_machine.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/xml/storage.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kvmig::lab {

namespace {

/// The pool of both hosts is the same: source, path, started.
expected<void> prove_pools(stage &on) {
    std::vector<std::string> seen;
    bool active = true;
    for (const libvirt::connection *host : {&on.on().kvm01(), &on.on().kvm02()}) {
        auto pool = libvirt::storage_pool::lookup(*host, on.on().where().pool);
        if (!pool) return fail(std::move(pool).error());
        auto text = pool->xml();
        if (!text) return fail(std::move(text).error());
        auto parsed = xml::parse_storage_pool(*text);
        if (!parsed) return fail(std::move(parsed).error());
        auto runs = pool->is_active();
        if (!runs) return fail(std::move(runs).error());
        active = active && *runs;
        seen.push_back(fmt::format("{} {}:{} at {}", parsed->type, parsed->source_host,
                                   parsed->source_dir, parsed->target_path));
    }
    on.context().out.prove("the same pool on both hosts", active && seen.front() == seen.back(),
                           seen.front());
    return {};
}

/// There by managed direct, back peer-to-peer: kvm02's libvirtd talks to kvm01's by itself.
expected<void> there_and_back(stage &on, performer &guest) {
    const libvirt::domain source = guest.at.share();
    auto there = on.move(guest, "there: ", on.on().kvm02());
    if (!there) return fail(std::move(there).error());
    const auto left = source.status();
    on.context().out.prove("there: source shut off, still defined",
                           left && !left->active && left->persistent,
                           left ? left->reason_text : describe(left.error()));
    auto back = on.move(guest, "back: ", on.on().kvm01(),
                        {.flags = {migration::flag::live, migration::flag::peer2peer}});
    if (!back) return fail(std::move(back).error());
    return {};
}

expected<void> run_live_shared(scenario_context &context) {
    return play(context, usual_guest(), context.where.pool, bytes::gib(10),
                [](stage &on, performer &guest) {
                    auto same = prove_pools(on);
                    return same ? there_and_back(on, guest) : same;
                });
}

constexpr std::string_view mount_point = "/mnt/images";

/// The store as an administrator mounts it by hand, unknown to libvirt.
expected<void> mount_by_hand(const scenario_context &context) {
    const std::string source = fmt::format("{}:{}", fqdn(*find_machine("nfs")), export_path);
    for (const machine_spec &machine : machines) {
        if (machine.role != machine_role::host) continue;
        for (const std::vector<std::string> &argv :
             {std::vector<std::string>{"mkdir", "-p", std::string{mount_point}},
              std::vector<std::string>{"mount", "-t", "nfs", source, std::string{mount_point}}}) {
            if (auto done = on_machine(context, machine.name, argv); !done) return done;
        }
    }
    return {};
}

expected<void> unmount(const scenario_context &context) {
    for (const machine_spec &machine : machines) {
        if (machine.role != machine_role::host) continue;
        auto done = on_machine(context, machine.name, {"umount", std::string{mount_point}});
        if (!done) return done;
    }
    return {};
}

/// QEMU's lock keeps the image of a guest that runs from being copied past the hosts.
expected<void> prove_copied(stage &on, std::string_view image, bool in_use) {
    scenario_context &context = on.context();
    const auto copied = copy_off_server(context, image);
    const std::string said = copied ? fmt::format("copied; {}", fmt::join(copied->notes, "; "))
                                    : describe(copied.error());
    if (in_use) {
        context.out.prove("its image is not copied off the server while it runs",
                          !copied && copied.error().kind == error_kind::conflict, said);
    } else {
        context.out.prove("and is copied once it does not", copied.has_value(), said);
    }
    return {};
}

expected<void> run_live_shared_mount(scenario_context &context) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    context.tell("mounting the store by hand on both hosts");
    if (auto mounted = mount_by_hand(context); !mounted) return mounted;
    constexpr std::string_view name = "by-hand.qcow2";
    const std::string image = fmt::format("{}/{}", mount_point, name);
    auto done =
        on_machine(context, "kvm01", {"qemu-img", "create", "-q", "-f", "qcow2", image, "1G"});
    if (!done) return done;
    guest_domain actor = usual_guest();
    actor.disk = image;
    auto guest = on->start(actor);
    if (!guest) return fail(std::move(guest).error());
    done = there_and_back(*on, *guest);
    if (done) done = prove_copied(*on, name, true);
    if (done) done = on->dismiss(*guest);
    if (done) done = prove_copied(*on, name, false);
    if (done) done = on_machine(context, "kvm01", {"rm", image});
    if (done) done = unmount(context);
    if (done) done = on->strike();
    return done;
}

} // namespace

scenario live_shared() {
    return {
        "live-shared", "live",          "live, over shared storage in a netfs pool, there and back",
        true,          run_live_shared, any_hosts};
}

scenario live_shared_mount() {
    return {"live-shared-mount",
            "live",
            "live, over a store mounted by hand, there and back",
            false,
            run_live_shared_mount,
            "it mounts the store by hand on both hosts"};
}

} // namespace kvmig::lab
