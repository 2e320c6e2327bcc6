// SPDX-License-Identifier: MIT
/// Sizes as the kernel tells them of a process: `VmRSS:     1234 kB`, a line each.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/tuning/value.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace kvmig::lab {

/// The size in the line that begins with `key` and a colon. Fails with `protocol` where there is
/// none, and names `file`.
[[nodiscard]] inline expected<bytes> kib_line(std::string_view text, std::string_view key,
                                              std::string_view file) {
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (!line.starts_with(key) || line.substr(key.size(), 1) != ":") continue;
        std::string_view value = line.substr(key.size() + 1);
        value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
        const auto number = tuning::number<std::uint64_t>(value.substr(0, value.find(' ')), key);
        if (!number) return fail(number.error());
        return bytes::kib(*number);
    }
    return fail(make_error(error_kind::protocol, "there is no " + std::string(key))
                    .about(std::string(file)));
}

} // namespace kvmig::lab
