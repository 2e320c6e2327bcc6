// SPDX-License-Identifier: MIT
/// Rules: what the canary met that was migrated in the guest's place. Silent where none was sent.
#pragma once

#include <kvmig/precheck/rule.hpp>

#include <string>

namespace kvmig::precheck::rules {

/// Prevents whatever the canary's migration has failed by.
inline observations look_canary_lost(const facts &f) {
    if (!f.canary || f.canary->fate == canary_fate::arrived) return {};
    const canary_facts &told = *f.canary;
    const bool tried = told.fate == canary_fate::lost;
    observation out{tried ? severity::blocks : severity::unknown, told.host,
                    (tried ? "" : "it could not be tried: ") + told.said};
    for (const canary_cause &each : told.causes) {
        out.seen += "; " + each.confidence + ": " + each.id + ' ' + each.title;
    }
    if (!told.causes.empty()) out.remedy = told.causes.front().remedy;
    return {out};
}

inline constexpr rule canary_lost{
    "KVM-LIF-103", "The canary did not arrive",
    "A tiny paused guest of the same machine type, CPU, labels, bridges and storage took the way "
    "that this guest is to take: what stopped it will stop the guest.",
    "the migration that was tried, and `kvmig explain` for its cause", look_canary_lost};

/// Warns of leftovers.
inline observations look_canary_remains(const facts &f) {
    observations out;
    if (!f.canary) return out;
    for (const std::string &each : f.canary->remains) {
        out.push_back({severity::warns, f.source.name, each});
    }
    return out;
}

inline constexpr rule canary_remains{
    "KVM-LIF-104", "Something of a canary remains",
    "It is removed by the next check with a canary, once it is old enough to have no owner.",
    "virDomainDestroy, virStorageVolDelete", look_canary_remains};

} // namespace kvmig::precheck::rules
