// SPDX-License-Identifier: MIT
/// Facts of a check as a file.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/precheck/facts.hpp>

#include <filesystem>
#include <string>

namespace kvmig::lab {

/// What is in a file. Fails as `parse_facts`, and with `invalid_argument` where it cannot be read.
[[nodiscard]] expected<precheck::facts> read_facts(const std::string &file);

/// Writes a file that only its owner reads: facts name hosts, images and networks.
[[nodiscard]] expected<void> write_facts(const precheck::facts &all,
                                         const std::filesystem::path &file);

} // namespace kvmig::lab
