// SPDX-License-Identifier: MIT
#include <lab/usage/completion.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>

namespace kvmig::lab::usage {

namespace {

constexpr std::string_view bash_head =
    R"(# bash completion of kvmig, made by `kvmig completion bash`.
_kvmig() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} at=kvmig i
    local options='' words='' files=''
    # In --option=value the sign is a word of its own.
    if [[ $word == = ]]; then
        word=''
    elif [[ $before == = ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    listed() { "${COMP_WORDS[0]}" "$@" 2>/dev/null | cut -d ' ' -f 1; }
    complete_from() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word"); }
    COMPREPLY=()
)";

/// How the words for a value are had; empty where only the user knows them.
std::string bash_words(const option_row &row) {
    switch (row.kind) {
    case value_kind::choice: return fmt::format("{}", fmt::join(row.choices, " "));
    case value_kind::scenario: return "$(listed lab list)";
    case value_kind::cause: return "$(listed explain --list)";
    default: return {};
    }
}

/// What is done to complete a value.
std::string bash_action(const option_row &row) {
    if (row.kind == value_kind::file) return "compopt -o default";
    if (row.kind == value_kind::directory) return "compopt -o dirnames";
    const std::string words = bash_words(row);
    return words.empty() ? ":" : fmt::format("complete_from \"{}\"", words);
}

/// `PATTERN) ACTION ;;` of a case.
std::string arm(const std::vector<std::string> &patterns, std::string_view action) {
    return fmt::format("    '{}') {} ;;\n", fmt::join(patterns, "' | '"), action);
}

} // namespace

std::string bash_completion(const command_row &program) {
    std::vector<std::string> paths;
    std::map<std::string, std::vector<std::string>> values; // by what is done
    std::string places;
    const auto tell = [&](const auto &self, const command_row &command,
                          const command_row *above) -> void {
        std::vector<std::string> options;
        for (const option_row &each : options_at(command, above)) {
            for (const std::string &name : each.names) {
                options.push_back(name);
                if (each.kind != value_kind::none) {
                    values[bash_action(each)].push_back(command.path + ' ' + name);
                }
            }
        }
        std::vector<std::string> words;
        std::string files;
        for (const command_row &each : command.commands) words.push_back(each.name());
        for (const option_row &each : command.arguments) {
            if (std::string some = bash_words(each); !some.empty()) words.push_back(some);
            if (each.kind == value_kind::file) files = " files=default";
            if (each.kind == value_kind::directory) files = " files=dirnames";
        }
        places +=
            arm({command.path}, fmt::format("options='{}' words=\"{}\"{}", fmt::join(options, " "),
                                            fmt::join(words, " "), files));
        for (const command_row &each : command.commands) {
            paths.push_back(each.path);
            self(self, each, &command);
        }
    };
    tell(tell, program, nullptr);

    std::string out{bash_head};
    out += "    for ((i = 1; i < COMP_CWORD; i++)); do\n        case \"$at ${COMP_WORDS[i]}\" in\n "
           "   " +
           arm(paths, "at+=\" ${COMP_WORDS[i]}\"") + "        esac\n    done\n";
    out += "    case \"$at $before\" in\n";
    for (const auto &[action, patterns] : values) out += arm(patterns, action + " && return");
    out += "    esac\n    case $at in\n" + places + "    esac\n";
    // Options are offered where they are asked for, or where nothing else can come.
    out += R"(    if [[ $word == -* || -z $words$files ]]; then
        complete_from "$options"
    else
        [[ -z $files ]] || compopt -o "$files"
        complete_from "$words"
    fi
}
complete -F _kvmig kvmig
)";
    return out;
}

} // namespace kvmig::lab::usage
