// SPDX-License-Identifier: MIT
/// Reads what exportfs(8) prints of the exports in force.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/export_collector.hpp>
#include <kvmig/model/nfs_export.hpp>
#include <kvmig/model/nfs_option_list.hpp>
#include <kvmig/model/octal_escape.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::model {

/// How a list of exports was asked for.
enum class exportfs_form : std::uint8_t {
    verbose, ///< `exportfs -v`: paths as they are, a long one on a line of its own
    file,    ///< `exportfs -s`: in the grammar of /etc/exports, paths escaped
};

namespace detail {

[[nodiscard]] inline error exportfs_refusal(exportfs_form form, std::size_t line,
                                            std::size_t column, const std::string &what,
                                            std::string remedy) {
    const std::string command = form == exportfs_form::verbose ? "exportfs -v" : "exportfs -s";
    return make_error(error_kind::protocol, "cannot read what " + command + " told, line " +
                                                std::to_string(line) + ", column " +
                                                std::to_string(column) + ": " + what)
        .about(command)
        .advise(std::move(remedy));
}

/// `text` without the blanks at its end.
[[nodiscard]] inline std::string_view without_trailing(std::string_view text) {
    const auto last = text.find_last_not_of(" \t\r");
    return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

} // namespace detail

/// Reads the output of `exportfs -v` or `exportfs -s` of nfs-utils. Paths may hold white space and
/// brackets, clients neither. (In `-v` nothing is escaped: blanks at the end of a path cannot be
/// told from padding.) Options that are not known are kept. Clients of one path are gathered.
///
/// Fails with `protocol`, naming line, column (in bytes, from 1) and what would be right.
[[nodiscard]] inline expected<std::vector<nfs_export>> parse_exportfs(std::string_view text,
                                                                      exportfs_form form) {
    const bool verbose = form == exportfs_form::verbose;
    export_collector out;
    std::string_view pending; // a path on a line of its own
    std::size_t number = 0;
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        const std::string_view line = detail::without_trailing(text.substr(start, end - start));
        start = end + 1;
        ++number;
        if (line.empty()) continue;
        const auto refuse = [&](std::size_t at, const std::string &what, std::string remedy) {
            return fail(detail::exportfs_refusal(form, number, at + 1, what, std::move(remedy)));
        };
        const std::size_t blank = verbose ? line.rfind('\t') : line.find(' ');
        if (verbose && blank == std::string_view::npos && line.front() == '/' && pending.empty()) {
            pending = line;
            continue;
        }
        const std::string_view before = blank == std::string_view::npos
                                            ? line
                                            : detail::without_trailing(line.substr(0, blank));
        const std::string_view path = before.empty() ? pending : before;
        if (path.empty() || path.front() != '/' || (!pending.empty() && !before.empty())) {
            return refuse(0, "no absolute path stands before the client",
                          "give the whole output, and nothing else");
        }
        // -s puts two spaces.
        const std::size_t name = std::min(line.find_first_not_of(' ', blank + 1), line.size());
        const std::size_t open = line.find('(', name);
        if (blank == std::string_view::npos || open == std::string_view::npos ||
            !line.ends_with(')')) {
            return refuse(line.size(), "no client with options in brackets ends the line",
                          "ask with exportfs -v or exportfs -s, which tell options");
        }
        export_client client;
        client.name = line.substr(name, open - name);
        if (client.name.empty() || client.name == "<world>") client.name = "*";
        client.kind = kind_of_client(client.name);
        option_list list;
        if (auto fault =
                list.read(line.substr(open + 1, line.size() - open - 2), unknown_option::keep)) {
            return refuse(open + 1 + fault->at, fault->what, std::move(fault->remedy));
        }
        client.options = list.options();
        out.add(verbose ? std::string(path) : unescape_octal(path), std::move(client));
        pending = {};
    }
    if (!pending.empty()) {
        return fail(detail::exportfs_refusal(
            form, number, 1, "no client follows the path '" + std::string(pending) + "'",
            "give the whole output"));
    }
    return out.take("");
}

} // namespace kvmig::model
