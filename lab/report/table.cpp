// SPDX-License-Identifier: MIT
#include <lab/report/repetition.hpp>
#include <lab/report/table.hpp>

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace kvmig::lab {

namespace {

std::string value_of(const figure &one) {
    if (one.unit == "bytes") return fmt::format("{:.1f} MiB", one.value / (1024.0 * 1024.0));
    if (one.value == std::floor(one.value)) return fmt::format("{:.0f} {}", one.value, one.unit);
    return fmt::format("{:.1f} {}", one.value, one.unit);
}

} // namespace

std::string table_of(const run_result &run) {
    std::string text;
    const auto names = names_of(run);
    for (std::size_t i = 0; i < names.size(); ++i) {
        const scenario_result &each = run.scenarios[i];
        const auto passed = std::count_if(each.proofs.begin(), each.proofs.end(),
                                          [](const proof &one) { return one.passed; });
        text += fmt::format("{:<28} {:<8} {:>3} of {:>3} proofs {:>9.1f} s\n", names[i],
                            to_string(each.result), passed, each.proofs.size(), each.seconds);
        for (const std::string &reason : each.failed_before) {
            text += fmt::format("    failed at an earlier attempt: {}\n", reason);
        }
        for (const figure &one : each.figures) {
            text += fmt::format("    {:<52} {:>16}\n", one.name, value_of(one));
        }
        for (const proof &one : each.proofs) {
            if (!one.passed)
                text += fmt::format("    not proven: {}\n      {}\n", one.name, one.seen);
        }
        if (!each.reason.empty()) text += fmt::format("    {}\n", each.reason);
    }
    const auto again =
        std::count_if(run.scenarios.begin(), run.scenarios.end(),
                      [](const scenario_result &one) { return !one.failed_before.empty(); });
    return text + fmt::format("{} passed, {} failed, {} skipped{}\n", run.count(outcome::passed),
                              run.count(outcome::failed), run.count(outcome::skipped),
                              again == 0 ? "" : fmt::format("; {} at a later attempt", again));
}

} // namespace kvmig::lab
