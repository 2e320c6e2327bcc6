// SPDX-License-Identifier: MIT
/// How fast a guest writes to its memory, a word to page after page.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <lab/guest/messages.hpp>
#include <lab/scenario/stage.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <vector>

namespace kvmig::lab {

/// Has `who` write so many pages a second, over the first `set` of its pattern.
[[nodiscard]] expected<void> write_pages(performer &who, page_rate rate, bytes set);

/// A rate that is more than `who` can do: it is asked for ever more until it falls behind. It goes
/// on with the last.
[[nodiscard]] expected<page_rate> more_pages_than_it_can(performer &who, bytes set,
                                                         const std::stop_token &stop);

/// What a guest did from look to look.
struct work_seen {
    std::vector<double> rates; ///< a second, from each look to the next
    double on_the_whole = 0;   ///< a second, from the first look to the last
    std::uint64_t done = 0;
    std::uint64_t missed = 0; ///< asked for and left out, since it could not keep the rate
};

/// What the guest was seen to do in looks at it, of which there are two at least.
[[nodiscard]] work_seen pages_in(const std::vector<guest::guest_status> &looks);
/// Likewise, of the blocks that it wrote to its disk.
[[nodiscard]] work_seen blocks_in(const std::vector<guest::guest_status> &looks);

/// Looks at `who` so many times and once more, one `period` apart.
[[nodiscard]] expected<std::vector<guest::guest_status>> look_on(performer &who, std::size_t times,
                                                                 std::chrono::seconds period,
                                                                 const std::stop_token &stop);

} // namespace kvmig::lab
