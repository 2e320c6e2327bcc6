// SPDX-License-Identifier: MIT
/// live-block, live-incremental: without shared storage, the disk moves with the guest.
#include <lab/scenario/on_local_disk.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/run/migrate.hpp>

#include <algorithm>
#include <cstddef>
#include <fmt/format.h>

namespace kvmig::lab {

namespace {

using migration::flag;

/// What libvirt told of the disk's copy: figures of its own, which begin before memory's.
struct disk_phase {
    bytes copied;          ///< the most that was told of
    bytes memory;          ///< the same, of memory
    std::size_t alone = 0; ///< samples of the disk alone; a small disk may fall between two
    bool early = false;    ///< memory was told of before any of the disk
};

disk_phase look_at_disks(const run::migration_result &result) {
    disk_phase out;
    const auto look = [&](const model::job_statistics &s) {
        const bytes disk = s.disk_processed.value_or(bytes{0});
        const bytes memory = s.memory_processed.value_or(bytes{0});
        out.copied = std::max(out.copied, disk);
        out.memory = std::max(out.memory, memory);
        if (disk.count() > 0 && memory.count() == 0) ++out.alone;
        if (memory.count() > 0 && out.copied.count() == 0) out.early = true;
    };
    for (const model::job_progress &each : result.samples) look(each.statistics);
    if (result.source_statistics) look(*result.source_statistics);
    return out;
}

/// A move with the disk, and what libvirt told of it.
expected<disk_phase> move_with_disk(stage &on, performer &guest, const std::string &prefix,
                                    const libvirt::connection &to, flag how) {
    auto moved = on.move(guest, prefix, to, {.flags = {flag::live, how}});
    if (!moved) return fail(std::move(moved).error());
    const disk_phase disk = look_at_disks(*moved);
    scenario_result &out = on.context().out;
    out.prove(prefix + "disk and memory are told apart",
              disk.copied.count() > 0 && disk.memory.count() > 0 && !disk.early,
              fmt::format("{:.1f} MiB of disk and {:.1f} MiB of memory, the disk first; {} of {} "
                          "samples tell of the disk alone",
                          disk.copied.as_mib(), disk.memory.as_mib(), disk.alone,
                          moved->samples.size()));
    out.measure(prefix + "disk copied", static_cast<double>(disk.copied.count()), "bytes");
    return disk;
}

expected<void> run_live_block(scenario_context &context) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    model::storage_volume volume;
    volume.name = "vm1.qcow2";
    volume.format = "qcow2";
    volume.capacity = bytes::mib(512);
    volume.allocation = bytes{0};
    auto path = on->add_volume(on->on().kvm01(), context.where.local_pool, volume);
    if (!path) return fail(std::move(path).error());

    // A target that is too small is refused before anything moves.
    volume.capacity = bytes::mib(256);
    auto small = on->add_volume(on->on().kvm02(), context.where.local_pool, volume);
    if (!small) return fail(std::move(small).error());
    auto guest = start_on_local_disk(*on, *path, bytes{0});
    if (!guest) return fail(std::move(guest).error());
    if (auto begun = guest->watch.begin(); !begun) return begun;
    auto refused = run::migrate(
        guest->at, on->on().kvm02(),
        on->on().toward(on->on().kvm02(), {.flags = {flag::live, flag::non_shared_disk}}), {},
        context.stop);
    context.out.prove("small target: refused beforehand",
                      !refused && refused.error().kind == error_kind::conflict &&
                          refused.error().what.find("268435456") != std::string::npos,
                      refused ? "it was migrated" : describe(refused.error()));
    if (auto unhurt = on->prove_unhurt(*guest, "small target: "); !unhurt) return unhurt;
    auto target = libvirt::storage_volume::lookup_by_path(on->on().kvm02(), *small);
    if (!target) return fail(std::move(target).error());
    if (auto removed = target->remove(); !removed) return removed;

    // Without a target one is made, under the same path: that is what `strike` removes.
    auto there = move_with_disk(*on, *guest, "there: ", on->on().kvm02(), flag::non_shared_disk);
    if (!there) return fail(std::move(there).error());
    auto done = on->dismiss(*guest);
    if (done) done = on->strike();
    return done;
}

expected<void> run_live_incremental(scenario_context &context) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    auto guest = start_on_overlay(*on);
    if (!guest) return fail(std::move(guest).error());

    auto top = move_with_disk(*on, *guest, "there: ", on->on().kvm02(), flag::non_shared_inc);
    if (!top) return fail(std::move(top).error());
    // The same image moved whole, for comparison: into the old one, which is still there.
    auto whole = move_with_disk(*on, *guest, "back: ", on->on().kvm01(), flag::non_shared_disk);
    if (!whole) return fail(std::move(whole).error());
    const bytes changed = guest->guest.settings.disk_size;
    context.out.prove("only what lies above the base moves",
                      top->copied >= changed && top->copied < changed + base_size,
                      fmt::format("{:.1f} MiB, of which the guest wrote {:.1f}; whole: {:.1f} MiB",
                                  top->copied.as_mib(), changed.as_mib(), whole->copied.as_mib()));
    context.out.measure("disk copied incrementally for one copied whole",
                        static_cast<double>(top->copied.count()) /
                            static_cast<double>(whole->copied.count()),
                        "ratio");
    auto done = on->dismiss(*guest);
    if (done) done = on->strike();
    return done;
}

} // namespace

scenario live_block() {
    return {"live-block", "block",        "live, without shared storage: the whole disk moves too",
            true,         run_live_block, any_hosts};
}

scenario live_incremental() {
    return {"live-incremental",
            "incremental",
            "live, with the base image on both hosts: only the overlay moves",
            true,
            run_live_incremental,
            any_hosts};
}

} // namespace kvmig::lab
