// SPDX-License-Identifier: MIT
/// live-media, live-bridge, live-macvtap, live-32-64: what the destination lacks is foreseen by the
/// check, refused by libvirt, and mended as the check says.
#include <lab/scenario/library_check.hpp>
#include <lab/scenario/on_machine.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/host/remote_command.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace kvmig::lab {

namespace {

/// Foreseen as `id`; refused by libvirt all the same; then `mend`ed, clear, and moved.
template <class Mend>
expected<void> foresee(stage &on, performer &guest, std::string_view id, Mend mend) {
    scenario_context &context = on.context();
    scenario_result &out = context.out;
    context.tell("checking beforehand");
    auto before = check(on, guest);
    if (!before) return fail(std::move(before).error());
    const precheck::finding *found = find(*before, id);
    out.prove(fmt::format("foreseen as {}, and nothing else blocks", id),
              found != nullptr && found->how == precheck::severity::blocks &&
                  blocks(*before) == fmt::format("{} ({})", id, found->seen),
              blocks(*before));
    if (found == nullptr) return {};

    if (auto begun = guest.watch.begin(); !begun) return begun;
    const auto refused = on.attempt(guest, "refused: ", on.on().kvm02(), {});
    out.prove("and libvirt refuses indeed", !refused,
              refused ? "it was migrated" : describe(refused.error()));
    if (auto unhurt = on.prove_unhurt(guest, "refused: "); !unhurt) return unhurt;

    context.tell("mending");
    if (expected<void> mended = mend(*found); !mended) return mended;
    auto after = check(on, guest);
    if (!after) return fail(std::move(after).error());
    // A bridge without ports may still be warned of.
    out.prove("once mended, nothing blocks", after->verdict != precheck::verdict::blocked,
              blocks(*after));
    auto moved = on.move(guest, "", on.on().kvm02());
    if (!moved) return fail(std::move(moved).error());
    return {};
}

/// Whether a remedy ends in these words.
bool advises(const precheck::finding &found, std::string_view words) {
    return std::any_of(found.remedy.begin(), found.remedy.end(), [&](const std::string &each) {
        return each.find(words) != std::string::npos;
    });
}

/// As a person does it on kvm01.
expected<void> eject(stage &on, const std::string &name) {
    auto shell = host::shell_of(on.on().kvm01().uri());
    if (!shell) return fail(std::move(shell).error());
    auto ran = (*shell)({"virsh", "-c", "qemu:///system", "change-media", name, "sda", "--eject"},
                        {}, on.context().stop);
    if (!ran) return fail(std::move(ran).error());
    if (ran->status == 0) return {};
    return fail(make_error(error_kind::failed, ran->err).on(on.on().kvm01().hostname()));
}

expected<void> run_live_media(scenario_context &context) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    auto path = on->add_image(context.where.pool, "vm1.qcow2", bytes::mib(64));
    if (!path) return fail(std::move(path).error());
    model::storage_volume medium;
    medium.name = "medium.iso";
    medium.capacity = bytes::mib(1);
    auto iso = on->add_volume(on->on().kvm01(), context.where.local_pool, medium);
    if (!iso) return fail(std::move(iso).error());
    guest_domain actor = usual_guest();
    actor.disk = *path;
    actor.cdrom = *iso;
    auto guest = on->start(actor);
    if (!guest) return fail(std::move(guest).error());
    auto done = foresee(*on, *guest, "KVM-STO-028", [&](const precheck::finding &found) {
        const std::string &name = guest->guest.name;
        context.out.prove("ejecting is offered",
                          advises(found, fmt::format("change-media {} sda --eject", name)),
                          fmt::format("{}", fmt::join(found.remedy, "; ")));
        return eject(*on, name);
    });
    if (done) done = on->dismiss(*guest);
    if (done) done = on->strike();
    return done;
}

