// SPDX-License-Identifier: MIT
/// tune-domain: limits and pins of a guest, set by `kvmig tune`, are in force at libvirt, QEMU and
/// the kernel, outlive the daemon, and are put back; a later run of the guest is left alone.
#include <lab/machine/remote.hpp>
#include <lab/scenario/child.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>
#include <lab/topology/files.hpp>

#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::lab {

namespace {

constexpr std::chrono::minutes longest_tuning{2};
const machine_spec &tuned_machine() { return *find_machine("kvm01"); }

class tuning_play {
public:
    tuning_play(stage &on, performer &guest)
        : on_(on), out_(on.context().out), guest_(guest), root_(on.context().folder / "root") {}

    expected<void> play() {
        // The record of what was there is the scenario's own.
        if (auto made = make_directory(root_); !made) return made;
        auto before = settings();
        if (!before) return fail(std::move(before).error());
        before_ = *std::move(before);
        for (const auto part : {&tuning_play::in_force, &tuning_play::refused,
                                &tuning_play::put_back, &tuning_play::left_alone}) {
            if (auto played = (this->*part)(); !played) return played;
        }
        return {};
    }

private:
    using texts = std::map<std::string, std::string>;
    using words = std::vector<std::string>;

    [[nodiscard]] expected<std::string> ask(const words &argv) const {
        return remote_output(tuned_machine(), argv, on_.context().stop);
    }
    [[nodiscard]] const std::string &name() const { return guest_.guest.name; }

    /// What virsh tells of the guest, live and of its definition.
    [[nodiscard]] expected<texts> settings() const {
        texts out;
        for (const char *scope : {"--live", "--config"}) {
            for (words argv : std::vector<words>{{"virsh", "blkdeviotune", name(), "vda"},
                                                 {"virsh", "blkiotune", name()},
                                                 {"virsh", "memtune", name()}}) {
                argv.emplace_back(scope);
                auto told = ask(argv);
                if (!told) return fail(std::move(told).error());
                out[argv[1] + scope] = *std::move(told);
            }
        }
        auto definition = ask({"virsh", "dumpxml", name(), "--inactive"});
        if (!definition) return fail(std::move(definition).error());
        out["definition"] = *std::move(definition);
        for (const char *file : {"memory.high", "io.max"}) {
            auto told = ask(
                {"find", "/sys/fs/cgroup/machine.slice", "-name", file, "-exec", "cat", "{}", "+"});
            if (!told) return fail(std::move(told).error());
            out[file] = *std::move(told);
        }
        auto block = ask({"virsh", "qemu-monitor-command", name(), "--hmp", "info block"});
        if (!block) return fail(std::move(block).error());
        out["info block"] = *std::move(block);
        return out;
    }

    struct answered {
        int status = 0;
        nlohmann::json answer;
        std::string said;
    };
    [[nodiscard]] expected<answered> tune(words arguments) const {
        arguments.insert(arguments.begin(), {"tune", "--root", root_.string(), "--json"});
        on_.context().tell(fmt::format("kvmig {}", fmt::join(arguments, " ")));
        host::command cmd = kvmig_command(std::move(arguments));
        cmd.timeout = longest_tuning;
        auto done = host::run(cmd, on_.context().stop);
        if (!done) return fail(std::move(done).error());
        return answered{done->status, nlohmann::json::parse(done->out, nullptr, false), done->err};
    }
    [[nodiscard]] expected<answered> tune_guest(words arguments) const {
        arguments.insert(arguments.begin() + 1, name());
        arguments.insert(arguments.end(), {"--connect", libvirt_uri(tuned_machine())});
        return tune(std::move(arguments));
    }

    /// Limits of the disk, of what is written to the host's, and of the memory, live and defined; a
    /// pin that is defined.
    expected<void> set_all(const std::string &when) {
        for (const words &each : std::vector<words>{
                 {"disk", "vda", "--total-iops-sec", "500", "--live", "--config"},
                 {"disk", "--device-write-bytes-sec", "/dev/vda,10485760", "--live", "--config"},
                 {"memory", "--soft-limit", "200M", "--live", "--config"},
                 {"cpu", "--vcpupin", "0:0", "--config"}}) {
            const auto done = tune_guest(each);
            if (!done) return fail(done.error());
            out_.prove(fmt::format("{}tune {}: applied", when, fmt::join(each, " ")),
                       done->status == 0 && done->answer.is_object(),
                       fmt::format("status {} {}", done->status, done->said));
        }
        return {};
    }

