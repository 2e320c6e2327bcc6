// SPDX-License-Identifier: MIT
/// All rules over all facts, and what they come to.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/precheck/facts.hpp>
#include <kvmig/precheck/finding.hpp>
#include <kvmig/precheck/table.hpp>

#include <algorithm>
#include <cstdint>
#include <range/v3/algorithm/contains.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::precheck {

/// What all findings come to: the worst of them, `info` aside.
enum class verdict : std::uint8_t { clear, warns, unknown, blocked };

/// The word of `kvmig.check/1`, which is the enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(verdict what) noexcept {
    switch (what) {
    case verdict::clear: return "clear";
    case verdict::warns: return "warns";
    case verdict::unknown: return "unknown";
    case verdict::blocked: return "blocked";
    }
    return "unknown";
}

/// What was found, in the order of the table, and within a rule in that of the definition.
struct report {
    kvmig::precheck::verdict verdict = kvmig::precheck::verdict::clear; ///< the worst of `findings`
    std::vector<finding> findings;                                      ///< each once

    friend bool operator==(const report &, const report &) = default;
};

/// What one finding makes of the verdict.
[[nodiscard]] constexpr verdict verdict_of(severity how) noexcept {
    switch (how) {
    case severity::blocks: return verdict::blocked;
    case severity::unknown: return verdict::unknown;
    case severity::warns: return verdict::warns;
    case severity::info: return verdict::clear;
    }
    return verdict::unknown;
}

/// Fails with `invalid_argument` for an id that no rule has.
[[nodiscard]] inline expected<void> check_ignored(const std::vector<std::string> &ignored) {
    for (const std::string &id : ignored) {
        if (find_rule(id) != nullptr) continue;
        return fail(make_error(error_kind::invalid_argument, "no rule has the id '" + id + "'")
                        .about(id)
                        .advise("ignore only what a check has told, by its id"));
    }
    return {};
}

/// Runs the rules in `rules`. What is said twice (two interfaces on one missing bridge) is told
/// once. Findings of the ids in `ignored` come down to `info` and keep in `before` what they were.
[[nodiscard]] inline report check_by(std::span<const rule> rules, const facts &all,
                                     const std::vector<std::string> &ignored = {}) {
    report out;
    for (const rule &each : rules) {
        const bool ignore = ranges::contains(ignored, each.id);
        for (observation &seen : each.look(all)) {
            finding found{.id = std::string(each.id),
                          .how = ignore ? severity::info : seen.how,
                          .host = std::move(seen.host),
                          .title = std::string(each.title),
                          .seen = std::move(seen.seen),
                          .why = std::string(each.why),
                          .source = std::string(each.source),
                          .remedy = std::move(seen.remedy),
                          .before = seen.how};
            if (ranges::contains(out.findings, found)) continue;
            out.verdict = std::max(out.verdict, verdict_of(found.how));
            out.findings.push_back(std::move(found));
        }
    }
    return out;
}

/// Runs every rule.
[[nodiscard]] inline report check(const facts &all, const std::vector<std::string> &ignored = {}) {
    return check_by(rules_table, all, ignored);
}

} // namespace kvmig::precheck
