// SPDX-License-Identifier: MIT
/// bench-profile: a guest's writes to memory and disk, and its moves, on a host as it is, under
/// tuned's profile virtual-host, and as it was again; the profile is applied by `kvmig tune
/// profile` on that host, and put back by `kvmig tune --revert`.
#include <lab/machine/remote.hpp>
#include <lab/scenario/effect.hpp>
#include <lab/scenario/emulated.hpp>
#include <lab/scenario/noted_moves.hpp>
#include <lab/scenario/page_writes.hpp>
#include <lab/scenario/program_there.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::lab {

namespace {

constexpr bytes written_memory = bytes::mib(48);
/// More than the store takes.
constexpr std::uint64_t asked_blocks = 2000;
constexpr std::size_t looks_at_writes = 5;
constexpr std::chrono::seconds between_write_looks{4};
constexpr const char *profile_name = "virtual-host";

/// How the guest fared under one setting of its host.
struct profile_stretch {
    std::vector<double> memory; ///< pages a second
    std::vector<double> disk;   ///< blocks a second
    noted_moves moves;
};

class profile_play {
public:
    profile_play(stage &on, performer &who, program_there program, std::string distorted)
        : on_(on), out_(on.context().out), who_(who), program_(std::move(program)),
          distorted_(std::move(distorted)) {}

    expected<void> play() {
        for (const auto part : {&profile_play::untouched, &profile_play::tuned,
                                &profile_play::put_back, &profile_play::untouched_again}) {
            if (auto played = (this->*part)(); !played) return played;
        }
        compare();
        return program_.remove();
    }

private:
    [[nodiscard]] const std::stop_token &stop() const { return on_.context().stop; }

    /// `kvmig tune … --json` on kvm01; what it answers under `key`.
    expected<nlohmann::json> tune(std::vector<std::string> arguments, const char *key) const {
        arguments.insert(arguments.begin(), {"tune", "--json"});
        const std::string doing = fmt::format("kvmig {}", fmt::join(arguments, " "));
        on_.context().tell("kvm01: " + doing);
        const auto done = program_.run(arguments);
        if (!done) return fail(done.error());
        const auto answer = nlohmann::json::parse(done->out, nullptr, false);
        if (done->status == 0 && answer.is_object() && answer.contains(key)) return answer[key];
        return fail(
            make_error(error_kind::failed, fmt::format("{} ended with status {}: {}{}", doing,
                                                       done->status, done->out, done->err))
                .on("kvm01"));
    }

    /// All bytes of every file that the profile speaks of, and of all of /proc/sys/vm.
    [[nodiscard]] expected<std::string> bytes_of_settings() const {
        // What cannot be read, such as a trigger, is no setting.
        return remote_shell(*find_machine("kvm01"),
                            fmt::format("for file in {} /proc/sys/vm/*; do if bytes=$(base64 -w0 "
                                        "\"$file\" 2>/dev/null); then echo \"$file $bytes\"; fi; "
                                        "done",
                                        fmt::join(files_, " ")),
                            stop());
    }

    expected<void> untouched() {
        const auto files = tune({"profile", profile_name, "--diff"}, "files");
        if (!files) return fail(files.error());
        for (const auto &each : *files) files_.push_back(each.value("target", ""));
        auto before = bytes_of_settings();
        if (!before) return fail(std::move(before).error());
        before_ = *std::move(before);
        return watch("untouched", untouched_);
    }

    expected<void> tuned() {
        auto changes = tune({"profile", profile_name}, "changes");
        if (!changes) return fail(std::move(changes).error());
        for (const auto &each : *changes) changed_.insert(each.value("target", ""));
        out_.prove("virtual-host: it changes the host", !changed_.empty(),
                   fmt::format("{}", fmt::join(changed_, ", ")));
        out_.samples["virtual-host: changes"] = *std::move(changes);
        const auto left = tune({"profile", profile_name, "--dry-run"}, "changes");
        if (!left) return fail(left.error());
        out_.prove("virtual-host: nothing is left to change", left->empty(), left->dump());
        return watch(profile_name, tuned_);
    }

    expected<void> put_back() {
        const auto restored = tune({"--revert"}, "restored");
        if (!restored) return fail(restored.error());
        std::set<std::string> back;
        for (const auto &each : *restored) back.insert(each.get<std::string>());
        out_.prove("put back: each file that was changed",
                   std::includes(back.begin(), back.end(), changed_.begin(), changed_.end()),
                   fmt::format("{}", fmt::join(back, ", ")));
        auto after = bytes_of_settings();
        if (!after) return fail(std::move(after).error());
        out_.prove(
            "put back: the host is byte for byte as before", *after == before_,
            fmt::format("{} settings compared", std::count(before_.begin(), before_.end(), '\n')));
        return {};
    }

