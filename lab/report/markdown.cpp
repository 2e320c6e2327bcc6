// SPDX-License-Identifier: MIT
#include <lab/report/markdown.hpp>
#include <lab/report/repetition.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

namespace kvmig::lab {

namespace {

/// In a cell or a list: in one line, with nothing that Markdown or HTML would read.
std::string plain(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n' || c == '\r' || c == '\t') {
            out += ' ';
        } else if (c == '<') {
            out += "&lt;";
        } else if (c == '&') {
            out += "&amp;";
        } else {
            if (std::string_view("\\`*_|[]#~").find(c) != std::string_view::npos) out += '\\';
            out += c;
        }
    }
    return out;
}

std::string proofs_in(const scenario_result &one) {
    const auto passed = std::count_if(one.proofs.begin(), one.proofs.end(),
                                      [](const proof &each) { return each.passed; });
    return fmt::format("{} of {}", passed, one.proofs.size());
}

void add_failure(std::string &out, const std::string &name, const scenario_result &one) {
    out += fmt::format("\n### {} failed\n\n{}\n", plain(name), plain(one.reason));
    for (const proof &each : one.proofs) {
        if (each.passed) continue;
        out += fmt::format("\n- **{}**: {}", plain(each.name), plain(each.seen));
    }
    out += '\n';
}

void add_figures(std::string &out, const std::string &name, const scenario_result &one) {
    if (one.figures.empty()) return;
    out += fmt::format("\n<details><summary>{}</summary>\n\n| Figure | Value | Unit |\n"
                       "|---|---:|---|\n",
                       plain(name));
    for (const figure &each : one.figures) {
        const std::string why = each.distorted.empty() ? "" : " (" + each.distorted + ")";
        out += fmt::format("| {} | {:.6g} | {} |\n", plain(each.name + why), each.value,
                           plain(each.unit));
    }
    out += "\n</details>\n";
}

} // namespace

std::string markdown_of(const run_result &run) {
    std::string out = fmt::format("## kvmig lab: {} passed, {} failed, {} skipped\n\n",
                                  run.count(outcome::passed), run.count(outcome::failed),
                                  run.count(outcome::skipped));
    out += "| Scenario | Outcome | Proofs | Seconds |\n|---|---|---:|---:|\n";
    const auto names = names_of(run);
    for (std::size_t i = 0; i < names.size(); ++i) {
        const scenario_result &each = run.scenarios[i];
        std::string how{to_string(each.result)};
        if (each.result == outcome::skipped) how += ": " + each.reason;
        if (!each.failed_before.empty()) {
            how += fmt::format(", at attempt {}", each.failed_before.size() + 1);
        }
        out += fmt::format("| {} | {} | {} | {:.1f} |\n", plain(names[i]), plain(how),
                           proofs_in(each), each.seconds);
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (run.scenarios[i].result == outcome::failed)
            add_failure(out, names[i], run.scenarios[i]);
    }
    for (std::size_t i = 0; i < names.size(); ++i) add_figures(out, names[i], run.scenarios[i]);
    return out;
}

} // namespace kvmig::lab
