// SPDX-License-Identifier: MIT
#include <lab/cli/migration_json.hpp>
#include <lab/scenario/cold_moves.hpp>

#include <kvmig/run/memory_journal.hpp>

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

run::cold_callback teller(stage &on, const std::string &prefix, const libvirt::connection &to) {
    return [&on, prefix, name = to.hostname()](const run::cold_progress &now) {
        std::string text = fmt::format("{}{} for {}", prefix, to_string(now.at), name);
        if (now.images) {
            text += fmt::format(": {:.1f} of {:.1f} MiB", now.images->done.as_mib(),
                                now.images->total.as_mib());
        }
        on.context().tell(text);
    };
}

} // namespace

cold_way by_shared_images(const run::cold_options &how) {
    return [how](const cold_ends &ends) {
        run::memory_journal journal;
        return run::migrate_cold_shared(ends.from, ends.guest.id(), ends.guest.name(), ends.to,
                                        journal, how, ends.progress, ends.stop);
    };
}

cold_way by_copied_images(const run::cold_options &how) {
    return [how](const cold_ends &ends) {
        run::memory_journal journal;
        return run::migrate_cold_copied(ends.from, ends.guest.id(), ends.guest.name(), ends.to,
                                        journal, {}, how, ends.progress, ends.stop);
    };
}

expected<run::cold_result> move_cold(stage &on, performer &guest, const std::string &prefix,
                                     const libvirt::connection &to, bool undefine_source,
                                     std::string_view images, const cold_way &way, memory keeps) {
    scenario_context &context = on.context();
    const observe::beat_key before = guest.watch.key();
    const bool goes_on = keeps == memory::kept;
    if (!goes_on)
        guest.watch.leave();
    else if (auto begun = guest.watch.begin(); !begun)
        return fail(std::move(begun).error());
    const libvirt::domain source = guest.at.share();
    libvirt::hypervisor from(source.on());
    libvirt::hypervisor there(to);
    const run::cold_callback tell = teller(on, prefix, to);
    auto moved = way({from, there, source, tell, context.stop});
    if (!moved) return moved;
    scenario_result &out = context.out;
    out.samples[prefix + "migration"] = cli::to_json(*moved);
    out.samples[prefix + "migration"]["begun"] =
        std::chrono::duration<double, std::milli>(moved->begun - out.begun).count();
    out.measure(prefix + "wall time", static_cast<double>(moved->wall_time.count()), "ms");
    if (moved->downtime) {
        out.measure(prefix + "shut off", static_cast<double>(moved->downtime->count()), "ms");
    }
    out.prove(prefix + std::string(images), !moved->proof.empty(), moved->proof);
    auto arrived = libvirt::domain::lookup(to, source.id());
    if (!arrived) return fail(std::move(arrived).error());
    guest.at = *std::move(arrived);
    out.prove(prefix + "runs at the destination only",
              moved->guest.side() == run::guest_side::destination &&
                  guest.at.name() == source.name(),
              moved->guest.text());
    auto left = from.status(source.id());
    if (!left) return fail(std::move(left).error());
    out.prove(prefix + (undefine_source ? "the source no longer defines it"
                                        : "the source keeps its definition, as it was told to"),
              undefine_source ? !*left : *left && !(**left).active,
              *left ? (**left).reason_text : "the source does not know it");
    const auto proven = goes_on ? guest.watch.prove(out, prefix, context.stop)
                                : prove_disk(on, guest, prefix, before);
    if (!proven) return fail(proven.error());
    return moved;
}

expected<void> refuse_cold(stage &on, performer &guest, const std::string &prefix,
                           const libvirt::connection &to, std::string_view words) {
    if (auto begun = guest.watch.begin(); !begun) return begun;
    libvirt::hypervisor from(guest.at.on());
    libvirt::hypervisor there(to);
    const run::cold_callback tell = teller(on, prefix, to);
    const auto refused = by_copied_images({})({from, there, guest.at, tell, on.context().stop});
    on.context().out.prove(prefix + "refused before a byte moves",
                           !refused && describe(refused.error()).find(words) != std::string::npos,
                           refused ? "it was migrated" : describe(refused.error()));
    return on.prove_unhurt(guest, prefix);
}

} // namespace kvmig::lab
