// SPDX-License-Identifier: MIT
#include <lab/cli/diagnosis_text.hpp>

#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace kvmig::lab::cli {

namespace {

using diagnosis::cause;
using diagnosis::clue;

/// Where a clue was seen, e.g. `journal.log:17 on kvm02`.
std::string place_of(const clue &seen) {
    std::string text = seen.from;
    if (seen.line != 0) text += fmt::format("{}line {}", text.empty() ? "" : ", ", seen.line);
    if (!seen.host.empty()) text += " on " + seen.host;
    if (seen.side != evidence_side::unknown) {
        text += fmt::format(" ({})", to_string(seen.side));
    }
    return text;
}

nlohmann::json clue_json(const clue &seen) {
    return {{"text", seen.text},     {"from", seen.from},
            {"host", seen.host},     {"side", to_string(seen.side)},
            {"line", seen.line},     {"offset", seen.offset},
            {"source", seen.source}, {"cut", seen.cut}};
}

nlohmann::json cause_json(const cause &one) {
    nlohmann::json evidence = nlohmann::json::array();
    nlohmann::json clues = nlohmann::json::array();
    for (const clue &seen : one.evidence) {
        evidence.push_back(seen.text);
        clues.push_back(clue_json(seen));
    }
    nlohmann::json remedy = nlohmann::json::array();
    nlohmann::json steps = nlohmann::json::array();
    for (const diagnosis::filled_step &todo : one.remedy) {
        remedy.push_back(todo.run);
        steps.push_back({{"on", to_string(todo.on)}, {"run", todo.run}, {"note", todo.note}});
    }
    nlohmann::json found = nlohmann::json::object();
    for (const auto &[name, value] : one.found) found[name] = value;
    const diagnosis::topic_name *about = diagnosis::topic_of(one.about->id);
    return {{"id", one.about->id},
            {"topic", about == nullptr ? std::string_view{} : about->title},
            {"title", one.about->title},
            {"confidence", to_string(one.sure)},
            {"evidence", std::move(evidence)},
            {"remedy", std::move(remedy)},
            {"cause", one.about->cause},
            {"corrects", one.about->corrects},
            {"look", one.look},
            {"seen", one.seen},
            {"clues", std::move(clues)},
            {"steps", std::move(steps)},
            {"values", std::move(found)}};
}

void write_cause(std::string &out, const cause &one) {
    out += fmt::format("{}  {}  [{}]\n", one.about->id, one.about->title, to_string(one.sure));
    for (const clue &seen : one.evidence) {
        const std::string place = place_of(seen);
        out += fmt::format("  seen     {}{}\n", seen.text, seen.cut ? "  (cut short)" : "");
        if (!place.empty()) out += fmt::format("           {}\n", place);
    }
    if (one.seen > one.evidence.size())
        out += fmt::format("           {} times in all\n", one.seen);
    out += fmt::format("  why      {}\n", one.about->cause);
    if (!one.about->corrects.empty()) out += fmt::format("  note     {}\n", one.about->corrects);
    for (const diagnosis::filled_step &todo : one.remedy) {
        out += fmt::format("  do       {}: {}\n", to_string(todo.on), todo.run);
        if (!todo.note.empty()) out += fmt::format("           ({})\n", todo.note);
    }
    out += fmt::format("  look     {}\n\n", one.look);
}

} // namespace

nlohmann::json diagnosis_json(const diagnosis::report &found) {
    nlohmann::json answer = {{"schema", "kvmig.diagnosis/1"},
                             {"causes", nlohmann::json::array()},
                             {"symptoms", nlohmann::json::array()},
                             {"unexplained", nlohmann::json::array()}};
    for (const cause &one : found.causes) answer["causes"].push_back(cause_json(one));
    for (const cause &one : found.symptoms) answer["symptoms"].push_back(cause_json(one));
    for (const clue &seen : found.unexplained) answer["unexplained"].push_back(clue_json(seen));
    return answer;
}

std::string diagnosis_text(const diagnosis::report &found) {
    std::string out;
    for (const cause &one : found.causes) write_cause(out, one);
    if (!found.symptoms.empty()) {
        out += "Also seen, and usually only what follows from the above:\n";
        for (const cause &one : found.symptoms) {
            out += fmt::format("  {}  {}\n", one.about->id, one.about->title);
        }
    }
    if (found.causes.empty()) {
        out += "No cause is known for this.\n";
        if (!found.unexplained.empty()) out += "What looks like a failure:\n";
        for (const clue &seen : found.unexplained) {
            const std::string place = place_of(seen);
            out += fmt::format("  {}{}\n", seen.text, place.empty() ? "" : "  (" + place + ")");
        }
    }
    return out;
}

bool worth_explaining(const error &why) noexcept {
    switch (why.kind) {
    case error_kind::invalid_argument:
    case error_kind::environment:
    case error_kind::cancelled:
    case error_kind::timed_out: return false; // it was given up, and says after what
    default: return true;
    }
}

void tell_causes(const diagnosis::report &found) {
    if (!found.causes.empty()) fmt::print(stderr, "\n{}", diagnosis_text(found));
}

} // namespace kvmig::lab::cli
