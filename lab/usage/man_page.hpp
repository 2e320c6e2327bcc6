// SPDX-License-Identifier: MIT
/// The program's page for `man`, made from the table of its command line.
#pragma once

#include <lab/usage/command_table.hpp>

#include <string>
#include <string_view>

namespace kvmig::lab::usage {

/// The page in roff with the macros of man(7).
/// @param version of the program, for the page's foot
[[nodiscard]] std::string man_page(const command_row &program, std::string_view version);

} // namespace kvmig::lab::usage
