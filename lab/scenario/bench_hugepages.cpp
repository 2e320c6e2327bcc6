// SPDX-License-Identifier: MIT
/// bench-hugepages: a guest that writes a word to page after page, on ordinary pages of its host,
/// on transparent huge pages and on pages of 2 MiB that were reserved: how fast it does so, and
/// how it is moved.
#include <lab/machine/remote.hpp>
#include <lab/scenario/bench_image.hpp>
#include <lab/scenario/effect.hpp>
#include <lab/scenario/huge_memory.hpp>
#include <lab/scenario/kept_settings.hpp>
#include <lab/scenario/noted_moves.hpp>
#include <lab/scenario/page_writes.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/tuning/transparent_huge_pages.hpp>

#include <chrono>
#include <cstdint>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::lab {

namespace {

constexpr bytes paged_memory = bytes::mib(64);
constexpr std::size_t looks_at_work = 6;
constexpr std::chrono::seconds between_work_looks{5};

/// What a guest's memory lies on.
enum class page_kind : std::uint8_t { ordinary, transparent, reserved };

/// How the guest fared on pages of one kind.
struct paged_stretch {
    std::vector<double> writes; ///< pages a second
    noted_moves moves;
};

class pages_play {
public:
    pages_play(stage &on, std::string image, std::string distorted)
        : on_(on), out_(on.context().out), image_(std::move(image)),
          distorted_(std::move(distorted)) {}

    expected<void> play() {
        auto before = kept_settings::read(
            {reserved_huge_pages, fmt::format("{}enabled", tuning::thp_directory)}, stop());
        if (!before) return fail(std::move(before).error());
        struct row {
            const char *name;
            page_kind kind;
        };
        for (const auto &[name, kind] :
             {row{"4 KiB", page_kind::ordinary}, row{"transparent", page_kind::transparent},
              row{"2 MiB", page_kind::reserved}, row{"4 KiB again", page_kind::ordinary}}) {
            if (auto played = measure(name, kind); !played) return played;
        }
        tell("putting the hosts back");
        if (auto back = before->put_back(out_); !back) return back;
        compare();
        return {};
    }

private:
    [[nodiscard]] const std::stop_token &stop() const { return on_.context().stop; }
    void tell(const std::string &what) const { on_.context().tell(what); }

    [[nodiscard]] expected<void> prepare_hosts(page_kind kind, bytes memory) const {
        for (const machine_spec *host : both_hosts()) {
            auto reserved =
                reserve_huge_pages(*host, kind == page_kind::reserved ? memory : bytes{}, stop());
            if (!reserved) return reserved;
            auto set =
                remote_shell(*host,
                             fmt::format("echo {} > {}enabled",
                                         kind == page_kind::transparent ? "madvise" : "never",
                                         tuning::thp_directory),
                             stop());
            if (!set) return fail(std::move(set).error());
        }
        return {};
    }

    expected<performer> start_on(page_kind kind) {
        guest_domain guest = usual_guest();
        guest.disk = image_;
        guest.settings.memory = paged_memory;
        guest.huge_pages = kind == page_kind::reserved;
        if (auto ready = prepare_hosts(kind, guest.memory); !ready) {
            return fail(std::move(ready).error());
        }
        return on_.start(guest);
    }

    /// Proves that the guest's pattern lies on pages of this kind where it runs now.
    expected<void> prove_kind(const std::string &name, page_kind kind, const performer &who) {
        const std::string host = who.at.on().hostname();
        const auto huge = huge_memory_of(who, stop());
        if (!huge) return fail(huge.error());
        // Of transparent ones the kernel gives as many as it has room for.
        const bool as_wanted = kind == page_kind::ordinary
                                   ? huge->transparent == bytes{} && huge->reserved == bytes{}
                               : kind == page_kind::transparent
                                   ? huge->transparent > bytes{} && huge->reserved == bytes{}
                                   : huge->reserved >= paged_memory;
        out_.prove(fmt::format("{}: its memory on {} is of such pages", name, host), as_wanted,
                   fmt::format("{:.0f} MiB on transparent huge pages, {:.0f} MiB on reserved ones",
                               huge->transparent.as_mib(), huge->reserved.as_mib()));
        if (kind == page_kind::transparent) {
            out_.measure(fmt::format("{}: memory on huge pages, {}", name, host),
                         static_cast<double>(huge->transparent.count()), "bytes");
        }
        return {};
    }

