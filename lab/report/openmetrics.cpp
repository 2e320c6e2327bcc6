// SPDX-License-Identifier: MIT
#include <lab/report/openmetrics.hpp>
#include <lab/report/repetition.hpp>

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

/// For each entry of the run the labels that name it: two series of the same labels were one.
std::vector<std::string> labels_of(const run_result &run) {
    const auto repetitions = repetitions_of(run);
    std::vector<std::string> out;
    for (std::size_t i = 0; i < repetitions.size(); ++i) {
        out.push_back(fmt::format("scenario=\"{}\"", escaped(run.scenarios[i].id)));
        if (repetitions[i] != 0) out.back() += fmt::format(",repetition=\"{}\"", repetitions[i]);
    }
    return out;
}

/// The samples of one metric stand together.
void add_figures(std::string &out, const run_result &run, const std::vector<std::string> &labels,
                 std::string_view suffix) {
    std::string samples;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        for (const figure &each : run.scenarios[i].figures) {
            const unit_rule &rule = rule_of(each);
            if (rule.suffix != suffix || !std::isfinite(each.value)) continue;
            samples += fmt::format("kvmig_figure_{}{{{},figure=\"{}\"", suffix, labels[i],
                                   escaped(each.name));
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
    const auto labels = labels_of(run);
    std::string out;
    begin_metric(out, "kvmig_scenario_passed", "", "Whether the scenario passed");
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const outcome result = run.scenarios[i].result;
        if (result == outcome::skipped) continue;
        out += fmt::format("kvmig_scenario_passed{{{}}} {}\n", labels[i],
                           result == outcome::passed ? 1 : 0);
    }
    begin_metric(out, "kvmig_scenario_seconds", "seconds", "Wall time of the scenario");
    for (std::size_t i = 0; i < labels.size(); ++i) {
        out +=
            fmt::format("kvmig_scenario_seconds{{{}}} {}\n", labels[i], run.scenarios[i].seconds);
    }
    begin_metric(out, "kvmig_scenario_proofs", "", "Proofs of the scenario by what came of them");
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const auto &proofs = run.scenarios[i].proofs;
        const auto passed = std::count_if(proofs.begin(), proofs.end(),
                                          [](const proof &one) { return one.passed; });
        const auto all = static_cast<std::ptrdiff_t>(proofs.size());
        for (const auto &[word, count] : {std::pair{"passed", passed}, {"failed", all - passed}}) {
            out += fmt::format("kvmig_scenario_proofs{{{},outcome=\"{}\"}} {}\n", labels[i], word,
                               count);
        }
    }
    for (const std::string_view suffix :
         {"seconds", "bytes", "bytes_per_second", "ratio", "items", "other"}) {
        add_figures(out, run, labels, suffix);
    }
    return out + "# EOF\n";
}

} // namespace kvmig::lab
