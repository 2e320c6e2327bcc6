// SPDX-License-Identifier: MIT
/// Images that a migration makes at the destination, and that are removed again when it fails.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/run/set_aside.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::run {

/// Images that are made at the destination before a migration begins.
struct target_images {
    /// Those that are to be made: recorded before any is, so that a successor can remove them.
    std::vector<std::string> paths{};
    /// Makes them; `made` has those that were, also when it fails. Empty: there is nothing to make.
    std::function<expected<void>(std::vector<std::string> &made)> make{};
};

/// Paths as the record keeps them, one a line. A path with a line end cannot be a volume's: libvirt
/// refuses such names.
[[nodiscard]] inline std::string to_text(const std::vector<std::string> &paths) {
    std::string out;
    for (const std::string &each : paths) out += each + '\n';
    return out;
}
/// Those that `to_text` wrote; lines that tell of the guest's devices (set_aside.hpp) are left out.
[[nodiscard]] inline std::vector<std::string> paths_from_text(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        if (!text.starts_with(device_mark)) out.emplace_back(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    return out;
}

} // namespace kvmig::run
