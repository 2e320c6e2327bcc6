// SPDX-License-Identifier: MIT
/// bench-ksm: three like guests on a host that is short of memory; what merging saves, how soon and
/// at what cost, by the kernel's defaults, by ksmtuned's algorithm, and by this library's policy
/// with the same share of a CPU.
#include <lab/machine/remote.hpp>
#include <lab/report/median.hpp>
#include <lab/scenario/effect.hpp>
#include <lab/scenario/emulated.hpp>
#include <lab/scenario/host_look.hpp>
#include <lab/scenario/ksm_adviser.hpp>
#include <lab/scenario/pace.hpp>
#include <lab/scenario/saving.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>
#include <lab/topology/files.hpp>

#include <kvmig/tuning/ksm_plan.hpp>
#include <kvmig/tuning/ksmtuned.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <future>
#include <optional>
#include <utility>

namespace kvmig::lab {

namespace {

constexpr unsigned like_guests = 3;
constexpr std::chrono::seconds between_ksm_looks{3};
constexpr std::chrono::seconds merging_time{90};
constexpr std::chrono::seconds idle_time{30};
constexpr std::chrono::minutes longest_wait{5};
/// What is left to be had of the host's memory: below what ksmtuned and the policy keep free, also
/// once much was merged.
constexpr double part_left = 0.06;
constexpr double of_the_possible = 0.8;

/// How the guests fared while KSM ran in one way.
struct ksm_stretch {
    std::vector<saving_point> curve;
    std::vector<double> checks; ///< milliseconds that a guest took to check its memory, each time
    bool ran_to_the_end = false;
};

class ksm_play {
public:
    ksm_play(stage &on, std::vector<performer> &guests, host_look host, std::string distorted)
        : on_(on), out_(on.context().out), guests_(guests), host_(std::move(host)),
          distorted_(std::move(distorted)) {}

    expected<void> play() {
        auto before = host_.look();
        if (!before) return fail(std::move(before).error());
        before_ = *std::move(before);
        if (!before_.ksm.present() || !before_.ksmd_cpu) {
            return fail(make_error(error_kind::environment, "the host has no KSM")
                            .advise("run a kernel with CONFIG_KSM=y"));
        }
        for (const auto part : {&ksm_play::press, &ksm_play::find_possible, &ksm_play::rest,
                                &ksm_play::by_default, &ksm_play::by_ksmtuned, &ksm_play::by_policy,
                                &ksm_play::rest_again, &ksm_play::put_back}) {
            if (auto played = (this->*part)(); !played) return played;
        }
        compare();
        return {};
    }

private:
    [[nodiscard]] const std::stop_token &stop() const { return on_.context().stop; }
    void tell(const std::string &what) const { on_.context().tell(what); }

    expected<void> decide(const tuning::ksm_sample &now, const tuning::ksm_decision &what) {
        const auto plan = tuning::plan_ksm(now.ksm, what);
        if (!plan) return fail(plan.error());
        return plan->empty() ? expected<void>{} : host_.carry_out(*plan);
    }

    /// Looks, and does what the adviser says, until `enough`.
    template <class Enough>
    expected<tuning::ksm_sample> look_until(const std::string &what, Enough enough) {
        const auto deadline = std::chrono::steady_clock::now() + longest_wait;
        while (true) {
            auto now = host_.look();
            if (!now || enough(*now)) return now;
            if (std::chrono::steady_clock::now() > deadline) {
                return fail(error_kind::timed_out,
                            fmt::format("{}: not within {} min", what, longest_wait.count()));
            }
            if (auto paced = pause_for(std::chrono::seconds{1}, stop()); !paced) {
                return fail(std::move(paced).error());
            }
        }
    }

    /// Takes memory away by a pool of huge pages, so that there is a need to merge.
    expected<void> press() {
        tell("taking memory away from the host");
        const auto left = bytes{static_cast<std::uint64_t>(
            static_cast<double>(before_.memory.total.count()) * part_left)};
        const auto now = leave_memory(host_, left);
        if (!now) return fail(now.error());
        const auto daemon = tuning::ksmtuned::start(now->memory.total);
        if (!daemon) return fail(daemon.error());
        const bytes free = now->memory.free + now->memory.buffers + now->memory.cached;
        out_.prove("the host is short of memory, as KSM is made for",
                   free < daemon->threshold() && now->memory.to_be_had() < daemon->threshold(),
                   fmt::format("{:.0f} MiB free by ksmtuned's account, {:.0f} MiB to be had of "
                               "{:.0f} MiB; {:.0f} MiB are to be kept free",
                               free.as_mib(), now->memory.to_be_had().as_mib(),
                               now->memory.total.as_mib(), daemon->threshold().as_mib()));
        return {};
    }

