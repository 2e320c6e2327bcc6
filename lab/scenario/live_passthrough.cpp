// SPDX-License-Identifier: MIT
/// live-passthrough: a guest that holds a PCI device of its host cannot be moved as it stands; it
/// is moved without the device, which is back at the destination: a network card, one that an
/// interface stands in for meanwhile, and a virtual function.
#include <lab/scenario/controller.hpp>
#include <lab/scenario/handed_device.hpp>
#include <lab/scenario/library_check.hpp>
#include <lab/scenario/on_machine.hpp>
#include <lab/scenario/other_hardware.hpp>
#include <lab/scenario/scenarios.hpp>

#include <kvmig/diagnosis.hpp>
#include <kvmig/xml/domain.hpp>

#include <fmt/format.h>

namespace kvmig::lab {

namespace {

constexpr std::string_view rule_id = "KVM-DEV-001";
constexpr bytes small_image = bytes::mib(64);
constexpr run::sampling often{.interval = std::chrono::milliseconds{50}};

/// As it stands: foreseen, refused, and explained; the guest keeps its device.
expected<void> refuse(stage &on, performer &guest, const handed_device &device) {
    scenario_context &context = on.context();
    scenario_result &out = context.out;
    context.tell("checking beforehand");
    const auto report = check(on, guest);
    if (!report) return fail(report.error());
    out.prove(fmt::format("foreseen as {}, and nothing else blocks", rule_id),
              find(*report, rule_id) != nullptr &&
                  blocks(*report) == fmt::format("{} ({})", rule_id, find(*report, rule_id)->seen),
              blocks(*report));
    if (auto begun = guest.watch.begin(); !begun) return begun;
    const auto refused = on.attempt(guest, "refused: ", on.on().kvm02(), {});
    out.prove("and libvirt refuses indeed", !refused,
              refused ? "it was migrated" : describe(refused.error()));
    if (refused) return fail(error_kind::failed, "it was migrated with its device");
    evidence all;
    diagnosis::add_error(all, refused.error());
    const auto told = diagnosis::diagnose(all);
    out.prove("and is explained", !told.causes.empty() && told.causes.front().about->id == rule_id,
              told.causes.empty() ? "nothing is known"
                                  : std::string{told.causes.front().about->id});
    if (auto there = prove_there(on, guest, "refused: ", device, device.from); !there) return there;
    return on.prove_unhurt(guest, "refused: ");
}

/// Called off when the device has gone: it is given back.
expected<void> call_off(stage &on, performer &guest, const handed_device &device) {
    const std::string prefix = "called off: ";
    if (auto begun = guest.watch.begin(); !begun) return begun;
    std::stop_source cancel;
    const std::stop_callback interrupted(on.context().stop, [&] { cancel.request_stop(); });
    const auto cancel_it = [&](const model::job_progress &now) {
        if (now.statistics.memory_processed.value_or(bytes{}) > bytes{}) cancel.request_stop();
    };
    // Slow enough to be called off on the way.
    const auto result =
        attempt_without(on, guest, prefix, device, {.bandwidth = byte_rate::mib(2)},
                        {.each_sample = cancel_it, .watched = often, .stop = cancel.get_token()});
    on.context().out.prove(prefix + "the migration ends",
                           !result && result.error().kind == error_kind::cancelled,
                           result ? "it was migrated" : describe(result.error()));
    if (result) return fail(error_kind::failed, "it was migrated all the same");
    if (auto there = prove_there(on, guest, prefix, device, device.from); !there) return there;
    return on.prove_unhurt(guest, prefix);
}

/// The controller dies when the device has gone; who recovers gives it back.
expected<void> die_without(stage &on, performer &guest, const handed_device &device) {
    const std::string prefix = "killed: ";
    scenario_context &context = on.context();
    if (auto begun = guest.watch.begin(); !begun) return begun;
    const controller first(context, "killed");
    context.tell(prefix + "migrating, to be killed without the device");
    auto died = first.migrate_and_die(guest.guest.name, "kvm01", "kvm02", {"--detach-hostdevs"},
                                      migration::state::beginning);
    if (!died) return died;
    const auto xml = guest.at.xml();
    if (!xml) return fail(xml.error());
    const auto left = xml::parse_domain(*xml);
    if (!left) return fail(left.error());
    context.out.prove(prefix + "the controller left the guest without its device",
                      left->host_devices.empty(),
                      fmt::format("{} devices", left->host_devices.size()));
    context.tell(prefix + "recovering");
    const auto answer = first.recover();
    if (!answer) return fail(answer.error());
    context.out.prove(prefix + "recovered to an end", answer->value("outcome", "") == "failed",
                      answer->dump());
    if (auto there = prove_there(on, guest, prefix, device, device.from); !there) return there;
    return on.prove_unhurt(guest, prefix);
}

/// With help: the device is there before, away on the way, and at the destination afterwards.
expected<void> move_without(stage &on, performer &guest, const std::string &prefix,
                            const handed_device &device) {
    if (auto there = prove_there(on, guest, prefix + "before: ", device, device.from); !there)
        return there;
    if (auto begun = guest.watch.begin(); !begun) return begun;
    absence away(guest, device);
    const auto result = attempt_without(on, guest, prefix, device, {},
                                        {.each_sample = away.look(), .watched = often});
    if (!result) return fail(result.error());
    if (auto proven = away.prove(on.context().out, prefix); !proven) return proven;
    if (auto proven = on.prove_moved(guest, prefix, on.on().kvm02(), *result); !proven) {
        return proven;
    }
    return prove_there(on, guest, prefix + "after: ", device, device.to);
}

/// libvirt's own way: the interface stands in for the card, and libvirt sees to both.
expected<void> move_teamed(stage &on, performer &guest, const handed_device &card) {
    const std::string prefix = "teaming: ";
    scenario_context &context = on.context();
    if (auto there = prove_there(on, guest, prefix + "before: ", card, card.from); !there)
        return there;
    if (auto spoken = prove_spoken_by_card(on, guest, prefix + "before: "); !spoken) return spoken;
    const auto report = check(on, guest);
    if (!report) return fail(report.error());
    context.out.prove(prefix + "nothing blocks", report->verdict != precheck::verdict::blocked,
                      blocks(*report));
    if (auto begun = guest.watch.begin(); !begun) return begun;
    absence away(guest, card);
    const auto result = on.attempt(guest, prefix, on.on().kvm02(), {},
                                   {.each_sample = away.look(), .watched = often});
    if (!result) return fail(result.error());
    if (auto proven = away.prove(context.out, prefix); !proven) return proven;
    // Back before the guest is judged: what the card's return costs is in the gap too.
    if (auto back = await_device(on, guest, card, 1); !back) return back;
    if (auto proven = on.prove_moved(guest, prefix, on.on().kvm02(), *result); !proven) {
        return proven;
    }
    if (auto there = prove_there(on, guest, prefix + "after: ", card, card.to); !there)
        return there;
    return prove_spoken_by_card(on, guest, prefix + "after: ");
}

expected<void> play_card(scenario_context &context) {
    const handed_device card = network_card();
    guest_domain actor = usual_guest();
    actor.host_device = card.from;
    return play(context, actor, pool_name, small_image, [&](stage &on, performer &guest) {
        auto done = refuse(on, guest, card);
        if (done) done = call_off(on, guest, card);
        if (done) done = die_without(on, guest, card);
        if (done) done = move_without(on, guest, "card: ", card);
        return done;
    });
}

expected<void> play_teaming(scenario_context &context) {
    const handed_device card = network_card();
    guest_domain actor = usual_guest();
    // Another address than the first guest's: the neighbours know that one by another MAC address.
    actor.index = 1;
    actor.settings.address.host = guest_address(actor.index);
    actor.mac = card_mac;
    actor.host_device = card.from;
    actor.teaming = true;
    return play(context, actor, pool_name, small_image,
                [&](stage &on, performer &guest) { return move_teamed(on, guest, card); });
}

expected<void> play_virtual_function(scenario_context &context) {
    if (auto made = make_virtual_functions(context); !made) return made;
    const handed_device function = virtual_function();
    guest_domain actor = usual_guest();
    actor.host_device = function.from;
    return play(context, actor, pool_name, small_image, [&](stage &on, performer &guest) {
        return move_without(on, guest, "virtual function: ", function);
    });
}

expected<void> run_live_passthrough(scenario_context &context) {
    auto done = boot_hosts(context, hardware::passthrough);
    if (done) done = play_card(context);
    if (done) done = play_teaming(context);
    if (done) done = play_virtual_function(context);
    return done;
}

} // namespace

scenario live_passthrough() {
    return {"live-passthrough",
            "live",
            "live, with a PCI device of its host: a network card, a virtual function",
            false,
            run_live_passthrough,
            "it boots both hosts with other hardware"};
}

} // namespace kvmig::lab
