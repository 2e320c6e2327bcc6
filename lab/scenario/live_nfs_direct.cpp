// SPDX-License-Identifier: MIT
/// live-nfs-direct: the guest's disk is on an NFS server that no host mounts: QEMU reads and writes
/// it through libnfs, there and back.
#include <lab/machine/remote.hpp>
#include <lab/scenario/library_check.hpp>
#include <lab/scenario/off_server.hpp>
#include <lab/scenario/on_machine.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kvmig::lab {

namespace {

/// Debian's user of QEMU, to whom libvirt gives no image on a server.
constexpr std::string_view qemu_user = "libvirt-qemu";

expected<void> on_store(const scenario_context &context, const std::string &shell) {
    auto done = remote_shell(*find_machine("nfs"), shell, context.stop);
    if (!done) return fail(std::move(done).error());
    return {};
}

/// QEMU, being no root, comes from a port that knfsd takes for `insecure`. The whole table is made
/// anew: `exportfs -o` leaves the option of an export that there is to its security flavours.
expected<void> let_qemu_in(const scenario_context &context) {
    return on_store(context, "cp -p /etc/exports /run/exports.before; "
                             "sed -i 's/,fsid=1)/,insecure,fsid=1)/g' /etc/exports; exportfs -ra");
}

expected<void> export_as_before(const scenario_context &context) {
    return on_store(context, "cp -p /run/exports.before /etc/exports; exportfs -ra");
}

/// By a host that still mounts the store.
expected<void> make_image(const scenario_context &context, const std::filesystem::path &image) {
    for (const std::vector<std::string> &argv :
         {std::vector<std::string>{"qemu-img", "create", "-q", "-f", "qcow2", image, "1G"},
          std::vector<std::string>{"chmod", "0600", image},
          std::vector<std::string>{"chown", std::string{qemu_user}, image}}) {
        if (auto made = on_machine(context, "kvm01", argv); !made) return made;
    }
    return {};
}

/// `pool-destroy` unmounts the store, `pool-start` mounts it again.
expected<void> on_pools(const scenario_context &context, const std::string &verb) {
    for (const std::string_view host : {"kvm01", "kvm02"}) {
        auto done = on_machine(context, host, {"virsh", verb, std::string{pool_name}});
        if (!done) return done;
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
    auto report = check(on, guest);
    if (!report) return fail(std::move(report).error());
    const precheck::finding *found = find(*report, "KVM-STO-122");
    context.out.prove("told beforehand that no lock is taken",
                      found != nullptr && found->how == precheck::severity::warns,
                      found != nullptr ? found->seen : "KVM-STO-122 was not found");
    context.out.prove("nothing blocks: a disk on a server is shared",
                      report->verdict != precheck::verdict::blocked, blocks(*report));
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

/// Whoever copies the image learns that such a guest is not seen.
expected<void> prove_copy_says_so(stage &on, const performer &guest) {
    scenario_context &context = on.context();
    const auto copied = copy_off_server(context, guest.guest.disk.filename().string());
    if (!copied) return fail(copied.error());
    const std::string said = fmt::format("{}", fmt::join(copied->notes, "; "));
    context.out.prove("a copy of the image says that it does not see such a guest",
                      said.find("QEMU's own driver would not be seen") != std::string::npos, said);
    return {};
}

expected<void> move_there_and_back(stage &on, performer &guest) {
    auto done = prove_by_network(on, guest, "before: ");
    if (done) done = prove_told_before(on, guest);
    if (done) done = prove_copy_says_so(on, guest);
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
    actor.disk = std::filesystem::path(export_path) / "direct.qcow2";
    if (auto made = make_image(context, actor.disk); !made) return made;
    actor.disk_server = fqdn(*find_machine("nfs"));
    context.tell("taking the store's mounts away");
    auto done = let_qemu_in(context);
    if (done) done = on_pools(context, "pool-destroy");
    if (!done) return done;
    auto guest = on->start(actor);
    if (!guest) return fail(std::move(guest).error());
    done = move_there_and_back(*on, *guest);
    if (done) done = on->dismiss(*guest);
    if (done) done = export_as_before(context);
    if (done) done = on_machine(context, "nfs", {"rm", actor.disk});
    if (done) done = on_pools(context, "pool-start");
    return done ? on->strike() : done;
}

} // namespace

scenario live_nfs_direct() {
    return {"live-nfs-direct",
            "live",
            "live, on NFS without a mount: QEMU reaches the server",
            false,
            run_live_nfs_direct,
            "it changes what the store exports, and unmounts it"};
}

} // namespace kvmig::lab
