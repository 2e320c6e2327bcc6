// SPDX-License-Identifier: MIT
// Runs of several machines as one.
#include <lab/cli/subcommands.hpp>
#include <lab/cli_call.hpp>
#include <lab/report/compare.hpp>
#include <lab/report/merge.hpp>
#include <lab/report/run_json.hpp>
#include <lab/report/saved_run.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

using namespace kvmig;
using lab::named_run;
using lab::shard;

namespace {

named_run made(const std::string &name, std::vector<std::string> ids,
               std::optional<shard> part = {}, const std::string &cpu = "one") {
    lab::run_result run;
    run.environment = {{"time", "2026-11-22T10:0" + std::to_string(ids.size()) + ":00Z"},
                       {"kvmig", "0.1.0"},
                       {"acceleration", "tcg"},
                       {"cpu", cpu},
                       {"load", {1, 2, 3}},
                       {"release", "bookworm"},
                       {"host", {{"kernel", "6.1"}, {"libvirt", "9.0.0"}, {"qemu", "7.2"}}}};
    run.part = part;
    for (std::string &id : ids) {
        lab::scenario_result &one = run.scenarios.emplace_back();
        one.id = std::move(id);
        one.result = lab::outcome::passed;
        one.measure("wall time", 1, "ms");
    }
    return {name, run};
}

std::vector<std::string> ids_of(const lab::run_result &run) {
    std::vector<std::string> out;
    for (const auto &each : run.scenarios) out.push_back(each.id);
    return out;
}

std::string refusal(const std::vector<named_run> &runs, error_kind kind) {
    const auto merged = lab::merge_runs(runs);
    REQUIRE_FALSE(merged);
    CHECK(merged.error().kind == kind);
    return describe(merged.error());
}

} // namespace

TEST_CASE("a merged run has the order that one machine would have had, round by round") {
    const auto first =
        made("a", {"live-shared", "cold-local-lvm", "live-shared", "cold-local-lvm"}, shard{2, 2});
    const auto second =
        made("b", {"cold-shared", "fail-mount", "cold-shared", "fail-mount"}, shard{1, 2});
    const auto merged = lab::merge_runs({first, second});
    REQUIRE(merged);
    CHECK(ids_of(*merged) ==
          std::vector<std::string>{"cold-shared", "cold-local-lvm", "live-shared", "fail-mount",
                                   "cold-shared", "cold-local-lvm", "live-shared", "fail-mount"});
    CHECK_FALSE(merged->part); // it is the whole
}

TEST_CASE("a merged environment has what is common, and each machine with what it ran") {
    const auto first = made("a", {"live-shared", "live-shared"}, {}, "one");
    const auto second = made("b", {"cold-shared"}, {}, "two");
    const auto merged = lab::merge_runs({first, second});
    REQUIRE(merged);
    const auto &all = merged->environment;
    CHECK(all.at("time") == "2026-11-22T10:01:00Z"); // the earlier, which is the second's
    CHECK(all.at("acceleration") == "tcg");
    CHECK_FALSE(all.contains("cpu"));
    CHECK_FALSE(all.contains("scenarios"));
    REQUIRE(all.at("machines").size() == 2);
    CHECK(all.at("machines").at(0).at("cpu") == "one");
    CHECK(all.at("machines").at(0).at("scenarios") == std::vector<std::string>{"live-shared"});
    CHECK(all.at("machines").at(1).at("cpu") == "two");
    CHECK(all.at("machines").at(1).at("scenarios") == std::vector<std::string>{"cold-shared"});

    // Merged again with a third, all three are there.
    const auto more = lab::merge_runs({{"ab", *merged}, made("c", {"fail-mount"})});
    REQUIRE(more);
    CHECK(more->environment.at("machines").size() == 3);
    CHECK(more->environment.at("machines").at(1) == all.at("machines").at(1));
    const auto back = lab::parse_run(lab::to_json(*more).dump(), "run.json");
    REQUIRE(back);
    CHECK(back->environment == more->environment);
}

TEST_CASE("a run of unlike machines is compared with none, one of like machines is") {
    const auto unlike_machines =
        lab::merge_runs({made("a", {"live-shared"}), made("b", {"cold-shared"}, {}, "two")});
    const auto like_machines =
        lab::merge_runs({made("a", {"live-shared"}), made("b", {"cold-shared"})});
    REQUIRE(unlike_machines);
    REQUIRE(like_machines);
    const std::vector<lab::run_result> mixed{*unlike_machines};
    const std::vector<lab::run_result> alike{*like_machines};
    const std::vector<lab::run_result> single{made("c", {"live-shared"}).second};
    CHECK(lab::unlike(mixed, mixed) == std::vector<std::string>{"cpu: \"one\", \"two\""});
    CHECK(lab::unlike(alike, alike).empty());
    CHECK(lab::unlike(alike, single).empty());
}

TEST_CASE("what cannot be one run is refused, with its names") {
    const auto usage = error_kind::invalid_argument;
    CHECK_THAT(refusal({made("a", {"live-shared"}), made("b", {"live-shared"})}, usage),
               Catch::Contains("live-shared is in both a and b"));
    CHECK_THAT(
        refusal({made("a", {"live-shared"}, shard{1, 2}), made("b", {"cold-shared"}, shard{1, 2})},
                usage),
        Catch::Contains("a and b are both shard 1/2"));
    CHECK_THAT(
        refusal({made("a", {"live-shared"}, shard{1, 2}), made("b", {"cold-shared"}, shard{2, 3})},
                usage),
        Catch::Contains("a is shard 1/2, and b is shard 2/3"));
    CHECK_THAT(
        refusal({made("a", {"live-shared"}, shard{2, 4}), made("b", {"cold-shared"})}, usage),
        Catch::Contains("shard 1/4, 3/4, 4/4 is missing"));
    auto other = made("b", {"cold-shared"});
    other.second.environment["host"]["libvirt"] = "11.3.0";
    CHECK_THAT(refusal({made("a", {"live-shared"}), other}, error_kind::refused),
               Catch::Contains("host/libvirt: \"9.0.0\", \"11.3.0\""));
    other.second.environment = nullptr;
    CHECK_THAT(refusal({made("a", {"live-shared"}), other}, error_kind::refused),
               Catch::Contains("kvmig: \"0.1.0\", not told"));
}

TEST_CASE("`lab merge` writes the run, and tells its table") {
    const std::string corpus = std::string(KVMIG_TEST_DATA) + "/run/";
    const test::temporary_directory folder;
    const std::string file = (folder.path() / "all.json").string();
    const auto done = test::call(lab::cli::add_lab, {"lab", "merge", corpus + "shard-2.json",
                                                     corpus + "shard-1.json", "--json", file});
    INFO(done.messages);
    CHECK(done.status == lab::cli::exit_status::done);
    CHECK_THAT(done.answer, Catch::StartsWith("cold-shared [1]") &&
                                Catch::EndsWith("5 passed, 1 failed, 0 skipped\n"));
    const auto merged = lab::read_run(file);
    REQUIRE(merged);
    CHECK(merged->scenarios.size() == 6);

    const auto one =
        test::call(lab::cli::add_lab, {"lab", "merge", corpus + "shard-1.json", "--json", "-"});
    CHECK(one.status == lab::cli::exit_status::usage);
    CHECK_THAT(one.messages, Catch::Contains("shard 2/2 is missing"));
    CHECK(one.answer.empty());
}
