// SPDX-License-Identifier: MIT
#include <kvmig/migration/document.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace kvmig::migration;

namespace {

std::vector<std::string> lines_of(const std::string &text) {
    REQUIRE_FALSE(text.empty());
    REQUIRE(text.back() == '\n');
    std::vector<std::string> out;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
}

/// The cells of a Markdown row, in which a pipe within a cell is escaped.
std::vector<std::string> cells_of(const std::string &row) {
    REQUIRE(row.front() == '|');
    REQUIRE(row.back() == '|');
    std::vector<std::string> cells;
    std::string cell;
    for (std::size_t i = 1; i < row.size(); ++i) {
        if (row[i] == '|' && row[i - 1] != '\\') {
            REQUIRE(cell.size() >= 2);
            REQUIRE(cell.front() == ' ');
            REQUIRE(cell.back() == ' ');
            cells.push_back(cell.substr(1, cell.size() - 2));
            cell.clear();
        } else {
            cell += row[i];
        }
    }
    REQUIRE(cell.empty());
    return cells;
}

/// Rows and columns of a well-formed Markdown table, without its head.
std::vector<std::vector<std::string>> table_of(const std::string &text) {
    const auto lines = lines_of(text);
    REQUIRE(lines.size() > 2);
    const std::size_t columns = cells_of(lines[0]).size();
    for (const std::string &cell : cells_of(lines[1])) REQUIRE(cell == "---");
    std::vector<std::vector<std::string>> rows;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        const auto cells = cells_of(lines[i]);
        REQUIRE(cells.size() == columns);
        if (i > 1) rows.push_back(cells);
    }
    return rows;
}

bool is_state_name(const std::string &text) { return state_named(text).has_value(); }

} // namespace

TEST_CASE("the tables of the documents are well formed and complete") {
    const auto state_rows = table_of(markdown_states());
    REQUIRE(state_rows.size() == state_count);
    CHECK(state_rows.front()[0] == "planned");
    CHECK(state_rows.back()[0] == "**taken_over**"); // an end stands out
    REQUIRE(table_of(markdown_events()).size() == event_count);

    const auto rows = table_of(markdown_transitions());
    REQUIRE(rows.size() == edges.size());
    for (const auto &row : rows) {
        CHECK(is_state_name(row[0]));
        CHECK(event_named(row[1]).has_value());
        CHECK(is_state_name(row[2]));
        CHECK((row[3].empty() || act_named(row[3]).has_value()));
        CHECK_FALSE(row[4].empty());
    }
}

TEST_CASE("a table of one kind leaves out what the kind never sees") {
    for (const auto &row : table_of(markdown_transitions(kind::cold))) {
        CHECK(row[0].find("post_copy") == std::string::npos);
        CHECK(row[0].find("pre_copy") == std::string::npos);
    }
    for (const auto &row : table_of(markdown_transitions(kind::live))) {
        CHECK(row[0] != "stopping");
        CHECK(row[0] != "copying_disks");
    }
}

TEST_CASE("the Mermaid diagram is well formed and draws every edge") {
    const auto lines = lines_of(mermaid());
    REQUIRE(lines[0] == "stateDiagram-v2");
    const std::regex arrow(R"(    (\[\*\]|\w+) --> (\[\*\]|\w+)( : (\w+(, \w+)*))?)");
    std::size_t drawn = 0;
    std::set<std::string> begun;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        std::smatch found;
        INFO(lines[i]);
        REQUIRE(std::regex_match(lines[i], found, arrow));
        if (found[1] == "[*]") begun.insert(found[2]);
        if (found[1] == "[*]" || found[2] == "[*]") {
            CHECK_FALSE(found[3].matched);
            continue;
        }
        REQUIRE(is_state_name(found[1]));
        REQUIRE(is_state_name(found[2]));
        const std::string label = found[4];
        drawn += 1U + static_cast<std::size_t>(std::count(label.begin(), label.end(), ','));
    }
    CHECK(drawn == edges.size());
    CHECK(begun == std::set<std::string>{"planned"});
}

TEST_CASE("the Graphviz graph is well formed and draws every edge") {
    const auto lines = lines_of(dot());
    REQUIRE(lines.front() == "digraph migration {");
    REQUIRE(lines.back() == "}");
    const std::regex node(R"re(    (\w+) \[fillcolor=\w+(, peripheries=2)?\];)re");
    const std::regex arrow(R"re(    (\w+) -> (\w+) \[label="(\w+)"\];)re");
    std::set<std::string> nodes;
    std::size_t drawn = 0;
    for (std::size_t i = 2; i + 1 < lines.size(); ++i) {
        std::smatch found;
        INFO(lines[i]);
        if (std::regex_match(lines[i], found, node)) {
            CHECK(nodes.insert(found[1]).second);
        } else {
            REQUIRE(std::regex_match(lines[i], found, arrow));
            CHECK(nodes.count(found[1]) == 1);
            CHECK(nodes.count(found[2]) == 1);
            ++drawn;
        }
    }
    CHECK(nodes.size() == state_count);
    CHECK(drawn == edges.size());
}