    /// A word to each page in turn, as fast as the guest can.
    expected<void> watch_work(const std::string &name, performer &who, paged_stretch &into) {
        tell(name + ": the guest writes");
        if (!asked_) {
            auto found = more_pages_than_it_can(who, paged_memory, stop());
            if (!found) return fail(std::move(found).error());
            asked_ = page_rate{found->per_second() * 2}; // on huge pages it may be faster
        }
        if (auto set = write_pages(who, *asked_, paged_memory); !set) return set;
        const auto looks = look_on(who, looks_at_work, between_work_looks, stop());
        if (!looks) return fail(looks.error());
        const work_seen seen = pages_in(*looks);
        into.writes = seen.rates;
        out_.samples[name + ": writes a second"] = into.writes;
        out_.measure(name + ": pages written", seen.on_the_whole, "pages/s", distorted_);
        out_.prove(name + ": the guest wrote as fast as it could", seen.missed > 0,
                   fmt::format("{} writes were left out", seen.missed));
        return write_pages(who, usual_guest().settings.rate, usual_guest().settings.working_set);
    }

    expected<void> measure(const std::string &name, page_kind kind) {
        auto who = start_on(kind);
        if (!who) return fail(std::move(who).error());
        paged_stretch &into = seen_[name];
        if (auto done = watch_work(name, *who, into); !done) return done;
        if (auto proven = prove_kind(name, kind, *who); !proven) return proven;
        if (auto there = move_there(on_, *who, name, into.moves); !there) return there;
        if (auto proven = prove_kind(name, kind, *who); !proven) return proven;
        if (auto back = move_back(on_, *who, name, into.moves); !back) return back;
        return on_.dismiss(*who);
    }

    void compare() {
        const paged_stretch &first = seen_["4 KiB"];
        const paged_stretch &again = seen_["4 KiB again"];
        tell_effect(out_, "drift: pages written, 4 KiB again for 4 KiB", first.writes, again.writes,
                    distorted_);
        tell_moves(out_, "drift", "4 KiB", first.moves, again.moves, distorted_);
        const std::vector<double> writes = both_baselines(first.writes, again.writes);
        const noted_moves moves = both_baselines(first.moves, again.moves);
        for (const char *kind : {"transparent", "2 MiB"}) {
            tell_effect(out_, fmt::format("{}: pages written, for 4 KiB", kind), writes,
                        seen_[kind].writes, distorted_);
            tell_moves(out_, kind, "4 KiB", moves, seen_[kind].moves, distorted_);
        }
    }

    stage &on_;
    scenario_result &out_;
    std::string image_;
    std::string distorted_;
    std::map<std::string, paged_stretch> seen_;
    std::optional<page_rate> asked_; ///< more than the guest can do
};

expected<void> run_bench_hugepages(scenario_context &context) {
    return play_on_image(context,
                         "its TLB is QEMU's, and a walk of its page tables costs other "
                         "than hardware's: what huge pages gain, and how long a move "
                         "takes, is not what it is there",
                         [](stage &on, std::string image, std::string distorted) {
                             return pages_play(on, std::move(image), std::move(distorted)).play();
                         });
}

} // namespace

scenario bench_hugepages() {
    return {"bench-hugepages",
            "bench",
            "4 KiB pages, transparent and reserved huge ones: a guest's writes and its moves",
            false,
            run_bench_hugepages,
            "it sets the hosts' huge pages"};
}

} // namespace kvmig::lab
