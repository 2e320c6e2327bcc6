// SPDX-License-Identifier: MIT
#include <lab/report/openmetrics.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <string_view>
#include <vector>

namespace kvmig::lab {

namespace {

/// A figure's unit, and the metric it belongs to.
struct unit_rule {
    std::string_view unit;
    std::string_view suffix; ///< of the metric; also its UNIT, where that is one
    double factor;
};
constexpr std::array units = {
    unit_rule{"ms", "seconds", 0.001}, unit_rule{"s", "seconds", 1},
    unit_rule{"bytes", "bytes", 1},    unit_rule{"bytes/s", "bytes_per_second", 1},
    unit_rule{"ratio", "ratio", 1},    unit_rule{"count", "items", 1},
};
constexpr unit_rule other{"", "other", 1};

const unit_rule &rule_of(const figure &one) {
    const auto *const found = std::find_if(
        units.begin(), units.end(), [&](const unit_rule &each) { return each.unit == one.unit; });
    return found == units.end() ? other : *found;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '"') out += '\\';
        if (c == '\n') {
            out += "\\n";
        } else {
            out += c;
        }
    }
    return out;
}

void begin_metric(std::string &out, std::string_view name, std::string_view unit,
                  std::string_view help) {
    out += fmt::format("# TYPE {} gauge\n", name);
    if (!unit.empty()) out += fmt::format("# UNIT {} {}\n", name, unit);
    out += fmt::format("# HELP {} {}\n", name, help);
}

/// The samples of one metric stand together.
void add_figures(std::string &out, const run_result &run, std::string_view suffix) {
    std::string samples;
    for (const scenario_result &scenario : run.scenarios) {
        for (const figure &each : scenario.figures) {
            const unit_rule &rule = rule_of(each);
            if (rule.suffix != suffix || !std::isfinite(each.value)) continue;
            samples += fmt::format("kvmig_figure_{}{{scenario=\"{}\",figure=\"{}\"", suffix,
                                   escaped(scenario.id), escaped(each.name));
            if (suffix == other.suffix) samples += fmt::format(",unit=\"{}\"", escaped(each.unit));
            samples += fmt::format("}} {}\n", each.value * rule.factor);
        }
    }
    if (samples.empty()) return;
    const bool is_unit = suffix != other.suffix && suffix != "items";
    begin_metric(out, fmt::format("kvmig_figure_{}", suffix), is_unit ? suffix : "",
                 "A figure that a scenario measured");
    out += samples;
}

} // namespace

std::string openmetrics_of(const run_result &run) {
    std::string out;
    begin_metric(out, "kvmig_scenario_passed", "", "Whether the scenario passed");
    for (const scenario_result &each : run.scenarios) {
        if (each.result == outcome::skipped) continue;
        out += fmt::format("kvmig_scenario_passed{{scenario=\"{}\"}} {}\n", escaped(each.id),
                           each.result == outcome::passed ? 1 : 0);
    }
    begin_metric(out, "kvmig_scenario_seconds", "seconds", "Wall time of the scenario");
    for (const scenario_result &each : run.scenarios) {
        out += fmt::format("kvmig_scenario_seconds{{scenario=\"{}\"}} {}\n", escaped(each.id),
                           each.seconds);
    }
    begin_metric(out, "kvmig_scenario_proofs", "", "Proofs of the scenario by what came of them");
    for (const scenario_result &each : run.scenarios) {
        const auto passed = std::count_if(each.proofs.begin(), each.proofs.end(),
                                          [](const proof &one) { return one.passed; });
        const auto all = static_cast<std::ptrdiff_t>(each.proofs.size());
        for (const auto &[word, count] : {std::pair{"passed", passed}, {"failed", all - passed}}) {
            out += fmt::format("kvmig_scenario_proofs{{scenario=\"{}\",outcome=\"{}\"}} {}\n",
                               escaped(each.id), word, count);
        }
    }
    for (const std::string_view suffix :
         {"seconds", "bytes", "bytes_per_second", "ratio", "items", "other"}) {
        add_figures(out, run, suffix);
    }
    return out + "# EOF\n";
}

} // namespace kvmig::lab
