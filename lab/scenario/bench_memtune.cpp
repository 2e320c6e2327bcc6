// SPDX-License-Identifier: MIT
/// bench-memtune: a guest that rests beside one that wants more memory than their host has left,
/// which is unlimited, has a hard limit, a soft one, and is unlimited again: how much of its memory
/// the guest at rest loses to swap, and how long it takes to read it. Then a hard limit without
/// swap.
#include <lab/report/median.hpp>
#include <lab/scenario/effect.hpp>
#include <lab/scenario/emulated.hpp>
#include <lab/scenario/held_memory.hpp>
#include <lab/scenario/host_look.hpp>
#include <lab/scenario/huge_memory.hpp>
#include <lab/scenario/pace.hpp>
#include <lab/scenario/page_writes.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>
#include <lab/topology/files.hpp>

#include <kvmig/libvirt/domain_limits.hpp>
#include <kvmig/tuning/memtune.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::lab {

namespace {

/// What the host has too little for both guests.
constexpr bytes shortage = bytes::mib(96);
/// What the limits leave the host beside it.
constexpr bytes slack = bytes::mib(32);
constexpr bytes greedy_memory = bytes::mib(192);
constexpr page_rate greedy_rate{20'000};
constexpr const char *swap_file = "/var/lib/kvmig-bench.swap";
constexpr bytes swap_size = bytes::mib(768);
constexpr int crowded_rounds = 3;
constexpr std::size_t looks_a_round = 2;
constexpr std::chrono::seconds between_looks{4};

const machine_spec &crowded_host() { return *find_machine("kvm01"); }

/// How both guests fared while the greedy one was limited in one way.
struct crowded_stretch {
    std::vector<double> lost;   ///< bytes of the guest at rest that were in swap, each round
    std::vector<double> checks; ///< milliseconds that it took to read its memory, each round
    std::vector<double> writes; ///< pages a second by the greedy one

    // What was read once is no longer at rest, and the host finds other memory to swap: the first
    // round tells.
    [[nodiscard]] double first_lost() const { return lost.front(); }
    [[nodiscard]] double first_check() const { return checks.front(); }
};

class crowd_play {
public:
    crowd_play(stage &on, host_look host, std::string distorted)
        : on_(on), out_(on.context().out), host_(std::move(host)),
          distorted_(std::move(distorted)) {}

    expected<void> play() {
        if (auto room = make_room(); !room) return room;
        const tuning::memtune none;
        struct row {
            const char *name;
            tuning::memtune limits;
        };
        for (const auto &[name, limits] :
             {row{"no limit", none}, row{"hard_limit", {.hard_limit = allowed_}},
              row{"soft_limit", {.soft_limit = allowed_}}, row{"no limit again", none}}) {
            if (auto played = measure(name, limits); !played) return played;
        }
        for (const auto part : {&crowd_play::put_back, &crowd_play::without_swap}) {
            if (auto played = (this->*part)(); !played) return played;
        }
        compare();
        return {};
    }

private:
    [[nodiscard]] const std::stop_token &stop() const { return on_.context().stop; }
    void tell(const std::string &what) const { on_.context().tell(what); }

    expected<void> start(const tuning::memtune &limits) {
        guest_domain quiet = usual_guest();
        quiet.disk.clear();
        quiet.settings.disk.clear();
        quiet.settings.memory = bytes::mib(96);
        quiet.settings.rate = page_rate{};
        quiet.name = quiet.settings.name = "quiet";
        guest_domain greedy = quiet;
        greedy.name = greedy.settings.name = "greedy";
        greedy.index = 1;
        greedy.settings.address.host = guest_address(greedy.index);
        greedy.memory = bytes::mib(384);
        greedy.settings.memory = greedy.settings.working_set = greedy_memory;
        greedy.settings.rate = greedy_rate;
        greedy.limits = limits;
        for (const auto &[guest, where] : {std::pair{&quiet, &quiet_}, {&greedy, &greedy_}}) {
            auto started = on_.start(*guest);
            if (!started) return fail(std::move(started).error());
            where->emplace(*std::move(started));
        }
        return {};
    }

    expected<void> dismiss() {
        for (std::optional<performer> *each : {&quiet_, &greedy_}) {
            if (auto done = on_.dismiss(**each); !done) return done;
            each->reset();
        }
        return {};
    }

    /// Swap, and memory for all that both guests take but for the shortage.
    expected<void> make_room() {
        tell("looking what both guests take");
        auto swapping = host_.shell(fmt::format("fallocate -l {0} {1}; chmod 600 {1}; mkswap {1}; "
                                                "swapon {1}",
                                                swap_size.count(), swap_file));
        if (!swapping) return fail(std::move(swapping).error());
        if (auto started = start({}); !started) return started;
        const auto quiet = held_memory_of(*quiet_, stop());
        const auto greedy = held_memory_of(*greedy_, stop());
        if (!quiet) return fail(quiet.error());
        if (!greedy) return fail(greedy.error());
        out_.prove("with memory enough nothing of a guest is in swap",
                   quiet->swapped == bytes{} && greedy->swapped == bytes{},
                   fmt::format("{:.0f} and {:.0f} MiB", quiet->swapped.as_mib(),
                               greedy->swapped.as_mib()));
        if (auto done = dismiss(); !done) return done;
        allowed_ = greedy->resident - shortage - slack;
        tell("taking memory away from the host");
        const bytes left = quiet->resident + greedy->resident - shortage;
        const auto now = leave_memory(host_, left);
        if (!now) return fail(now.error());
        out_.prove("the host has less memory than both guests take",
                   now->memory.to_be_had() < quiet->resident + greedy->resident,
                   fmt::format("{:.0f} MiB are to be had, they take {:.0f} and {:.0f}",
                               now->memory.to_be_had().as_mib(), quiet->resident.as_mib(),
                               greedy->resident.as_mib()));
        out_.measure("memory the host lacks", static_cast<double>(shortage.count()), "bytes");
        return {};
    }

    expected<void> measure(const std::string &name, const tuning::memtune &limits) {
        tell(name + ": starting both guests");
        if (auto started = start(limits); !started) return started;
        crowded_stretch &into = seen_[name];
        for (int i = 1; i <= crowded_rounds; ++i) {
            tell(fmt::format("{}: round {} of {}", name, i, crowded_rounds));
            if (auto done = watch_round(into); !done) return done;
        }
        if (auto proven = prove_limits(name, limits); !proven) return proven;
        out_.samples[name + ": memory at rest in swap"] = into.lost;
        out_.samples[name + ": checks at rest"] = into.checks;
        out_.samples[name + ": pages written a second"] = into.writes;
        out_.measure(name + ": memory at rest in swap", into.first_lost(), "bytes");
        out_.measure(name + ": memory at rest read in", into.first_check(), "ms", distorted_);
        out_.measure(name + ": pages written", median(into.writes), "pages/s", distorted_);
        if (auto quieted = write_pages(*greedy_, page_rate{}, greedy_memory); !quieted) {
            return quieted;
        }
        if (auto intact = prove_intact(name + ": the greedy guest's memory is intact", *greedy_);
            !intact) {
            return intact;
        }
        // The last two stay for what follows.
        return name == "no limit again" ? expected<void>{} : dismiss();
    }

    /// The greedy guest writes for a while; then what the other has lost, and how long it takes to
    /// read its memory, which brings it back.
    expected<void> watch_round(crowded_stretch &into) {
        const auto looks = look_on(*greedy_, looks_a_round, between_looks, stop());
        if (!looks) return fail(looks.error());
        for (const double each : pages_in(*looks).rates) into.writes.push_back(each);
        const auto held = held_memory_of(*quiet_, stop());
        if (!held) return fail(held.error());
        into.lost.push_back(static_cast<double>(held->swapped.count()));
        const auto begun = std::chrono::steady_clock::now();
        auto verdict = quiet_->watch.client().verify_memory();
        if (!verdict) return fail(std::move(verdict).error());
        if (!verdict->good()) {
            return fail(error_kind::failed,
                        fmt::format("{} of {} pages of the guest at rest are damaged", verdict->bad,
                                    verdict->checked));
        }
        into.checks.push_back(
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun)
                .count());
        return {};
    }

    /// The kernel has the limit, and holds the guest to a hard one.
    expected<void> prove_limits(const std::string &name, const tuning::memtune &limits) {
        struct row {
            const char *file;
            const std::optional<bytes> &limit;
        };
        for (const auto &[file, limit] :
             {row{"memory.max", limits.hard_limit}, row{"memory.high", limits.soft_limit}}) {
            if (!limit) continue;
            const auto set = memory_controller_says(*greedy_, file, stop());
            const auto takes = memory_controller_says(*greedy_, "memory.current", stop());
            if (!set) return fail(set.error());
            if (!takes) return fail(takes.error());
            // libvirt counts in KiB, the kernel in pages.
            const bytes page = bytes::kib(4);
            out_.prove(fmt::format("{}: the kernel has it in {}", name, file),
                       *set <= *limit && *set + page > *limit,
                       fmt::format("{} bytes, {} were asked for", set->count(), limit->count()));
            // The soft one may be passed by what is asked for while the kernel takes back.
            if (file == std::string_view{"memory.max"}) {
                out_.prove(
                    name + ": the greedy guest is held to it", *takes <= *limit,
                    fmt::format("it takes {:.1f} MiB of {:.1f}", takes->as_mib(), limit->as_mib()));
            }
            out_.measure(name + ": taken by the greedy guest", static_cast<double>(takes->count()),
                         "bytes");
        }
        return {};
    }

    expected<void> prove_intact(const std::string &what, performer &guest) {
        auto verdict = guest.watch.client().verify_memory();
        if (!verdict) return fail(std::move(verdict).error());
        out_.prove(what, verdict->good(),
                   fmt::format("{} pages checked, {} bad", verdict->checked, verdict->bad));
        return {};
    }

    /// Memory as before, and no swap.
    expected<void> put_back() {
        tell("putting the host back");
        auto done = host_.shell(fmt::format("echo 0 > {0}; swapoff {1}; rm {1}; cat {0}; "
                                            "tail -n +2 /proc/swaps | wc -l",
                                            reserved_huge_pages, swap_file));
        if (!done) return fail(std::move(done).error());
        out_.prove("the host has its memory again, and no swap", *done == "0\n0\n", *done);
        return {};
    }

    /// What the plan warns of: the kernel ends a guest that has a limit it cannot keep.
    expected<void> without_swap() {
        tell("a hard limit without swap");
        const auto held = held_memory_of(*greedy_, stop());
        if (!held) return fail(held.error());
        const tuning::memtune limits{.hard_limit = allowed_};
        const tuning::memtune_guest guest{
            .domain = greedy_->guest.name, .memory = greedy_->guest.memory, .rss = held->resident};
        const auto plan = tuning::plan_memtune(guest, {}, limits);
        if (!plan) return fail(plan.error());
        const std::string notes = fmt::format("{}", fmt::join(plan->notes, "; "));
        out_.prove("without swap: the plan warns of the end",
                   notes.find("swapped out or killed at once") != std::string::npos, notes);
        if (auto set = libvirt::write_memtune(greedy_->at, limits, VIR_DOMAIN_AFFECT_LIVE); !set) {
            return set;
        }
        auto ended = await(stop(), "the kernel ends the guest", [&]() -> expected<bool> {
            const auto now = greedy_->at.status();
            if (!now) return fail(now.error());
            return !now->active;
        });
        if (!ended) return ended;
        const auto status = greedy_->at.status();
        if (!status) return fail(status.error());
        const auto told = host_.shell("dmesg | grep 'Memory cgroup out of memory' | tail -1");
        if (!told) return fail(told.error());
        out_.prove("without swap: the kernel has ended the guest",
                   told->find("qemu-system") != std::string::npos,
                   fmt::format("libvirt: {}; the kernel: {}", status->reason_text, *told));
        if (auto intact = prove_intact("without swap: the guest at rest goes on", *quiet_);
            !intact) {
            return intact;
        }
        greedy_->watch.leave();
        if (auto gone = greedy_->at.undefine(); !gone) return gone;
        return on_.dismiss(*quiet_);
    }

    void compare() {
        const crowded_stretch &first = seen_["no limit"];
        const crowded_stretch &again = seen_["no limit again"];
        const double lost = std::min(first.first_lost(), again.first_lost());
        out_.prove("without a limit the guest at rest loses memory to the greedy one",
                   lost > static_cast<double>(bytes::mib(16).count()),
                   fmt::format("{:.1f} and {:.1f} MiB", as_mib(first.first_lost()),
                               as_mib(again.first_lost())));
        const double check = (first.first_check() + again.first_check()) / 2;
        const std::vector<double> writes = both_baselines(first.writes, again.writes);
        tell_effect(out_, "drift: pages written, no limit again for no limit", first.writes,
                    again.writes, distorted_);
        out_.measure("drift: memory at rest read, no limit again for no limit",
                     again.first_check() / first.first_check() * 100, "%", distorted_);
        for (const char *limit : {"hard_limit", "soft_limit"}) {
            const crowded_stretch &seen = seen_[limit];
            out_.prove(fmt::format("{}: the guest at rest loses less than half of that", limit),
                       seen.first_lost() < lost / 2,
                       fmt::format("{:.1f} MiB", as_mib(seen.first_lost())));
            out_.measure(fmt::format("{}: memory at rest read, for no limit", limit),
                         seen.first_check() / check * 100, "%", distorted_);
            tell_effect(out_, fmt::format("{}: pages written, for no limit", limit), writes,
                        seen.writes, distorted_);
        }
    }

    [[nodiscard]] static double as_mib(double count) {
        return count / static_cast<double>(bytes::mib(1).count());
    }

    stage &on_;
    scenario_result &out_;
    host_look host_;
    std::string distorted_;
    bytes allowed_; ///< to the greedy guest, where it is limited
    std::optional<performer> quiet_;
    std::optional<performer> greedy_;
    std::map<std::string, crowded_stretch> seen_;
};

expected<void> run_bench_memtune(scenario_context &context) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    const auto folder = context.folder / "host";
    auto host = host_look::at(crowded_host(), folder, context.stop);
    if (!host) return fail(std::move(host).error());
    auto distorted = distorted_on(crowded_host(),
                                  "a CPU that is emulated takes far longer for a page fault, and "
                                  "its disk is a file: times are not those of hardware",
                                  context.stop);
    if (!distorted) return fail(std::move(distorted).error());
    auto done = crowd_play(*on, *std::move(host), *std::move(distorted)).play();
    if (done) done = remove_tree(folder);
    return done ? on->strike() : done;
}

} // namespace

scenario bench_memtune() {
    return {"bench-memtune",
            "bench",
            "A guest beside a greedy one: without a limit, with a hard one, with a soft one",
            false,
            run_bench_memtune,
            "it takes memory away from the host"};
}

} // namespace kvmig::lab
