// SPDX-License-Identifier: MIT
// What the benchmarks of tuning make of what they saw: the figures of a curve, ratios with their
// interval, files read from afar, figures that say little of other machines.
#include <lab/cli/subcommands.hpp>
#include <lab/cli_call.hpp>
#include <lab/report/markdown.hpp>
#include <lab/report/ratio.hpp>
#include <lab/report/run_json.hpp>
#include <lab/report/saved_run.hpp>
#include <lab/report/table.hpp>
#include <lab/scenario/counted.hpp>
#include <lab/scenario/effect.hpp>
#include <lab/scenario/held_memory.hpp>
#include <lab/scenario/host_look.hpp>
#include <lab/scenario/huge_memory.hpp>
#include <lab/scenario/kept_settings.hpp>
#include <lab/scenario/ksm_adviser.hpp>
#include <lab/scenario/noted_moves.hpp>
#include <lab/scenario/page_writes.hpp>
#include <lab/scenario/program_there.hpp>
#include <lab/scenario/saving.hpp>
#include <lab/scenario/scenario.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace kvmig;

using lab::saving_point;

namespace {

/// Nothing for 10 s, then 4 MiB a second for 10 s at half a CPU.
const std::vector<saving_point> risen{
    {0, bytes{0}, 0}, {10, bytes{0}, 5}, {15, bytes::mib(20), 7.5}, {20, bytes::mib(40), 10}};

} // namespace

TEST_CASE("a curve reaches its goal between two looks") {
    using expectation = std::pair<bytes, std::optional<double>>;
    for (const auto &[goal, after] :
         {expectation{bytes{0}, 0}, expectation{bytes::mib(10), 12.5},
          expectation{bytes::mib(20), 15}, expectation{bytes::mib(32), 18},
          expectation{bytes::mib(40), 20}, expectation{bytes::mib(41), std::nullopt}}) {
        INFO(goal.as_mib() << " MiB");
        const auto seen = lab::reached_after(risen, goal);
        REQUIRE(seen.has_value() == after.has_value());
        if (after) CHECK(*seen == Approx(*after));
    }
    CHECK_FALSE(lab::reached_after({}, bytes{0}));
}

TEST_CASE("a curve that falls again has reached its goal before") {
    const std::vector<saving_point> fallen{
        {0, bytes{0}, 0}, {1, bytes::mib(8), 1}, {2, bytes::mib(2), 2}};
    CHECK(lab::reached_after(fallen, bytes::mib(4)).value() == Approx(0.5));
}

TEST_CASE("what was saved is laid beside the CPU time that it took") {
    CHECK(lab::saved_per_cpu_second(risen).value() == Approx(4.0 * 1024 * 1024));
    CHECK(lab::cpu_share(risen).value() == Approx(0.5));
    const std::vector<saving_point> idle{{0, bytes{0}, 0}, {10, bytes{0}, 0}};
    CHECK_FALSE(lab::saved_per_cpu_second(idle));
    CHECK(lab::cpu_share(idle).value() == 0);
    CHECK_FALSE(lab::cpu_share({}));
    const std::vector<saving_point> one{{0, bytes{0}, 3}};
    CHECK_FALSE(lab::cpu_share(one));
}

TEST_CASE("a ratio of medians has an interval that holds it, the same each time") {
    const std::vector<double> before{100, 101, 99, 100, 102, 98, 100};
    std::vector<double> after;
    for (const double each : before) after.push_back(each * 1.5);
    const auto seen = lab::ratio_between(before, after);
    CHECK(seen.value == Approx(1.5));
    CHECK(seen.low > 1.4);
    CHECK(seen.low <= seen.value);
    CHECK(seen.high >= seen.value);
    CHECK(seen.high < 1.6);
    CHECK(lab::ratio_between(before, after).low == seen.low);
    CHECK(lab::ratio_between({4}, {2}).value == 0.5);
    CHECK(lab::ratio_between({4}, {2}).high == 0.5);
}

TEST_CASE("what a guest has done becomes rates by its own clock, none of them 0") {
    using std::chrono::milliseconds;
    const std::vector<lab::counted> looks{{1000, milliseconds{500}},
                                          {3000, milliseconds{1500}},
                                          {3000, milliseconds{2500}},
                                          {3500, milliseconds{2750}}};
    const std::vector<double> rates = lab::rates_of(looks);
    REQUIRE(rates.size() == 3);
    CHECK(rates[0] == Approx(2000));
    CHECK(rates[1] == 1);
    CHECK(rates[2] == Approx(2000));
    CHECK(lab::rate_between(looks.front(), looks.back()) == Approx(2500 / 2.25));
    CHECK(lab::rate_between(looks[0], looks[0]) == 1); // a clock that stands still
    CHECK(lab::rates_of({}).empty());
}

