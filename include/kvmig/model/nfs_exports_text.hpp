// SPDX-License-Identifier: MIT
/// Reads /etc/exports, the files of /etc/exports.d and /var/lib/nfs/etab.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/export_collector.hpp>
#include <kvmig/model/nfs_export.hpp>
#include <kvmig/model/nfs_option_list.hpp>
#include <kvmig/model/octal_escape.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::model {

/// A reader of one text; use `parse_exports`.
class exports_reader {
public:
    /// `file` is for messages; `unknown` says what becomes of options that are not known.
    exports_reader(std::string_view text, std::string file, unknown_option unknown)
        : text_(text), file_(std::move(file)), unknown_(unknown) {}

    /// `origin`: the file that exports are said to be of.
    [[nodiscard]] expected<std::vector<nfs_export>> read(const std::string &origin) {
        while (at_ < text_.size()) {
            if (auto read = read_entry(); !read) return fail(std::move(read).error());
        }
        return out_.take(origin);
    }

private:
    /// One word, without its quotes, and where each of its bytes stands in the text.
    struct word {
        std::string bytes;
        std::vector<std::size_t> places;
    };

    std::string_view text_;
    std::string file_;
    unknown_option unknown_;
    std::size_t at_ = 0;
    std::size_t line_ = 1; ///< of `at_`
    export_collector out_;

    /// From byte `from` up to `at_`, whose line `line_` then is.
    void count_lines(std::size_t from) {
        line_ += static_cast<std::size_t>(
            std::count(text_.begin() + offset(from), text_.begin() + offset(at_), '\n'));
    }
    [[nodiscard]] static std::ptrdiff_t offset(std::size_t of) {
        return static_cast<std::ptrdiff_t>(of);
    }

    [[nodiscard]] error refusal(std::size_t place, const std::string &what,
                                std::string remedy) const {
        place = std::min(place, text_.size());
        const auto lines = std::count(text_.begin(), text_.begin() + offset(place), '\n');
        const auto start = text_.substr(0, place).rfind('\n');
        const std::size_t column = place - (start == std::string_view::npos ? 0 : start + 1) + 1;
        return make_error(error_kind::invalid_argument,
                          "cannot read " + file_ + ", line " + std::to_string(lines + 1) +
                              ", column " + std::to_string(column) + ": " + what)
            .about(file_)
            .advise(std::move(remedy));
    }

    [[nodiscard]] bool continues() const { return text_.substr(at_).starts_with("\\\n"); }

