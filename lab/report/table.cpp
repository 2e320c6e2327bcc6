// SPDX-License-Identifier: MIT
#include <lab/report/repetition.hpp>
#include <lab/report/table.hpp>

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <string_view>
#include <vector>

namespace kvmig::lab {

namespace {

constexpr std::size_t columns = 80;

/// `text` in lines that fit, each begun with `indent` blanks: broken between words, and within one
/// that is longer than a line.
std::string wrapped(std::size_t indent, std::string_view text) {
    std::string out;
    const std::size_t room = columns - indent;
    while (!text.empty()) {
        const std::size_t line_end = std::min(text.find('\n'), text.size());
        std::size_t end = line_end;
        if (end > room) {
            end = text.rfind(' ', room);
            if (end == std::string_view::npos || end == 0) end = room;
            // Not within a character of several bytes.
            while (end > 1 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
        }
        out += std::string(indent, ' ');
        out += text.substr(0, end);
        out += '\n';
        text.remove_prefix(end);
        if (!text.empty() && (text.front() == ' ' || text.front() == '\n')) text.remove_prefix(1);
    }
    return out;
}

std::string value_of(const figure &one) {
    constexpr double mib = 1024.0 * 1024.0;
    if (one.unit == "bytes") return fmt::format("{:.1f} MiB", one.value / mib);
    if (one.unit == "bytes/s") return fmt::format("{:.1f} MiB/s", one.value / mib);
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
            text += wrapped(4, "failed at an earlier attempt: " + reason);
        }
        std::vector<std::string_view> distorted; // why, each said once
        for (const figure &one : each.figures) {
            const std::string value = value_of(one) + (one.distorted.empty() ? "" : " *");
            if (!one.distorted.empty() &&
                std::find(distorted.begin(), distorted.end(), one.distorted) == distorted.end()) {
                distorted.push_back(one.distorted);
            }
            if (5 + std::max<std::size_t>(one.name.size(), 52) +
                    std::max<std::size_t>(value.size(), 16) <=
                columns) {
                text += fmt::format("    {:<52} {:>16}\n", one.name, value);
            } else {
                text += wrapped(4, one.name) + fmt::format("    {:>69}\n", value);
            }
        }
        for (const std::string_view why : distorted) text += wrapped(4, fmt::format("* {}", why));
        for (const proof &one : each.proofs) {
            if (one.passed) continue;
            text += wrapped(4, "not proven: " + one.name) + wrapped(6, one.seen);
        }
        text += wrapped(4, each.reason);
    }
    const auto again =
        std::count_if(run.scenarios.begin(), run.scenarios.end(),
                      [](const scenario_result &one) { return !one.failed_before.empty(); });
    return text + fmt::format("{} passed, {} failed, {} skipped{}\n", run.count(outcome::passed),
                              run.count(outcome::failed), run.count(outcome::skipped),
                              again == 0 ? "" : fmt::format("; {} at a later attempt", again));
}

} // namespace kvmig::lab
