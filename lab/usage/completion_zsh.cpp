// SPDX-License-Identifier: MIT
#include <lab/usage/completion.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kvmig::lab::usage {

namespace {

/// Text within a specification of `_arguments` or `_describe`, which stands in single quotes.
std::string zsh_text(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (std::string_view("[]:\\").find(c) != std::string_view::npos) out += '\\';
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return out;
}

/// `:MESSAGE:ACTION` for a value.
std::string zsh_value(const option_row &row) {
    const auto action = [&]() -> std::string {
        switch (row.kind) {
        case value_kind::choice: return fmt::format("({})", fmt::join(row.choices, " "));
        case value_kind::file: return "_files";
        case value_kind::directory: return "_files -/";
        case value_kind::scenario: return " _kvmig_listed lab list";
        case value_kind::cause: return " _kvmig_listed explain --list";
        default: return " ";
        }
    };
    return fmt::format(":{}:{}", zsh_text(row.value), action());
}

std::string zsh_option(const option_row &row, const std::string &name) {
    const bool valued = row.kind != value_kind::none;
    std::string out = "        '";
    if (row.repeats) out += '*';
    if (!row.repeats && row.names.size() > 1) {
        out += fmt::format("({})", fmt::join(row.names, " "));
    }
    out += name;
    if (valued && name.starts_with("--")) out += '=';
    return out + fmt::format("[{}]{}' \\\n", zsh_text(row.about), valued ? zsh_value(row) : "");
}

/// The function that completes `command`, after those of what is below it.
void zsh_function(std::string &out, const command_row &command, const command_row *above) {
    const auto name_of = [](const command_row &row) {
        std::string name = "_" + row.path;
        std::replace(name.begin(), name.end(), ' ', '_');
        return name;
    };
    for (const command_row &each : command.commands) zsh_function(out, each, &command);
    out += name_of(command) + "() {\n    local curcontext=$curcontext state line\n"
                              "    typeset -A opt_args\n    _arguments -C \\\n";
    for (const option_row &each : options_at(command, above)) {
        for (const std::string &name : each.names) out += zsh_option(each, name);
    }
    for (const option_row &each : command.arguments) {
        const char *place = each.repeats ? "*" : each.required ? "" : ":";
        out += fmt::format("        '{}{}' \\\n", place, zsh_value(each));
    }
    if (command.commands.empty()) {
        out += "        && return\n}\n";
        return;
    }
    out += "        '1: :->command' '*:: :->after' && return\n    case $state in\n"
           "    command)\n        local -a commands=(\n";
    for (const command_row &each : command.commands) {
        out += fmt::format("            '{}:{}'\n", each.name(), zsh_text(each.about));
    }
    out +=
        "        )\n        _describe command commands ;;\n    after)\n        case $line[1] in\n";
    for (const command_row &each : command.commands) {
        out += fmt::format("        {}) {} ;;\n", each.name(), name_of(each));
    }
    out += "        esac ;;\n    esac\n}\n";
}

} // namespace

std::string zsh_completion(const command_row &program) {
    std::string out = R"(#compdef kvmig
# zsh completion of kvmig, made by `kvmig completion zsh`.
_kvmig_listed() {
    local -a listed=("${(@f)$(kvmig "$@" 2>/dev/null | sed 's/:/\\:/g; s/  */:/')}")
    _describe word listed
}
)";
    zsh_function(out, program, nullptr);
    return out + R"(if [[ $funcstack[1] == _kvmig ]]; then
    _kvmig "$@"
else
    compdef _kvmig kvmig
fi
)";
}

} // namespace kvmig::lab::usage
