// SPDX-License-Identifier: MIT
/// What of the chosen scenarios one machine runs, and how often.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/scenario/scenario.hpp>

#include <string>
#include <vector>

namespace kvmig::lab {

/// The `index`-th of `count` shares, 1 <= index <= count.
struct shard {
    unsigned index = 1;
    unsigned count = 1;

    [[nodiscard]] bool operator==(const shard &) const = default;
};
/// As `I/N`.
[[nodiscard]] std::string to_string(const shard &part);

/// `I/N`, both at most four digits; anything else is an `invalid_argument` that names it.
[[nodiscard]] expected<shard> parse_shard(const std::string &text);

/// Each scenario is in just one of the shares, and in the same one on every machine: they are dealt
/// out in turn, for those that stand beside each other in the list are alike and take as long. A
/// share in which there is nothing is an `invalid_argument`: nobody wants a machine that runs
/// nothing and calls that a success.
[[nodiscard]] expected<std::vector<const scenario *>>
share_of(const std::vector<const scenario *> &chosen, const shard &part);

/// All of `chosen` once, then all again, `rounds` times: what drifts in the machine meets them all.
[[nodiscard]] std::vector<const scenario *> in_rounds(const std::vector<const scenario *> &chosen,
                                                      unsigned rounds);

} // namespace kvmig::lab