    /// Merges as fast as the host can until that brings no more, and unmerges.
    expected<void> find_possible() {
        tell("merging all that can be merged");
        auto now = host_.look();
        if (!now) return fail(std::move(now).error());
        // The second scan merges what has not changed since the first, the third what came late.
        const auto enough_scans = now->ksm.full_scans.value_or(0) + 3;
        if (auto set = decide(*now, scan_with(5000, std::chrono::milliseconds{10}, "all of it"));
            !set) {
            return set;
        }
        now = look_until("merging all that can be merged", [&](const tuning::ksm_sample &each) {
            return each.ksm.full_scans.value_or(0) >= enough_scans;
        });
        if (!now) return fail(std::move(now).error());
        possible_ = tuning::saved(now->ksm, now->page).value_or(bytes{});
        out_.prove("like guests have pages to share", possible_ > bytes::mib(32),
                   fmt::format("{:.1f} MiB can be saved", possible_.as_mib()));
        out_.measure("memory that can be saved", static_cast<double>(possible_.count()), "bytes");
        return {};
    }

    /// Nothing merged, and ksmd as the kernel starts it.
    expected<void> begin_anew() {
        if (auto undone = host_.shell(fmt::format("cd {}; echo 2 > run", tuning::ksm_directory));
            !undone) {
            return fail(std::move(undone).error());
        }
        auto clean = look_until("unmerging", [](const tuning::ksm_sample &now) {
            return now.ksm.pages_shared == pages{0};
        });
        if (!clean) return fail(std::move(clean).error());
        if (auto set = host_.shell(fmt::format("cd {}; echo 0 > run; echo {} > pages_to_scan; echo "
                                               "20 > sleep_millisecs",
                                               tuning::ksm_directory,
                                               tuning::pages_to_scan_by_default.count()));
            !set) {
            return fail(std::move(set).error());
        }
        return {};
    }

    /// Watches for `length` how `advise` does, and keeps what was seen under `name`.
    expected<ksm_stretch> watch(const std::string &name, std::chrono::seconds length,
                                const ksm_adviser &advise) {
        tell(name + ": nothing is merged yet");
        if (auto anew = begin_anew(); !anew) return fail(std::move(anew).error());
        ksm_stretch out;
        nlohmann::json kept = nlohmann::json::array();
        std::optional<tuning::ksm_sample> first;
        // Beside the looks: on a host that is short of memory a check takes many times as long as
        // the time between two of them.
        auto check = begin_check();
        pacemaker pace(between_ksm_looks, stop());
        do {
            auto now = host_.look();
            if (!now) return fail(std::move(now).error());
            if (!first) first = *now;
            saving_point point;
            point.seconds = std::chrono::duration<double>(now->at - first->at).count();
            point.saved = tuning::saved(now->ksm, now->page).value_or(bytes{});
            if (now->ksmd_cpu) {
                point.scan_cpu =
                    std::chrono::duration<double>(*now->ksmd_cpu - *first->ksmd_cpu).count();
            }
            out.curve.push_back(point);
            out.ran_to_the_end = now->ksm.run == std::uint64_t{1};
            std::string advised;
            if (const auto said = advise(*now)) {
                advised = said->reason;
                if (auto done = decide(*now, *said); !done) return fail(std::move(done).error());
            }
            std::optional<double> took;
            if (check.wait_for(std::chrono::seconds{0}) == std::future_status::ready) {
                auto ended = check.get();
                if (!ended) return fail(std::move(ended).error());
                out.checks.push_back(took.emplace(*ended));
                check = begin_check();
            }
            kept.push_back({{"s", point.seconds},
                            {"saved", point.saved.count()},
                            {"ksmd_cpu_s", point.scan_cpu},
                            {"to_be_had", now->memory.to_be_had().count()},
                            {"pages_to_scan", tuning::get(now->ksm, "pages_to_scan").value_or("")},
                            {"full_scans", now->ksm.full_scans.value_or(0)},
                            {"check_ms", took ? nlohmann::json(*took) : nlohmann::json()},
                            {"advised", advised}});
            tell(fmt::format("{}: {:.0f} s, {:.1f} MiB saved", name, point.seconds,
                             point.saved.as_mib()));
            if (auto paced = pace.next(); !paced) return fail(std::move(paced).error());
        } while (out.curve.back().seconds < static_cast<double>(length.count()));
        auto ended = check.get();
        if (!ended) return fail(std::move(ended).error());
        out.checks.push_back(*ended);
        out_.samples[name + ": merging"] = std::move(kept);
        return out;
    }

