// SPDX-License-Identifier: MIT
/// The subcommand `nfs exports`, and the kinds of files it reads.
#pragma once

#include <lab/cli/cli.hpp>

#include <kvmig/core/expected.hpp>
#include <kvmig/model/nfs_export.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace kvmig::lab::cli {

/// Exports from the text of `file`, which is what `exportfs -v` told where every line with options
/// tells `wdelay` or `no_wdelay`, as nobody writes it; otherwise it is a table such as
/// /etc/exports. Fails with `invalid_argument`, naming file, line and column.
[[nodiscard]] expected<std::vector<model::nfs_export>> exports_in_file(std::string_view text,
                                                                       const std::string &file);

void add_nfs_exports(CLI::App &nfs, context &ctx);

} // namespace kvmig::lab::cli
