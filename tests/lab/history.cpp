// SPDX-License-Identifier: MIT
// The kept runs: listed, indexed, and scenarios over all of them.
#include <lab/cli/subcommands.hpp>
#include <lab/cli_call.hpp>
#include <lab/report/history.hpp>
#include <lab/report/kept_runs.hpp>
#include <lab/report/median.hpp>
#include <lab/report/run_json.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace kvmig;
namespace fs = std::filesystem;

namespace {

/// A run of `live-shared`, which passed when there is a `downtime`.
std::string run_at(const std::string &time, double downtime, const std::string &cpu = "one") {
    lab::run_result run;
    run.environment = {{"time", time}, {"kvmig", "0.1.0"}, {"acceleration", "tcg"}, {"cpu", cpu}};
    lab::scenario_result &one = run.scenarios.emplace_back();
    one.id = "live-shared";
    one.seconds = 10 * downtime;
    one.prove("intact", true, "0 bad");
    one.samples["heartbeat"] = "long";
    one.result = downtime > 0 ? lab::outcome::passed : lab::outcome::failed;
    one.measure("downtime", downtime, "ms");
    return lab::to_json(run).dump(1);
}

/// A state directory with kept runs, while `XDG_STATE_HOME` names it.
class state {
public:
    state() { ::setenv("XDG_STATE_HOME", folder_.path().c_str(), 1); }
    ~state() { ::unsetenv("XDG_STATE_HOME"); }
    state(const state &) = delete;
    state &operator=(const state &) = delete;

