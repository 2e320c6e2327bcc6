// SPDX-License-Identifier: MIT
// The figures of `kvmig lab bench startup` beside their goals.
#include <lab/cli/bench.hpp>
#include <support/catch.hpp>

using namespace kvmig;

TEST_CASE("each figure of the startup benchmark stands beside its goal") {
    lab::scenario_result result;
    result.measure("reset", 3.04, "s");
    result.measure("peak memory", 2500, "MiB");
    const std::string table = lab::cli::startup_table(result);
    CHECK_THAT(table, Catch::Matches("[^\n]*measured +goal *\n"
                                     "reset +3\\.0 s +6 s *\n"
                                     "peak memory +2500\\.0 MiB +8192 MiB *\n"));
}
