// SPDX-License-Identifier: MIT
/// Completion of the command line for the shells, made from its table.
#pragma once

#include <lab/usage/command_table.hpp>

#include <string>

namespace kvmig::lab::usage {

/// For bash 5, without the package bash-completion.
[[nodiscard]] std::string bash_completion(const command_row &program);
/// For zsh 5: a file `_kvmig` on its `fpath`, or evaluated after `compinit`.
[[nodiscard]] std::string zsh_completion(const command_row &program);
/// For fish 3.
[[nodiscard]] std::string fish_completion(const command_row &program);

} // namespace kvmig::lab::usage