    /// Milliseconds that a guest takes to check all its pattern, which must be whole.
    expected<double> time_check() {
        const auto begun = std::chrono::steady_clock::now();
        auto verdict = guests_.front().watch.client().verify_memory();
        if (!verdict) return fail(std::move(verdict).error());
        if (!verdict->good()) {
            return fail(error_kind::failed, fmt::format("{} of the guest's {} pages are damaged",
                                                        verdict->bad, verdict->checked));
        }
        return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun)
            .count();
    }

    [[nodiscard]] std::future<expected<double>> begin_check() {
        return std::async(std::launch::async, [this] { return time_check(); });
    }

    expected<ksm_stretch> measure(const std::string &name, const ksm_adviser &advise) {
        auto seen = watch(name, merging_time, advise);
        if (!seen) return seen;
        const auto &curve = seen->curve;
        const std::string prefix = name + ": ";
        out_.prove(prefix + "ksmd scanned to the end, and memory was saved",
                   seen->ran_to_the_end && curve.back().saved > bytes{0},
                   fmt::format("{:.1f} MiB after {:.0f} s, {}", curve.back().saved.as_mib(),
                               curve.back().seconds,
                               seen->ran_to_the_end ? "still scanning" : "no longer scanning"));
        out_.measure(prefix + "memory saved", static_cast<double>(curve.back().saved.count()),
                     "bytes");
        if (const auto after = reached_after(curve, goal())) {
            out_.measure(prefix + "80 % of the possible saved after", *after, "s", distorted_);
        }
        out_.measure(prefix + "CPU time of ksmd", curve.back().scan_cpu, "s", distorted_);
        if (const auto gain = saved_per_cpu_second(curve)) {
            out_.measure(prefix + "saved per CPU second", *gain, "bytes/s", distorted_);
        }
        return seen;
    }

    [[nodiscard]] bytes goal() const {
        return bytes{
            static_cast<std::uint64_t>(static_cast<double>(possible_.count()) * of_the_possible)};
    }

    expected<void> watch_idle(const std::string &name, ksm_stretch &into) {
        auto seen = watch(name, idle_time, [](const tuning::ksm_sample &) { return std::nullopt; });
        if (!seen) return fail(std::move(seen).error());
        into = *std::move(seen);
        out_.prove(name + ": nothing is merged", into.curve.back().saved == bytes{0},
                   fmt::format("{:.1f} MiB", into.curve.back().saved.as_mib()));
        return {};
    }
    expected<void> rest() { return watch_idle("off", off_); }
    expected<void> rest_again() { return watch_idle("off again", off_again_); }

    expected<void> by_default() {
        auto seen = measure("kernel default", as_the_kernel_does());
        if (!seen) return fail(std::move(seen).error());
        default_ = *std::move(seen);
        return {};
    }
    expected<void> by_ksmtuned() {
        auto daemon = tuning::ksmtuned::start(before_.memory.total);
        if (!daemon) return fail(std::move(daemon).error());
        auto seen = measure("ksmtuned", as_ksmtuned(*daemon));
        if (!seen) return fail(std::move(seen).error());
        ksmtuned_ = *std::move(seen);
        return {};
    }
    /// Allowed as much of a CPU as ksmtuned's algorithm took.
    expected<void> by_policy() {
        tuning::ksm_policy_settings settings;
        settings.cpu_ceiling = std::clamp(cpu_share(ksmtuned_.curve).value_or(0.2), 0.01, 1.0);
        settings.advisor = false;
        auto policy = tuning::ksm_policy::make(settings);
        if (!policy) return fail(std::move(policy).error());
        out_.measure("policy: share of a CPU allowed", settings.cpu_ceiling * 100, "%", distorted_);
        auto seen = measure("policy", as_policy(*std::move(policy)));
        if (!seen) return fail(std::move(seen).error());
        policy_ = *std::move(seen);
        return {};
    }

