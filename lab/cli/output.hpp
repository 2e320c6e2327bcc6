// SPDX-License-Identifier: MIT
/// Answers that go to a file, or to stdout.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/topology/files.hpp>

#include <cstdio>
#include <fmt/format.h>
#include <string>

namespace kvmig::lab::cli {

/// Writes `text` to the file, or to stdout where that is `-`.
[[nodiscard]] inline expected<void> write_to(const std::string &file, const std::string &text) {
    if (file != "-") return write_file(file, text);
    fmt::print("{}", text);
    return {};
}

/// Where people are told things when an answer for programs goes to `file`.
[[nodiscard]] inline std::FILE *beside(const std::string &file) {
    return file == "-" ? stderr : stdout;
}

} // namespace kvmig::lab::cli
