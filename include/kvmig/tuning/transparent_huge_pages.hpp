// SPDX-License-Identifier: MIT
/// Transparent huge pages: `/sys/kernel/mm/transparent_hugepage`.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/tuning/plan.hpp>
#include <kvmig/tuning/value.hpp>

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::tuning {

/// Where their files are.
inline constexpr std::string_view thp_directory = "/sys/kernel/mm/transparent_hugepage/";

/// The texts of the files, choices and all (`always [madvise] never`); absent where there is none.
struct thp_facts {
    /// Which memory is of huge pages.
    std::optional<std::string> enabled = {};
    /// Who waits while room for a huge page is made.
    std::optional<std::string> defrag = {};
    std::optional<std::string> shmem_enabled = {}; ///< of shared memory; from Linux 4.8 on

    friend bool operator==(const thp_facts &, const thp_facts &) = default;
};

/// What is wanted of each; absent: left as it is.
struct thp_settings {
    /// One of the words that the file offers.
    std::optional<std::string> enabled = {};
    /// One of the words that the file offers.
    std::optional<std::string> defrag = {};
    /// One of the words that the file offers.
    std::optional<std::string> shmem_enabled = {};
};

/// For hosts of guests: QEMU advises its guests' memory (MADV_HUGEPAGE), so that `madvise` gives
/// huge pages to guests and to nothing else; and a guest does not wait while the kernel makes room.
[[nodiscard]] inline thp_settings thp_for_guests() {
    return {.enabled = "madvise", .defrag = "defer+madvise"};
}

/// Fails with `invalid_argument` for a word that the kernel does not offer, naming those it does.
[[nodiscard]] inline expected<plan> plan_thp(const thp_facts &facts, const thp_settings &wanted) {
    struct row {
        std::string_view name;
        const std::optional<std::string> &is;
        const std::optional<std::string> &wanted;
        std::string_view why;
        std::string_view risk;
    };
    const std::array<row, 3> rows = {
        {{"enabled", facts.enabled, wanted.enabled, "which memory is of huge pages",
          "memory that is used in part is taken whole; KSM merges no huge pages"},
         {"defrag", facts.defrag, wanted.defrag, "who waits while room for a huge page is made",
          "what waits stalls; what does not gets ordinary pages at first"},
         {"shmem_enabled", facts.shmem_enabled, wanted.shmem_enabled,
          "guests' memory that is shared (memfd, vhost-user) is of shmem", ""}}};
    plan out;
    for (const row &r : rows) {
        if (!r.wanted) continue;
        if (!r.is) {
            out.note(fmt::format("this kernel has no transparent_hugepage/{}", r.name));
            continue;
        }
        const auto offered = choices(*r.is);
        if (std::find(offered.begin(), offered.end(), *r.wanted) == offered.end()) {
            return fail(
                make_error(error_kind::invalid_argument,
                           fmt::format("'{}' is none of {}", *r.wanted, fmt::join(offered, ", ")))
                    .about(fmt::format("{}{}", thp_directory, r.name)));
        }
        if (chosen(*r.is) == *r.wanted) continue;
        change step;
        step.what.name = fmt::format("{}{}", thp_directory, r.name);
        step.from = std::string(chosen(*r.is));
        step.to = *r.wanted;
        step.why = r.why;
        step.risk = r.risk;
        step.source = "Documentation/admin-guide/mm/transhuge.rst";
        out.changes.push_back(std::move(step));
    }
    return out;
}

} // namespace kvmig::tuning
