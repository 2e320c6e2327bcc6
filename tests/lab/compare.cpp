// SPDX-License-Identifier: MIT
// Two sides of runs compared: known answers, noise that is not a change, a change that is found.
#include <lab/cli/subcommands.hpp>
#include <lab/cli_call.hpp>
#include <lab/report/compare.hpp>
#include <lab/report/run_json.hpp>
#include <lab/report/saved_run.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <fstream>
#include <initializer_list>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace kvmig;
using lab::change;
using lab::figure_change;

namespace {

lab::run_result run_with(double value, const std::string &unit = "ms",
                         lab::outcome result = lab::outcome::passed) {
    lab::scenario_result one;
    one.id = "live-shared";
    one.result = result;
    one.measure("wall time", value, unit);
    lab::run_result run;
    run.environment = {{"cpu", "one"}, {"host", {{"libvirt", "9.0.0"}}}};
    run.scenarios.push_back(std::move(one));
    return run;
}

std::vector<lab::run_result> runs_of(const std::vector<double> &values,
                                     const std::string &unit = "ms") {
    std::vector<lab::run_result> out;
    for (const double each : values) out.push_back(run_with(each, unit));
    return out;
}

figure_change compared(const std::vector<double> &before, const std::vector<double> &after,
                       const std::string &unit = "ms") {
    const auto all = lab::compare_runs(runs_of(before, unit), runs_of(after, unit));
    REQUIRE(all.size() == 1);
    return all.front();
}

figure_change compared_in_turn(const std::vector<double> &before, const std::vector<double> &after,
                               const std::string &unit = "ms") {
    const auto all = lab::compare_runs(runs_of(before, unit), runs_of(after, unit),
                                       lab::smallest_change, lab::sampling::in_turn);
    REQUIRE(all.size() == 1);
    return all.front();
}

/// Five samples about `centre` with a scatter of `spread`.
std::vector<double> five(double centre, double spread, std::mt19937_64 &random) {
    std::lognormal_distribution<double> noise(0, spread);
    std::vector<double> out(5);
    for (double &each : out) each = centre * noise(random);
    return out;
}

} // namespace

TEST_CASE("the permutation test gives the shares that counting by hand gives") {
    // Of the 70 ways to part eight in four and four, two are as far apart as these.
    CHECK(compared({1, 2, 4, 8}, {16, 32, 64, 128}).p == Approx(2.0 / 70));
    // Of the 56 ways to take three of eight, the three least and the three greatest: in logarithms
    // 0, 1, 2 and 5, 6, 7, whose means are 4 away from those of the others.
    CHECK(compared({1, 2, 4}, {8, 16, 32, 64, 128}).p == Approx(2.0 / 56));
    CHECK(compared({1, 2, 4, 8}, {1, 2, 4, 8}).p == Approx(1));
    // {1, 4} against {2, 8}: in logarithms 0, 2 against 1, 3. Sums of a side: 2 or 4 (as far), 1,
    // 5 (further), 3 twice (nearer): 4 of 6.
    CHECK(compared({1, 4}, {2, 8}).p == Approx(4.0 / 6));
}

TEST_CASE(
    "in turn, the sides are swapped within the pairs, and what both had to bear is no noise") {
    // All six in one direction: of 64 ways this one and its mirror.
    const auto slower = compared_in_turn({10, 20, 40, 10, 20, 40}, {13, 26, 52, 13, 26, 52});
    CHECK(slower.p == Approx(2.0 / 64));
    CHECK(slower.ratio == Approx(1.3));
    CHECK(slower.verdict == change::slower);
    // As many samples that are not taken as pairs do not tell.
    CHECK(compared({10, 20, 40, 10, 20, 40}, {13, 26, 52, 13, 26, 52}).verdict ==
          change::within_noise);
    // Logarithms of base 2: 1, 1, -1. Sums as far from 0 as theirs: all but none.
    CHECK(compared_in_turn({1, 1, 2}, {2, 2, 1}).p == Approx(1));
    // 1, 1, 3: only all alike are as far.
    CHECK(compared_in_turn({1, 1, 1}, {2, 2, 8}).p == Approx(2.0 / 8));
    CHECK(compared_in_turn({1, 1, 1, 1, 1}, {2, 2, 2, 2, 2}).verdict == change::too_few);
    CHECK(compared_in_turn({1, 1, 1, 1, 1, 1}, {2, 2, 2, 2, 2, 2}, "bytes/s").verdict ==
          change::faster);
}

