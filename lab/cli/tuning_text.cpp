// SPDX-License-Identifier: MIT
#include <lab/cli/tuning_text.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kvmig::lab::cli {

std::string tuning_text(const tuning::plan &all) {
    std::string out;
    for (const tuning::change &step : all.changes) {
        const std::string of = step.what.object.empty() ? "" : " of " + step.what.object;
        if (step.trigger) {
            out += fmt::format("{}{}  <- {}\n", step.what.name, of, step.to);
        } else {
            out += fmt::format("{}{}  {} -> {}\n", step.what.name, of, step.from, step.to);
        }
        const auto line = [&out](const char *what, const std::string &text) {
            if (!text.empty()) out += fmt::format("  {:<7} {}\n", what, text);
        };
        line("why", step.why);
        line("source", step.source);
        line("risk", step.risk);
        line("moves", fmt::format("{}", fmt::join(step.moves_too, ", ")));
    }
    return out + notes_text(all);
}

std::string notes_text(const tuning::plan &all) {
    std::string out;
    for (const std::string &note : all.notes) out += fmt::format("note: {}\n", note);
    return out;
}

nlohmann::json tuning_json(const tuning::plan &all) {
    nlohmann::json changes = nlohmann::json::array();
    for (const tuning::change &step : all.changes) {
        nlohmann::json one = {{"kind", to_string(step.what.kind)},
                              {"target", step.what.name},
                              {"to", step.to},
                              {"why", step.why},
                              {"source", step.source}};
        if (!step.trigger) one["from"] = step.from;
        if (!step.what.object.empty()) one["object"] = step.what.object;
        if (!step.risk.empty()) one["risk"] = step.risk;
        if (!step.moves_too.empty()) one["moves_too"] = step.moves_too;
        changes.push_back(std::move(one));
    }
    return {{"schema", "kvmig.tune/1"}, {"changes", std::move(changes)}, {"notes", all.notes}};
}

std::string tuning_text(const host::revert_result &done) {
    std::string out;
    for (const std::string &path : done.restored) out += fmt::format("{}  put back\n", path);
    for (const std::string &path : done.gone) out += fmt::format("{}  is no longer there\n", path);
    return out;
}

nlohmann::json tuning_json(const host::revert_result &done) {
    return {{"schema", "kvmig.tune/1"}, {"restored", done.restored}, {"gone", done.gone}};
}

} // namespace kvmig::lab::cli
