// SPDX-License-Identifier: MIT
// What the tests of diagnosis share.
#pragma once

#include <kvmig/diagnosis.hpp>
#include <support/catch.hpp>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::diagnosis::test {

/// The id of the first cause; empty when there is none.
inline std::string first_id(const report &found) {
    return found.causes.empty() ? std::string{} : std::string(found.causes.front().about->id);
}

/// Every id that was named as a cause, in order, joined by blanks: reads well in a failure.
inline std::string ids(const report &found) {
    std::string all;
    for (const cause &one : found.causes) {
        if (!all.empty()) all += ' ';
        all += one.about->id;
    }
    return all;
}

/// A message as a pattern describes it, its holes filled with something plausible.
inline std::string sample(std::string_view pattern_text) {
    std::string arena;
    arena.reserve(pattern_text.size() + 8);
    std::vector<piece> pieces;
    REQUIRE(parse_template(pattern_text, arena, pieces));
    std::string out;
    for (const piece &part : pieces) {
        if (!part.is_hole()) {
            out += part.literal;
            continue;
        }
        switch (part.type) {
        case hole_type::host: out += "kvm02.lab.example"; break;
        case hole_type::endpoint: out += "kvm02.lab.example:49160"; break;
        case hole_type::number: out += "4711"; break;
        case hole_type::word: out += "abc-1"; break;
        case hole_type::name: out += part.name == "path" ? "/srv/images/vm1.img" : "vm1"; break;
        case hole_type::rest: out += "such and such"; break;
        }
    }
    return out;
}

inline std::string corpus_path(std::string_view name) {
    return std::string(KVMIG_TEST_DATA) + "/diagnosis/" + std::string(name);
}

inline std::string read_corpus(std::string_view name) {
    std::ifstream in(corpus_path(name), std::ios::binary);
    INFO("corpus file " << corpus_path(name));
    REQUIRE(in);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// The lines of a corpus file that are neither empty nor comments, split at tabs.
inline std::vector<std::vector<std::string>> read_rows(std::string_view name) {
    std::vector<std::vector<std::string>> rows;
    const std::string text = read_corpus(name);
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string line = text.substr(begin, end - begin);
        begin = end + 1;
        if (line.empty() || line.front() == '#') continue;
        auto &row = rows.emplace_back();
        for (std::size_t at = 0; at <= line.size();) {
            const std::size_t tab = std::min(line.find('\t', at), line.size());
            row.push_back(line.substr(at, tab - at));
            at = tab + 1;
        }
    }
    REQUIRE_FALSE(rows.empty());
    return rows;
}

/// Calls `visit(entry)` for the whole catalogue.
template <class Visit> void each_entry(Visit visit) {
    for (const auto &part : catalogue) {
        for (const entry &one : part) visit(one);
    }
}

} // namespace kvmig::diagnosis::test
