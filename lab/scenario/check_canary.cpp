// SPDX-License-Identifier: MIT
/// check-canary: the check's canary arrives, fails as a guest would, and is swept when its owner
/// was killed; nothing of it remains, and the guest in question is never touched.
#include <lab/fault/fault.hpp>
#include <lab/machine/remote.hpp>
#include <lab/scenario/belongings.hpp>
#include <lab/scenario/child.hpp>
#include <lab/scenario/kvmig_check.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/run/canary_libvirt.hpp>

#include <chrono>
#include <fmt/format.h>
#include <utility>

namespace kvmig::lab {

namespace {

constexpr std::chrono::minutes longest_by_virsh{5};
/// Between two looks for the canary: libvirt tells of a domain's start before others see it.
constexpr std::chrono::milliseconds between_looks_for_it{50};

class canary_play {
public:
    canary_play(stage &on, performer &guest) : on_(on), out_(on.context().out), guest_(guest) {}

    expected<void> play() {
        auto before = belongings(on_.on());
        if (!before) return fail(std::move(before).error());
        before_ = *std::move(before);
        if (auto begun = guest_.watch.begin(); !begun) return begun;
        for (const auto part :
             {&canary_play::healthy, &canary_play::port_rejected, &canary_play::killed}) {
            if (auto played = (this->*part)(); !played) return played;
        }
        return on_.prove_unhurt(guest_, "the guest: ");
    }

private:
    [[nodiscard]] std::stop_token stop() const { return on_.context().stop; }

    [[nodiscard]] expected<checked> ask(const std::string &doing,
                                        std::vector<std::string> options) {
        return ask_check(on_.context(), doing, check_command(guest_, std::move(options)));
    }
    expected<void> prove_nothing_remains(const std::string &when) {
        auto after = belongings(on_.on());
        if (!after) return fail(std::move(after).error());
        out_.prove(
            when + ": nothing remains on either host", before_ == *after,
            fmt::format("{} domains and volumes before, {} after", before_.size(), after->size()));
        return {};
    }

    expected<void> healthy() {
        auto alone = ask("checking", {});
        if (!alone) return fail(std::move(alone).error());
        out_.measure("check, connections included", alone->seconds, "s");
        auto told = ask("checking with a canary", {"--canary"});
        if (!told) return fail(std::move(told).error());
        out_.prove("healthy: the canary arrives, and nothing blocks",
                   told->status == 0 && told->outcome() == "arrived", told->canary().dump());
        out_.measure("canary", told->in_canary(), "s");
        out_.measure("check with a canary", told->seconds, "s");
        return prove_nothing_remains("healthy");
    }

    /// Led by the source's daemon, as `virsh migrate` does it beside.
    expected<void> port_rejected() {
        auto broken = find_fault("fail-no-route");
        if (!broken) return fail(std::move(broken).error());
        const fault &what = **broken;
        if (auto done = carry_out(what.breaks, *on_.context().lab, stop()); !done) return done;
        auto told = ask("checking with a canary, the ports rejected", {"--canary", "--p2p"});
        if (!told) return fail(std::move(told).error());
        out_.prove("ports rejected: the canary does not arrive, and the status says so",
                   told->status == 3 && told->outcome() == "lost", told->canary().dump());
        out_.prove(fmt::format("ports rejected: {} is named first", what.diagnosed),
                   told->cause() == what.diagnosed, told->cause());
        out_.measure("ports rejected: check with a canary", told->seconds, "s");
        out_.measure("ports rejected: canary", told->in_canary(), "s");
        on_.context().tell("virsh migrate, the ports rejected");
        const auto begun = std::chrono::steady_clock::now();
        host::command virsh =
            remote_command(*find_machine("kvm01"), {"virsh", "migrate", "--live", guest_.guest.name,
                                                    libvirt_uri(*find_machine("kvm02"))});
        virsh.timeout = longest_by_virsh;
        auto moved = host::run(virsh, stop());
        if (!moved) return fail(std::move(moved).error());
        out_.prove("ports rejected: virsh fails too", moved->status != 0, moved->err);
        out_.measure(
            "ports rejected: virsh migrate until it fails",
            std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count(), "s");
        if (auto done = carry_out(what.undo, *on_.context().lab, stop()); !done) return done;
        return prove_nothing_remains("ports rejected");
    }

    /// Whether a host has a canary now.
    [[nodiscard]] static expected<bool> has_canary(const libvirt::connection &host) {
        auto found = run::libvirt_canary_host(host).canaries();
        if (!found) return fail(std::move(found).error());
        return !found->empty();
    }

    expected<void> killed() {
        on_.context().tell("checking with a canary, to be killed once it is on its way");
        host::command cmd = check_command(guest_, {"--canary"});
        cmd.grace = std::chrono::milliseconds{0};
        child program(cmd);
        bool seen = false;
        while (!seen && !program.ended_within(between_looks_for_it, stop())) {
            if (stop().stop_requested()) return fail(error_kind::cancelled, "interrupted");
            auto there = has_canary(on_.on().kvm02());
            if (!there) return fail(std::move(there).error());
            seen = *there;
        }
        program.end();
        auto left = belongings(on_.on());
        if (!left) return fail(std::move(left).error());
        out_.prove(
            "killed: something of the canary is left", seen && *left != before_,
            fmt::format("{} domains and volumes before, {} after", before_.size(), left->size()));
        auto told = ask("checking again", {"--canary", "--canary-age", "0"});
        if (!told) return fail(std::move(told).error());
        out_.prove("killed: the next check sweeps it, and its own arrives",
                   told->status == 0 && told->outcome() == "arrived" && told->swept(),
                   told->canary().dump());
        return prove_nothing_remains("killed and swept");
    }

    stage &on_;
    scenario_result &out_;
    performer &guest_;
    std::set<std::string> before_;
};

expected<void> run_check_canary(scenario_context &context) {
    return play(context, usual_guest(), pool_name, bytes::mib(64),
                [](stage &on, performer &guest) { return canary_play(on, guest).play(); });
}

} // namespace

scenario check_canary() {
    return {"check-canary", "check",
            "nothing but the check's canary moves: it arrives, fails, or is swept", false,
            run_check_canary};
}

} // namespace kvmig::lab
