// SPDX-License-Identifier: MIT
#include <lab/usage/command_table.hpp>

#include <lab/cli/help.hpp>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace kvmig::lab::usage {

namespace {

/// What the checks of an option's value say of it. CLI11 hands them out by number only, and throws
/// past the last.
std::vector<std::string> checks_of(CLI::Option &option) {
    std::vector<std::string> out;
    try {
        for (int i = 0;; ++i) {
            std::string said = option.get_validator(i)->get_description();
            if (!said.empty()) out.push_back(std::move(said));
        }
    } catch (const CLI::OptionNotFound &) {
        return out;
    }
}

/// The members of a set as CLI11 describes it: `{live,block}`.
std::vector<std::string> members_of(std::string_view set) {
    std::vector<std::string> out;
    set = set.substr(1, set.size() - 2);
    while (!set.empty()) {
        const std::size_t end = std::min(set.find(','), set.size());
        out.emplace_back(set.substr(0, end));
        set.remove_prefix(std::min(end + 1, set.size()));
    }
    return out;
}

/// `INT in [10 - 3600000]` in words; empty when the check is of another kind.
std::string limits_of(const std::string &check) {
    if (check == "POSITIVE") return "more than 0";
    if (check == "NONNEGATIVE") return "0 or more";
    const std::size_t from = check.find(" in [");
    const std::size_t dash = check.find(" - ");
    if (from == std::string::npos || dash == std::string::npos) return {};
    return check.substr(from + 5, dash - from - 5) + " to " +
           check.substr(dash + 3, check.size() - dash - 4);
}

std::optional<value_kind> kind_named(std::string_view value) {
    if (value.starts_with("FILE") || value == "RUN") return value_kind::file;
    if (value == "DIR") return value_kind::directory;
    if (value == "SCENARIO") return value_kind::scenario;
    if (value == "ID") return value_kind::cause;
    return std::nullopt;
}

option_row row_of(CLI::Option &option) {
    option_row out;
    for (const std::string &each : option.get_snames()) out.names.push_back("-" + each);
    for (const std::string &each : option.get_lnames()) out.names.push_back("--" + each);
    out.about = option.get_description();
    out.required = option.get_required();
    out.otherwise = option.get_default_str();
    if (option.get_items_expected_max() == 0) return out; // a flag
    out.repeats = option.get_items_expected_max() > 1;
    std::string type = option.get_type_name();
    for (const std::string &check : checks_of(option)) {
        type = type.substr(0, type.size() - check.size() - 1); // CLI11 appends them behind colons
        if (check.starts_with('{')) out.choices = members_of(check);
        if (out.limits.empty()) out.limits = limits_of(check);
    }
    if (type == "UINT" || type == "INT" || type == "FLOAT") type = "NUMBER";
    const bool by_place = option.get_positional() && out.names.empty();
    out.value = by_place ? option.get_name() : type;
    out.kind = kind_named(type).value_or(kind_named(out.value).value_or(value_kind::word));
    if (!out.choices.empty()) out.kind = value_kind::choice;
    return out;
}

command_row row_of(CLI::App &app, const std::string &above) {
    command_row out;
    out.path = above.empty() ? app.get_name() : above + ' ' + app.get_name();
    out.about = app.get_description();
    out.takes_above = app.get_fallthrough();
    out.acts_alone = app.get_require_subcommand_min() == 0;
    auto [examples, remarks] = cli::parts_of(app.get_footer());
    out.examples = std::move(examples);
    out.remarks = std::move(remarks);
    for (CLI::Option *each : app.get_options([](CLI::Option *) { return true; })) {
        if (each->get_group().empty()) continue;
        option_row row = row_of(*each);
        (row.names.empty() ? out.arguments : out.options).push_back(std::move(row));
    }
    for (CLI::App *each : app.get_subcommands([](CLI::App *) { return true; })) {
        if (!each->get_group().empty()) out.commands.push_back(row_of(*each, out.path));
    }
    return out;
}

} // namespace

command_row table_of(CLI::App &program) { return row_of(program, {}); }

std::vector<const command_row *> all_of(const command_row &command) {
    std::vector<const command_row *> out{&command};
    for (const command_row &each : command.commands) {
        for (const command_row *below : all_of(each)) out.push_back(below);
    }
    return out;
}

std::vector<option_row> options_at(const command_row &command, const command_row *above) {
    std::vector<option_row> out = command.options;
    if (above == nullptr || !command.takes_above) return out;
    for (const option_row &each : above->options) {
        const bool own = std::any_of(out.begin(), out.end(), [&](const option_row &known) {
            return known.names == each.names;
        });
        if (!own) out.push_back(each);
    }
    return out;
}

} // namespace kvmig::lab::usage
