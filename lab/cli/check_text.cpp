// SPDX-License-Identifier: MIT
#include <lab/cli/check_text.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <vector>

namespace kvmig::lab::cli {

namespace {

using precheck::finding;
using precheck::severity;

nlohmann::json finding_json(const finding &one) {
    nlohmann::json out = {{"id", one.id},         {"severity", to_string(one.how)},
                          {"host", one.host},     {"title", one.title},
                          {"seen", one.seen},     {"why", one.why},
                          {"remedy", one.remedy}, {"source", one.source}};
    if (one.before != one.how) out["ignored"] = to_string(one.before);
    return out;
}

void write_finding(std::string &out, const finding &one) {
    const std::string ignored =
        one.before == one.how ? "" : fmt::format(", ignored: {}", to_string(one.before));
    out += fmt::format("{}  {}  [{}{}]\n", one.id, one.title, to_string(one.how), ignored);
    out += fmt::format("  seen     {}: {}\n", one.host, one.seen);
    // Of what is not known the reason counts, which was seen; the rest would bury what blocks.
    if (one.how != severity::unknown) {
        out += fmt::format("  why      {}\n           {}\n", one.why, one.source);
    }
    for (const std::string &command : one.remedy) out += fmt::format("  do       {}\n", command);
    out += '\n';
}

} // namespace

nlohmann::json check_json(const precheck::report &found) {
    nlohmann::json answer = {{"schema", "kvmig.check/1"},
                             {"verdict", to_string(found.verdict)},
                             {"findings", nlohmann::json::array()}};
    for (const finding &one : found.findings) answer["findings"].push_back(finding_json(one));
    return answer;
}

std::string check_text(const precheck::report &found) {
    std::string out;
    std::string counts;
    for (const severity how :
         {severity::blocks, severity::unknown, severity::warns, severity::info}) {
        std::size_t count = 0;
        for (const finding &one : found.findings) {
            if (one.how != how) continue;
            write_finding(out, one);
            ++count;
        }
        counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count, to_string(how));
    }
    return out + fmt::format("{}: {}\n", to_string(found.verdict), counts);
}

} // namespace kvmig::lab::cli
