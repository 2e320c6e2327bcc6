// SPDX-License-Identifier: MIT
/// live-recovery: the controller is killed on the way, and another takes up what it left;
/// recovery-*: the same in every state that such a migration goes through.
#include <lab/scenario/controller.hpp>
#include <lab/scenario/on_local_disk.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/run/whereabouts.hpp>

#include <array>
#include <fmt/format.h>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::lab {

namespace {

using migration::state;

struct death {
    std::string name;
    std::vector<std::string> options; ///< of `kvmig migrate`
    state where;                      ///< the controller is killed there
    /// Whether the guest must end at the destination; absent: either is right.
    std::optional<bool> arrives;
    bool boots_anew = false;    ///< on the way it may be shut down
    bool leaves_source = false; ///< once it has arrived the source defines it no longer
    killed when = killed::in;
};

/// The guest's memory and disk; of one that may have been shut down its disk.
expected<void> prove_unharmed(stage &on, performer &guest, const death &how) {
    scenario_context &context = on.context();
    const std::string prefix = how.name + ": ";
    if (!how.boots_anew) return guest.watch.prove(context.out, prefix, context.stop);
    auto watch = on.meet_again(guest.guest);
    if (!watch) return fail(std::move(watch).error());
    guest.watch = *std::move(watch);
    auto disk = guest.watch.client().verify_disk();
    if (!disk) return fail(std::move(disk).error());
    context.out.prove(prefix + "what was written before is read after",
                      disk->good() && disk->checked > 0,
                      fmt::format("{} blocks checked, {} bad", disk->checked, disk->bad));
    return {};
}

/// The controller dies on the way from one host to the other, the next one recovers, and the guest
/// is where it must be, unhurt.
expected<void> die_and_recover(stage &on, performer &guest, const death &how) {
    scenario_context &context = on.context();
    scenario_result &out = context.out;
    const std::string prefix = how.name + ": ";
    if (how.boots_anew) {
        guest.watch.leave();
    } else if (auto begun = guest.watch.begin(); !begun) {
        return begun;
    }
    const libvirt::connection &to = on.on().other_than(guest.at);
    const bool there = &to == &on.on().kvm02();
    const libvirt::connection &from = there ? on.on().kvm01() : on.on().kvm02();
    const std::string_view from_name = there ? "kvm01" : "kvm02";
    const std::string_view to_name = there ? "kvm02" : "kvm01";
    const controller first(context, how.name);
    context.tell(prefix + "migrating, to be killed in " + std::string(to_string(how.where)));
    auto died = first.migrate_and_die(guest.guest.name, std::string{from_name},
                                      std::string{to_name}, how.options, how.where, how.when);
    if (!died) return died;

    context.tell(prefix + "recovering");
    auto answer = first.recover();
    if (!answer) return fail(std::move(answer).error());
    out.samples[prefix + "recovery"] = *answer;
    const std::string outcome = answer->value("outcome", "");
    const bool arrived = how.arrives.value_or(outcome == "completed");
    const std::string_view at_source = how.where == state::cancelling ? "cancelled" : "failed";
    out.prove(prefix + "recovered to an end", outcome == (arrived ? "completed" : at_source),
              answer->dump());

    libvirt::hypervisor source(from);
    libvirt::hypervisor destination(to);
    const run::whereabouts now{run::ask(source, guest.at.id(), std::string{from_name}),
                               run::ask(destination, guest.at.id(), std::string{to_name})};
    const bool other_is_clean =
        arrived ? !how.leaves_source || !now.source.status : !now.destination.status;
    out.prove(prefix + "one guest runs, and nothing is left over",
              now.side() == (arrived ? run::guest_side::destination : run::guest_side::source) &&
                  other_is_clean,
              now.text());
    if (arrived) {
        auto came = libvirt::domain::lookup(to, guest.at.id());
        if (!came) return fail(std::move(came).error());
        guest.at = *std::move(came);
    }
    return prove_unharmed(on, guest, how);
}

expected<void> run_live_recovery(scenario_context &context) {
    return play(context, usual_guest(), pool_name, bytes::gib(10), [](stage &on, performer &guest) {
        // Led by the controller, the daemons give up with it; led by the source's daemon, they go
        // on.
        auto done =
            die_and_recover(on, guest, {"direct", {"--persistent"}, state::pre_copy, false});
        if (!done) return done;
        return die_and_recover(on, guest,
                               {"peer-to-peer", {"--persistent", "--p2p"}, state::pre_copy, true});
    });
}

/// A state in which the controller dies, and how that must end.
struct last_state {
    state where;
    std::optional<bool> arrives;
};

/// `arrived`: what is done each time that the guest has arrived, about the host that it left.
expected<void>
die_in_each(stage &on, performer &guest, std::span<const last_state> states,
            const std::vector<std::string> &options, bool boots_anew = false,
            const std::function<expected<void>(const libvirt::connection &left)> &arrived = {}) {
    for (const last_state &each : states) {
        const libvirt::connection before = guest.at.on().share();
        auto done = die_and_recover(on, guest,
                                    {std::string{to_string(each.where)}, options, each.where,
                                     each.arrives, boots_anew, true});
        if (done && arrived && guest.at.on().hostname() != before.hostname()) {
            done = arrived(before);
        }
        if (!done) return done;
    }
    return {};
}

/// Led by the controller: what has not been switched over is given up.
expected<void> run_recovery_live(scenario_context &context) {
    static constexpr std::array states{
        last_state{state::planned, false},     last_state{state::preparing, false},
        last_state{state::beginning, false},   last_state{state::pre_copy, false},
        last_state{state::switching_over, {}}, last_state{state::releasing, true}};
    return play(context, usual_guest(), pool_name, bytes::gib(10), [](stage &on, performer &guest) {
        return die_in_each(on, guest, states, {"--persistent", "--undefinesource"});
    });
}

/// Led by the source's daemon: what it has begun it brings to its end.
expected<void> run_recovery_p2p(scenario_context &context) {
    static constexpr std::array states{
        last_state{state::planned, false},       last_state{state::preparing, false},
        last_state{state::beginning, false},     last_state{state::pre_copy, true},
        last_state{state::switching_over, true}, last_state{state::releasing, true}};
    return play(context, usual_guest(), pool_name, bytes::gib(10), [](stage &on, performer &guest) {
        return die_in_each(on, guest, states, {"--persistent", "--undefinesource", "--p2p"});
    });
}

/// The guest goes ahead of its memory after a second, which is to take its time.
expected<void> run_recovery_postcopy(scenario_context &context) {
    static constexpr std::array states{
        last_state{state::pre_copy, false}, last_state{state::post_copy_starting, {}},
        last_state{state::post_copy, true}, last_state{state::releasing, true}};
    return play(context, usual_guest(), pool_name, bytes::gib(10), [](stage &on, performer &guest) {
        return die_in_each(on, guest, states,
                           {"--persistent", "--undefinesource", "--postcopy", "--bandwidth", "4",
                            "--postcopy-bandwidth", "4", "--timeout", "1", "--timeout-postcopy"});
    });
}

/// After a second the guest is stopped, to move before it can change more, or called off; the
/// controller dies before and after. Led by it, the daemons give up with it, and the guest is to
/// run again; led by the source's daemon, they go on, unless they have been called off.
expected<void> run_recovery_steered(scenario_context &context) {
    const auto slowly = [](std::vector<std::string> more) {
        more.insert(more.end(),
                    {"--persistent", "--undefinesource", "--bandwidth", "4", "--timeout", "1"});
        return more;
    };
    const auto suspended = slowly({"--timeout-suspend"});
    const auto suspended_p2p = slowly({"--timeout-suspend", "--p2p"});
    const auto cancelled = slowly({"--timeout-cancel"});
    const auto cancelled_p2p = slowly({"--timeout-cancel", "--p2p"});
    constexpr state suspends = state::pre_copy_suspended;
    constexpr state cancels = state::cancelling;
    const std::vector<death> deaths{
        {"to-be-suspended", suspended, suspends, false},
        {"suspended", suspended, suspends, false, false, true, killed::after},
        {"to-be-cancelled", cancelled, cancels, false},
        {"cancelled", cancelled, cancels, false, false, true, killed::after},
        {"cancelled-p2p", cancelled_p2p, cancels, false, false, true, killed::after},
        {"to-be-suspended-p2p", suspended_p2p, suspends, true, false, true},
        {"suspended-p2p", suspended_p2p, suspends, true, false, true, killed::after},
        {"to-be-cancelled-p2p", cancelled_p2p, cancels, {}, false, true}};
    return play(context, usual_guest(), pool_name, bytes::gib(10),
                [&](stage &on, performer &guest) -> expected<void> {
                    for (const death &each : deaths) {
                        if (auto done = die_and_recover(on, guest, each); !done) return done;
                    }
                    return {};
                });
}

/// Its last states are those of any other: before, what was copied of the overlay is removed.
expected<void> run_recovery_incremental(scenario_context &context) {
    static constexpr std::array states{
        last_state{state::preparing, false}, last_state{state::copying_disks, false},
        last_state{state::pre_copy, false}, last_state{state::releasing, true}};
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    auto guest = start_on_overlay(*on);
    if (!guest) return fail(std::move(guest).error());
    auto done = die_in_each(*on, *guest, states,
                            {"--mode", "incremental", "--persistent", "--undefinesource"});
    if (done) done = on->dismiss(*guest);
    if (done) done = on->strike();
    return done;
}

expected<void> run_recovery_block(scenario_context &context) {
    static constexpr std::array states{
        last_state{state::planned, false},   last_state{state::preparing, false},
        last_state{state::beginning, false}, last_state{state::copying_disks, false},
        last_state{state::pre_copy, false},  last_state{state::releasing, true}};
    return play(context, usual_guest(), local_pool_name, bytes::mib(64),
                [](stage &on, performer &guest) {
                    auto done = die_in_each(
                        on, guest, states, {"--mode", "block", "--persistent", "--undefinesource"});
                    if (done) on.own_volume(on.on().kvm02(), guest.guest.disk.string());
                    return done;
                });
}

expected<void> run_recovery_cold(scenario_context &context) {
    static constexpr std::array states{
        last_state{state::planned, false}, last_state{state::preparing, false},
        last_state{state::stopping, {}},   last_state{state::copying, {}},
        last_state{state::verifying, {}},  last_state{state::defining, {}},
        last_state{state::starting, {}},   last_state{state::releasing, true}};
    return play(context, usual_guest(), pool_name, bytes::mib(64), [](stage &on, performer &guest) {
        return die_in_each(on, guest, states, {"--mode", "cold", "--undefinesource"}, true);
    });
}

expected<void> run_recovery_cold_images(scenario_context &context) {
    static constexpr std::array states{
        last_state{state::planned, false}, last_state{state::preparing, false},
        last_state{state::stopping, {}},   last_state{state::copying, {}},
        last_state{state::verifying, {}},  last_state{state::defining, {}},
        last_state{state::starting, {}},   last_state{state::releasing, true}};
    return play(context, usual_guest(), local_pool_name, bytes::mib(64),
                [](stage &on, performer &guest) {
                    const std::string image = guest.guest.disk.string();
                    on.own_volume(on.on().kvm02(), image);
                    // What is left behind would be in the way of the next.
                    const auto remove_old = [&](const libvirt::connection &left) -> expected<void> {
                        // What was copied there libvirt learns of when it looks again.
                        if (auto seen = libvirt::volume_at_now(left, image); !seen) {
                            return fail(std::move(seen).error());
                        }
                        auto old = libvirt::storage_volume::lookup_by_path(left, image);
                        if (!old) return fail(std::move(old).error());
                        return old->remove();
                    };
                    return die_in_each(on, guest, states,
                                       {"--mode", "cold", "--copy-images", "--undefinesource"},
                                       true, remove_old);
                });
}

constexpr std::string_view names_hosts = "it names the lab's hosts to the controller that it kills";

} // namespace

