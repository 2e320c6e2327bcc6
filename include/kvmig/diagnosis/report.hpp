// SPDX-License-Identifier: MIT
/// What a diagnosis answers: causes, ranked, with what speaks for each.
#pragma once

#include <kvmig/diagnosis/entry.hpp>
#include <kvmig/diagnosis/remedy.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::diagnosis {

/// How sure a cause is.
enum class confidence : std::uint8_t {
    possible, ///< a cut message, or a symptom with no cause beside it
    likely,   ///< a message with one usual cause
    certain,  ///< a message or a state that has no other cause
};

/// The enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(confidence sure) noexcept {
    switch (sure) {
    case confidence::possible: return "possible";
    case confidence::likely: return "likely";
    case confidence::certain: return "certain";
    }
    return "possible";
}

/// One thing that speaks for a cause.
struct clue {
    std::string text; ///< the line, error or state as it was given
    std::string from; ///< file name, or `libvirt error`, `blocked reason`, `precheck`, `state`
    std::string host; ///< empty when unknown
    evidence_side side = evidence_side::unknown; ///< `unknown` also where a text does not tell
    std::size_t line = 0;                        ///< counted from 1; 0 when it is not from a text
    std::size_t offset = 0;                      ///< in bytes, where the message begins in its text
    std::string_view source = {}; ///< where the wording stands in libvirt's or QEMU's sources
    bool cut = false;             ///< the message was cut short
};

/// A cause that something in the evidence speaks for.
struct cause {
    const entry *about = nullptr;           ///< never null
    confidence sure = confidence::possible; ///< of the strongest clue
    std::vector<clue> evidence;             ///< at most `most_clues`, in order of appearance
    std::size_t seen = 0;                   ///< how often, all told
    values found;                           ///< of the first clue that carried any
    std::vector<filled_step> remedy;        ///< in the order in which they are taken
    std::string look;                       ///< where to look next, filled in
};

inline constexpr std::size_t most_clues = 6; ///< The most clues that a cause is told with.

/// What came of the evidence.
struct report {
    std::vector<cause> causes;   ///< strongest first; empty when nothing is known
    std::vector<cause> symptoms; ///< what follows from a cause above; empty when there is none
    /// What looks like a failure and is not explained: kept, never guessed at.
    std::vector<clue> unexplained;
    std::uint64_t work = 0; ///< bytes and messages compared: grows linearly with the evidence
};

} // namespace kvmig::diagnosis