TEST_CASE("in turn, a pair of which one failed is left out, and the sides need as many runs") {
    auto before = runs_of({100, 100, 100, 100, 100, 100, 500});
    const auto after = runs_of({130, 130, 130, 130, 130, 130, 130});
    before.back().scenarios.front().result = lab::outcome::failed;
    const auto all = lab::compare_runs(before, after, lab::smallest_change, lab::sampling::in_turn);
    REQUIRE(all.size() == 1);
    CHECK(all.front().before.size() == 6);
    CHECK(all.front().ratio == Approx(1.3));

    const test::temporary_directory folder;
    const auto file = (folder.path() / "run.json").string();
    std::ofstream(file) << lab::to_json(run_with(1));
    const auto refused = test::call(
        lab::cli::add_lab, {"lab", "compare", "--in-turn", "--base", file, file, "--new", file});
    CHECK(refused.status != lab::cli::exit_status::done);
    CHECK_THAT(refused.messages, Catch::Contains("2 runs") && Catch::Contains("1 of the other"));
}

TEST_CASE(
    "in turn on a machine that changes its pace, a slow-down of 30 % is found, and no other") {
    std::mt19937_64 random(11);
    constexpr int tries = 400;
    const auto drawn = [&](double slowed, double spread) {
        std::lognormal_distribution<double> pace(0, 0.3);
        std::lognormal_distribution<double> noise(0, spread);
        std::pair<std::vector<double>, std::vector<double>> out;
        for (int i = 0; i < 6; ++i) {
            const double now = 1000 * pace(random);
            out.first.push_back(now * noise(random));
            out.second.push_back(now * noise(random) * slowed);
        }
        return compared_in_turn(out.first, out.second).verdict;
    };
    for (const double spread : {0.02, 0.05, 0.2}) {
        int called = 0;
        for (int i = 0; i < tries; ++i) {
            const auto verdict = drawn(1, spread);
            if (verdict == change::slower || verdict == change::faster) ++called;
        }
        INFO("scatter " << spread << ": " << called << " of " << tries);
        CHECK(called <= tries / 50);
    }
    int found = 0;
    for (int i = 0; i < tries; ++i) {
        if (drawn(1.3, 0.03) == change::slower) ++found;
    }
    INFO(found << " of " << tries);
    CHECK(found >= tries * 95 / 100);
}

TEST_CASE("medians, their ratio, and the interval about it") {
    const auto one = compared({100, 101, 99, 100, 1000}, {150, 151, 149, 150, 150});
    CHECK(one.ratio == Approx(1.5)); // the one astray does not count
    CHECK(one.low <= one.ratio);
    CHECK(one.high >= one.ratio);
    CHECK(compared({1, 2, 3, 4}, {1, 2, 3, 4}).ratio == Approx(1));
    CHECK(compared({2, 4}, {3, 9}).ratio == Approx(2)); // 6 / 3
}

TEST_CASE("more is slower of times, and faster of rates") {
    const std::vector<double> few{100, 101, 99, 100, 102};
    const std::vector<double> many{130, 131, 129, 130, 132};
    CHECK(compared(few, many).verdict == change::slower);
    CHECK(compared(many, few).verdict == change::faster);
    CHECK(compared(few, many, "bytes/s").verdict == change::faster);
    CHECK(compared(many, few, "bytes/s").verdict == change::slower);
}

TEST_CASE("what cannot be told is not told") {
    CHECK(compared({100, 101, 99}, {200, 201, 199}).verdict == change::too_few);
    CHECK(compared({100}, {200}).verdict == change::too_few);
    // Clearly apart, but by less than the floor.
    CHECK(compared({100, 100.1, 99.9, 100}, {102, 102.1, 101.9, 102}).verdict == change::none);
    // Apart by more than the floor, and scattered by as much.
    CHECK(compared({50, 100, 150, 90, 110}, {60, 120, 200, 100, 130}).verdict ==
          change::within_noise);
    // A figure without a ratio, or of a scenario that did not pass, is none.
    CHECK(lab::compare_runs(runs_of({0, 1}), runs_of({1, 1})).empty());
    const std::vector<lab::run_result> failed{run_with(7, "ms", lab::outcome::failed)};
    CHECK(lab::compare_runs(failed, runs_of({1, 1})).empty());
    CHECK(lab::compare_runs(runs_of({1, 1}), failed).empty());
}

TEST_CASE("runs of the same are not called different, and a slow-down of 30 % is found") {
    std::mt19937_64 random(7);
    constexpr int tries = 400;
    for (const double spread : {0.02, 0.05, 0.2, 0.5}) {
        int called = 0;
        for (int i = 0; i < tries; ++i) {
            const auto before = five(1000, spread, random);
            const auto verdict = compared(before, five(1000, spread, random)).verdict;
            if (verdict == change::slower || verdict == change::faster) ++called;
        }
        INFO("scatter " << spread << ": " << called << " of " << tries);
        CHECK(called <= tries / 50); // far below the 5 % of the test alone
    }
    for (const double spread : {0.01, 0.03}) {
        int found = 0;
        for (int i = 0; i < tries; ++i) {
            const auto before = five(1000, spread, random);
            if (compared(before, five(1300, spread, random)).verdict == change::slower) ++found;
        }
        INFO("scatter " << spread << ": " << found << " of " << tries);
        CHECK(found >= tries * 95 / 100);
    }
}

