// SPDX-License-Identifier: MIT
/// live-nfs-direct: the guest's disk is on an NFS server that no host mounts: QEMU reads and writes
/// it through libnfs, there and back.
#include <lab/machine/remote.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/precheck/report.hpp>
#include <kvmig/run/check.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace kvmig::lab {

namespace {

/// Of Debian's user libvirt-qemu: libvirt gives nobody's image on a server to it.
constexpr std::uint32_t qemu_user = 64055;

expected<std::string> ask_machine(const scenario_context &context, std::string_view name,
                                  const std::vector<std::string> &argv) {
    return remote_output(*find_machine(name), argv, context.stop);
}

/// QEMU, being no root, comes from a port that knfsd takes for `insecure`.
expected<void> let_qemu_in(const scenario_context &context) {
    for (const machine_spec &machine : machines) {
        if (machine.role != machine_role::host) continue;
        auto done = ask_machine(context, "nfs",
                                {"exportfs", "-o",
                                 "rw,sync,no_subtree_check,no_root_squash,insecure,fsid=1",
                                 fmt::format("{}:{}", machine.address, export_path)});
        if (!done) return fail(std::move(done).error());
    }
    return {};
}

/// `pool-destroy` unmounts the store, `pool-start` mounts it again.
expected<void> on_pools(const scenario_context &context, const std::string &verb) {
    for (const std::string_view host : {"kvm01", "kvm02"}) {
        auto done = ask_machine(context, host, {"virsh", verb, std::string{pool_name}});
        if (!done) return fail(std::move(done).error());
    }
    return {};
}

expected<void> prove_no_mount(scenario_context &context) {
    for (const std::string_view host : {"kvm01", "kvm02"}) {
        auto mounts = ask_machine(context, host, {"cat", "/proc/mounts"});
        if (!mounts) return fail(std::move(mounts).error());
        const bool none = mounts->find(" nfs") == std::string::npos;
        context.out.prove(fmt::format("no NFS is mounted on {}", host), none,
                          none ? "none in /proc/mounts" : *mounts);
    }
    return {};
}

expected<void> prove_told_before(stage &on, const performer &guest) {
    scenario_context &context = on.context();
    context.tell("checking beforehand");
    auto facts = run::collect_facts(guest.at, on.on().kvm02(), guest.at.on().uri(),
                                    precheck::storage_copy::none, context.stop);
    if (!facts) return fail(std::move(facts).error());
    const precheck::report report = precheck::check(*facts);
    const auto found =
        std::find_if(report.findings.begin(), report.findings.end(),
                     [](const precheck::finding &each) { return each.id == "KVM-STO-122"; });
    const bool told = found != report.findings.end();
    context.out.prove("told beforehand that no lock is taken",
                      told && found->how == precheck::severity::warns,
                      told ? found->seen : "KVM-STO-122 was not found");
    std::string blocks;
    for (const precheck::finding &each : report.findings) {
        if (each.how == precheck::severity::blocks) blocks += each.id + ": " + each.seen + "; ";
    }
    context.out.prove("nothing blocks: a disk on a server is shared", blocks.empty(),
                      blocks.empty() ? "nothing" : blocks);
    return {};
}

expected<void> prove_by_network(stage &on, const performer &guest, const std::string &prefix) {
    auto text = guest.at.xml();
    if (!text) return fail(std::move(text).error());
    const bool direct = text->find("protocol='nfs'") != std::string::npos;
    on.context().out.prove(prefix + "QEMU itself speaks to the server", direct,
                           direct ? "<source protocol='nfs'> in the running domain" : *text);
    return {};
}

expected<void> move_there_and_back(stage &on, performer &guest) {
    auto done = prove_by_network(on, guest, "before: ");
    if (done) done = prove_told_before(on, guest);
    if (!done) return done;
    auto there = on.move(guest, "there: ", on.on().kvm02());
    if (!there) return fail(std::move(there).error());
    done = prove_by_network(on, guest, "there: ");
    if (done) done = prove_no_mount(on.context());
    if (!done) return done;
    auto back = on.move(guest, "back: ", on.on().kvm01(),
                        {.flags = {migration::flag::live, migration::flag::peer2peer}});
    if (!back) return fail(std::move(back).error());
    return {};
}

expected<void> run_live_nfs_direct(scenario_context &context) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    guest_domain actor = usual_guest();
    model::storage_volume image;
    image.name = actor.name + ".qcow2";
    image.format = "qcow2";
    image.capacity = bytes::gib(1);
    image.allocation = bytes{0};
    image.mode = 0600;
    image.owner = image.group = qemu_user;
    auto path = on->add_volume(on->on().kvm01(), pool_name, image);
    if (!path) return fail(std::move(path).error());
    actor.disk = fmt::format("{}/{}", export_path, image.name);
    actor.disk_server = fqdn(*find_machine("nfs"));
    context.tell("taking the store's mounts away");
    auto done = let_qemu_in(context);
    if (done) done = on_pools(context, "pool-destroy");
    if (!done) return done;
    auto guest = on->start(actor);
    if (!guest) return fail(std::move(guest).error());
    done = move_there_and_back(*on, *guest);
    if (done) done = on->dismiss(*guest);
    if (done) done = on_pools(context, "pool-start");
    if (!done) return done;
    auto as_before = ask_machine(context, "nfs", {"exportfs", "-ra"});
    if (!as_before) return fail(std::move(as_before).error());
    return on->strike();
}

} // namespace

scenario live_nfs_direct() {
    return {"live-nfs-direct", "live", "live, on NFS without a mount: QEMU reaches the server",
            false, run_live_nfs_direct};
}

} // namespace kvmig::lab
