// SPDX-License-Identifier: MIT
// What one machine runs of the scenarios, how often, and how repetitions are told apart.
#include <lab/cli/subcommands.hpp>
#include <lab/cli_call.hpp>
#include <lab/report/compare.hpp>
#include <lab/report/junit.hpp>
#include <lab/report/markdown.hpp>
#include <lab/report/openmetrics.hpp>
#include <lab/report/repetition.hpp>
#include <lab/report/run_json.hpp>
#include <lab/report/saved_run.hpp>
#include <lab/report/table.hpp>
#include <lab/scenario/shard.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace kvmig;
using lab::parse_shard;
using lab::shard;

namespace {

std::vector<const lab::scenario *> every_scenario() {
    auto all = lab::select_scenarios({});
    REQUIRE(all);
    return *all;
}

/// Two rounds of two scenarios; the second fails in the second round.
lab::run_result two_rounds() {
    lab::run_result run;
    run.environment = {{"time", "2026-11-22T10:51:11Z"}};
    double value = 100;
    for (const char *id : {"live-shared", "cold-shared", "live-shared", "cold-shared"}) {
        lab::scenario_result &one = run.scenarios.emplace_back();
        one.id = id;
        one.result = lab::outcome::passed;
        one.seconds = value;
        one.prove("intact", true, "0 bad");
        one.measure("wall time", value++, "ms");
    }
    run.scenarios.back().result = lab::outcome::failed;
    run.scenarios.back().reason = "the disk differs";
    return run;
}

} // namespace

TEST_CASE("a shard is I/N, and nothing else") {
    for (const auto &[text, expected] :
         {std::pair{"1/1", shard{1, 1}}, {"2/3", shard{2, 3}}, {"9999/9999", shard{9999, 9999}}}) {
        const auto part = parse_shard(text);
        INFO(text);
        REQUIRE(part);
        CHECK(*part == expected);
        CHECK(to_string(*part) == text);
    }
    for (const char *text :
         {"", "/", "1", "1/", "/1", "0/3", "4/3", "-1/3", "1/0", "1/3 ", " 1/3", "1/2/3", "a/b",
          "+1/3", "1/10000", "99999999999/99999999999", "1\\3"}) {
        INFO(text);
        const auto part = parse_shard(text);
        REQUIRE_FALSE(part);
        CHECK(part.error().kind == error_kind::invalid_argument);
        CHECK_THAT(describe(part.error()), Catch::Contains("'" + std::string(text) + "'") &&
                                               Catch::Contains("1/3, 2/3 and 3/3"));
    }
}

TEST_CASE("every scenario is in just one share, and the shares differ by one at most") {
    const auto all = every_scenario();
    for (unsigned count = 1; count <= all.size(); ++count) {
        std::vector<const lab::scenario *> seen;
        for (unsigned index = 1; index <= count; ++index) {
            const auto share = lab::share_of(all, {index, count});
            REQUIRE(share);
            CHECK((share->size() == all.size() / count || share->size() == all.size() / count + 1));
            seen.insert(seen.end(), share->begin(), share->end());
        }
        CHECK(std::is_permutation(seen.begin(), seen.end(), all.begin(), all.end()));
    }
    const auto none = lab::share_of({all[0], all[1]}, {3, 3});
    REQUIRE_FALSE(none);
    CHECK(describe(none.error()) ==
          describe(make_error(error_kind::invalid_argument,
                              "shard 3/3 has no scenario: only 2 were chosen")
                       .advise("use at most 2 shards")));
}

TEST_CASE("repetitions are rounds") {
    const auto all = every_scenario();
    const std::vector<const lab::scenario *> two{all[0], all[1]};
    CHECK(lab::in_rounds(two, 1) == two);
    CHECK(lab::in_rounds(two, 3) == std::vector{all[0], all[1], all[0], all[1], all[0], all[1]});
}

TEST_CASE("what `lab run` cannot run is named before the lab is touched") {
    const auto refused = [](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"lab", "run", "cold-shared"});
        const auto said = test::call(lab::cli::add_lab, std::move(arguments));
        CHECK(said.status == lab::cli::exit_status::usage);
        return said.messages;
    };
    CHECK_THAT(refused({"--shard", "2"}), Catch::Contains("'2' is no shard"));
    CHECK_THAT(refused({"--shard", "2/2"}), Catch::Contains("shard 2/2 has no scenario"));
    for (const char *value : {"0", "-1", "many", "1001"}) {
        CHECK_THAT(test::refusal_of(lab::cli::add_lab, {"lab", "run", "--repeat", value}),
                   Catch::Contains("--repeat"));
    }
}

TEST_CASE("repetitions have names of their own, in the order in which they were run") {
    const lab::run_result run = two_rounds();
    CHECK(lab::repetitions_of(run) == std::vector<std::size_t>{1, 1, 2, 2});
    CHECK(lab::names_of(run) == std::vector<std::string>{"live-shared [1]", "cold-shared [1]",
                                                         "live-shared [2]", "cold-shared [2]"});
    CHECK_THAT(lab::table_of(run), Catch::Contains("\nlive-shared [2]  ") &&
                                       Catch::EndsWith("\n3 passed, 1 failed, 0 skipped\n"));
    CHECK_THAT(lab::junit_of(run), Catch::Contains("name=\"live-shared [1]\"") &&
                                       Catch::Contains("name=\"cold-shared [2]\""));
    CHECK_THAT(lab::markdown_of(run), Catch::Contains("\n### cold-shared \\[2\\] failed\n") &&
                                          Catch::Contains("\n| live-shared \\[1\\] | passed |"));
    const std::string metrics = lab::openmetrics_of(run);
    CHECK_THAT(metrics, Catch::Contains("{scenario=\"live-shared\",repetition=\"2\"} 102\n"));
    CHECK_THAT(metrics, Catch::Contains("{scenario=\"live-shared\",repetition=\"1\",figure=\"wall "
                                        "time\"} 0.1\n"));
}

TEST_CASE("a scenario that was run once keeps its name beside those that were repeated") {
    lab::run_result run = two_rounds();
    run.scenarios.pop_back();
    CHECK(lab::names_of(run) ==
          std::vector<std::string>{"live-shared [1]", "cold-shared", "live-shared [2]"});
    CHECK_THAT(lab::openmetrics_of(run), Catch::Contains("{scenario=\"cold-shared\"} 1\n"));
}

TEST_CASE("each repetition that passed is a sample of a comparison") {
    const std::vector<lab::run_result> run{two_rounds()};
    const auto changes = lab::compare_runs(run, run);
    REQUIRE(changes.size() == 2);
    CHECK(changes[0].before == std::vector<double>{100, 102});
    CHECK(changes[1].after == std::vector<double>{101});
}

TEST_CASE("a run tells which shard it is, and is read back as one") {
    lab::run_result run = two_rounds();
    CHECK_FALSE(lab::to_json(run).contains("shard"));
    run.part = shard{2, 3};
    const auto json = lab::to_json(run);
    const auto back = lab::parse_run(json.dump(), "run.json");
    REQUIRE(back);
    CHECK(back->part == run.part);
    CHECK(lab::to_json(*back) == json);
    for (const char *wrong : {R"({"index": 4, "count": 3})", R"({"index": 0, "count": 3})",
                              R"({"index": 1})", R"("1/3")"}) {
        auto bad = json;
        bad["shard"] = nlohmann::json::parse(wrong);
        const auto refused = lab::parse_run(bad.dump(), "run.json");
        INFO(wrong);
        REQUIRE_FALSE(refused);
        CHECK_THAT(describe(refused.error()), Catch::Contains("/shard: "));
    }
}
