// SPDX-License-Identifier: MIT
/// live-100mbit: the same guest over links of 1000, 100 and 10 Mbit/s, beside the bound that no
/// migration can undercut: what had to move / the link's rate.
#include <lab/machine/remote.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>

namespace kvmig::lab {

namespace {

constexpr std::string_view network_card = "eth0";

struct link_rate {
    std::uint64_t mbit = 0;

    [[nodiscard]] std::uint64_t bytes_per_second() const noexcept { return mbit * 1'000'000 / 8; }
    /// What may pass at once after a pause: 10 ms' worth, and a long segment at least.
    [[nodiscard]] std::uint64_t burst() const noexcept {
        return std::max<std::uint64_t>(std::uint64_t{64} << 10U, bytes_per_second() / 100);
    }
    /// Seconds that this takes at the least.
    [[nodiscard]] double bound(bytes amount) const noexcept {
        const std::uint64_t waits = amount.count() - std::min(amount.count(), burst());
        return static_cast<double>(waits) / static_cast<double>(bytes_per_second());
    }
    [[nodiscard]] std::string text() const { return fmt::format("{} Mbit/s", mbit); }
};

/// Both hosts' network cards, shaped by a token bucket on what they send (tc-tbf(8)).
class shaped_links {
public:
    explicit shaped_links(std::stop_token stop) : stop_(std::move(stop)) {}
    shaped_links(const shaped_links &) = delete;
    shaped_links &operator=(const shaped_links &) = delete;
    ~shaped_links() {
        if (shaped_) static_cast<void>(free());
    }

    /// From now on, whatever rate was set before. Counts begin anew.
    [[nodiscard]] expected<void> set(link_rate rate) {
        if (auto freed = free(); !freed) return freed;
        shaped_ = true;
        return tc_on_both({"add", "dev", std::string{network_card}, "root", "tbf", "rate",
                           fmt::format("{}mbit", rate.mbit), "burst",
                           fmt::format("{}", rate.burst()), "latency", "100ms"});
    }

    /// As they were.
    [[nodiscard]] expected<void> free() {
        if (!shaped_) return {};
        auto freed = tc_on_both({"del", "dev", std::string{network_card}, "root"});
        if (freed) shaped_ = false;
        return freed;
    }

    struct counts {
        std::uint64_t bytes_per_second = 0; ///< as the kernel has it
        std::uint64_t sent = 0;             ///< bytes, with all heads
        std::uint64_t held_back = 0;        ///< times that something had to wait
    };

    /// What a host has sent since `set`.
    [[nodiscard]] expected<counts> counts_of(const machine_spec &machine) const {
        const auto said = remote_output(
            machine, {"tc", "-s", "-j", "qdisc", "show", "dev", std::string{network_card}}, stop_);
        if (!said) return fail(said.error());
        const auto answer = nlohmann::json::parse(*said, nullptr, false);
        for (const nlohmann::json &each : answer) {
            if (!each.is_object() || each.value("kind", "") != "tbf") continue;
            return counts{each.value("/options/rate"_json_pointer, std::uint64_t{0}),
                          each.value("bytes", std::uint64_t{0}),
                          each.value("overlimits", std::uint64_t{0})};
        }
        return fail(
            make_error(error_kind::protocol, fmt::format("tc names no token bucket: {}", *said))
                .on(std::string{machine.name}));
    }

private:
    [[nodiscard]] expected<void> tc_on_both(const std::vector<std::string> &words) const {
        for (const machine_spec &machine : machines) {
            if (machine.role != machine_role::host) continue;
            std::vector<std::string> argv{"tc", "qdisc"};
            argv.insert(argv.end(), words.begin(), words.end());
            if (auto done = remote_output(machine, argv, stop_); !done) {
                return fail(std::move(done).error());
            }
        }
        return {};
    }

    std::stop_token stop_;
    bool shaped_ = false;
};

struct rated_move {
    double seconds = 0; ///< wall time
    bytes memory;       ///< moved
};

/// A move over the link, with the bound beside it.
expected<rated_move> move_over(stage &on, performer &guest, shaped_links &links, link_rate rate,
                               const libvirt::connection &to) {
    const std::string prefix = rate.text() + ": ";
    const machine_spec &sender = *find_machine(guest.at.on().hostname());
    if (auto set = links.set(rate); !set) return fail(std::move(set).error());
    auto moved = on.move(guest, prefix, to);
    if (!moved) return fail(std::move(moved).error());
    const auto counted = links.counts_of(sender);
    if (!counted) return fail(counted.error());

    const auto &told = moved->source_statistics;
    const bytes memory = told && told->memory_processed ? *told->memory_processed : bytes{0};
    const double took = std::chrono::duration<double>(moved->wall_time).count();
    const double bound = rate.bound(memory);
    scenario_result &out = on.context().out;
    out.prove(
        prefix + "the guest's memory went over a link of this rate",
        counted->bytes_per_second == rate.bytes_per_second() && memory.count() > 0 &&
            counted->sent >= memory.count(),
        fmt::format("{:.1f} MiB sent at {} bytes/s, {:.1f} MiB of memory among them; {} times "
                    "something had to wait",
                    bytes{counted->sent}.as_mib(), counted->bytes_per_second, memory.as_mib(),
                    counted->held_back));
    out.prove(prefix + "not sooner than the link allows", took >= bound && bound > 0,
              fmt::format("{:.1f} s in all, {:.1f} s at the least", took, bound));
    out.measure(prefix + "bound: memory moved / link rate", bound * 1000, "ms");
    out.measure(prefix + "sent over the link", static_cast<double>(counted->sent), "bytes");
    out.measure(prefix + "times the link was full", static_cast<double>(counted->held_back),
                "count");
    return rated_move{took, memory};
}

expected<void> move_at_rates(stage &on, performer &guest) {
    shaped_links links(on.context().stop);
    const libvirt::connection &kvm01 = on.on().kvm01();
    const libvirt::connection &kvm02 = on.on().kvm02();
    auto fast = move_over(on, guest, links, {1000}, kvm02);
    if (!fast) return fail(std::move(fast).error());
    auto documented = move_over(on, guest, links, {100}, kvm01);
    if (!documented) return fail(std::move(documented).error());
    // An emulated host sends more slowly than either of them: here the link is what limits.
    auto slow = move_over(on, guest, links, {10}, kvm02);
    if (!slow) return fail(std::move(slow).error());
    const double at_documented = link_rate{100}.bound(slow->memory);
    on.context().out.prove(
        "at 10 Mbit/s it takes longer than 100 Mbit/s would allow", slow->seconds > at_documented,
        fmt::format("{:.1f} s, and {:.1f} s at the least with 100 Mbit/s; {:.1f} s were taken at "
                    "100 and {:.1f} s at 1000",
                    slow->seconds, at_documented, documented->seconds, fast->seconds));
    return links.free();
}

} // namespace

scenario live_100mbit() {
    return {"live-100mbit",
            "live",
            "live, over links of 1000, 100 and 10 Mbit/s",
            false,
            [](scenario_context &context) {
                guest_domain guest = usual_guest();
                // Far less than the narrowest link carries, or it would not end.
                guest.settings.rate = page_rate{10};
                return play(context, guest, pool_name, bytes::mib(64), move_at_rates);
            },
            "it narrows the links of both hosts"};
}

} // namespace kvmig::lab
