// SPDX-License-Identifier: MIT
#include <lab/scenario/shard.hpp>

#include <charconv>
#include <fmt/format.h>

namespace kvmig::lab {

std::string to_string(const shard &part) { return fmt::format("{}/{}", part.index, part.count); }

expected<shard> parse_shard(const std::string &text) {
    const auto number = [](std::string_view digits) {
        unsigned value = 0; // what is no number of this kind is 0, which no part may be
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        const bool whole = read.ec == std::errc{} && read.ptr == digits.data() + digits.size();
        return whole && value < 10'000 ? value : 0;
    };
    const std::string_view all = text;
    const auto slash = all.find('/');
    if (slash != std::string_view::npos) {
        const shard out{number(all.substr(0, slash)), number(all.substr(slash + 1))};
        if (out.index >= 1 && out.index <= out.count) return out;
    }
    return fail(make_error(error_kind::invalid_argument, fmt::format("'{}' is no shard", text))
                    .advise("give I/N, the I-th of N shares, such as 1/3, 2/3 and 3/3"));
}

expected<std::vector<const scenario *>> share_of(const std::vector<const scenario *> &chosen,
                                                 const shard &part) {
    std::vector<const scenario *> out;
    for (std::size_t i = part.index - 1; i < chosen.size(); i += part.count) {
        out.push_back(chosen[i]);
    }
    if (!out.empty()) return out;
    return fail(make_error(error_kind::invalid_argument,
                           fmt::format("shard {} has no scenario: only {} were chosen",
                                       to_string(part), chosen.size()))
                    .advise(fmt::format("use at most {} shards", chosen.size())));
}

std::vector<const scenario *> in_rounds(const std::vector<const scenario *> &chosen,
                                        unsigned rounds) {
    std::vector<const scenario *> out;
    out.reserve(chosen.size() * rounds);
    for (unsigned round = 0; round < rounds; ++round) {
        out.insert(out.end(), chosen.begin(), chosen.end());
    }
    return out;
}

} // namespace kvmig::lab
