// SPDX-License-Identifier: MIT
// A stand-in for the kernel's KSM: takes writes to its files by the kernel's rules (mm/ksm.c).
#pragma once

#include <kvmig/tuning/ksm.hpp>
#include <kvmig/tuning/plan.hpp>
#include <support/catch.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace kvmig::tuning::testing {

class ksm_kernel {
public:
    explicit ksm_kernel(ksm_facts facts) : facts_(std::move(facts)) {}

    [[nodiscard]] const ksm_facts &facts() const { return facts_; }

    /// False where the kernel answers EINVAL, EBUSY or ENOENT.
    [[nodiscard]] bool write(std::string_view file, const std::string &value) {
        if (!get(facts_, file)) return false;
        if (file == "pages_to_scan" && facts_.advised()) return false;
        if (file == "merge_across_nodes" && facts_.pages_shared->count() != 0) return false;
        if (file == "run" && value != "0" && value != "1" && value != "2") return false;
        if (file == "run" && value == "2") {
            facts_.pages_shared = pages{0};
            facts_.pages_sharing = pages{0};
            facts_.pages_unshared = pages{0};
            facts_.pages_volatile = pages{0};
            if (facts_.general_profit) facts_.general_profit = 0;
        }
        if (file == "advisor_mode" && value != *facts_.advisor_mode) {
            if (value == "none") {
                facts_.pages_to_scan = pages{100};
            } else if (value == "scan-time") {
                facts_.pages_to_scan = facts_.advisor_min_pages_to_scan;
            } else {
                return false;
            }
        }
        return set(facts_, file, value).has_value();
    }

    void apply(const plan &all) {
        for (const change &step : all.changes) {
            INFO(step.what.name << " <- " << step.to);
            REQUIRE(step.what.name.starts_with(ksm_directory));
            const auto file = std::string_view(step.what.name).substr(ksm_directory.size());
            REQUIRE(get(facts_, file).has_value());
            CHECK(step.from != step.to);
            REQUIRE(write(file, step.to));
        }
    }

private:
    ksm_facts facts_;
};

/// Linux 6.1 after boot.
inline ksm_facts old_kernel() {
    ksm_facts f;
    f.run = 0;
    f.pages_to_scan = pages{100};
    f.sleep_millisecs = milliseconds{20};
    f.merge_across_nodes = 1;
    f.max_page_sharing = 256;
    f.stable_node_chains_prune_millisecs = milliseconds{2000};
    f.use_zero_pages = 0;
    f.full_scans = 0;
    f.pages_shared = f.pages_sharing = f.pages_unshared = f.pages_volatile = pages{0};
    f.stable_node_chains = f.stable_node_dups = 0;
    return f;
}

/// Linux 6.8 and later after boot.
inline ksm_facts new_kernel() {
    ksm_facts f = old_kernel();
    f.smart_scan = 1;
    f.advisor_mode = "none";
    f.advisor_max_cpu = 70;
    f.advisor_min_pages_to_scan = pages{500};
    f.advisor_max_pages_to_scan = pages{30000};
    f.advisor_target_scan_time = 200;
    f.pages_scanned = f.pages_skipped = f.ksm_zero_pages = pages{0};
    f.general_profit = 0;
    return f;
}

} // namespace kvmig::tuning::testing
