// SPDX-License-Identifier: MIT
/// How much of a guest lies on huge pages, and room for them.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <lab/scenario/kib_line.hpp>
#include <lab/scenario/stage.hpp>
#include <lab/topology/topology.hpp>

#include <array>
#include <stop_token>
#include <string>
#include <string_view>

namespace kvmig::lab {

/// What of a process lies on huge pages.
struct huge_memory {
    bytes transparent; ///< `AnonHugePages`
    bytes reserved;    ///< of the pool: `Private_Hugetlb` and `Shared_Hugetlb`
};

/// Of the text of `/proc/PID/smaps_rollup`. Fails with `protocol` where it does not tell.
[[nodiscard]] inline expected<huge_memory> parse_huge_memory(std::string_view text) {
    huge_memory out;
    struct row {
        std::string_view key;
        bytes huge_memory::*where;
    };
    for (const auto &[key, where] : std::array{row{"AnonHugePages", &huge_memory::transparent},
                                               row{"Shared_Hugetlb", &huge_memory::reserved},
                                               row{"Private_Hugetlb", &huge_memory::reserved}}) {
        const auto value = kib_line(text, key, "smaps_rollup");
        if (!value) return fail(value.error());
        out.*where = out.*where + *value;
    }
    return out;
}

/// Of the process of a guest of the lab's own hosts, where it runs now.
[[nodiscard]] expected<huge_memory> huge_memory_of(const performer &who,
                                                   const std::stop_token &stop);

inline constexpr const char *reserved_huge_pages = "/proc/sys/vm/nr_hugepages";

/// Reserves pages of 2 MiB for a guest's memory, or gives all back with none. Fails where the
/// kernel has room for fewer.
[[nodiscard]] expected<void> reserve_huge_pages(const machine_spec &host, bytes memory,
                                                const std::stop_token &stop);

} // namespace kvmig::lab
