// SPDX-License-Identifier: MIT
/// bench-blkio: two guests write as fast as they can to one slow disk of their host. Who gets how
/// much of it, by their weights under bfq, and by the same weights where nobody heeds them; and
/// what a guest writes that is capped.
#include <lab/machine/remote.hpp>
#include <lab/report/ratio.hpp>
#include <lab/scenario/emulated.hpp>
#include <lab/scenario/pace.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/tuning/block_io.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace kvmig::lab {

namespace {

/// The disk: made of the host's memory, and as fast as this at most.
constexpr byte_rate slow_disk = byte_rate::mib(2);
/// null_blk refuses for ever what is more than its rate allows in 20 ms.
constexpr bytes largest_request = bytes::kib(16);
static_assert(largest_request.count() * 50 < slow_disk.per_second());
constexpr bytes slow_disk_size = bytes::mib(64);
/// More than the disk takes, in helpings small beside a look.
constexpr std::uint64_t wanted_blocks_a_second = 500;
constexpr std::size_t looks_a_stretch = 6;
constexpr std::chrono::seconds between_disk_looks{8};
/// What was queued, and a burst that is allowed, is behind by then.
constexpr std::chrono::seconds to_settle{5};
constexpr double near_enough = 0.05;

/// What each guest wrote between two looks, in bytes a second.
struct writing_stretch {
    std::vector<double> first;
    std::vector<double> second;
};

/// Blocks that a guest has written, on its own clock.
struct blocks_written {
    std::uint64_t blocks = 0;
    std::chrono::nanoseconds at{0};

    [[nodiscard]] double rate_since(const blocks_written &before) const {
        return static_cast<double>(blocks - before.blocks) * guest::page_bytes /
               std::chrono::duration<double>(at - before.at).count();
    }
};

class blkio_play {
public:
    blkio_play(stage &on, const machine_spec &host, std::string distorted)
        : on_(on), out_(on.context().out), host_(host), distorted_(std::move(distorted)) {}

    expected<void> play() {
        for (const auto part :
             {&blkio_play::make_disk, &blkio_play::start_writers, &blkio_play::weigh,
              &blkio_play::weigh_in_vain, &blkio_play::cap, &blkio_play::put_back}) {
            if (auto played = (this->*part)(); !played) return played;
        }
        return {};
    }

private:
    expected<std::string> shell(const std::string &text) const {
        return remote_output(host_, {"sh", "-c", "set -e; " + text}, on_.context().stop);
    }
    expected<void> told(const std::string &text) const {
        if (auto done = shell(text); !done) return fail(std::move(done).error());
        return {};
    }
    void tell(const std::string &what) const { on_.context().tell(what); }

    /// A device of its own, so that nothing else writes to it; each guest has a half.
    expected<void> make_disk() {
        tell("making a slow disk on the host");
        const auto half = slow_disk_size.count() / 2 / 512;
        // bfq waits for the next write of whom it serves, to keep the shares; a guest on an
        // emulated CPU takes longer to come with it.
        const char *wait = distorted_.empty() ? "8" : "100";
        return told(fmt::format(
            "modprobe bfq; modprobe null_blk nr_devices=0; cd /sys/kernel/config/nullb; mkdir "
            "slow; cd slow; echo 1 > memory_backed; echo {} > size; echo {} > mbps; echo 1 > "
            "power; disk=nullb$(cat index); cd /sys/block/$disk/queue; echo {} > max_sectors_kb; "
            "echo bfq > scheduler; echo 0 > iosched/low_latency; echo {} > iosched/slice_idle; "
            "for i in 0 1; do dmsetup create slow$i --table \"0 {} linear /dev/$disk $((i * "
            "{}))\"; done",
            slow_disk_size.count() >> 20U, slow_disk.per_second() >> 20U,
            largest_request.count() >> 10U, wait, half, half));
    }
    [[nodiscard]] expected<std::string> disk() const {
        auto said = shell("cat /sys/kernel/config/nullb/slow/index");
        if (!said) return said;
        return "nullb" + said->substr(0, said->find('\n'));
    }