TEST_CASE("a rate is within 5 % of its cap, or says how far off it is") {
    struct row {
        double measured;
        bool near;
        const char *said;
    };
    const byte_rate cap{std::uint64_t{100} * 1024};
    for (const auto &[measured, near, said] :
         {row{100, true, "100.0 KiB/s of 100: 0.0 % above, within 5 %"},
          row{95.1, true, "4.9 % below, within 5 %"}, row{104.9, true, "4.9 % above, within 5 %"},
          row{94, false, "6.0 % below, not within 5 %"},
          row{120, false, "20.0 % above, not within 5 %"}}) {
        INFO(measured);
        const auto verdict = lab::beside_cap(measured * 1024, cap);
        CHECK(verdict.near == near);
        CHECK_THAT(verdict.said, Catch::EndsWith(said));
    }
}

TEST_CASE("the huge pages of a process are told apart, and one of an older kernel is no zero") {
    const std::string rollup = "00400000-7ffd rollup\nRss:      99 kB\n"
                               "AnonHugePages:    2048 kB\nShmemPmdMapped:    0 kB\n"
                               "Shared_Hugetlb:    4096 kB\nPrivate_Hugetlb:  262144 kB\n";
    const auto seen = lab::parse_huge_memory(rollup);
    REQUIRE(seen);
    CHECK(seen->transparent == bytes::mib(2));
    CHECK(seen->reserved == bytes::mib(260));
    for (const auto &[wrong, names] :
         {std::pair{std::string{}, "AnonHugePages"},
          std::pair{rollup.substr(0, rollup.find("Private")), "Private_Hugetlb"},
          std::pair{std::string{"x\nAnonHugePages: many kB\n"}, "AnonHugePages"}}) {
        const auto none = lab::parse_huge_memory(wrong);
        INFO(wrong);
        REQUIRE_FALSE(none);
        CHECK(none.error().kind == error_kind::protocol);
        CHECK_THAT(describe(none.error()), Catch::Contains(names));
    }
}

TEST_CASE("what a process holds in memory and in swap") {
    const std::string status = "Name:\tqemu\nVmRSSX:\t1 kB\nVmRSS:\t  1024 kB\nVmSwap:\t    0 kB\n";
    const auto seen = lab::parse_held_memory(status);
    REQUIRE(seen);
    CHECK(seen->resident == bytes::mib(1));
    CHECK(seen->swapped == bytes{});
    for (const auto &[wrong, names] :
         {std::pair{std::string{}, "VmRSS"}, std::pair{std::string{"VmRSS: 1 kB"}, "VmSwap"},
          std::pair{std::string{"VmRSS: 1 kB\nVmSwap: much kB\n"}, "VmSwap"}}) {
        const auto none = lab::parse_held_memory(wrong);
        INFO(wrong);
        REQUIRE_FALSE(none);
        CHECK_THAT(describe(none.error()), Catch::Contains(names));
    }
}

TEST_CASE("an effect is told in per cent, with its interval, and why it says little") {
    lab::scenario_result out;
    const auto ratio = lab::tell_effect(out, "fast: time", {4, 4, 4}, {1, 1, 1}, "emulated");
    CHECK(ratio.value == 0.25);
    REQUIRE(out.figures.size() == 3);
    CHECK(out.figures[0].name == "fast: time");
    CHECK(out.figures[1].name == "fast: time, at least");
    CHECK(out.figures[2].name == "fast: time, at most");
    for (const lab::figure &each : out.figures) {
        CHECK(each.value == 25);
        CHECK(each.unit == "%");
        CHECK(each.distorted == "emulated");
    }
}

