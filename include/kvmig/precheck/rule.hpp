// SPDX-License-Identifier: MIT
/// The shape of a rule, and the words in which rules observe.
#pragma once

#include <kvmig/core/shell_word.hpp>
#include <kvmig/precheck/facts.hpp>
#include <kvmig/precheck/finding.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::precheck {

/// One thing that can go wrong, and the function that sees it coming.
///
/// Ids and titles are those of the catalogue of causes (`kvmig explain`) where a failed migration
/// would tell the same. Numbers from 101 on are the prechecks' own: nothing fails by them.
struct rule {
    std::string_view id;
    std::string_view title;
    std::string_view why;    ///< why it matters: one or two sentences
    std::string_view source; ///< the refusal that is foreseen, or the document
    observations (*look)(const facts &);
};

/// `"name: a, b"` without the name: texts in one line.
[[nodiscard]] inline std::string joined(const std::vector<std::string> &texts) {
    std::string out;
    for (const std::string &each : texts) out += (out.empty() ? "" : ", ") + each;
    return out;
}

/// The observation that a fact is missing: what would have to be known, and why it is not.
template <class T>
[[nodiscard]] observation missing(const host_facts &on, const std::string &what,
                                  const fact<T> &told, std::vector<std::string> remedy = {}) {
    return {severity::unknown, on.name, what + " is not known: " + told.reason(),
            std::move(remedy)};
}

/// A command for the host's own shell, reached by SSH under the name it gives itself. Words in
/// `command` are safe for that shell already; the whole is quoted once more for the one here.
[[nodiscard]] inline std::string ssh(const host_facts &on, const std::string &command) {
    const std::string host = on.hostname.known() ? shell_word(*on.hostname) : "HOST";
    return "ssh " + host + ' ' + shell_word(command);
}

/// `virsh -c URI WORDS…`, each word safe for a shell; of a host without a URI, `virsh WORDS…`.
[[nodiscard]] inline std::string virsh(const host_facts &on,
                                       std::initializer_list<std::string_view> words) {
    std::string out = "virsh";
    if (!on.uri.empty()) out += " -c " + shell_word(on.uri);
    for (const std::string_view word : words) {
        const bool option = word.starts_with("--");
        out += ' ' + (option ? std::string(word) : shell_word(word));
    }
    return out;
}

} // namespace kvmig::precheck
