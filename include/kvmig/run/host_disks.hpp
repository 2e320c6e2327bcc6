// SPDX-License-Identifier: MIT
/// The disks of a host, as far as they tell whether a weight is heeded.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/run/on_host.hpp>
#include <kvmig/tuning/block_io.hpp>
#include <kvmig/tuning/value.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::run {

namespace detail {

/// Whether a block device stands for no disk: it hands on to others, or is memory.
[[nodiscard]] inline bool is_no_disk(std::string_view name) {
    constexpr std::array others = {"loop", "ram", "zram", "sr", "fd", "dm-", "md"};
    return std::any_of(others.begin(), others.end(),
                       [&](std::string_view other) { return name.starts_with(other); });
}

} // namespace detail

/// Reads what `grep -Hs ''` says of `/sys/block/*/queue/scheduler`, `/sys/block/*/dev` and the
/// files of the root cgroup below `root`, a line `PATH:TEXT` each. The file that libvirt will write
/// to is taken from what there is: bfq's where a disk knows bfq, else that of the kernel's own.
[[nodiscard]] inline std::vector<tuning::weight_facts> parse_host_disks(std::string_view said,
                                                                        std::string_view root) {
    std::map<std::string, std::string> numbers; // MAJOR:MINOR, by disk
    std::string io_cost;
    bool unified = false;
    bool bfq = false;
    std::vector<tuning::weight_facts> out;
    const std::string block = std::string(root) + "/sys/block/";
    const std::string cgroup = std::string(root) + "/sys/fs/cgroup/";
    while (!said.empty()) {
        const std::string_view line = said.substr(0, said.find('\n'));
        said.remove_prefix(std::min(line.size() + 1, said.size()));
        const auto colon = line.find(':', root.size());
        if (colon == std::string_view::npos) continue;
        std::string_view path = line.substr(0, colon);
        const std::string text(line.substr(colon + 1));
        if (path == cgroup + "cgroup.controllers") unified = true;
        if (path == cgroup + "io.cost.qos") io_cost += text + '\n';
        if (!path.starts_with(block)) continue;
        path.remove_prefix(block.size());
        const std::string disk(path.substr(0, path.find('/')));
        if (detail::is_no_disk(disk)) continue;
        if (path.ends_with("/dev")) numbers[disk] = text;
        if (!path.ends_with("/queue/scheduler")) continue;
        const auto choices = tuning::choices(text);
        bfq = bfq || std::find(choices.begin(), choices.end(), "bfq") != choices.end();
        tuning::weight_facts facts;
        facts.disk = disk;
        facts.scheduler = text;
        out.push_back(facts);
    }
    for (tuning::weight_facts &facts : out) {
        if (unified)
            facts.file = bfq ? tuning::weight_file::io_bfq : tuning::weight_file::io_weight;
        else
            facts.file = bfq ? tuning::weight_file::blkio_bfq : tuning::weight_file::blkio_weight;
        const auto at = io_cost.find(numbers[facts.disk] + " enable=1");
        facts.iocost = !numbers[facts.disk].empty() && at != std::string::npos &&
                       (at == 0 || io_cost[at - 1] == '\n');
    }
    return out;
}

/// Those of the host, whose files lie below `root` (empty: `/`).
[[nodiscard]] inline expected<std::vector<tuning::weight_facts>>
read_host_disks(const on_host &at, const std::string &root = {}) {
    // Status 2 says that one of the files is missing, as one always is.
    const auto ran = at.run({"sh", "-c",
                             "grep -Hs '' \"$0\"/sys/block/*/queue/scheduler "
                             "\"$0\"/sys/block/*/dev \"$0\"/sys/fs/cgroup/cgroup.controllers "
                             "\"$0\"/sys/fs/cgroup/io.cost.qos",
                             root});
    if (!ran) return fail(ran.error());
    if (ran->status > 2) return fail(at.failure({"grep"}, *ran));
    return parse_host_disks(ran->out, root);
}

} // namespace kvmig::run
