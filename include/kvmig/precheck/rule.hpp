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
    std::string_view id;     ///< `KVM-NIC-001`: stable, never given to another
    std::string_view title;  ///< a few words, without a full stop
    std::string_view why;    ///< why it matters: one or two sentences
    std::string_view source; ///< the refusal that is foreseen, or the document
    /// Pure: gives what it finds wrong, nothing where all is well.
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

/// A command for the shell of the host `on`. Words in `command` are safe for that shell already;
/// the whole is quoted once more for the one here.
[[nodiscard]] inline std::string ssh(const std::string &on, const std::string &command) {
    return "ssh " + shell_word(on) + ' ' + shell_word(command);
}

/// The same for a host under the name it gives itself.
[[nodiscard]] inline std::string ssh(const host_facts &on, const std::string &command) {
    return ssh(on.hostname.known() ? *on.hostname : "HOST", command);
}

/// A word of a command: one that stands in this program is shown as it is, so that it may be an
/// option; one that came from a host or a file is data, whatever it looks like.
class command_word {
public:
    /// One that stands in this program.
    template <std::size_t size>
    constexpr command_word(const char (&literal)[size]) : text_(literal), trusted_(true) {}
    /// One that was told by a host or a file.
    command_word(const std::string &told) : text_(told) {}

    /// As it stands in a command of POSIX's shell.
    [[nodiscard]] std::string shown() const {
        return trusted_ && text_.starts_with("--") ? std::string(text_) : shell_word(text_);
    }

private:
    std::string_view text_;
    bool trusted_ = false;
};

/// `virsh -c URI WORDS…`, each word safe for a shell; of a host without a URI, `virsh WORDS…`.
[[nodiscard]] inline std::string virsh(const host_facts &on,
                                       std::initializer_list<command_word> words) {
    std::string out = "virsh";
    if (!on.uri.empty()) out += " -c " + shell_word(on.uri);
    for (const command_word &word : words) out += ' ' + word.shown();
    return out;
}

} // namespace kvmig::precheck
