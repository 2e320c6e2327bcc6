// SPDX-License-Identifier: MIT
/// live-auto: `kvmig migrate` chooses the mode from what both hosts tell, shows its plan and
/// changes nothing, does what the plan said, and holds a promised downtime or gives up.
#include <lab/scenario/belongings.hpp>
#include <lab/scenario/controller.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <fmt/format.h>

namespace kvmig::lab {

namespace {

/// How `kvmig migrate` ends (README).
constexpr int done_status = 0;

/// `kvmig migrate` of the performer, from where it is to the other host.
class mover {
public:
    mover(stage &on, performer &who)
        : on_(&on), who_(&who), program_(on.context(), "controller-" + who.guest.name) {}

    [[nodiscard]] const libvirt::connection &other() const {
        return on_->on().other_than(who_->at);
    }

    [[nodiscard]] expected<host::command_result> run(std::vector<std::string> options) const {
        const bool first = &other() == &on_->on().kvm02();
        return program_.migrate(who_->guest.name, first ? "kvm01" : "kvm02",
                                first ? "kvm02" : "kvm01", std::move(options));
    }

    /// The plan names `mode`, and neither host was changed by it.
    [[nodiscard]] expected<void> show_plan(const std::string &prefix, std::string_view mode) const {
        scenario_result &out = on_->context().out;
        on_->context().tell(prefix + "asking for the plan");
        const auto before = belongings(on_->on());
        if (!before) return fail(before.error());
        const auto said = run({"--mode", "auto", "--dry-run", "--json"});
        if (!said) return fail(said.error());
        const auto plan = nlohmann::json::parse(said->out, nullptr, false);
        out.samples[prefix + "plan"] = plan.is_discarded() ? nlohmann::json(said->out) : plan;
        out.prove(prefix + "the plan's mode is " + std::string{mode},
                  said->status == done_status && plan.is_object() &&
                      plan.value("schema", "") == "kvmig.plan/1" && plan.value("mode", "") == mode,
                  plan.is_object() ? plan.value("mode", "") + ": " + plan.value("why", "")
                                   : said->out + said->err);
        const auto after = belongings(on_->on());
        if (!after) return fail(after.error());
        out.prove(
            prefix + "the plan changed nothing", *before == *after,
            fmt::format("{} domains and volumes before, {} after", before->size(), after->size()));
        return {};
    }

    /// Migrates by `options`, and proves that the guest runs at the other host, unhurt.
    [[nodiscard]] expected<void> move(const std::string &prefix,
                                      std::vector<std::string> options) const {
        scenario_result &out = on_->context().out;
        if (auto begun = who_->watch.begin(); !begun) return begun;
        on_->context().tell(prefix + "migrating");
        const libvirt::connection &to = other();
        const auto said = run(std::move(options));
        if (!said) return fail(said.error());
        out.prove(prefix + "migrated", said->status == done_status, said->out + said->err);
        if (said->status != done_status) {
            return fail(error_kind::failed, prefix + "it was not migrated");
        }
        auto there = libvirt::domain::lookup(to, who_->at.id());
        if (!there) return fail(std::move(there).error());
        who_->at = *std::move(there);
        return who_->watch.prove(out, prefix, on_->context().stop);
    }

    /// A promise that cannot be held is given up, in figures, and the guest goes on.
    [[nodiscard]] expected<void> promise_too_little(const std::string &prefix) const {
        if (auto begun = who_->watch.begin(); !begun) return begun;
        on_->context().tell(prefix + "migrating");
        const auto said = run({"--promise-downtime", "5", "--bandwidth", "3"});
        if (!said) return fail(said.error());
        on_->context().out.prove(
            prefix + "given up, in figures",
            said->status != done_status &&
                said->err.find("the promised downtime of 5 ms cannot be held") != std::string::npos,
            fmt::format("status {}: {}", said->status, said->err));
        return on_->prove_unhurt(*who_, prefix);
    }

private:
    stage *on_;
    performer *who_;
    controller program_;
};

expected<void> on_shared(stage &on, performer &guest) {
    const mover by(on, guest);
    auto done = by.show_plan("shared: ", "live");
    // So that nothing of the guest is at the host where it is to be given up.
    if (done) {
        done = by.move("shared: ", {"--mode", "auto", "--persistent", "--undefinesource"});
    }
    if (done) done = by.promise_too_little("promised 5 ms: ");
    if (done) done = by.move("promised 10 s: ", {"--promise-downtime", "10000"});
    return done;
}

expected<void> on_local(stage &on, performer &guest) {
    const mover by(on, guest);
    auto done = by.show_plan("not shared: ", "block");
    if (done) done = by.move("not shared: ", {"--mode", "auto"});
    if (done) on.own_volume(on.on().kvm02(), guest.guest.disk.string());
    return done;
}

expected<void> run_live_auto(scenario_context &context) {
    guest_domain guest = usual_guest();
    // More than a narrow link carries, and what it dirties over and over less than 10 s of a wide
    // one do.
    guest.settings.rate = page_rate{3000};
    if (auto done = play(context, guest, pool_name, bytes::mib(64), on_shared); !done) return done;
    return play(context, usual_guest(), local_pool_name, bytes::mib(64), on_local);
}

} // namespace

scenario live_auto() {
    return {"live-auto", "live",
            "live, its mode chosen and its plan shown before; a promised downtime", false,
            run_live_auto};
}

} // namespace kvmig::lab