    [[nodiscard]] fs::path path() const { return folder_.path() / "kvmig"; }
    [[nodiscard]] fs::path index() const { return path() / "history.sqlite"; }
    [[nodiscard]] fs::path kept(const std::string &name) const { return path() / "results" / name; }
    void keep(const std::string &name, const std::string &text) const {
        fs::create_directories(kept(name));
        std::ofstream(kept(name) / "run.json") << text;
    }
    [[nodiscard]] std::vector<std::string> names() const {
        const auto all = lab::read_kept_runs(path());
        REQUIRE(all);
        std::vector<std::string> out;
        for (const auto &each : all->runs) out.push_back(each.name);
        return out;
    }

private:
    test::temporary_directory folder_;
};

using names = std::vector<std::string>;

std::string content_of(const fs::path &file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

TEST_CASE("a median is of the middle") {
    CHECK(lab::median({7}) == 7);
    CHECK(lab::median({3, 1}) == 2);
    CHECK(lab::median({9, 1, 5}) == 5);
    CHECK(lab::median({4, 1, 3, 2}) == 2.5);
}

TEST_CASE("nothing kept is nothing, and makes nothing") {
    const state here;
    CHECK(here.names().empty());
    CHECK_FALSE(fs::exists(here.path()));
    const auto said = test::call(lab::cli::add_lab, {"lab", "history"});
    CHECK(said.status == lab::cli::exit_status::done);
    CHECK(said.answer.empty());
}

TEST_CASE("the index follows what happens to the files") {
    const state here;
    here.keep("b", run_at("2026-11-21T00:00:00Z", 2));
    here.keep("a", run_at("2026-11-22T00:00:00Z", 1));
    fs::create_directories(here.kept("under-way"));
    CHECK(here.names() == names{"a", "b"}); // by time
    CHECK(fs::exists(here.index()));

    here.keep("c", run_at("2026-11-20T00:00:00Z", 3));
    CHECK(here.names() == names{"a", "b", "c"});
    fs::remove_all(here.kept("a"));
    CHECK(here.names() == names{"b", "c"});
    here.keep("c", run_at("2026-11-23T00:00:00Z", 3));
    fs::last_write_time(here.kept("c") / "run.json",
                        fs::last_write_time(here.kept("b") / "run.json") + std::chrono::hours{1});
    CHECK(here.names() == names{"c", "b"});
    const auto all = lab::read_kept_runs(here.path());
    REQUIRE(all);
    CHECK(all->runs.front().run.scenarios.front().figures.front().value == 3);
}

TEST_CASE("a run that is known is not read again") {
    const state here;
    const auto file = here.kept("a") / "run.json";
    const std::string text = run_at("2026-11-22T00:00:00Z", 1);
    here.keep("a", text);
    CHECK(here.names() == names{"a"});
    const auto then = fs::last_write_time(file);
    here.keep("a", std::string(text.size(), '?')); // nobody looks
    fs::last_write_time(file, then);
    CHECK(here.names() == names{"a"});
}

TEST_CASE("an index that is damaged, of another version or not to be had is none the wiser") {
    const state here;
    here.keep("a", run_at("2026-11-22T00:00:00Z", 1));
    here.keep("b", run_at("2026-11-21T00:00:00Z", 2));
    CHECK(here.names() == names{"a", "b"});
    const std::string good = content_of(here.index());
    REQUIRE(good.size() > 4096);

    std::string damaged = good;
    std::fill(damaged.begin() + 100, damaged.end(), '\x55');
    std::string other_version = good;
    other_version[63] = 99; // PRAGMA user_version: the last byte of four at 60
    std::string short_row = good;
    const auto row = short_row.find("{\"environment\"");
    REQUIRE(row != std::string::npos);
    short_row[row] = '[';
    for (const std::string &bad : {std::string("no database at all"), damaged, other_version,
                                   short_row, good.substr(0, 3000)}) {
        std::ofstream(here.index(), std::ios::binary) << bad;
        CHECK(here.names() == names{"a", "b"});
        CHECK(content_of(here.index()).starts_with("SQLite format 3")); // made anew
        CHECK(content_of(here.index()).size() == good.size());
        CHECK(here.names() == names{"a", "b"});
    }
    fs::remove(here.index());
    fs::create_directories(here.index() / "in the way");
    CHECK(here.names() == names{"a", "b"});
    CHECK(fs::is_directory(here.index()));
}

TEST_CASE("a broken run is told of by name, and hides no other") {
    const state here;
    here.keep("good", run_at("2026-11-22T00:00:00Z", 1));
    here.keep("bad", "{\"schema\": \"kvmig.run/1\"}");
    for (int time = 0; time < 2; ++time) { // the second time by the index
        const auto said = test::call(lab::cli::add_lab, {"lab", "history"});
        CHECK(said.status == lab::cli::exit_status::done);
        CHECK_THAT(said.answer, Catch::StartsWith("good ") && !Catch::Contains("bad"));
        CHECK_THAT(said.messages,
                   Catch::Contains("left out") && Catch::Contains("results/bad/run.json"));
    }
    const auto told =
        nlohmann::json::parse(test::call(lab::cli::add_lab, {"lab", "history", "--json"}).answer);
    CHECK(told.at("schema") == "kvmig.history/1");
    CHECK(told.at("runs").size() == 1);
    CHECK(told.at("runs").at(0) == nlohmann::json{{"name", "good"},
                                                  {"time", "2026-11-22T00:00:00Z"},
                                                  {"kvmig", "0.1.0"},
                                                  {"acceleration", "tcg"},
                                                  {"passed", 1},
                                                  {"failed", 0},
                                                  {"skipped", 0}});
    CHECK(told.at("scenarios").empty());
    CHECK_THAT(told.at("broken").at(0).get<std::string>(), Catch::Contains("results/bad"));
}

TEST_CASE("a scenario over the runs: medians are of what passed in like environments") {
    const state here;
    here.keep("r1", run_at("2026-11-21T01:00:00Z", 30));
    here.keep("r2", run_at("2026-11-21T02:00:00Z", 1000, "two"));
    here.keep("r3", run_at("2026-11-21T03:00:00Z", 0)); // failed
    here.keep("r4", run_at("2026-11-21T04:00:00Z", 10));
    here.keep("r5", run_at("2026-11-21T05:00:00Z", 20));
    const auto said = test::call(lab::cli::add_lab, {"lab", "history", "live-*"});
    INFO(said.answer << said.messages);
    CHECK_THAT(said.answer, Catch::StartsWith("live-shared\n  r5 "));
    CHECK_THAT(said.answer, Catch::Contains("median of 3 that passed"));
    CHECK_THAT(said.answer, Catch::Contains("20 ms (10 to 30)") &&
                                Catch::Contains("200 s (100 to 300)") &&
                                Catch::Contains("10000.0 s, in an unlike environment\n"));
    const auto told = nlohmann::json::parse(
        test::call(lab::cli::add_lab, {"lab", "history", "live-shared", "--json"}).answer);
    const auto &one = told.at("scenarios").at(0);
    CHECK(one.at("id") == "live-shared");
    CHECK(one.at("seconds") == 200);
    CHECK(one.at("entries").size() == 5);
    CHECK(one.at("entries").at(2) ==
          nlohmann::json{{"run", "r3"}, {"outcome", "failed"}, {"seconds", 0}, {"counts", false}});
    CHECK(one.at("figures").at(0) ==
          nlohmann::json{
              {"name", "downtime"}, {"unit", "ms"}, {"samples", {20, 10, 30}}, {"median", 20}});

    const auto none = test::call(lab::cli::add_lab, {"lab", "history", "live-*", "no-such-*"});
    CHECK(none.status == lab::cli::exit_status::usage);
    CHECK_THAT(none.messages, Catch::Contains("'no-such-*'") && Catch::Contains("live-shared"));
}

TEST_CASE("repetitions within a run are entries of their own") {
    const state here;
    fs::create_directories(here.kept("r"));
    fs::copy_file(std::string(KVMIG_TEST_DATA) + "/run/shard-1.json", here.kept("r") / "run.json");
    const auto all = lab::read_kept_runs(here.path());
    REQUIRE(all);
    const auto scenarios =
        lab::histories_of(all->runs, std::vector<std::string>{"live-*", "live-shared"});
    REQUIRE(scenarios);
    REQUIRE(scenarios->size() == 1);
    CHECK(scenarios->front().entries.size() == 2);
    CHECK(scenarios->front().figures.front().samples == std::vector<double>{149, 151});
    CHECK_THAT(lab::history_table(all->runs), Catch::EndsWith("skipped, shard 1/2\n"));
}
