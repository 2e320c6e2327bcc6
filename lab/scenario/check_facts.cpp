// SPDX-License-Identifier: MIT
/// check-facts: what the check asks of two hosts, of a guest whose disk stands in a folder mounted
/// by hand: whether it is shared is unknown, then proven, then proven not to be; what was known is
/// kept in a file, and judged again without the hosts.
#include <lab/scenario/child.hpp>
#include <lab/scenario/kvmig_check.hpp>
#include <lab/scenario/on_machine.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>
#include <lab/topology/files.hpp>

#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace kvmig::lab {

namespace {

const std::filesystem::path by_hand = "/srv/kvmig-by-hand";
constexpr std::string_view not_shared = "KVM-STO-001";

class facts_play {
public:
    explicit facts_play(stage &on) : on_(on), out_(on.context().out) {}

    expected<void> play() {
        auto image = on_.add_image(pool_name, "vm1.qcow2", bytes::mib(64));
        if (!image) return fail(std::move(image).error());
        for (const std::string_view host : {"kvm01", "kvm02"}) {
            auto done = on_host(host, {"mkdir", by_hand.string()});
            if (done) done = mount(host, whole());
            if (!done) return done;
        }
        guest_domain actor = usual_guest();
        actor.disk = by_hand / std::filesystem::path{*image}.filename();
        auto guest = on_.start(actor);
        if (!guest) return fail(std::move(guest).error());
        auto done = check_all(*guest);
        if (done) done = move(*guest);
        if (done) done = on_.dismiss(*guest);
        for (const std::string_view host : {"kvm01", "kvm02"}) {
            if (done) done = on_host(host, {"umount", by_hand.string()});
            if (done) done = on_host(host, {"rmdir", by_hand.string()});
        }
        return done;
    }

private:
    [[nodiscard]] static std::string whole() {
        return fmt::format("{}:{}", fqdn(*find_machine("nfs")), export_path);
    }
    expected<void> on_host(std::string_view host, const std::vector<std::string> &argv) {
        return on_machine(on_.context(), host, argv);
    }
    expected<void> mount(std::string_view host, const std::string &what) {
        return on_host(host, {"mount", "-t", "nfs", what, by_hand.string()});
    }
    [[nodiscard]] expected<checked> ask(const performer &guest, const std::string &doing,
                                        std::vector<std::string> options) {
        return ask_check(on_.context(), doing, check_command(guest, std::move(options)));
    }

    expected<void> check_all(performer &guest) {
        auto plain = ask(guest, "checking", {});
        if (!plain) return fail(std::move(plain).error());
        out_.prove("mounted by hand: whether it is shared is unknown, and nothing blocks",
                   plain->status == 0 && plain->found(std::string{not_shared}, "unknown"),
                   plain->seen());

        const std::filesystem::path file = on_.context().folder / "facts.json";
        if (auto made = make_directory(file.parent_path()); !made) return made;
        auto proven =
            ask(guest, "checking with proof, forecast and the link's measure",
                {"--prove-storage", "--forecast", "--measure-link", "--save-facts", file.string()});
        if (!proven) return fail(std::move(proven).error());
        out_.prove("proven: it is shared, and nothing is unknown",
                   proven->status == 0 && proven->verdict() == "clear", proven->seen());
        const auto at = [&](const char *place) {
            return proven->answer.value(nlohmann::json::json_pointer{place}, 0.0);
        };
        const double link = at("/forecast/bytes_per_second/rate");
        const double memory = at("/forecast/bytes/memory");
        out_.prove("the forecast has the link's rate, and the guest's memory",
                   link > 0 && memory > 0,
                   proven->answer.value("forecast", nlohmann::json::object()).dump());
        out_.measure("link, by SSH", link, "bytes/s");
        out_.measure("check, connections included", plain->seconds, "s");
        return replay(*proven, file);
    }

    /// Judged again from the file, without a host.
    expected<void> replay(const checked &live, const std::filesystem::path &file) {
        auto again = ask_check(on_.context(), "judging the kept facts",
                               kvmig_command({"check", "--facts", file.string(), "--json"}));
        if (!again) return fail(std::move(again).error());
        const auto findings = [](const checked &of) {
            return of.answer.value("findings", nlohmann::json());
        };
        out_.prove("the kept facts are judged as the hosts were",
                   findings(*again) == findings(live) && again->verdict() == live.verdict(),
                   again->seen());
        return {};
    }

    /// Another folder at the same path blocks, and libvirt fails; with the right one it goes.
    expected<void> move(performer &guest) {
        const std::string elsewhere = fmt::format("{}/other", export_path);
        auto done = on_host("nfs", {"mkdir", "-p", elsewhere});
        if (done) done = on_host("kvm02", {"umount", by_hand.string()});
        if (done)
            done = mount("kvm02", fmt::format("{}:{}", fqdn(*find_machine("nfs")), elsewhere));
        if (!done) return done;
        auto wrong =
            ask(guest, "checking, another folder being mounted there", {"--prove-storage"});
        if (!wrong) return fail(std::move(wrong).error());
        out_.prove("another folder there: the check blocks",
                   wrong->status == 3 && wrong->found(std::string{not_shared}, "blocks"),
                   wrong->seen());
        if (auto begun = guest.watch.begin(); !begun) return begun;
        const auto refused = on_.attempt(guest, "another folder there: ", on_.on().kvm02(), {});
        out_.prove("another folder there: libvirt fails indeed", !refused,
                   refused ? "it was migrated" : describe(refused.error()));
        if (auto unhurt = on_.prove_unhurt(guest, "another folder there: "); !unhurt) return unhurt;
        done = on_host("kvm02", {"umount", by_hand.string()});
        if (done) done = on_host("nfs", {"rmdir", elsewhere});
        if (done) done = mount("kvm02", whole());
        if (!done) return done;
        auto moved = on_.move(guest, "", on_.on().kvm02());
        if (!moved) return fail(std::move(moved).error());
        return {};
    }

    stage &on_;
    scenario_result &out_;
};

expected<void> run_check_facts(scenario_context &context) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    auto done = facts_play(*on).play();
    if (done) done = on->strike();
    return done;
}

} // namespace

scenario check_facts() {
    return {"check-facts",
            "check",
            "a disk in a folder mounted by hand: unknown, proven to be shared, or not to be",
            false,
            run_check_facts,
            "it mounts the store in other ways on both hosts"};
}

} // namespace kvmig::lab