TEST_CASE("of migrations is laid side by side what both sides tell") {
    const auto result = [](int ms, std::optional<std::uint64_t> mib) {
        run::migration_result out;
        out.wall_time = std::chrono::milliseconds{ms};
        if (mib) out.destination_statistics.emplace().memory_processed = bytes::mib(*mib);
        return out;
    };
    lab::scenario_result proven;
    proven.measure("first, there: heartbeat gap outside", 500, "ms");
    proven.measure("there: heartbeat gap outside", 700, "ms");
    lab::noted_moves plain;
    lab::note(plain, result(1000, 10), proven, "there: ");
    lab::note(plain, result(3000, std::nullopt), proven, "back: ");
    CHECK(plain.times == std::vector<double>{1000, 3000});
    CHECK(plain.gaps == std::vector<double>{700});
    CHECK(plain.moved == std::vector<double>{10.0 * 1024 * 1024});
    lab::noted_moves tuned;
    lab::note(tuned, result(4000, 5), proven, "back: ");
    CHECK(lab::both_baselines(plain, tuned).times == std::vector<double>{1000, 3000, 4000});

    lab::scenario_result out;
    lab::tell_moves(out, "KSM", "none", plain, tuned, "");
    std::vector<std::pair<std::string, double>> seen;
    for (std::size_t i = 0; i < out.figures.size(); i += 3) {
        seen.emplace_back(out.figures[i].name, out.figures[i].value);
    }
    CHECK(seen == std::vector<std::pair<std::string, double>>{
                      {"KSM: migration time, for none", 200}, {"KSM: memory moved, for none", 50}});
}

TEST_CASE("settings are written back in their order, of several words the chosen one") {
    CHECK(lab::writing_of({"/sys/run", "/sys/enabled"},
                          {{"/sys/enabled", "always [madvise] never\n"}, {"/sys/run", "0\n"}}) ==
          "echo '0' > '/sys/run'; echo 'madvise' > '/sys/enabled'");
    CHECK(lab::writing_of({}, {}).empty());
}

TEST_CASE("what a guest wrote is counted from the first look to the last") {
    std::vector<lab::guest::guest_status> looks(3);
    for (std::size_t i = 0; i < looks.size(); ++i) {
        looks[i].monotonic = std::chrono::seconds{10 + 2 * i};
        looks[i].memory.writes = 100 + 50 * i;
        looks[i].memory.missed = 7 * i;
        looks[i].disk.writes = 8 * i * i;
    }
    const lab::work_seen memory = lab::pages_in(looks);
    CHECK(memory.rates == std::vector<double>{25, 25});
    CHECK(memory.on_the_whole == 25);
    CHECK(memory.done == 100);
    CHECK(memory.missed == 14);
    const lab::work_seen disk = lab::blocks_in(looks);
    CHECK(disk.rates == std::vector<double>{4, 12});
    CHECK(disk.on_the_whole == 8);
    CHECK(disk.done == 32);
    CHECK(disk.missed == 0);
}

TEST_CASE("what a program lacks elsewhere is found here") {
    const std::string there = "\tlinux-vdso.so.1 (0x00007fff)\n"
                              "\tlibnfs.so.13 => not found\n"
                              "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f2a)\n"
                              "\tlibfmt.so.9 => not found\n"
                              "\t/lib64/ld-linux-x86-64.so.2 (0x00007f2a)\n";
    CHECK(lab::lacking_libraries(there) == std::vector<std::string>{"libnfs.so.13", "libfmt.so.9"});
    CHECK(lab::lacking_libraries("\tnot a dynamic executable\n").empty());
    CHECK(lab::place_of_library(there, "libc.so.6").value() == "/lib/x86_64-linux-gnu/libc.so.6");
    for (const char *none : {"libnfs.so.13", "libc.so", "linux-vdso.so.1", ""}) {
        INFO(none);
        CHECK_FALSE(lab::place_of_library(there, none));
    }
}

TEST_CASE("files read by grep are told apart by their paths") {
    const auto texts = lab::texts_by_path("/proc/meminfo:MemTotal: 2 kB\n/proc/meminfo:MemFree: 1 "
                                          "kB\n/sys/kernel/mm/ksm/run:1\n/proc/uptime:a:b:c\n");
    REQUIRE(texts);
    CHECK(texts->size() == 3);
    CHECK(texts->at("/proc/meminfo") == "MemTotal: 2 kB\nMemFree: 1 kB\n");
    CHECK(texts->at("/sys/kernel/mm/ksm/run") == "1\n");
    CHECK(texts->at("/proc/uptime") == "a:b:c\n");
    CHECK(lab::texts_by_path("").value().empty());
    for (const char *wrong : {"grep: no such file", "/no/colon", "relative:1"}) {
        const auto none = lab::texts_by_path(wrong);
        INFO(wrong);
        REQUIRE_FALSE(none);
        CHECK(none.error().kind == error_kind::protocol);
        CHECK_THAT(none.error().what, Catch::Contains(wrong));
    }
}