    expected<void> untouched_again() { return watch("untouched again", untouched_again_); }

    expected<void> watch(const std::string &name, profile_stretch &into) {
        if (auto done = watch_memory(name, into); !done) return done;
        if (auto done = watch_disk(name, into); !done) return done;
        if (auto there = move_there(on_, who_, name, into.moves); !there) return there;
        return move_back(on_, who_, name, into.moves);
    }

    expected<void> watch_memory(const std::string &name, profile_stretch &into) {
        on_.context().tell(name + ": the guest writes to its memory");
        if (!asked_) {
            auto found = more_pages_than_it_can(who_, written_memory, stop());
            if (!found) return fail(std::move(found).error());
            asked_ = *found;
        }
        if (auto set = write_pages(who_, *asked_, written_memory); !set) return set;
        const auto looks = look_on(who_, looks_at_writes, between_write_looks, stop());
        if (!looks) return fail(looks.error());
        into.memory = keep(name + ": pages written", pages_in(*looks), "pages/s");
        return write_pages(who_, usual_guest().settings.rate, usual_guest().settings.working_set);
    }

    expected<void> watch_disk(const std::string &name, profile_stretch &into) {
        on_.context().tell(name + ": the guest writes to its disk");
        if (auto set = write_blocks(asked_blocks); !set) return set;
        const auto looks = look_on(who_, looks_at_writes, between_write_looks, stop());
        if (!looks) return fail(looks.error());
        const auto &disk = looks->back().disk;
        out_.prove(name + ": the guest's disk takes what it writes",
                   !disk.fault && disk.writes > looks->front().disk.writes,
                   disk.fault.value_or(fmt::format("{} blocks in all", disk.writes)));
        into.disk = keep(name + ": blocks written", blocks_in(*looks), "blocks/s");
        return write_blocks(0);
    }
    expected<void> write_blocks(std::uint64_t rate) {
        guest::workload_change change;
        change.disk_rate = rate;
        if (auto set = who_.watch.client().set_workload(change); !set) {
            return fail(std::move(set).error());
        }
        return {};
    }

    std::vector<double> keep(const std::string &name, const work_seen &seen, const char *unit) {
        out_.samples[name] = seen.rates;
        out_.measure(name, seen.on_the_whole, unit, distorted_);
        return seen.rates;
    }

    void compare() {
        struct row {
            const char *what;
            std::vector<double> profile_stretch::*values;
        };
        for (const auto &[what, values] : {row{"pages written", &profile_stretch::memory},
                                           row{"blocks written", &profile_stretch::disk}}) {
            tell_effect(out_, fmt::format("drift: {}, for untouched", what), untouched_.*values,
                        untouched_again_.*values, distorted_);
            tell_effect(out_, fmt::format("{}: {}, for untouched", profile_name, what),
                        both_baselines(untouched_.*values, untouched_again_.*values),
                        tuned_.*values, distorted_);
        }
        tell_moves(out_, "drift", "untouched", untouched_.moves, untouched_again_.moves,
                   distorted_);
        tell_moves(out_, profile_name, "untouched",
                   both_baselines(untouched_.moves, untouched_again_.moves), tuned_.moves,
                   distorted_);
    }

    stage &on_;
    scenario_result &out_;
    performer &who_;
    program_there program_;
    std::string distorted_;
    std::vector<std::string> files_; ///< of which the profile speaks
    std::string before_;
    std::set<std::string> changed_;  ///< the files that it changed
    std::optional<page_rate> asked_; ///< more than the guest can do
    profile_stretch untouched_;
    profile_stretch tuned_;
    profile_stretch untouched_again_;
};

expected<void> run_bench_profile(scenario_context &context) {
    const machine_spec &kvm01 = *find_machine("kvm01");
    auto distorted = distorted_on(kvm01,
                                  "it has no governor and no idle states, and its disk is a file "
                                  "in memory: what the profile sets beside has little to act on",
                                  context.stop);
    if (!distorted) return fail(std::move(distorted).error());
    context.tell("taking this program to kvm01");
    auto program = program_there::bring(kvm01, context.stop);
    if (!program) return fail(std::move(program).error());
    return play(context, usual_guest(), pool_name, bytes::mib(64),
                [&](stage &on, performer &guest) {
                    return profile_play(on, guest, *program, *distorted).play();
                });
}

} // namespace

scenario bench_profile() {
    return {"bench-profile",
            "bench",
            "tuned's virtual-host by kvmig tune: a guest's writes and moves, and the host put back",
            false,
            run_bench_profile,
            "it tunes a host"};
}

} // namespace kvmig::lab