TEST_CASE("the same samples have the same answer, tried all or at random") {
    std::mt19937_64 random(3);
    std::vector<double> before;
    std::vector<double> after;
    for (int i = 0; i < 3; ++i) { // 15 of each: more than are all tried
        for (const double each : five(100, 0.1, random)) before.push_back(each);
        for (const double each : five(150, 0.1, random)) after.push_back(each);
    }
    const auto once = compared(before, after);
    const auto again = compared(before, after);
    CHECK(once.verdict == change::slower);
    CHECK(once.p == again.p);
    CHECK(once.low == again.low);
    CHECK(once.high == again.high);
}

TEST_CASE("recorded: a busy moment is not called a slow-down, and one of 30 % is found") {
    // Real runs of one scenario: four on a machine that had little else to do, and the last on one
    // with a load of 13, which took nearly twice as long.
    std::ifstream in(std::string(KVMIG_TEST_DATA) + "/run/live-shared.json");
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const auto recorded = lab::parse_run(text, "live-shared.json");
    REQUIRE(recorded);
    REQUIRE(recorded->scenarios.size() == 5);
    const auto side = [&](std::initializer_list<std::size_t> places) {
        lab::run_result out = *recorded;
        out.scenarios.clear();
        for (const std::size_t each : places) out.scenarios.push_back(recorded->scenarios[each]);
        return std::vector{std::move(out)};
    };
    const auto quiet = side({0, 1, 2, 3});
    for (const figure_change &each : lab::compare_runs(quiet, side({1, 2, 3, 4}))) {
        INFO(each.figure << ": " << to_string(each.verdict));
        CHECK((each.verdict != change::slower && each.verdict != change::faster));
    }
    auto slowed = quiet;
    for (lab::scenario_result &one : slowed.front().scenarios) {
        for (lab::figure &each : one.figures) {
            if (each.unit == "ms") each.value *= 1.3;
        }
    }
    int found = 0;
    for (const figure_change &each : lab::compare_runs(quiet, slowed)) {
        INFO(each.figure << ": " << to_string(each.verdict));
        // The way back scatters by nearly as much, and four samples cannot tell.
        if (each.figure == "there: wall time" || each.figure == "there: time elapsed by libvirt") {
            CHECK(each.verdict == change::slower);
            ++found;
        }
        if (each.unit != "ms") CHECK(each.verdict != change::slower);
    }
    CHECK(found == 2);
}

TEST_CASE("unlike environments are refused unless asked for, and worse is exit status 1") {
    const test::temporary_directory folder;
    const auto kept = [&](const std::string &name, double value, const std::string &cpu) {
        auto run = run_with(value);
        run.environment["cpu"] = cpu;
        const auto file = folder.path() / name;
        std::ofstream(file) << lab::to_json(run);
        return file.string();
    };
    std::vector<std::string> arguments{"lab", "compare", "--base"};
    for (int i = 0; i < 4; ++i) arguments.push_back(kept("a" + std::to_string(i), 100 + i, "one"));
    arguments.emplace_back("--new");
    auto same = arguments;
    auto other = arguments;
    for (int i = 0; i < 4; ++i) {
        same.push_back(kept("b" + std::to_string(i), 150 + i, "one"));
        other.push_back(kept("c" + std::to_string(i), 100 + i, "two"));
    }
    const auto worse = test::call(lab::cli::add_lab, same);
    INFO(worse.answer << worse.messages);
    CHECK(worse.status == lab::cli::exit_status::failed);
    CHECK_THAT(worse.answer, Catch::Contains("101.5 -> 151.5 ms, 1.49 of it") &&
                                 Catch::Contains(": slower\n") && Catch::Contains("1 slower, 0"));
    const auto refused = test::call(lab::cli::add_lab, other);
    CHECK(refused.status != lab::cli::exit_status::done);
    CHECK_THAT(refused.messages,
               Catch::Contains("cpu: \"one\", \"two\"") && Catch::Contains("--unlike"));
    other.emplace_back("--unlike");
    other.emplace_back("--json");
    const auto told = test::call(lab::cli::add_lab, other);
    CHECK(told.status == lab::cli::exit_status::done);
    const auto answer = nlohmann::json::parse(told.answer);
    CHECK(answer.at("unlike").size() == 1);
    CHECK(answer.at("figures").at(0).at("verdict") == "no change");
    const auto gone = test::call(
        lab::cli::add_lab, {"lab", "compare", "--base", "no-such-run", "--new", "no-such-run"});
    CHECK_THAT(gone.messages, Catch::Contains("no-such-run"));
}
