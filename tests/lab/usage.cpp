// SPDX-License-Identifier: MIT
// The command line as a whole: every command shows how it is typed.
#include <lab/cli/program.hpp>
#include <lab/usage/command_table.hpp>
#include <lab/usage/man_page.hpp>
#include <support/catch.hpp>

#include <CLI/CLI.hpp>
#include <cctype>
#include <optional>
#include <string>
#include <vector>

using namespace kvmig;
using lab::usage::command_row;
using lab::usage::value_kind;

namespace {

command_row whole_table() {
    CLI::App app;
    lab::cli::context ctx;
    lab::cli::make_program(app, ctx);
    return lab::usage::table_of(app);
}

/// The words that a shell would hand to kvmig in `line`; none where kvmig is not in it.
std::optional<std::vector<std::string>> words_for_kvmig(const std::string &line) {
    std::size_t at = line.find("kvmig ");
    if (const std::size_t pipe = line.find("| kvmig "); pipe != std::string::npos) at = pipe + 2;
    if (at == std::string::npos) return std::nullopt;
    std::vector<std::string> words;
    std::string word;
    bool quoted = false;
    for (const char c : line.substr(at + 6) + ' ') {
        if (c == '\'') {
            quoted = !quoted;
        } else if (!quoted && std::string_view(" |;)<>&").find(c) != std::string_view::npos) {
            if (!word.empty()) words.push_back(word);
            word.clear();
            if (c != ' ') break;
        } else {
            word += c;
        }
    }
    return words;
}

/// What the parser says of `words`; empty when it takes them. `reached` is the command meant.
std::string refused(const std::vector<std::string> &words, std::string &reached) {
    CLI::App app;
    lab::cli::context ctx;
    lab::cli::make_program(app, ctx);
    try {
        app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
    } catch (const CLI::ParseError &problem) {
        return problem.what();
    }
    if (!ctx.action) return "nothing would be done";
    reached = app.get_name();
    for (const CLI::App *at = &app; !at->get_subcommands().empty();) {
        at = at->get_subcommands().front();
        reached += ' ' + at->get_name();
    }
    return {};
}

const command_row &find_command(const command_row &in, std::string_view path) {
    for (const command_row *each : lab::usage::all_of(in)) {
        if (each->path == path) return *each;
    }
    FAIL("no command " << path);
    return in;
}

const lab::usage::option_row &find_option(const command_row &in, std::string_view name) {
    for (const auto *rows : {&in.options, &in.arguments}) {
        for (const auto &each : *rows) {
            if (each.names.empty() ? each.value == name : each.names.back() == name) return each;
        }
    }
    FAIL(in.path << " has no " << name);
    return in.options.front();
}

} // namespace

TEST_CASE("the help of every command ends with examples, and the parser takes each", "[usage]") {
    const command_row table = whole_table();
    const auto commands = lab::usage::all_of(table);
    REQUIRE(commands.size() > 25);
    for (const command_row *command : commands) {
        INFO(command->path);
        CHECK_FALSE(command->about.empty());
        CHECK_FALSE(command->examples.empty());
        for (const std::string &example : command->examples) {
            INFO(example);
            const auto words = words_for_kvmig(example);
            REQUIRE(words);
            std::string reached;
            CHECK(refused(*words, reached) == "");
            CHECK((reached + ' ').substr(0, command->path.size() + 1) == command->path + ' ');
        }
    }
}

TEST_CASE("an example with an option that is not there would be found", "[usage]") {
    std::string reached;
    const auto words = words_for_kvmig("virsh list 2>&1 | kvmig lab run 'live-*' --jsn r.json");
    REQUIRE(words == std::vector<std::string>{"lab", "run", "live-*", "--jsn", "r.json"});
    CHECK(refused(*words, reached) != "");
    CHECK(words_for_kvmig("source <(kvmig completion bash)") ==
          std::vector<std::string>{"completion", "bash"});
}

