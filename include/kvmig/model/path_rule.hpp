// SPDX-License-Identifier: MIT
/// Rules by which the paths of one host become those of another.
#pragma once

#include <kvmig/core/expected.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::model {

/// What is at or below `from` on one host is at or below `to` on the other.
struct path_rule {
    std::string from; ///< absolute, without a slash at the end
    std::string to;   ///< absolute, without a slash at the end

    friend bool operator==(const path_rule &, const path_rule &) = default;

    /// Reads `FROM=TO`, both absolute. Fails with `invalid_argument`, naming the text.
    [[nodiscard]] static expected<path_rule> parse(std::string_view text) {
        const std::size_t equals = text.find('=');
        path_rule out;
        out.from = text.substr(0, equals);
        if (equals != std::string_view::npos) out.to = text.substr(equals + 1);
        for (std::string *each : {&out.from, &out.to}) {
            while (each->size() > 1 && each->ends_with('/')) each->pop_back();
            if (each->starts_with('/')) continue;
            return fail(make_error(error_kind::invalid_argument,
                                   "'" + std::string(text) + "' is no rule for paths")
                            .advise("write it as FROM=TO, both absolute, as in "
                                    "/var/lib/libvirt/images=/srv/images"));
        }
        return out;
    }

    /// Whether it says something of `path`.
    [[nodiscard]] bool covers(std::string_view path) const noexcept {
        if (from == "/") return path.starts_with('/');
        return path.starts_with(from) && (path.size() == from.size() || path[from.size()] == '/');
    }
};

/// `path` as the rule with the longest `from` makes it; as it is where no rule covers it.
[[nodiscard]] inline std::string adapted(const std::vector<path_rule> &rules,
                                         std::string_view path) {
    const path_rule *best = nullptr;
    for (const path_rule &each : rules) {
        if (each.covers(path) && (best == nullptr || each.from.size() > best->from.size())) {
            best = &each;
        }
    }
    if (best == nullptr) return std::string(path);
    const std::string_view rest = best->from == "/" ? path : path.substr(best->from.size());
    if (best->to == "/") return rest.empty() ? "/" : std::string(rest);
    return best->to + std::string(rest);
}

} // namespace kvmig::model
