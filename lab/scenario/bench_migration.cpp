// SPDX-License-Identifier: MIT
/// bench-migration-under-tuning: a guest's moves between hosts as they are, while KSM scans on
/// both, with its disk capped, on reserved huge pages, and on hosts as they were again.
#include <lab/machine/remote.hpp>
#include <lab/scenario/bench_image.hpp>
#include <lab/scenario/disk_cap.hpp>
#include <lab/scenario/effect.hpp>
#include <lab/scenario/huge_memory.hpp>
#include <lab/scenario/kept_settings.hpp>
#include <lab/scenario/noted_moves.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/tuning/ksm.hpp>

#include <cstdint>
#include <fmt/format.h>
#include <map>
#include <string>
#include <utility>

namespace kvmig::lab {

namespace {

/// Each kind of move so often there and back.
constexpr int rounds = 3;
/// Below what the guest writes, so that requests wait at the cap when it moves.
constexpr byte_rate cap_of_disk{64ULL << 10U};

class migration_play {
public:
    migration_play(stage &on, std::string image, std::string distorted)
        : on_(on), out_(on.context().out), image_(std::move(image)),
          distorted_(std::move(distorted)) {}

    expected<void> play() {
        const std::string ksm{tuning::ksm_directory};
        auto before =
            kept_settings::read({reserved_huge_pages, ksm + "pages_to_scan", ksm + "run"}, stop());
        if (!before) return fail(std::move(before).error());
        for (const auto part :
             {&migration_play::on_ordinary_pages, &migration_play::on_huge_pages}) {
            if (auto played = (this->*part)(); !played) return played;
        }
        tell("putting the hosts back");
        if (auto back = before->put_back(out_); !back) return back;
        compare();
        return {};
    }

private:
    [[nodiscard]] const std::stop_token &stop() const { return on_.context().stop; }
    void tell(const std::string &what) const { on_.context().tell(what); }

    [[nodiscard]] expected<performer> start(bool huge_pages) {
        guest_domain guest = usual_guest();
        guest.disk = image_;
        guest.settings.disk_rate = 50;
        guest.huge_pages = huge_pages;
        for (const machine_spec *host : both_hosts()) {
            auto reserved = reserve_huge_pages(*host, huge_pages ? guest.memory : bytes{}, stop());
            if (!reserved) return fail(std::move(reserved).error());
        }
        return on_.start(guest);
    }

    expected<void> move_about(const std::string &name, performer &who) {
        for (int round = 1; round <= rounds; ++round) {
            const std::string prefix = fmt::format("{} {}", name, round);
            if (auto there = move_there(on_, who, prefix, seen_[name]); !there) return there;
            if (auto back = move_back(on_, who, prefix, seen_[name]); !back) return back;
        }
        return {};
    }

    [[nodiscard]] expected<void> on_both_hosts(const std::string &shell) const {
        for (const machine_spec *host : both_hosts()) {
            if (auto done = remote_shell(*host, shell, stop()); !done) {
                return fail(std::move(done).error());
            }
        }
        return {};
    }

    /// Scans as fast as ksmtuned ever lets it, and then as it was.
    expected<void> while_ksm_scans(performer &who) {
        auto set = on_both_hosts(fmt::format("cd {} && echo 1250 > pages_to_scan && echo 1 > run",
                                             tuning::ksm_directory));
        if (!set) return set;
        if (auto moved = move_about("KSM", who); !moved) return moved;
        std::string seen;
        bool scanned = true;
        for (const machine_spec *host : both_hosts()) {
            const auto scans =
                remote_shell(*host, fmt::format("cat {}full_scans", tuning::ksm_directory), stop());
            if (!scans) return fail(scans.error());
            scanned = scanned && scans->find_first_not_of("0\n") != std::string::npos;
            seen += fmt::format("{}{}: {} full scans", seen.empty() ? "" : ", ", host->name,
                                scans->substr(0, scans->find('\n')));
        }
        out_.prove("KSM: it scanned on both hosts", scanned, seen);
        return on_both_hosts(fmt::format("cd {} && echo 2 > run", tuning::ksm_directory));
    }

    expected<void> with_a_capped_disk(performer &who) {
        if (auto set = cap_writes(who.at, cap_of_disk); !set) return set;
        if (auto moved = move_about("capped disk", who); !moved) return moved;
        const auto now = libvirt::read_iotune(who.at, "vda", VIR_DOMAIN_AFFECT_LIVE);
        if (!now) return fail(now.error());
        const std::uint64_t most = (*now)[tuning::io_limit::write_bytes].avg;
        out_.prove("capped disk: the cap came along", most == cap_of_disk.per_second(),
                   fmt::format("{} bytes a second after {} moves", most, 2 * rounds));
        return cap_writes(who.at, byte_rate{0});
    }

    expected<void> on_ordinary_pages() {
        auto who = start(false);
        if (!who) return fail(std::move(who).error());
        auto done = move_about("as they are", *who);
        if (done) done = while_ksm_scans(*who);
        if (done) done = with_a_capped_disk(*who);
        if (done) done = move_about("as they are again", *who);
        return done ? on_.dismiss(*who) : done;
    }

    expected<void> on_huge_pages() {
        auto who = start(true);
        if (!who) return fail(std::move(who).error());
        auto done = move_about("huge pages", *who);
        return done ? on_.dismiss(*who) : done;
    }

    void compare() {
        const noted_moves &first = seen_["as they are"];
        const noted_moves &again = seen_["as they are again"];
        tell_moves(out_, "drift", "hosts as they are", first, again, distorted_);
        const noted_moves plain = both_baselines(first, again);
        for (const char *tuned : {"KSM", "capped disk", "huge pages"}) {
            tell_moves(out_, tuned, "hosts as they are", plain, seen_[tuned], distorted_);
        }
    }

    stage &on_;
    scenario_result &out_;
    std::string image_;
    std::string distorted_;
    std::map<std::string, noted_moves> seen_;
};

expected<void> run_bench_migration(scenario_context &context) {
    return play_on_image(
        context,
        "its one CPU serves QEMU, ksmd and the link alike: what scanning "
        "and huge pages cost or gain a move is not what it is there",
        [](stage &on, std::string image, std::string distorted) {
            return migration_play(on, std::move(image), std::move(distorted)).play();
        });
}

} // namespace

scenario bench_migration_under_tuning() {
    return {"bench-migration-under-tuning",
            "bench",
            "a guest's moves while KSM scans, with its disk capped, and on huge pages",
            false,
            run_bench_migration,
            "it tunes the hosts"};
}

} // namespace kvmig::lab
