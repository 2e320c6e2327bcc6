// SPDX-License-Identifier: MIT
/// What a rule found.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::precheck {

/// How much a finding matters.
enum class severity : std::uint8_t {
    blocks,  ///< the migration will be refused or fail, or would do harm
    unknown, ///< a fact is missing without which nobody can say
    warns,   ///< it may go wrong, or something is lost
    info,    ///< worth knowing
};

/// The word of `kvmig.check/1`, which is the enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(severity how) noexcept {
    switch (how) {
    case severity::blocks: return "blocks";
    case severity::unknown: return "unknown";
    case severity::warns: return "warns";
    case severity::info: return "info";
    }
    return "unknown";
}

/// One thing that a rule has to say. A rule that finds nothing wrong says nothing.
struct observation {
    severity how = severity::info;        ///< as the rule judges, before anything is ignored
    std::string host;                     ///< where it was seen
    std::string seen;                     ///< what was seen, or which fact is missing and why
    std::vector<std::string> remedy = {}; ///< commands, each for a POSIX shell

    friend bool operator==(const observation &, const observation &) = default;
};

using observations = std::vector<observation>; ///< What a rule saw, in its order.

/// An observation, with the words of its rule.
struct finding {
    std::string
        id; ///< `KVM-NIC-001`: stable; the catalogue's where a failed migration tells the same
    severity how = severity::info; ///< `info` where it was asked to be ignored
    std::string host;              ///< where it was seen
    std::string title;             ///< of the rule
    std::string seen;              ///< what was seen, or which fact is missing and why
    std::string why;               ///< why it matters
    std::string source;            ///< the refusal that is foreseen, or the document that says so
    std::vector<std::string> remedy = {}; ///< commands, each for a POSIX shell
    /// What it was before somebody asked to ignore it; otherwise the same as `how`.
    severity before = severity::info;

    friend bool operator==(const finding &, const finding &) = default;
};

} // namespace kvmig::precheck
