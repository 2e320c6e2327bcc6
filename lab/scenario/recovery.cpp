// SPDX-License-Identifier: MIT
/// live-recovery: the controller is killed on the way, and another takes up what it left.
#include <lab/scenario/controller.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/run/whereabouts.hpp>

#include <fmt/format.h>

namespace kvmig::lab {

namespace {

using migration::state;

struct death {
    std::string name;
    std::vector<std::string> options; ///< of `kvmig migrate`
    state where;                      ///< the controller is killed there
    bool arrives;                     ///< whether the guest must end at the destination
};

/// The controller dies, the next one recovers, and the guest is where it must be, unhurt.
expected<void> die_and_recover(stage &on, performer &guest, const death &how) {
    scenario_context &context = on.context();
    scenario_result &out = context.out;
    const std::string prefix = how.name + ": ";
    if (auto begun = guest.watch.begin(); !begun) return begun;
    const controller first(context, how.name);
    context.tell(prefix + "migrating, to be killed in " + std::string(to_string(how.where)));
    auto left = first.migrate_and_die(guest.guest.name, "kvm01", "kvm02", how.options, how.where);
    if (!left) return fail(std::move(left).error());
    out.prove(prefix + "the killed controller left an open record", !is_end(*left),
              fmt::format("it stands in {}", to_string(*left)));

    context.tell(prefix + "recovering");
    auto answer = first.recover();
    if (!answer) return fail(std::move(answer).error());
    out.samples[prefix + "recovery"] = *answer;
    out.prove(prefix + "recovered to an end",
              answer->value("outcome", "") == (how.arrives ? "completed" : "failed"),
              answer->dump());

    libvirt::hypervisor source(on.on().kvm01());
    libvirt::hypervisor destination(on.on().kvm02());
    const run::whereabouts now{run::ask(source, guest.at.id(), "kvm01"),
                               run::ask(destination, guest.at.id(), "kvm02")};
    out.prove(prefix + "one guest runs, and nothing is left over",
              now.side() ==
                      (how.arrives ? run::guest_side::destination : run::guest_side::source) &&
                  (how.arrives || !now.destination.status),
              now.text());
    if (how.arrives) {
        auto there = libvirt::domain::lookup(on.on().kvm02(), guest.at.id());
        if (!there) return fail(std::move(there).error());
        guest.at = *std::move(there);
    }
    return guest.watch.prove(out, prefix, context.stop);
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

} // namespace

scenario live_recovery() {
    return {"live-recovery",
            "live",
            "live, the controller killed on the way and its migration recovered",
            false,
            run_live_recovery,
            "it names the lab's hosts to the controller that it kills"};
}

} // namespace kvmig::lab
