// SPDX-License-Identifier: MIT
/// A plan: what is to be changed on a host or a domain, from what to what, and why.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::tuning {

/// What can be set.
enum class target_kind : std::uint8_t {
    file,      ///< of sysfs or procfs
    parameter, ///< of a domain, by libvirt's name, e.g. `hard_limit`
};

/// As `kvmig.tune/1` says it.
[[nodiscard]] constexpr std::string_view to_string(target_kind kind) noexcept {
    switch (kind) {
    case target_kind::file: return "file";
    case target_kind::parameter: return "parameter";
    }
    return "unknown";
}

/// One thing that can be set.
struct target {
    /// Says what `name` and `object` are.
    target_kind kind = target_kind::file;
    std::string name = {};   ///< the file's absolute path, or the parameter's name
    std::string object = {}; ///< parameter: the domain, or `DOMAIN DEVICE`; file: empty

    friend bool operator==(const target &, const target &) = default;
};

/// One step. Values are what is written; of a file that shows its choices (`always [madvise]
/// never`), the chosen word.
struct change {
    /// What is written to.
    target what = {};
    /// As it is; empty for a `trigger`.
    std::string from = {};
    /// As it is to be.
    std::string to = {};
    /// A clause: what it is good for.
    std::string why = {};
    std::string source = {}; ///< the document or program that says so
    std::string risk = {};   ///< what it may cost; empty when nothing is known
    /// Files that the kernel changes along with this one: to be put back after it.
    std::vector<std::string> moves_too = {};
    /// Those the kernel puts back along with this one, and may refuse otherwise.
    bool moves_back = false;
    /// Starts something and keeps no value (`compact_memory`): `from` is empty, nothing is read
    /// back, and there is nothing to put back.
    bool trigger = false;

    friend bool operator==(const change &, const change &) = default;
};

/// Steps in the order in which the kernel or libvirt takes them.
struct plan {
    /// None for what is so already, but for a `trigger`.
    std::vector<change> changes = {};
    std::vector<std::string> notes = {}; ///< features that are absent, hazards; each said once

    /// Whether there is nothing to do.
    [[nodiscard]] bool empty() const noexcept { return changes.empty(); }

    /// Says `text`, once however often it is noted.
    void note(std::string text) {
        if (std::find(notes.begin(), notes.end(), text) == notes.end()) {
            notes.push_back(std::move(text));
        }
    }
    /// Does `more` after what is here.
    void append(plan more) {
        for (change &c : more.changes) changes.push_back(std::move(c));
        for (std::string &text : more.notes) note(std::move(text));
    }

    friend bool operator==(const plan &, const plan &) = default;
};

} // namespace kvmig::tuning
