// SPDX-License-Identifier: MIT
// A tree of files in the place of a host that is tuned.
#pragma once

#include <host/kernel_tree.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/cli_call.hpp>

#include <string>
#include <utility>
#include <vector>

namespace kvmig::test {

inline const std::string ksm_folder = "/sys/kernel/mm/ksm/";
inline const std::string node0_folder = "/sys/devices/system/node/node0/";
inline const std::string huge_page_pool = node0_folder + "hugepages/hugepages-2048kB/";

/// A host of 16 GiB with little memory left and one guest.
struct tuned_host : testing::kernel_tree {
    tuned_host() {
        put("/proc/meminfo",
            "MemTotal: 16777216 kB\nMemFree: 1000000 kB\nMemAvailable: 1000000 kB\n"
            "Buffers: 0 kB\nCached: 0 kB\n");
        put("/proc/sys/kernel/random/boot_id", "this-boot\n");
        for (const auto &[name, text] :
             std::vector<std::pair<std::string, std::string>>{{"run", "0"},
                                                              {"pages_to_scan", "100"},
                                                              {"sleep_millisecs", "20"},
                                                              {"pages_shared", "15"},
                                                              {"pages_sharing", "512"},
                                                              {"pages_unshared", "0"},
                                                              {"pages_volatile", "1"},
                                                              {"full_scans", "0"}}) {
            put(ksm_folder + name, text + "\n");
        }
        put("/proc/100/cmdline", std::string("/usr/bin/kvm\0-name\0vm1\0", 23));
        put("/proc/100/status", "VmRSS: 1048576 kB\n");
        put(node0_folder + "meminfo", "Node 0 MemTotal: 16777216 kB\nNode 0 MemFree: 8388608 kB\n");
        put(huge_page_pool + "nr_hugepages", "0\n");
        put(huge_page_pool + "free_hugepages", "0\n");
        put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
        put("/proc/sys/vm/swappiness", "60\n");
        put("/proc/sys/vm/dirty_ratio", "20\n");
        put("/proc/sys/vm/dirty_background_ratio", "10\n");
    }

    [[nodiscard]] outcome tune(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {"tune", "--root", root().string()});
        return call(lab::cli::add_tune, std::move(arguments));
    }
};

} // namespace kvmig::test