    [[nodiscard]] static bool holds(const std::string &text, std::string_view what) {
        return text.find(what) != std::string::npos;
    }
    void prove_holds(const std::string &what, const texts &now, const std::string &where,
                     std::string_view wanted) {
        out_.prove(what, holds(now.at(where), wanted), now.at(where));
    }

    expected<void> in_force() {
        if (auto set = set_all(""); !set) return set;
        const auto now = settings();
        if (!now) return fail(now.error());
        for (const char *scope : {"--live", "--config"}) {
            const std::string where = std::string("blkdeviotune") + scope;
            prove_holds(fmt::format("libvirt limits the disk ({})", scope), *now, where,
                        "total_iops_sec : 500\n");
            prove_holds(fmt::format("libvirt limits the memory ({})", scope), *now,
                        std::string("memtune") + scope, "soft_limit     : 204800\n");
        }
        prove_holds("the kernel limits what is written to the host's disk", *now, "io.max",
                    "wbps=10485760");
        prove_holds("QEMU throttles the disk", *now, "info block", "iops=500");
        prove_holds("the kernel limits the memory", *now, "memory.high", "209715200\n");
        prove_holds("the definition pins the vCPU", *now, "definition",
                    "<vcpupin vcpu='0' cpuset='0'/>");
        return {};
    }

    /// What QEMU would refuse is refused before anything is written.
    expected<void> refused() {
        const auto before = settings();
        if (!before) return fail(before.error());
        const auto done =
            tune_guest({"disk", "vda", "--read-iops-sec", "10", "--live", "--config"});
        if (!done) return fail(done.error());
        const auto after = settings();
        if (!after) return fail(after.error());
        out_.prove("a total and a limit of reading: refused as wrong usage, and nothing changes",
                   done->status == 2 && *before == *after, done->said);
        return {};
    }

    /// By another daemon than that which set it.
    expected<void> put_back() {
        on_.context().tell("kvm01: systemctl restart libvirtd.service");
        if (auto done = ask({"systemctl", "restart", "libvirtd.service"}); !done) {
            return fail(std::move(done).error());
        }
        const auto done = tune({"--revert"});
        if (!done) return fail(done.error());
        const auto now = settings();
        if (!now) return fail(now.error());
        out_.prove("the daemon restarted: all is put back",
                   done->status == 0 && done->answer.value("restored", texts_json()).size() == 7,
                   done->answer.dump());
        for (const auto &[where, text] : before_) {
            out_.prove(fmt::format("as before: {}", where), now->at(where) == text, now->at(where));
        }
        return {};
    }

    /// The limits of a run that has ended are not written into the next.
    expected<void> left_alone() {
        if (auto set = set_all("again: "); !set) return set;
        for (const char *act : {"destroy", "start"}) {
            on_.context().tell(fmt::format("kvm01: virsh {} {}", act, name()));
            if (auto done = ask({"virsh", act, name()}); !done) return fail(done.error());
        }
        const auto done = tune({"--revert"});
        if (!done) return fail(done.error());
        out_.prove("a new run: what was of the old one is told to be gone",
                   done->status == 0 && done->answer.value("gone", texts_json()).size() == 3 &&
                       done->answer.value("restored", texts_json()).size() == 4,
                   done->answer.dump());
        const auto now = settings();
        if (!now) return fail(now.error());
        prove_holds("a new run: its own limit stays", *now, "blkdeviotune--live",
                    "total_iops_sec : 500\n");
        out_.prove("a new run: the definition is as before",
                   now->at("definition") == before_.at("definition"), now->at("definition"));
        if (auto again = on_.reconnect(); !again) return again;
        auto there = libvirt::domain::lookup(on_.on().kvm01(), guest_.at.id());
        if (!there) return fail(std::move(there).error());
        guest_.at = *std::move(there);
        return {};
    }

    [[nodiscard]] static nlohmann::json texts_json() { return nlohmann::json::array(); }

    stage &on_;
    scenario_result &out_;
    performer &guest_;
    std::filesystem::path root_;
    texts before_;
};

expected<void> run_tune_domain(scenario_context &context) {
    return play(context, usual_guest(), pool_name, bytes::mib(64),
                [](stage &on, performer &guest) { return tuning_play(on, guest).play(); });
}

} // namespace

scenario tune_domain() {
    return {"tune-domain",
            "tune",
            "limits and pins by kvmig tune: in force, put back, and a later run left alone",
            false,
            run_tune_domain,
            "it restarts a host's daemon"};
}

} // namespace kvmig::lab