    expected<void> put_back() {
        tell("putting the host back");
        if (auto anew = begin_anew(); !anew) return anew;
        const auto value = [&](const char *file) {
            return tuning::get(before_.ksm, file).value_or("");
        };
        auto done = host_.shell(fmt::format(
            "echo 0 > /proc/sys/vm/nr_hugepages; cd {}; echo {} > pages_to_scan; echo {} > "
            "sleep_millisecs; echo {} > run",
            tuning::ksm_directory, value("pages_to_scan"), value("sleep_millisecs"), value("run")));
        if (!done) return fail(std::move(done).error());
        auto now = host_.look();
        if (!now) return fail(std::move(now).error());
        const auto same = [&](const char *file) {
            return tuning::get(now->ksm, file) == tuning::get(before_.ksm, file);
        };
        out_.prove("KSM is put back",
                   same("run") && same("pages_to_scan") && same("sleep_millisecs"),
                   fmt::format("run {}, pages_to_scan {}, sleep_millisecs {}",
                               tuning::get(now->ksm, "run").value_or("absent"),
                               tuning::get(now->ksm, "pages_to_scan").value_or("absent"),
                               tuning::get(now->ksm, "sleep_millisecs").value_or("absent")));
        for (performer &each : guests_) {
            auto verdict = each.watch.client().verify_memory();
            if (!verdict) return fail(std::move(verdict).error());
            out_.prove(each.guest.name + ": memory intact", verdict->good(),
                       fmt::format("{} pages checked, {} bad", verdict->checked, verdict->bad));
        }
        return {};
    }

    void compare() {
        out_.measure("off: check of a guest's memory", median(off_.checks), "ms", distorted_);
        tell_effect(out_, "drift: that check, off again for off", off_.checks, off_again_.checks,
                    distorted_);
        const std::vector<double> off = both_baselines(off_.checks, off_again_.checks);
        tell_effect(out_, "kernel default: that check, for off", off, default_.checks, distorted_);
        tell_effect(out_, "ksmtuned: that check, for off", off, ksmtuned_.checks, distorted_);
        tell_effect(out_, "policy: that check, for off", off, policy_.checks, distorted_);
        const auto beside = [&](const char *what, double ours, double theirs,
                                const std::string &why = {}) {
            if (theirs > 0) {
                out_.measure(fmt::format("policy for ksmtuned: {}", what), ours / theirs * 100, "%",
                             why);
            }
        };
        beside("memory saved", static_cast<double>(policy_.curve.back().saved.count()),
               static_cast<double>(ksmtuned_.curve.back().saved.count()));
        beside("CPU time of ksmd", policy_.curve.back().scan_cpu, ksmtuned_.curve.back().scan_cpu);
        const auto ours = reached_after(policy_.curve, goal());
        const auto theirs = reached_after(ksmtuned_.curve, goal());
        if (ours && theirs) beside("time until 80 % of the possible", *ours, *theirs, distorted_);
    }

    stage &on_;
    scenario_result &out_;
    std::vector<performer> &guests_;
    host_look host_;
    std::string distorted_;
    tuning::ksm_sample before_;
    bytes possible_;
    ksm_stretch off_;
    ksm_stretch default_;
    ksm_stretch ksmtuned_;
    ksm_stretch policy_;
    ksm_stretch off_again_;
};

/// Guests whose memory is of one pattern: that follows from the boot id.
expected<std::vector<performer>> start_like_guests(stage &on) {
    std::vector<performer> out;
    const auto same = uuid::parse("6b766d69-6720-4c69-8b65-206775657374");
    if (!same) return fail(same.error());
    for (unsigned i = 0; i < like_guests; ++i) {
        guest_domain guest = usual_guest();
        guest.name = fmt::format("like{}", i + 1);
        guest.index = i;
        guest.settings.name = guest.name;
        guest.settings.address.host = guest_address(i);
        guest.settings.disk.clear();
        guest.settings.boot_id = *same;
        auto started = on.start(guest);
        if (!started) return fail(std::move(started).error());
        out.push_back(*std::move(started));
    }
    return out;
}

expected<void> run_bench_ksm(scenario_context &context) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    auto guests = start_like_guests(*on);
    if (!guests) return fail(std::move(guests).error());
    const machine_spec &kvm01 = *find_machine("kvm01");
    const auto folder = context.folder / "host";
    auto host = host_look::at(kvm01, folder, context.stop);
    if (!host) return fail(std::move(host).error());
    auto distorted = distorted_on(kvm01,
                                  "a CPU that is emulated compares and copies pages far more "
                                  "slowly than it sleeps: times and CPU costs are not those "
                                  "of hardware, only their order is",
                                  context.stop);
    if (!distorted) return fail(std::move(distorted).error());
    auto done = ksm_play(*on, *guests, *std::move(host), *std::move(distorted)).play();
    for (performer &each : *guests) {
        if (done) done = on->dismiss(each);
    }
    if (done) done = remove_tree(folder);
    return done ? on->strike() : done;
}

} // namespace

scenario bench_ksm() {
    return {"bench-ksm",
            "bench",
            "KSM off, by default, by ksmtuned's algorithm and by the library's policy",
            false,
            run_bench_ksm,
            "it takes memory away from the host"};
}

} // namespace kvmig::lab
