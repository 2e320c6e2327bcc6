// SPDX-License-Identifier: MIT
/// bench-blkio: two guests write as fast as they can to one slow disk of their host. Who gets how
/// much of it, by their weights under bfq, and by the same weights where nobody heeds them; and
/// what a guest writes that is capped.
#include <lab/guest/pattern.hpp>
#include <lab/machine/remote.hpp>
#include <lab/scenario/counted.hpp>
#include <lab/scenario/disk_cap.hpp>
#include <lab/scenario/effect.hpp>
#include <lab/scenario/emulated.hpp>
#include <lab/scenario/pace.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/host/remote_command.hpp>
#include <kvmig/libvirt/domain_blkiotune.hpp>
#include <kvmig/libvirt/domain_limits.hpp>
#include <kvmig/run/host_disks.hpp>
#include <kvmig/tuning/blkiotune.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::lab {

namespace {

/// Of a null_blk device the kernel's own first name, or the one that it is given (Linux 6.1).
constexpr const char *slow_disk_name = "nullb0";
/// The disk: made of the host's memory, and as fast as this at most.
constexpr byte_rate slow_disk = byte_rate::mib(2);
/// One of them, and no more, is within the disk's rate in the 20 ms for which null_blk counts: what
/// is more than that it refuses for ever, and what waits for it is past bfq.
constexpr bytes largest_request = bytes::kib(32);
static_assert(largest_request.count() * 50 < slow_disk.per_second() &&
              largest_request.count() * 100 > slow_disk.per_second());
/// bfq's turn: less than a guest has waiting, which is then still there when its turn ends, and can
/// be weighed. A turn takes some 80 ms, and is not to end by its time.
constexpr bytes turn = bytes::kib(128);
constexpr std::chrono::milliseconds longest_turn{1000};
constexpr bytes slow_disk_size = bytes::mib(64);
constexpr bytes slow_pattern = bytes::mib(8);
/// What each guest wants of the disk, more than there is, in helpings of 200 KiB at most.
constexpr std::uint64_t wanted_blocks_a_second = 500;
constexpr std::size_t looks_a_stretch = 6;
constexpr std::chrono::seconds between_disk_looks{5};
/// What was queued, and a burst that is allowed, is behind by then.
constexpr std::chrono::seconds to_settle{5};
constexpr std::uint32_t usual_weight = 100;
constexpr std::array<std::uint32_t, 2> heavier_weights{500, 1000};
constexpr std::array<byte_rate, 2> caps{byte_rate{128ULL << 10U}, byte_rate{512ULL << 10U}};
/// Less than any weight here is to bring, and more than a busy machine's scatter.
constexpr double much_more = 2;

/// Bytes a second that each guest wrote, look by look.
struct writing_stretch {
    std::vector<double> first;
    std::vector<double> second;
    double first_on_the_whole = 0;
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
    [[nodiscard]] expected<std::string> shell(const std::string &text) const {
        return remote_shell(host_, text, on_.context().stop);
    }
    [[nodiscard]] expected<void> told(const std::string &text) const {
        if (auto done = shell(text); !done) return fail(std::move(done).error());
        return {};
    }
    void tell(const std::string &what) const { on_.context().tell(what); }

    /// A device of its own, so that nothing else writes to it; each guest has a half.
    expected<void> make_disk() {
        tell("making a slow disk on the host");
        const auto half = slow_disk_size.count() / 2 / 512;
        // Milliseconds that bfq waits for the next write of whom it serves, to keep the shares: its
        // own default. Of a guest on an emulated CPU 100 were too few to tell the weights apart.
        const char *wait = distorted_.empty() ? "8" : "500";
        return told(fmt::format(
            "modprobe bfq; modprobe null_blk nr_devices=0; mountpoint -q /sys/kernel/config || "
            "mount -t configfs none /sys/kernel/config; cd /sys/kernel/config/nullb; mkdir {0}; cd "
            "{0}; echo 1 > memory_backed; echo {1} > size; echo {2} > mbps; echo 1 > power; cd "
            "/sys/block/{0}/queue; echo {3} > max_sectors_kb; echo bfq > scheduler; echo 0 > "
            "iosched/low_latency; echo {4} > iosched/slice_idle; echo {5} > iosched/max_budget; "
            "echo {6} > iosched/timeout_sync; for i in 0 1; do dmsetup create slow$i --table \"0 "
            "{7} linear /dev/{0} $((i * {7}))\"; done",
            slow_disk_name, slow_disk_size.count() >> 20U, slow_disk.per_second() >> 20U,
            largest_request.count() >> 10U, wait, turn.count() / 512, longest_turn.count(), half));
    }

