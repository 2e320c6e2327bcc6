// SPDX-License-Identifier: MIT
/// Which modules a kernel needs for what it is asked for, and in which order.
#pragma once

#include <kvmig/core/expected.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace kvmig::lab::guest {

/// The paths of modules (as they stand in `modules_dep`) in an order in which they can be loaded:
/// each after those that it needs, none twice.
///
/// `modules_dep` and `modules_builtin` are the texts of the kernel's files of these names
/// (depmod(8)): `path: needed needed…`, the one needed first standing last; and one path a line.
/// `wanted` are modules' names; `-` and `_` are the same in them. One that is built into the
/// kernel needs no loading. Fails with `not_found`, naming the module, or with `protocol` when the
/// list is not a list of dependencies.
[[nodiscard]] expected<std::vector<std::string>>
module_order(std::string_view modules_dep, std::string_view modules_builtin,
             const std::vector<std::string> &wanted);

} // namespace kvmig::lab::guest