TEST_CASE("every option and argument says what it is", "[usage]") {
    const command_row table = whole_table();
    for (const command_row *command : lab::usage::all_of(table)) {
        for (const auto *rows : {&command->options, &command->arguments}) {
            for (const auto &row : *rows) {
                INFO(command->path << ' ' << row.value << ' '
                                   << (row.names.empty() ? "" : row.names.back()));
                CHECK_FALSE(row.about.empty());
                CHECK(row.value.empty() == (row.kind == value_kind::none));
                CHECK((row.kind == value_kind::choice) == !row.choices.empty());
            }
        }
    }
}

TEST_CASE("the table knows what a value is", "[usage]") {
    const command_row table = whole_table();
    struct sample {
        const char *command, *option, *value;
        value_kind kind;
        const char *limits;
    };
    const sample samples[] = {
        {"kvmig", "--version", "", value_kind::none, ""},
        {"kvmig migrate", "DOMAIN", "DOMAIN", value_kind::word, ""},
        {"kvmig migrate", "--mode", "TEXT", value_kind::choice, ""},
        {"kvmig migrate", "--xml", "FILE", value_kind::file, ""},
        {"kvmig migrate", "--hostdev-map", "SOURCE=DESTINATION", value_kind::word, ""},
        {"kvmig migrate", "--copy-address", "[USER@]HOST[:PORT]", value_kind::word, ""},
        {"kvmig migrate", "--interval", "NUMBER", value_kind::word, "10 to 3600000"},
        {"kvmig migrate", "--bandwidth", "NUMBER", value_kind::word, "more than 0"},
        {"kvmig lab compare", "--floor", "NUMBER", value_kind::word, "0 or more"},
        {"kvmig lab report", "RUN", "RUN", value_kind::file, ""},
        {"kvmig lab run", "SCENARIO", "SCENARIO", value_kind::scenario, ""},
        {"kvmig nfs cp", "FROM", "FROM", value_kind::file, ""},
        {"kvmig tune", "--root", "DIR", value_kind::directory, ""},
        {"kvmig explain", "ID", "ID", value_kind::cause, ""},
        {"kvmig check", "--ignore", "ID", value_kind::cause, ""},
    };
    for (const sample &each : samples) {
        INFO(each.command << ' ' << each.option);
        const auto &row = find_option(find_command(table, each.command), each.option);
        CHECK(row.value == each.value);
        CHECK(row.kind == each.kind);
        CHECK(row.limits == each.limits);
    }
    const auto &mode = find_option(find_command(table, "kvmig migrate"), "--mode");
    CHECK(mode.choices == std::vector<std::string>{"live", "block", "incremental", "cold", "auto"});
    CHECK(mode.otherwise == "live");
    const auto &ignored = find_option(find_command(table, "kvmig check"), "--ignore");
    CHECK(ignored.repeats);
    CHECK(find_option(find_command(table, "kvmig migrate"), "--from").required);
}

TEST_CASE("what the lab itself calls is not told", "[usage]") {
    const command_row table = whole_table();
    for (const command_row *each : lab::usage::all_of(table)) CHECK(each->path != "kvmig lab hold");
}

TEST_CASE("the man page takes text for text", "[usage]") {
    command_row table;
    table.path = "kvmig";
    table.about = "Moves";
    command_row &sub = table.commands.emplace_back();
    sub.path = "kvmig move";
    sub.about = ".start with a dot, a \\ and `code`";
    auto &option = sub.options.emplace_back();
    option.names = {"-n", "--now"};
    option.value = "N";
    option.about = "it's -1";
    const std::string page = lab::usage::man_page(table, "1.2.3");
    CHECK_THAT(page, Catch::Contains("\n\\&.start with a dot, a \\e and \\fBcode\\fR.\n"));
    CHECK_THAT(page, Catch::Contains("\n.TP\n\\fB\\-n\\fR, \\fB\\-\\-now\\fR \\fIN\\fR\n"
                                     "it\\(aqs \\-1.\n"));
    CHECK_THAT(page, Catch::Contains("\"kvmig 1.2.3\""));
}
