// SPDX-License-Identifier: MIT
/// The end of every `--help`: examples first, then what else is worth a word.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::lab::cli {

/// A footer. An example can be typed as it stands; `remarks` are whole lines.
[[nodiscard]] inline std::string closing(std::initializer_list<std::string> examples,
                                         std::string_view remarks = {}) {
    std::string out = examples.size() == 1 ? "Example:\n" : "Examples:\n";
    for (const std::string &each : examples) out.append("  ").append(each) += '\n';
    out += remarks;
    if (remarks.empty()) out.pop_back(); // CLI11 ends it
    return out;
}

/// A footer in its parts.
struct closing_parts {
    std::vector<std::string> examples;
    std::vector<std::string> remarks; ///< a line each
};

[[nodiscard]] inline closing_parts parts_of(std::string_view footer) {
    closing_parts out;
    while (!footer.empty()) {
        const std::size_t end = std::min(footer.find('\n'), footer.size());
        const std::string_view line = footer.substr(0, end);
        footer.remove_prefix(std::min(end + 1, footer.size()));
        if (line.starts_with("  ")) {
            out.examples.emplace_back(line.substr(2));
        } else if (!line.empty() && !line.starts_with("Example")) {
            out.remarks.emplace_back(line);
        }
    }
    return out;
}

} // namespace kvmig::lab::cli