    /// Over blanks, continued lines and comments, up to a word or the end of the line.
    void skip_blanks() {
        const std::size_t from = at_;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '#')
                at_ = std::min(text_.find('\n', at_), text_.size());
            else if (continues())
                at_ += 2;
            else if (c == ' ' || c == '\t' || c == '\r')
                ++at_;
            else
                break;
        }
        count_lines(from);
    }

    /// The next word of the line; nothing at its end.
    [[nodiscard]] expected<std::optional<word>> next_word() {
        skip_blanks();
        if (at_ == text_.size() || text_[at_] == '\n') return std::optional<word>();
        word out;
        std::optional<std::size_t> quote;
        for (; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
            const char c = text_[at_];
            if (c == '"') {
                quote = quote ? std::nullopt : std::optional(at_);
                continue;
            }
            if (!quote && (c == ' ' || c == '\t' || c == '\r' || continues())) break;
            out.bytes += c;
            out.places.push_back(at_);
        }
        if (quote) {
            return fail(refusal(*quote, "a quote is opened and not closed on its line",
                                "close it with a second \""));
        }
        return std::optional(std::move(out));
    }

    /// Reads `list`, which begins at byte `from` of `in`.
    [[nodiscard]] expected<void> read_options(option_list &options, const word &in,
                                              std::size_t from, std::size_t length) const {
        const auto list = std::string_view(in.bytes).substr(from, length);
        if (auto fault = options.read(list, unknown_)) {
            return fail(
                refusal(in.places[from + fault->at], fault->what, std::move(fault->remedy)));
        }
        return {};
    }

    /// `NAME(OPTIONS)`, either of which may be missing.
    [[nodiscard]] expected<export_client> read_client(const word &in, option_list options) const {
        const std::size_t open = in.bytes.find('(');
        export_client out;
        out.line = line_;
        out.name = unescape_octal(in.bytes.substr(0, open));
        if (open != std::string::npos) {
            const std::size_t close = in.bytes.find(')', open);
            if (close == std::string::npos) {
                return fail(refusal(in.places[open],
                                    "the list of options is not closed in the same word",
                                    "write it without white space, as in " +
                                        std::string(in.bytes.substr(0, open)) + "(rw,sync)"));
            }
            if (close + 1 != in.bytes.size()) {
                return fail(refusal(in.places[close + 1],
                                    "'" + in.bytes.substr(close + 1) +
                                        "' stands right after a list of options",
                                    "put a space between two clients"));
            }
            if (auto read = read_options(options, in, open + 1, close - open - 1); !read)
                return fail(std::move(read).error());
        }
        if (out.name.empty()) out.name = "*";
        out.kind = kind_of_client(out.name);
        out.options = unescaped(options.options());
        return out;
    }

    /// Paths in options, with their octal escapes resolved.
    [[nodiscard]] static export_options unescaped(export_options options) {
        if (options.mountpoint) options.mountpoint = unescape_octal(*options.mountpoint);
        options.refer = unescape_octal(options.refer);
        options.replicas = unescape_octal(options.replicas);
        return options;
    }

    /// One line with those that continue it.
    [[nodiscard]] expected<void> read_entry() {
        auto first = next_word();
        if (!first) return fail(std::move(first).error());
        if (!*first) {
            end_line();
            return {};
        }
        const std::string path = unescape_octal((*first)->bytes);
        if (path.empty() || path.front() != '/') {
            return fail(refusal((*first)->places.empty() ? at_ : (*first)->places.front(),
                                "'" + path + "' is no absolute path",
                                "begin the line with the path that is exported, as in /srv/images "
                                "192.0.2.0/24(rw,sync,no_subtree_check)"));
        }
        const std::size_t start = line_;
        option_list defaults;
        bool clients = false;
        while (true) {
            auto next = next_word();
            if (!next) return fail(std::move(next).error());
            if (!*next) break;
            const word &told = **next;
            if (told.bytes.starts_with('-')) {
                auto read = read_options(defaults, told, 1, std::string::npos);
                if (!read) return read;
                continue;
            }
            auto client = read_client(told, defaults);
            if (!client) return fail(std::move(client).error());
            client->apart = clients && told.bytes.starts_with('(');
            out_.add(path, *std::move(client));
            clients = true;
        }
        if (!clients) {
            auto everyone = read_client({}, defaults);
            if (!everyone) return fail(std::move(everyone).error());
            everyone->line = start;
            out_.add(path, *std::move(everyone));
        }
        end_line();
        return {};
    }

    void end_line() {
        if (at_ == text_.size()) return;
        ++at_;
        ++line_;
    }
};

/// Reads the text of a table of exports by the grammar of exports(5), as nfs-utils 2.6 reads it:
/// quotes, octal escapes, comments, continued lines, default options (`-ro,sync`). Whoever is not
/// named is everybody: a path alone, or options that stand apart from a client, as in `host (rw)`.
/// Options right after the path are part of the path. Clients of one path are gathered.
///
/// `file`: what errors and findings call it. Fails with `invalid_argument`, naming file, line,
/// column (in bytes, from 1) and what would be right.
[[nodiscard]] inline expected<std::vector<nfs_export>> parse_exports(std::string_view text,
                                                                     const std::string &file) {
    return exports_reader(text, file, unknown_option::fault).read(file);
}

/// Reads what nfs-utils keeps in /var/lib/nfs/etab: the exports in force, with all their options,
/// in the grammar of /etc/exports. Options that are not known are kept.
///
/// Fails as `parse_exports`, with `protocol`.
[[nodiscard]] inline expected<std::vector<nfs_export>> parse_etab(std::string_view text) {
    auto out = exports_reader(text, "/var/lib/nfs/etab", unknown_option::keep).read("");
    if (!out) {
        out.error().kind = error_kind::protocol;
        return out;
    }
    for (nfs_export &each : *out) {
        for (export_client &client : each.clients) client.line = 0;
    }
    return out;
}

} // namespace kvmig::model