    expected<void> start_writers() {
        for (unsigned i = 0; i < 2; ++i) {
            guest_domain guest = usual_guest();
            guest.name = fmt::format("writer{}", i + 1);
            guest.index = i;
            guest.settings.name = guest.name;
            guest.settings.address.host = guest_address(i);
            guest.settings.rate = page_rate{0};
            guest.disk = fmt::format("/dev/mapper/slow{}", i);
            guest.disk_format = "raw";
            auto started = on_.start(guest);
            if (!started) return fail(std::move(started).error());
            guests_.push_back(*std::move(started));
        }
        for (performer &each : guests_) {
            if (auto set = write_at(each, wanted_blocks_a_second); !set) return set;
        }
        return {};
    }
    static expected<void> write_at(performer &who, std::uint64_t blocks_a_second) {
        guest::workload_change change;
        change.disk_rate = blocks_a_second;
        if (auto set = who.watch.client().set_workload(change); !set) {
            return fail(std::move(set).error());
        }
        return {};
    }
    static expected<blocks_written> written_by(performer &who) {
        auto status = who.watch.client().status();
        if (!status) return fail(std::move(status).error());
        if (status->disk.fault) {
            return fail(error_kind::failed, who.guest.name + ": " + *status->disk.fault);
        }
        return blocks_written{status->disk.writes, status->monotonic};
    }

    expected<writing_stretch> watch(const std::string &name) {
        if (auto settled = pause_for(to_settle, on_.context().stop); !settled) {
            return fail(std::move(settled).error());
        }
        writing_stretch out;
        pacemaker pace(between_disk_looks, on_.context().stop);
        std::vector<blocks_written> before;
        for (performer &each : guests_) {
            auto now = written_by(each);
            if (!now) return fail(std::move(now).error());
            before.push_back(*now);
        }
        const std::vector<blocks_written> first = before;
        for (std::size_t look = 0; look < looks_a_stretch; ++look) {
            if (auto paced = pace.next(); !paced) return fail(std::move(paced).error());
            for (std::size_t i = 0; i < guests_.size(); ++i) {
                auto now = written_by(guests_[i]);
                if (!now) return fail(std::move(now).error());
                // A ratio is made of it: one that came to nothing counts as next to nothing.
                const double rate = std::max(now->rate_since(before[i]), 1.0);
                (i == 0 ? out.first : out.second).push_back(rate);
                before[i] = *now;
            }
            tell(fmt::format("{}: {:.0f} and {:.0f} KiB/s", name, out.first.back() / 1024,
                             out.second.back() / 1024));
        }
        out_.samples[name + ": writing"] = {{"first", out.first}, {"second", out.second}};
        for (std::size_t i = 0; i < guests_.size(); ++i) {
            out_.measure(fmt::format("{}: {} wrote", name, guests_[i].guest.name),
                         before[i].rate_since(first[i]), "bytes/s");
        }
        return out;
    }

    /// What the second guest wrote for what the first did, with the interval.
    ratio_of_medians told_shares(const std::string &name, const writing_stretch &seen) {
        const ratio_of_medians ratio = ratio_between(seen.first, seen.second);
        out_.measure(name + ": second for first", ratio.value * 100, "%", distorted_);
        out_.measure(name + ": second for first, at least", ratio.low * 100, "%", distorted_);
        out_.measure(name + ": second for first, at most", ratio.high * 100, "%", distorted_);
        return ratio;
    }

    expected<void> set_weights(std::uint32_t first, std::uint32_t second) const {
        return told(fmt::format("virsh -q blkiotune {} --live --weight {}; virsh -q blkiotune {} "
                                "--live --weight {}",
                                guests_[0].guest.name, first, guests_[1].guest.name, second));
    }

    /// By what the library says of it, and the text of the scheduler that it goes by.
    expected<tuning::weight_effect> effect() const {
        auto name = disk();
        if (!name) return fail(std::move(name).error());
        auto scheduler = shell(fmt::format("cat /sys/block/{}/queue/scheduler", *name));
        if (!scheduler) return fail(std::move(scheduler).error());
        auto file = shell(fmt::format("ls /sys/fs/cgroup/machine.slice/*{}*/io.bfq.weight",
                                      guests_[0].guest.name));
        tuning::weight_facts facts;
        facts.file = file ? tuning::weight_file::io_bfq : tuning::weight_file::none;
        facts.disk = *name;
        facts.scheduler = *scheduler;
        return tuning::effect_of_weight(facts);
    }