    expected<void> start_writers() {
        for (unsigned i = 0; i < 2; ++i) {
            guest_domain guest = usual_guest();
            guest.name = fmt::format("writer{}", i + 1);
            guest.index = i;
            guest.settings.name = guest.name;
            guest.settings.address.host = guest_address(i);
            guest.settings.rate = page_rate{0};
            guest.settings.disk_size = slow_pattern;
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
    static expected<counted> look_at(performer &who) {
        auto status = who.watch.client().status();
        if (!status) return fail(std::move(status).error());
        if (status->disk.fault) {
            return fail(error_kind::failed, who.guest.name + ": " + *status->disk.fault);
        }
        return counted{static_cast<double>(status->disk.writes * guest::page_bytes),
                       status->monotonic};
    }

    /// Watches what the guests write for a while, and keeps it under `name`.
    expected<writing_stretch> watch(const std::string &name) {
        if (auto settled = pause_for(to_settle, on_.context().stop); !settled) {
            return fail(std::move(settled).error());
        }
        std::array<std::vector<counted>, 2> looks;
        pacemaker pace(between_disk_looks, on_.context().stop);
        while (true) {
            for (std::size_t i = 0; i < writing_; ++i) {
                auto now = look_at(guests_[i]);
                if (!now) return fail(std::move(now).error());
                looks.at(i).push_back(*now);
            }
            if (looks[0].size() > looks_a_stretch) break;
            if (auto paced = pace.next(); !paced) return fail(std::move(paced).error());
        }
        std::array<double, 2> whole{};
        std::string said;
        for (std::size_t i = 0; i < writing_; ++i) {
            whole.at(i) = rate_between(looks.at(i).front(), looks.at(i).back());
            const std::string what = fmt::format("{}: {} wrote", name, guests_[i].guest.name);
            out_.measure(what, whole.at(i), "bytes/s", distorted_);
            said += fmt::format("{}{:.0f}", said.empty() ? "" : " and ", whole.at(i) / 1024);
        }
        tell(fmt::format("{}: {} KiB/s", name, said));
        writing_stretch out{rates_of(looks[0]), rates_of(looks[1]), whole[0]};
        out_.samples[name + ": writing"] = {{"first", out.first}, {"second", out.second}};
        return out;
    }

    [[nodiscard]] static std::string text_of(const ratio_of_medians &ratio) {
        return fmt::format("{:.2f} ({:.2f}-{:.2f}) times as much", ratio.value, ratio.low,
                           ratio.high);
    }

    /// Sets what each guest weighs, proves that it came to the kernel, and says what the library
    /// tells of the effect that it has on the slow disk: nothing where it has one.
    expected<std::string> set_weights(const std::string &name, std::uint32_t second) {
        const std::array weights{usual_weight, second};
        auto there = host::shell_of(libvirt_uri(host_));
        if (!there) return fail(std::move(there).error());
        auto disks = run::read_host_disks({std::string(host_.name), *std::move(there)});
        if (!disks) return fail(std::move(disks).error());
        // Of the slow disk alone: the host's others have schedulers of their own.
        std::erase_if(*disks, [&](const auto &each) { return each.disk != slow_disk_name; });
        std::vector<std::string> said;
        for (std::size_t i = 0; i < guests_.size(); ++i) {
            const performer &who = guests_[i];
            const auto now = libvirt::read_blkiotune(who.at, VIR_DOMAIN_AFFECT_LIVE);
            if (!now) return fail(now.error());
            tuning::blkiotune to = *now;
            to.weight = weights.at(i);
            // From none: a plan that changes nothing says nothing.
            const auto plan =
                tuning::plan_blkiotune(who.guest.name, true, {.weight = 0}, to, *disks);
            if (!plan) return fail(plan.error());
            said = plan->notes;
            if (auto set = libvirt::write_blkiotune(who.at, to, VIR_DOMAIN_AFFECT_LIVE); !set) {
                return fail(std::move(set).error());
            }
            auto kept = shell(fmt::format("cat /sys/fs/cgroup/machine.slice/*{}.scope/"
                                          "io.bfq.weight",
                                          who.guest.name));
            if (!kept) return kept;
            out_.prove(fmt::format("{}: the kernel has the weight of {}", name, who.guest.name),
                       *kept == fmt::format("default {}\n", to.weight), *kept);
        }
        return fmt::format("{}", fmt::join(said, "; "));
    }

    expected<void> weigh_evenly(const std::string &name, writing_stretch &into) {
        auto says = set_weights(name, usual_weight);
        if (!says) return fail(std::move(says).error());
        auto seen = watch(name);
        if (!seen) return fail(std::move(seen).error());
        into = *std::move(seen);
        const auto ratio =
            tell_effect(out_, name + ": second for first", into.first, into.second, distorted_);
        out_.prove(name + ": nobody is preferred",
                   ratio.value < much_more && ratio.value > 1 / much_more, text_of(ratio));
        return {};
    }

    expected<void> weigh() {
        writing_stretch even;
        writing_stretch even_again;
        if (auto done = weigh_evenly("bfq 100:100", even); !done) return done;
        for (const std::uint32_t second : heavier_weights) {
            const std::string name = fmt::format("bfq 100:{}", second);
            auto says = set_weights(name, second);
            if (!says) return fail(std::move(says).error());
            auto seen = watch(name);
            if (!seen) return fail(std::move(seen).error());
            const auto ratio = tell_effect(out_, name + ": second for first", seen->first,
                                           seen->second, distorted_);
            out_.prove(name + ": who weighs more writes more, and the library has no objection",
                       ratio.low > 1 && says->empty(), text_of(ratio) + *says);
        }
        if (auto done = weigh_evenly("bfq 100:100 again", even_again); !done) return done;
        tell_effect(out_, "drift: what the first wrote, again", even.first, even_again.first,
                    distorted_);
        return {};
    }

    expected<void> weigh_in_vain() {
        if (auto none =
                told(fmt::format("echo none > /sys/block/{}/queue/scheduler", slow_disk_name));
            !none) {
            return none;
        }
        const std::string name = fmt::format("no scheduler 100:{}", heavier_weights.back());
        auto says = set_weights(name, heavier_weights.back());
        if (!says) return fail(std::move(says).error());
        auto seen = watch(name);
        if (!seen) return fail(std::move(seen).error());
        const auto ratio =
            tell_effect(out_, name + ": second for first", seen->first, seen->second, distorted_);
        out_.prove(name + ": taken without a word, and nobody heeds it",
                   ratio.value < much_more && ratio.value > 1 / much_more, text_of(ratio));
        out_.prove(name + ": the library says that it has no effect",
                   says->find("has no effect") != std::string::npos, *says);
        return {};
    }

    /// The first alone: what it writes without a cap, with each, and without one again.
    expected<void> cap() {
        if (auto still = write_at(guests_[1], 0); !still) return still;
        writing_ = 1;
        auto free = watch("no cap");
        if (!free) return fail(std::move(free).error());
        for (const byte_rate most : caps) {
            if (auto set = cap_writes(guests_[0].at, most); !set) return set;
            const std::string name = fmt::format("capped at {} KiB/s", most.per_second() / 1024);
            auto seen = watch(name);
            if (!seen) return fail(std::move(seen).error());
            const cap_verdict verdict = beside_cap(seen->first_on_the_whole, most);
            const bool busy = !verdict.near && !distorted_.empty();
            out_.measure(
                name + ": written for what is allowed",
                seen->first_on_the_whole / static_cast<double>(most.per_second()) * 100, "%",
                busy ? "emulated host: it was too busy to come within 5 % of the cap" : "");
            const auto effect = tell_effect(out_, name + ": written for no cap", free->first,
                                            seen->first, distorted_);
            out_.prove(name + ": the cap is heeded", effect.high < 1 && (verdict.near || busy),
                       verdict.said);
        }
        if (auto off = cap_writes(guests_[0].at, byte_rate{0}); !off) return off;
        auto again = watch("no cap again");
        if (!again) return fail(std::move(again).error());
        tell_effect(out_, "drift: written without a cap, again", free->first, again->first,
                    distorted_);
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
        return told(fmt::format("dmsetup remove slow0; dmsetup remove slow1; cd "
                                "/sys/kernel/config/nullb; echo 0 > {0}/power; rmdir {0}; cd /; "
                                "rmmod null_blk",
                                slow_disk_name));
    }

    stage &on_;
    scenario_result &out_;
    const machine_spec &host_;
    std::string distorted_;
    std::vector<performer> guests_;
    std::size_t writing_ = 2; ///< how many of them do
};

expected<void> run_bench_blkio(scenario_context &context) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    const machine_spec &kvm01 = *find_machine("kvm01");
    auto distorted = distorted_on(kvm01,
                                  "a guest is slow to come with its next write, for which bfq is "
                                  "made to wait 500 ms instead of 8: what is written in all is not "
                                  "that of hardware",
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
