// SPDX-License-Identifier: MIT
/// An inventory: hosts and a store of one's own, named in a TOML file, in place of the lab's.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/topology/site.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace kvmig::lab {

/// The site that `text` names. Fails with `invalid_argument`, all that is wrong at once as its
/// causes: each names `name`, line and column, the key, and what would be right. A key that is not
/// known is refused.
[[nodiscard]] expected<site> parse_inventory(std::string_view text, const std::string &name);

/// The same of a file.
[[nodiscard]] expected<site> read_inventory(const std::filesystem::path &file);

} // namespace kvmig::lab