    expected<void> weigh() {
        const auto says = effect();
        if (!says) return fail(says.error());
        out_.prove("bfq: the library says that weights are heeded", says->effective, says->why);
        for (const auto &[first, second, name] :
             {std::tuple{100U, 100U, "bfq 100:100"}, std::tuple{100U, 500U, "bfq 100:500"},
              std::tuple{100U, 1000U, "bfq 100:1000"},
              std::tuple{100U, 100U, "bfq 100:100 again"}}) {
            if (auto set = set_weights(first, second); !set) return set;
            auto seen = watch(name);
            if (!seen) return fail(std::move(seen).error());
            const ratio_of_medians ratio = told_shares(name, *seen);
            const std::string text = fmt::format("{:.2f} ({:.2f}-{:.2f}) times as much",
                                                 ratio.value, ratio.low, ratio.high);
            if (first == second) {
                out_.prove(fmt::format("{}: nobody is preferred", name),
                           ratio.value > 0.75 && ratio.value < 1 / 0.75, text);
            } else {
                out_.prove(fmt::format("{}: who weighs more writes more", name), ratio.low > 1,
                           text);
            }
        }
        return {};
    }

    expected<void> weigh_in_vain() {
        auto name = disk();
        if (!name) return fail(std::move(name).error());
        if (auto none = told(fmt::format("echo none > /sys/block/{}/queue/scheduler", *name));
            !none) {
            return none;
        }
        if (auto set = set_weights(100, 1000); !set) return set;
        const auto says = effect();
        if (!says) return fail(says.error());
        auto seen = watch("no scheduler 100:1000");
        if (!seen) return fail(std::move(seen).error());
        const ratio_of_medians ratio = told_shares("no scheduler 100:1000", *seen);
        out_.prove(
            "no scheduler: libvirt takes the weight, nobody heeds it, and the library says so",
            !says->effective && ratio.value > 0.75 && ratio.value < 1 / 0.75,
            fmt::format("{:.2f} ({:.2f}-{:.2f}) times as much; {}", ratio.value, ratio.low,
                        ratio.high, says->why));
        return {};
    }

    expected<void> cap() {
        if (auto still = write_at(guests_[1], 0); !still) return still;
        for (const std::uint64_t kib : {std::uint64_t{256}, std::uint64_t{1024}}) {
            const double set = static_cast<double>(kib * 1024);
            const std::string name = fmt::format("capped at {} KiB/s", kib);
            if (auto done = told(fmt::format("virsh -q blkdeviotune {} vda --live "
                                             "--write-bytes-sec {}",
                                             guests_[0].guest.name, kib * 1024));
                !done) {
                return done;
            }
            auto seen = watch(name);
            if (!seen) return fail(std::move(seen).error());
            const double mean = out_.figures[out_.figures.size() - 2].value;
            out_.measure(name + ": written for what is allowed", mean / set * 100, "%");
            out_.prove(name + ": within 5 % of it", std::abs(mean / set - 1) <= near_enough,
                       fmt::format("{:.1f} KiB/s", mean / 1024));
        }
        return {};
    }

    expected<void> put_back() {
        tell("putting the host back");
        for (performer &each : guests_) {
            if (auto still = write_at(each, 0); !still) return still;
            auto verdict = each.watch.client().verify_disk();
            if (!verdict) return fail(std::move(verdict).error());
            out_.prove(each.guest.name + ": disk intact", verdict->good(),
                       fmt::format("{} blocks checked, {} bad", verdict->checked, verdict->bad));
            if (auto ended = on_.dismiss(each); !ended) return ended;
        }
        return told("dmsetup remove slow0; dmsetup remove slow1; cd /sys/kernel/config/nullb; echo "
                    "0 > slow/power; rmdir slow; rmmod null_blk");
    }

    stage &on_;
    scenario_result &out_;
    const machine_spec &host_;
    std::string distorted_;
    std::vector<performer> guests_;
};

expected<void> run_bench_blkio(scenario_context &context) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    const machine_spec &kvm01 = *find_machine("kvm01");
    auto distorted = distorted_on(kvm01,
                                  "a guest takes longer between two writes, and bfq serves "
                                  "another meanwhile: shares are nearer to each other than "
                                  "on hardware",
                                  context.stop);
    if (!distorted) return fail(std::move(distorted).error());
    if (auto done = blkio_play(*on, kvm01, *std::move(distorted)).play(); !done) return done;
    return on->strike();
}

} // namespace

scenario bench_blkio() {
    return {"bench-blkio",
            "bench",
            "weights under bfq and without, and caps: who writes how much to one slow disk",
            false,
            run_bench_blkio,
            "it makes a disk of its own on the host"};
}

} // namespace kvmig::lab
