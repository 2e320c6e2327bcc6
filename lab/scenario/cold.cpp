// SPDX-License-Identifier: MIT
/// cold-shared: the guest is shut down, defined on the other host and started there.
#include <lab/cli/migration_json.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/run/memory_journal.hpp>
#include <kvmig/run/migrate_cold.hpp>

#include <fmt/format.h>

namespace kvmig::lab {

namespace {

/// The guest boots anew, and reads what it wrote before.
expected<void> prove_disk(stage &on, performer &guest, const std::string &prefix,
                          const observe::beat_key &before) {
    auto watch = on.meet_again(guest.guest);
    if (!watch) return fail(std::move(watch).error());
    guest.watch = *std::move(watch);
    scenario_result &out = on.context().out;
    out.prove(prefix + "it booted anew", !(guest.watch.key() == before),
              fmt::format("boot id {} before, {} after", before.boot_id.text(),
                          guest.watch.key().boot_id.text()));
    on.context().tell(prefix + "checking the disk");
    auto disk = guest.watch.client().verify_disk();
    if (!disk) return fail(std::move(disk).error());
    out.prove(prefix + "what was written before is read after",
              disk->good() && disk->checked > 0 && disk->current == 0,
              fmt::format("{} blocks checked, {} bad, {} of this boot", disk->checked, disk->bad,
                          disk->current));
    return {};
}

/// Moves the guest and proves it from both hosts.
expected<void> move_cold(stage &on, performer &guest, const std::string &prefix,
                         const libvirt::connection &to, const run::cold_options &how) {
    scenario_context &context = on.context();
    const observe::beat_key before = guest.watch.key();
    guest.watch.leave();
    const libvirt::domain source = guest.at.share();
    libvirt::hypervisor from(source.on());
    libvirt::hypervisor there(to);
    run::memory_journal journal;
    auto moved = run::migrate_cold_shared(
        from, source.id(), source.name(), there, journal, how,
        [&](const run::cold_progress &now) {
            context.tell(fmt::format("{}{} for {}", prefix, to_string(now.at), to.hostname()));
        },
        context.stop);
    if (!moved) return fail(std::move(moved).error());
    scenario_result &out = context.out;
    out.samples[prefix + "migration"] = cli::to_json(*moved);
    out.measure(prefix + "wall time", static_cast<double>(moved->wall_time.count()), "ms");
    if (moved->downtime) {
        out.measure(prefix + "shut off", static_cast<double>(moved->downtime->count()), "ms");
    }
    out.prove(prefix + "the images were proven to be the same", !moved->proof.empty(),
              moved->proof);
    auto arrived = libvirt::domain::lookup(to, source.id());
    if (!arrived) return fail(std::move(arrived).error());
    guest.at = *std::move(arrived);
    out.prove(prefix + "runs at the destination only",
              moved->guest.side() == run::guest_side::destination &&
                  guest.at.name() == source.name(),
              moved->guest.text());
    auto left = from.status(source.id());
    if (!left) return fail(std::move(left).error());
    out.prove(prefix + (how.undefine_source ? "the source no longer defines it"
                                            : "the source keeps its definition, as it was told to"),
              how.undefine_source ? !*left : *left && !(**left).active,
              *left ? (**left).reason_text : "the source does not know it");
    return prove_disk(on, guest, prefix, before);
}

expected<void> run_cold_shared(scenario_context &context) {
    return play(context, usual_guest(), pool_name, bytes::gib(10), [](stage &on, performer &guest) {
        auto done = move_cold(on, guest, "there: ", on.on().kvm02(), {.undefine_source = true});
        return done ? move_cold(on, guest, "back: ", on.on().kvm01(), {}) : done;
    });
}

} // namespace

scenario cold_shared() {
    return {"cold-shared", "cold", "shut down, over shared storage in a netfs pool, there and back",
            true, run_cold_shared};
}

} // namespace kvmig::lab
