// SPDX-License-Identifier: MIT
/// What the kept runs tell over time: each in a line, and single scenarios over all of them.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/report/kept_runs.hpp>

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace kvmig::lab {

/// One scenario over the runs, the newest first.
struct scenario_history {
    struct entry {
        std::string run;
        outcome result = outcome::failed;
        double seconds = 0;
        bool counts = false; ///< it passed, in an environment like that of the newest run it is in
    };
    /// A figure of the entries that count.
    struct series {
        std::string name;
        std::string unit;
        std::vector<double> samples; ///< never empty
    };
    std::string id;
    std::vector<entry> entries;
    std::vector<series> figures;
};

/// Of each scenario whose id matches one of `globs` (fnmatch(3)), in the order in which they are
/// run. A glob that matches none is an `invalid_argument` that names it and the ids there are.
[[nodiscard]] expected<std::vector<scenario_history>>
histories_of(std::span<const kept_run> runs, std::span<const std::string> globs);

/// A line for each run: name, time, version of kvmig, acceleration, and how many scenarios passed,
/// failed and were skipped.
[[nodiscard]] std::string history_table(std::span<const kept_run> runs);

/// A line for each entry, then the medians of seconds and figures, of the entries that count, with
/// the least and the greatest.
[[nodiscard]] std::string history_table(const scenario_history &one);

/// `{"schema": "kvmig.history/1", "runs": [{"name", "time", "kvmig", "acceleration", "passed",
/// "failed", "skipped"}], "scenarios": [{"id", "entries": [{"run", "outcome", "seconds",
/// "counts"}], "seconds": MEDIAN, "figures": [{"name", "unit", "samples", "median"}]}], "broken":
/// ["…"]}`; what is not known is null.
[[nodiscard]] nlohmann::json history_json(const kept_runs &kept,
                                          std::span<const scenario_history> scenarios);

} // namespace kvmig::lab
