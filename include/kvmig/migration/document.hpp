// SPDX-License-Identifier: MIT
/// The table and the diagrams of the documents, made from the array that drives the machine.
#pragma once

#include <kvmig/migration/act.hpp>
#include <kvmig/migration/event.hpp>
#include <kvmig/migration/kind.hpp>
#include <kvmig/migration/state.hpp>
#include <kvmig/migration/transitions.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace kvmig::migration {

namespace detail {

/// One row of a Markdown table; `|` within a cell is escaped.
template <class... Cells> void markdown_row(std::string &out, const Cells &...cells) {
    const auto cell = [&out](std::string_view text) {
        out += "| ";
        for (const char c : text) {
            if (c == '|') out += '\\';
            out += c;
        }
        out += ' ';
    };
    (cell(cells), ...);
    out += "|\n";
}

[[nodiscard]] inline bool drawn(std::optional<kind> only, const edge &e) {
    return !only || e.in.has(*only);
}

} // namespace detail

/// The states as a Markdown table: name, owner of the guest, meaning.
[[nodiscard]] inline std::string markdown_states() {
    std::string out;
    detail::markdown_row(out, "state", "who has the guest", "meaning");
    detail::markdown_row(out, "---", "---", "---");
    for (const state_facts &s : states) {
        detail::markdown_row(out, s.end ? "**" + std::string(s.name) + "**" : std::string(s.name),
                             to_string(s.owns), s.meaning);
    }
    return out;
}

/// The events as a Markdown table: name, who tells of it, meaning.
[[nodiscard]] inline std::string markdown_events() {
    std::string out;
    detail::markdown_row(out, "event", "told by", "meaning");
    detail::markdown_row(out, "---", "---", "---");
    for (const event_facts &e : events) {
        detail::markdown_row(out, e.name, to_string(e.told_by), e.meaning);
    }
    return out;
}

/// The transitions as a Markdown table, in the order of the array; with `only`, those of one kind
/// of migration.
[[nodiscard]] inline std::string markdown_transitions(std::optional<kind> only = std::nullopt) {
    std::string out;
    detail::markdown_row(out, "in", "on", "to", "then", "kinds");
    detail::markdown_row(out, "---", "---", "---", "---", "---");
    for (const edge &e : edges) {
        if (!detail::drawn(only, e)) continue;
        detail::markdown_row(out, to_string(e.from), to_string(e.on), to_string(e.to),
                             e.then == act::nothing ? "" : to_string(e.then), e.in.text());
    }
    return out;
}

/// The transitions as a Mermaid state diagram; edges between the same two states share an arrow.
[[nodiscard]] inline std::string mermaid(std::optional<kind> only = std::nullopt) {
    std::string out = "stateDiagram-v2\n    [*] --> " + std::string(to_string(state::planned));
    out += '\n';
    for (const state_facts &from : states) {
        for (const state_facts &to : states) {
            std::string label;
            for (const edge &e : edges) {
                if (e.from != from.which || e.to != to.which || !detail::drawn(only, e)) continue;
                if (!label.empty()) label += ", ";
                label += to_string(e.on);
            }
            if (label.empty()) continue;
            out += "    " + std::string(from.name) + " --> " + std::string(to.name) + " : " +
                   label + '\n';
        }
    }
    for (const state_facts &s : states) {
        if (s.end) out += "    " + std::string(s.name) + " --> [*]\n";
    }
    return out;
}

/// The transitions as a Graphviz graph; a state's colour tells who has the guest.
[[nodiscard]] inline std::string dot(std::optional<kind> only = std::nullopt) {
    const auto colour = [](owner who) -> std::string_view {
        switch (who) {
        case owner::source: return "lightblue";
        case owner::destination: return "palegreen";
        case owner::split: return "orange";
        case owner::unsettled: return "khaki";
        case owner::none: return "lightgrey";
        }
        return "white";
    };
    std::string out = "digraph migration {\n    node [shape=box, style=filled];\n";
    for (const state_facts &s : states) {
        bool used = false;
        for (const edge &e : edges) {
            used = used || ((e.from == s.which || e.to == s.which) && detail::drawn(only, e));
        }
        if (!used) continue;
        out += "    " + std::string(s.name) + " [fillcolor=" + std::string(colour(s.owns)) +
               (s.end ? ", peripheries=2];\n" : "];\n");
    }
    for (const edge &e : edges) {
        if (!detail::drawn(only, e)) continue;
        out += "    " + std::string(to_string(e.from)) + " -> " + std::string(to_string(e.to)) +
               " [label=\"" + std::string(to_string(e.on)) + "\"];\n";
    }
    out += "}\n";
    return out;
}

} // namespace kvmig::migration
