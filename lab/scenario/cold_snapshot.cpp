// SPDX-License-Identifier: MIT
/// cold-state-snapshot: QEMU without libvirt; the guest's memory is put into its qcow2 image as a
/// snapshot, and goes with it.
#include <lab/scenario/bare_qemu.hpp>
#include <lab/scenario/on_machine.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/run/copied_images.hpp>
#include <kvmig/run/migrate_cold_copied.hpp>

#include <fmt/format.h>

namespace kvmig::lab {

namespace {

constexpr std::string_view snapshot_folder = "/var/tmp/kvmig-snapshot"; ///< on each host's own disk
constexpr std::string_view tag = "moving";
constexpr std::string_view raw_node = "raw0";

std::string in_folder(std::string_view name) { return fmt::format("{}/{}", snapshot_folder, name); }

expected<void> make_snapshot_images(stage &on) {
    for (const std::string_view host : {"kvm01", "kvm02"}) {
        auto made = ask_machine(on.context(), host, {"mkdir", std::string{snapshot_folder}});
        if (!made) return fail(std::move(made).error());
    }
    for (const auto &[name, format] :
         {std::pair{"vm1.qcow2", "qcow2"}, std::pair{"second.raw", "raw"}}) {
        auto made = ask_machine(on.context(), "kvm01",
                                {"qemu-img", "create", "-q", "-f", format, in_folder(name), "64M"});
        if (!made) return fail(std::move(made).error());
    }
    return {};
}

/// A raw image has no room for a snapshot: QEMU says so, and the guest goes on.
expected<void> refuse_raw(stage &on, bare_qemu &source, witnesses &watch) {
    const std::string prefix = "a raw image: ";
    scenario_context &context = on.context();
    if (auto begun = watch.begin(); !begun) return begun;
    auto added = source.execute(
        "blockdev-add", {{"driver", "raw"},
                         {"node-name", raw_node},
                         {"file", {{"driver", "file"}, {"filename", in_folder("second.raw")}}}});
    if (!added) return fail(std::move(added).error());
    const auto refused = source.save_snapshot(tag, raw_node);
    const std::string said = refused ? "a snapshot was taken" : describe(refused.error());
    context.out.prove(prefix + "refused with the reason",
                      !refused && said.find("does not support snapshots") != std::string::npos,
                      said);
    auto removed = source.execute("blockdev-del", {{"node-name", raw_node}});
    if (!removed) return fail(std::move(removed).error());
    auto state = source.run_state();
    if (!state) return fail(std::move(state).error());
    context.out.prove(prefix + "the guest goes on", *state == "running", *state);
    return watch.prove(context.out, prefix, context.stop);
}

/// The snapshot is taken of a guest that stands still: what it would write afterwards were lost.
expected<void> save(stage &on, bare_qemu &source, const std::string &image) {
    on.context().tell("saving memory into the image");
    auto stopped = source.execute("stop");
    if (!stopped) return fail(std::move(stopped).error());
    if (auto saved = source.save_snapshot(tag, bare_qemu::node); !saved) return saved;
    if (auto gone = source.dismiss(); !gone) return gone;
    auto listed = ask_machine(on.context(), "kvm01", {"qemu-img", "snapshot", "-l", image});
    if (!listed) return fail(std::move(listed).error());
    on.context().out.prove("the image holds the snapshot", listed->find(tag) != std::string::npos,
                           *listed);
    return {};
}

/// As the library copies the images of a guest that is shut off: from host to host.
expected<void> copy(stage &on, const std::string &image) {
    on.context().tell("copying the image");
    const run::copy_reach reach;
    auto here = reach.host(on.on().kvm01().uri());
    auto there = reach.host(on.on().kvm02().uri());
    auto end = host::ssh_end_of(on.on().kvm02().uri());
    if (!here) return fail(std::move(here).error());
    if (!there) return fail(std::move(there).error());
    if (!end) return fail(std::move(end).error());
    run::copy_plan plan;
    plan.token = "5a";
    plan.login = host::login_of(*end);
    plan.images = {{run::image_kind::file, "qcow2", image, image, {}, {}}};
    run::copied_images images(*std::move(here), *std::move(there), plan, reach.ssh, reach.patience);
    if (auto ready = images.prepare(); !ready) return ready;
    if (auto copied = images.copy({}, on.context().stop); !copied) return copied;
    auto sums = images.prove();
    if (!sums) return fail(std::move(sums).error());
    on.context().out.prove("the image has the same checksum on both hosts", !sums->empty(), *sums);
    return images.keep();
}

expected<void> run_cold_state_snapshot(scenario_context &context) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    if (auto made = make_snapshot_images(*on); !made) return made;
    guest_domain guest = usual_guest();
    guest.settings.memory = bytes::mib(32);
    guest.settings.rate = page_rate{50};
    guest.disk = in_folder("vm1.qcow2");
    context.tell("starting QEMU on kvm01");
    auto source = bare_qemu::start(*find_machine("kvm01"), guest, 0, {}, context.stop);
    if (!source) return fail(std::move(source).error());
    auto watch = on->meet_again(guest);
    if (!watch) return fail(std::move(watch).error());
    if (auto written = watch->client().write_disk(); !written) {
        return fail(std::move(written).error());
    }
    auto done = refuse_raw(*on, *source, *watch);
    if (done) done = watch->begin();
    if (done) done = save(*on, *source, guest.disk);
    if (done) done = copy(*on, guest.disk);
    if (!done) return done;
    context.tell("going on from the snapshot on kvm02");
    auto there = bare_qemu::start(*find_machine("kvm02"), guest, 1, bare_qemu::from_snapshot(tag),
                                  context.stop);
    if (!there) return fail(std::move(there).error());
    if (done = watch->prove(context.out, {}, context.stop); !done) return done;
    auto state = there->run_state();
    if (!state) return fail(std::move(state).error());
    context.out.prove("runs at the destination", *state == "running", *state);
    watch->leave();
    done = there->dismiss();
    for (const std::string_view host : {"kvm01", "kvm02"}) {
        if (!done) return done;
        auto removed = ask_machine(context, host, {"rm", "-r", std::string{snapshot_folder}});
        if (!removed) return fail(std::move(removed).error());
    }
    return on->strike();
}

} // namespace

scenario cold_state_snapshot() {
    return {"cold-state-snapshot",
            "cold",
            "memory saved into the qcow2 image as a snapshot, copied with it, and gone on from",
            false,
            run_cold_state_snapshot,
            "it starts QEMU without libvirt on both hosts"};
}

} // namespace kvmig::lab