expected<void> run_live_bridge(scenario_context &context) {
    const std::string bridge = "br9";
    const std::vector<std::vector<std::string>> make{
        {"ip", "link", "add", "name", bridge, "type", "bridge"},
        {"ip", "link", "set", "up", "dev", bridge}};
    const auto make_on = [&](std::string_view host) -> expected<void> {
        for (const auto &argv : make) {
            if (auto made = on_machine(context, host, argv); !made) return made;
        }
        return {};
    };
    if (auto made = make_on("kvm01"); !made) return made;
    guest_domain actor = usual_guest();
    actor.second_bridge = bridge;
    return play(context, actor, pool_name, bytes::mib(64), [&](stage &on, performer &guest) {
        return foresee(on, guest, "KVM-NIC-001",
                       [&](const precheck::finding &) { return make_on("kvm02"); });
    });
}

/// A pair of cards on each host: the guest's, and its other end in the hosts' bridge. On kvm02 the
/// guest's has another name at first.
expected<void> run_live_macvtap(scenario_context &context) {
    using words = std::vector<std::string>;
    constexpr std::string_view other_name = "card1";
    const std::string card = "card0";
    const auto ip_link = [&](std::string_view host, words argv) {
        argv.insert(argv.begin(), {"ip", "link"});
        return on_machine(context, host, argv);
    };
    for (const auto &[host, name] :
         {std::pair<std::string_view, std::string>{"kvm01", card},
          std::pair<std::string_view, std::string>{"kvm02", other_name}}) {
        for (const words &argv :
             {words{"add", "name", name, "type", "veth", "peer", "cardp"},
              words{"set", "dev", "cardp", "master", std::string{guest_bridge}},
              words{"set", "dev", "cardp", "up"}, words{"set", "dev", name, "up"}}) {
            if (auto made = ip_link(host, argv); !made) return made;
        }
    }
    const auto rename = [&](const precheck::finding &) -> expected<void> {
        for (const words &argv : {words{"set", "dev", std::string{other_name}, "down"},
                                  words{"set", "dev", std::string{other_name}, "name", card},
                                  words{"set", "dev", card, "up"}}) {
            if (auto renamed = ip_link("kvm02", argv); !renamed) return renamed;
        }
        return {};
    };
    guest_domain actor = usual_guest();
    actor.interface_kind = "direct";
    actor.interface_source = card;
    return play(context, actor, pool_name, bytes::mib(64), [&](stage &on, performer &guest) {
        return foresee(on, guest, "KVM-NIC-004", rename);
    });
}

/// To libvirt kvm02 is a host for 32-bit guests, once QEMU's program for others is away.
expected<void> run_live_32_64(scenario_context &context) {
    const std::string program = "/usr/bin/qemu-system-x86_64";
    const std::string away = program + ".away";
    return play(context, usual_guest(), pool_name, bytes::mib(64),
                [&](stage &on, performer &guest) {
                    auto done = on_machine(context, "kvm02", {"mv", program, away});
                    if (!done) return done;
                    return foresee(on, guest, "KVM-VER-007", [&](const precheck::finding &) {
                        return on_machine(context, "kvm02", {"mv", away, program});
                    });
                });
}

} // namespace

scenario live_media() {
    return {"live-media", "live",         "live, with a medium that only the source has",
            false,        run_live_media, any_hosts};
}

scenario live_bridge() {
    return {"live-bridge", "live",          "live, on a second bridge that the destination lacks",
            false,         run_live_bridge, "it makes bridges on both hosts"};
}

scenario live_macvtap() {
    return {"live-macvtap",
            "live",
            "live, on a network card of its own, which is called otherwise at the destination",
            false,
            run_live_macvtap,
            "it makes network cards on both hosts"};
}

scenario live_32_64() {
    return {"live-32-64", "live",         "live, toward a host that runs no 64-bit guests",
            false,        run_live_32_64, "it takes QEMU away from a host"};
}

} // namespace kvmig::lab