scenario live_recovery() {
    return {"live-recovery",
            "live",
            "live, the controller killed on the way and its migration recovered",
            false,
            run_live_recovery,
            names_hosts};
}

scenario recovery_live() {
    return {"recovery-live", "recovery",        "live, the controller killed in every state",
            false,           run_recovery_live, names_hosts};
}

scenario recovery_p2p() {
    return {"recovery-p2p",
            "recovery",
            "live, led by the source's daemon, the controller killed in every state",
            false,
            run_recovery_p2p,
            names_hosts};
}

scenario recovery_postcopy() {
    return {"recovery-postcopy",
            "recovery",
            "live in post-copy, the controller killed in every state",
            false,
            run_recovery_postcopy,
            names_hosts};
}

scenario recovery_steered() {
    return {"recovery-steered",
            "recovery",
            "live, stopped on the way or called off, the controller killed then",
            false,
            run_recovery_steered,
            names_hosts};
}

scenario recovery_incremental() {
    return {"recovery-incremental",
            "recovery",
            "with the top of its disk, the controller killed on the way",
            false,
            run_recovery_incremental,
            names_hosts};
}

scenario recovery_cold_images() {
    return {"recovery-cold-images",
            "recovery",
            "shut down, its image copied, the controller killed in every state",
            false,
            run_recovery_cold_images,
            names_hosts};
}

scenario recovery_block() {
    return {"recovery-block",
            "recovery",
            "with its disk, the controller killed in every state",
            false,
            run_recovery_block,
            names_hosts};
}

scenario recovery_cold() {
    return {"recovery-cold", "recovery",        "shut down, the controller killed in every state",
            false,           run_recovery_cold, names_hosts};
}

} // namespace kvmig::lab
