// SPDX-License-Identifier: MIT
#include <lab/usage/completion.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kvmig::lab::usage {

namespace {

std::string fish_word(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
    }
    return out + '\'';
}

/// How fish is told of a value: `-x` it is one of the words, `-rF` it is a file.
std::string fish_value(const option_row &row) {
    switch (row.kind) {
    case value_kind::none: return {};
    case value_kind::word: return " -x";
    case value_kind::choice:
        return fmt::format(" -x -a {}", fish_word(fmt::format("{}", fmt::join(row.choices, " "))));
    case value_kind::file: return " -rF";
    case value_kind::directory: return " -x -a '(__fish_complete_directories)'";
    case value_kind::scenario: return " -x -a '(__kvmig_listed lab list)'";
    case value_kind::cause: return " -x -a '(__kvmig_listed explain --list)'";
    }
    return {};
}

constexpr std::string_view fish_head =
    R"(# fish completion of kvmig, made by `kvmig completion fish`.
function __kvmig_listed
    kvmig $argv 2>/dev/null | string replace -r ' +' \t
end
function __kvmig_at -d 'Whether these words name the command that is typed'
    set -l at kvmig
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
            case )";

} // namespace

std::string fish_completion(const command_row &program) {
    std::string paths;
    std::string told = "complete -c kvmig -f\n";
    const auto tell = [&](const auto &self, const command_row &command,
                          const command_row *above) -> void {
        const std::string here = fmt::format("complete -c kvmig -n '__kvmig_at {}'", command.path);
        for (const option_row &each : options_at(command, above)) {
            told += here;
            for (const std::string &name : each.names) {
                told += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
            }
            told += fish_value(each) + " -d " + fish_word(each.about) + '\n';
        }
        for (const option_row &each : command.arguments) {
            if (each.kind != value_kind::word) told += here + fish_value(each) + '\n';
        }
        for (const command_row &each : command.commands) {
            told += fmt::format("{} -a {} -d {}\n", here, each.name(), fish_word(each.about));
            paths += (paths.empty() ? "" : " ") + fish_word(each.path);
            self(self, each, &command);
        }
    };
    tell(tell, program, nullptr);
    return std::string(fish_head) + paths + R"(
                set at "$at $word"
        end
    end
    test "$at" = "$argv"
end
)" + told;
}

} // namespace kvmig::lab::usage
