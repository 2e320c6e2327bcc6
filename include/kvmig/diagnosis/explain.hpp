// SPDX-License-Identifier: MIT
/// The catalogue as text for people: one entry, the list, and a page of documentation.
#pragma once

#include <kvmig/diagnosis/catalogue.hpp>
#include <kvmig/diagnosis/remedy.hpp>
#include <kvmig/diagnosis/signs.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::diagnosis {

/// The releases of a wording, e.g. `"libvirt 9.0, 11.3"`.
[[nodiscard]] inline std::string to_string(wording seen) {
    struct named {
        wording bit;
        std::string_view program, release;
    };
    static constexpr named names[] = {
        {wording::libvirt_9_0, "libvirt", "9.0"}, {wording::libvirt_11_3, "libvirt", "11.3"},
        {wording::qemu_7_2, "QEMU", "7.2"},       {wording::qemu_10_0, "QEMU", "10.0"},
        {wording::older, "older releases", ""},   {wording::other, "other programs", ""}};
    std::string text;
    std::string_view program;
    for (const named &one : names) {
        if ((static_cast<unsigned>(seen) & static_cast<unsigned>(one.bit)) == 0) continue;
        if (!text.empty()) text += ", ";
        if (program != one.program) text += one.program;
        if (program != one.program && !one.release.empty()) text += ' ';
        text += one.release;
        program = one.program;
    }
    return text;
}

/// An entry in full, for a terminal. Ends with a newline.
[[nodiscard]] inline std::string explain(const entry &one) {
    const topic_name *about = topic_of(one.id);
    std::string text = std::string(one.id) + "  " + std::string(one.title) + '\n';
    const auto line = [&text](std::string_view name, std::string_view value) {
        text += "  ";
        text += name;
        text.append(name.size() < 10 ? 10 - name.size() : 1, ' ');
        text += value;
        text += '\n';
    };
    line("topic", about == nullptr ? "" : about->title);
    line("says", to_string(one.says));
    line("cause", one.cause);
    if (!one.corrects.empty()) line("put right", one.corrects);
    for (const step &todo : one.steps()) {
        line("do", "on " + std::string(to_string(todo.on)) + ": " + fill(todo.run, {}, true));
        if (!todo.note.empty()) line("", "  (" + fill(todo.note, {}, false) + ")");
    }
    line("look", fill(one.look, {}, false));
    if (!one.example.empty()) line("example", one.example);
    for (const sign what : one.signs) {
        if (what != sign::none) line("state", describe(what));
    }
    for (const code_rule &rule : one.codes) {
        if (rule.code != 0) line("code", "libvirt error " + std::to_string(rule.code));
    }
    for (const pattern &words : one.wordings()) {
        line("words", words.text);
        line("", "  (" + to_string(words.seen) + ": " + std::string(words.where) + ")");
    }
    return text;
}

/// The ids nearest to one that does not exist, nearest first, at most `most`: by letters changed,
/// and never more than four of them.
[[nodiscard]] inline std::vector<std::string_view> near_ids(std::string_view wanted,
                                                            std::size_t most = 5) {
    std::string upper;
    for (const char c : wanted.substr(0, 32)) {
        upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    std::vector<std::pair<std::size_t, std::string_view>> ranked;
    for (const auto &part : catalogue) {
        for (const entry &one : part) {
            std::vector<std::size_t> row(one.id.size() + 1);
            for (std::size_t k = 0; k < row.size(); ++k) row[k] = k;
            for (const char typed : upper) {
                std::size_t corner = row[0]++;
                for (std::size_t k = 0; k < one.id.size(); ++k) {
                    const std::size_t changed = corner + (typed == one.id[k] ? 0U : 1U);
                    corner = row[k + 1];
                    row[k + 1] = std::min({changed, row[k] + 1, corner + 1});
                }
            }
            if (row.back() <= 4) ranked.emplace_back(row.back(), one.id);
        }
    }
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const auto &a, const auto &b) { return a.first < b.first; });
    std::vector<std::string_view> ids;
    for (const auto &[distance, id] : ranked) {
        if (ids.size() < most) ids.push_back(id);
    }
    return ids;
}

namespace detail {

/// Text with the characters that Markdown takes for its own kept as they are.
[[nodiscard]] inline std::string markdown_text(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (std::string_view("\\`*_[]<>|").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

} // namespace detail

/// The whole catalogue as a Markdown page.
[[nodiscard]] inline std::string catalogue_markdown() {
    using detail::markdown_text;
    std::string page = "# Causes of failed migrations\n\n"
                       "Generated from the catalogue by `kvmig explain --markdown`. Names in "
                       "capitals are to be filled in.\n";
    std::string_view topic_code;
    for (const auto &part : catalogue) {
        for (const entry &one : part) {
            const topic_name *about = topic_of(one.id);
            if (about != nullptr && about->code != topic_code) {
                topic_code = about->code;
                page += "\n## " + std::string(about->title) + "\n";
            }
            page += "\n### " + std::string(one.id) + ": " + markdown_text(one.title) + "\n\n";
            page += markdown_text(one.cause) + "\n";
            if (!one.example.empty()) page += "\n```\n" + std::string(one.example) + "\n```\n";
            if (!one.corrects.empty())
                page += "\n**Put right:** " + markdown_text(one.corrects) + "\n";
            page += "\n";
            for (const step &todo : one.steps()) {
                page += "- on " + std::string(to_string(todo.on)) + ": `" +
                        fill(todo.run, {}, true) + "`";
                if (!todo.note.empty())
                    page += " (" + markdown_text(fill(todo.note, {}, false)) + ")";
                page += "\n";
            }
            page += "\nLook next: " + markdown_text(fill(one.look, {}, false)) + "\n";
            if (one.wordings().empty()) continue;
            page += "\n| words | releases | where |\n|---|---|---|\n";
            for (const pattern &words : one.wordings()) {
                page += "| " + markdown_text(words.text) + " | " + to_string(words.seen) + " | " +
                        markdown_text(words.where) + " |\n";
            }
        }
    }
    return page;
}

} // namespace kvmig::diagnosis