TEST_CASE("a plan is written by a shell in its order, up to the first refusal") {
    tuning::plan plan;
    plan.changes.resize(2);
    plan.changes[0].what.name = "/sys/kernel/mm/ksm/pages_to_scan";
    plan.changes[0].to = "300";
    plan.changes[1].what.name = "/sys/kernel/mm/ksm/run";
    plan.changes[1].to = "it's";
    CHECK(lab::shell_of(plan).value() ==
          "set -e; printf %s '300' > '/sys/kernel/mm/ksm/pages_to_scan'; "
          "printf %s 'it'\\''s' > '/sys/kernel/mm/ksm/run'");
    plan.changes[1].what.kind = tuning::target_kind::parameter;
    REQUIRE_FALSE(lab::shell_of(plan));
    CHECK(lab::shell_of(plan).error().kind == error_kind::unsupported);
}

TEST_CASE("ksmtuned's algorithm steps once an interval, the defaults once, the policy each time") {
    tuning::ksm_sample now;
    now.ksm.run = 0;
    now.memory.total = bytes::mib(2048);
    now.memory.free = bytes::mib(100);
    now.guests.push_back({.name = "vm1", .rss = bytes::mib(900)});
    auto daemon = lab::as_ksmtuned(tuning::ksmtuned::start(now.memory.total).value());
    auto kernel = lab::as_the_kernel_does();
    auto policy = lab::as_policy(tuning::ksm_policy::make().value());
    using expectation = std::pair<int, std::optional<std::uint64_t>>; // at s, pages_to_scan
    for (const auto &[at, wanted] :
         {expectation{5, 300}, expectation{8, std::nullopt}, expectation{64, std::nullopt},
          expectation{65, 600}, expectation{124, std::nullopt}, expectation{125, 900}}) {
        INFO(at << " s");
        now.at = std::chrono::seconds{at};
        const auto said = daemon(now);
        REQUIRE(said.has_value() == wanted.has_value());
        if (wanted) {
            CHECK(said->pages_to_scan == pages{*wanted});
            CHECK(said->sleep_millisecs == std::chrono::milliseconds{80});
        }
        CHECK(kernel(now).has_value() == (at == 5));
        CHECK(policy(now).value().action == tuning::ksm_action::scan);
    }
}

TEST_CASE("a figure that says little of other machines says why, also once it was kept") {
    lab::run_result run;
    lab::scenario_result &one = run.scenarios.emplace_back();
    one.id = "bench-ksm";
    one.result = lab::outcome::passed;
    one.measure("memory saved", 1024 * 1024, "bytes");
    one.measure("CPU time", 3.5, "s", "emulated host: slow");
    one.measure("saved per CPU second", 2.5 * 1024 * 1024, "bytes/s", "emulated host: slow");
    const std::string table = lab::table_of(run);
    CHECK_THAT(table, Catch::Contains("1.0 MiB\n"));
    CHECK_THAT(table, Catch::Contains("3.5 s *\n"));
    CHECK_THAT(table, Catch::Contains("2.5 MiB/s *\n"));
    const auto at = table.find("    * emulated host: slow\n");
    REQUIRE(at != std::string::npos);
    CHECK(table.find("emulated host", at + 8) == std::string::npos);
    CHECK_THAT(lab::markdown_of(run), Catch::Contains("| CPU time (emulated host: slow) | 3.5 |"));
    const auto read = lab::parse_run(to_json(run).dump(), "run.json");
    REQUIRE(read);
    CHECK(read->scenarios[0].figures[0].distorted.empty());
    CHECK(read->scenarios[0].figures[1].distorted == "emulated host: slow");
}

TEST_CASE("benchmarks are chosen by name, and stand apart from the scenarios") {
    const std::vector<std::string> ksm{"*-ksm"};
    const auto chosen = lab::select_scenarios(ksm, lab::all_benchmarks());
    REQUIRE(chosen);
    REQUIRE(chosen->size() == 1);
    CHECK(chosen->front()->id == "bench-ksm");
    CHECK_FALSE(lab::select_scenarios(ksm));
    for (const lab::scenario &each : lab::all_benchmarks()) {
        INFO(each.id);
        CHECK(each.id.starts_with("bench-"));
        CHECK(each.run);
    }
}

TEST_CASE("lab bench knows what it can be asked for") {
    const auto unknown = test::call(lab::cli::add_lab, {"lab", "bench", "fast"});
    CHECK(unknown.status == lab::cli::exit_status::usage);
    CHECK_THAT(unknown.messages, Catch::Contains("'fast'") && Catch::Contains("bench-ksm"));
    const auto both = test::call(lab::cli::add_lab, {"lab", "bench", "startup", "bench-ksm"});
    CHECK(both.status == lab::cli::exit_status::usage);
    CHECK_THAT(both.messages, Catch::Contains("startup makes a lab of its own"));
}
