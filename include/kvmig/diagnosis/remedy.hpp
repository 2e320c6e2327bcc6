// SPDX-License-Identifier: MIT
/// Fills the holes of a remedy with what was matched, safely for a shell.
#pragma once

#include <kvmig/core/shell_word.hpp>
#include <kvmig/diagnosis/entry.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::diagnosis {

/// Names and what was found for them, e.g. `{"host", "kvm02"}`.
using values = std::vector<std::pair<std::string, std::string>>;

/// The first value of that name; null when there is none.
[[nodiscard]] inline const std::string *find_value(const values &known, std::string_view name) {
    for (const auto &[key, value] : known) {
        if (key == name) return &value;
    }
    return nullptr;
}

using kvmig::shell_word;

/// `text` with every `{name}` replaced: by its value, as a shell word when `for_shell`; by the name
/// in capitals when it is not known.
[[nodiscard]] inline std::string fill(std::string_view text, const values &known, bool for_shell) {
    std::string out;
    while (!text.empty()) {
        const std::size_t open = text.find('{');
        out += text.substr(0, open);
        if (open == std::string_view::npos) break;
        const std::size_t close = text.find('}', open);
        if (close == std::string_view::npos) {
            out += text.substr(open);
            break;
        }
        const std::string_view name = text.substr(open + 1, close - open - 1);
        if (const std::string *value = find_value(known, name)) {
            out += for_shell ? shell_word(*value) : *value;
        } else {
            for (const char c : name) {
                out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
            }
        }
        text.remove_prefix(close + 1);
    }
    return out;
}

/// One step of a remedy, ready to be carried out.
struct filled_step {
    machine on = machine::here; ///< where it is run
    std::string run;            ///< for a POSIX shell; what is not known stands in capitals
    std::string note;           ///< when or why; empty when the command speaks for itself

    friend bool operator==(const filled_step &, const filled_step &) = default;
};

} // namespace kvmig::diagnosis
