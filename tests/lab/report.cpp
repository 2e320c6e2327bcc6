// SPDX-License-Identifier: MIT
// A run as table and JSON.
#include <lab/report/run_json.hpp>
#include <lab/report/table.hpp>
#include <support/catch.hpp>

using namespace kvmig;

namespace {

lab::run_result run_of(std::vector<std::string> failed_before) {
    lab::scenario_result one;
    one.id = "live-shared";
    one.result = lab::outcome::passed;
    one.seconds = 12.34;
    one.prove("memory intact", true, "1 page checked, 0 bad");
    one.measure("memory moved", 1048576, "bytes");
    one.failed_before = std::move(failed_before);
    lab::run_result run;
    run.scenarios.push_back(std::move(one));
    return run;
}

} // namespace

TEST_CASE("a run is told scenario by scenario, with its counts at the end") {
    const std::string table = lab::table_of(run_of({}));
    CHECK_THAT(table, Catch::Contains("live-shared") && Catch::Contains("1 of   1 proofs") &&
                          Catch::Contains("1.0 MiB") && !Catch::Contains("attempt") &&
                          Catch::EndsWith("\n1 passed, 0 failed, 0 skipped\n"));
    CHECK(lab::to_json(run_of({})).at("scenarios").at(0).at("failed_before").empty());
}

TEST_CASE("a scenario that passed at a later attempt says why it failed before") {
    const auto run = run_of({"the guest is silent"});
    CHECK_THAT(lab::table_of(run),
               Catch::Contains("failed at an earlier attempt: the guest is silent\n") &&
                   Catch::EndsWith("1 passed, 0 failed, 0 skipped; 1 at a later attempt\n"));
    const auto told = lab::to_json(run).at("scenarios").at(0);
    CHECK(told.at("outcome") == "passed");
    CHECK(told.at("failed_before") == std::vector<std::string>{"the guest is silent"});
}
