// SPDX-License-Identifier: MIT
/// The command line as plain data, read off the parser itself: what the man page and the shells'
/// completions are made from.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace kvmig::lab::usage {

/// What is typed for a value.
enum class value_kind : std::uint8_t {
    none,   ///< it takes no value
    word,   ///< whatever the user means
    choice, ///< one of `choices`
    file,
    directory,
    scenario, ///< what `kvmig lab list` lists
    cause,    ///< what `kvmig explain --list` lists
};

/// An option, or an argument that is told by its place.
struct option_row {
    std::vector<std::string> names; ///< with their dashes; none: told by its place
    std::string value;              ///< how its value is called, e.g. `FILE`; empty: takes none
    value_kind kind = value_kind::none;
    std::vector<std::string> choices;
    std::string limits; ///< of a number, e.g. `10 to 3600000`
    std::string about;
    std::string otherwise; ///< its value when it is not given; empty when there is none
    bool required = false;
    bool repeats = false;
};

/// A command, with those below it. What is hidden from `--help` is left out.
struct command_row {
    std::string path; ///< as it is typed, e.g. `kvmig lab up`
    std::string about;
    std::vector<option_row> options;
    std::vector<option_row> arguments; ///< told by their place, in their order
    std::vector<std::string> examples;
    std::vector<std::string> remarks;
    std::vector<command_row> commands;
    bool acts_alone = true;   ///< it does something without any of `commands`
    bool takes_above = false; ///< the options of the command above it are its own too

    /// The last word of `path`.
    [[nodiscard]] std::string name() const { return path.substr(path.rfind(' ') + 1); }
};

/// The program's command line from its name on.
[[nodiscard]] command_row table_of(CLI::App &program);

/// `command` and all below it, each before those below it, in the order of `--help`.
[[nodiscard]] std::vector<const command_row *> all_of(const command_row &command);

/// What can be given to `command`: its own options, then those of `above` if it takes them too.
[[nodiscard]] std::vector<option_row> options_at(const command_row &command,
                                                 const command_row *above);

} // namespace kvmig::lab::usage
