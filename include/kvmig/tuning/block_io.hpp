// SPDX-License-Identifier: MIT
/// Block I/O weights: who is served first when several write to one disk, and whether anyone heeds
/// it.
#pragma once

#include <kvmig/tuning/value.hpp>

#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>

namespace kvmig::tuning {

/// The cgroup file that libvirt writes a weight to.
enum class weight_file : std::uint8_t {
    none,         ///< the io controller is not there, or not enabled
    blkio_weight, ///< v1 with cfq, kernels before 5.0
    blkio_bfq,    ///< v1: `blkio.bfq.weight`
    io_bfq,       ///< v2: `io.bfq.weight`
    io_weight,    ///< v2: `io.weight`, of iocost
};

/// The file's name in the cgroup.
[[nodiscard]] constexpr std::string_view to_string(weight_file file) noexcept {
    switch (file) {
    case weight_file::none: return "none";
    case weight_file::blkio_weight: return "blkio.weight";
    case weight_file::blkio_bfq: return "blkio.bfq.weight";
    case weight_file::io_bfq: return "io.bfq.weight";
    case weight_file::io_weight: return "io.weight";
    }
    return "unknown";
}

/// A disk of the host, and the machinery that could heed a weight.
struct weight_facts {
    weight_file file = weight_file::none; ///< what the domain's cgroup holds
    std::string disk = {};                ///< `sda`; empty: the image lies on no disk of this host
    /// The text of `/sys/block/DISK/queue/scheduler`, e.g. `none [mq-deadline] bfq`.
    std::optional<std::string> scheduler = {};
    bool iocost = false;       ///< `io.cost.qos` of the root cgroup has `enable=1` for the disk
    bool over_network = false; ///< the image is reached through NFS or another network protocol

    friend bool operator==(const weight_facts &, const weight_facts &) = default;
};

/// Whether a weight makes a difference, and why not.
struct weight_effect {
    /// Somebody heeds the weight.
    bool effective = false;
    /// A clause: who heeds it, or why nobody does.
    std::string why = {};
    /// What would make it effective; empty where it is.
    std::string remedy = {};
};

/// A weight that nobody heeds is taken without a word: this tells.
[[nodiscard]] inline weight_effect effect_of_weight(const weight_facts &facts) {
    if (facts.over_network || facts.disk.empty()) {
        return {false, "the image is not on a disk of this host: weights are of a disk's queue",
                "limit the domain's disk instead (blkdeviotune), which QEMU does itself"};
    }
    const std::string scheduler{chosen(facts.scheduler.value_or(""))};
    const auto use_bfq = [&] {
        return fmt::format("echo bfq >/sys/block/{}/queue/scheduler (modprobe bfq before)",
                           facts.disk);
    };
    switch (facts.file) {
    case weight_file::none:
        return {false, "the domain's cgroup has no file for weights",
                "enable the io controller (v2: +io in cgroup.subtree_control of the parents)"};
    case weight_file::blkio_weight:
        if (scheduler == "cfq") return {true, "cfq heeds blkio.weight", ""};
        return {false,
                fmt::format("blkio.weight is heeded by cfq alone, and {} has {}", facts.disk,
                            scheduler.empty() ? "none" : scheduler),
                use_bfq()};
    case weight_file::blkio_bfq:
    case weight_file::io_bfq:
        if (scheduler == "bfq") {
            return {true, fmt::format("bfq heeds {}", to_string(facts.file)), ""};
        }
        return {false,
                fmt::format("{} is heeded by bfq alone, and {} has {}", to_string(facts.file),
                            facts.disk, scheduler.empty() ? "none" : scheduler),
                use_bfq()};
    case weight_file::io_weight:
        if (facts.iocost) return {true, "iocost heeds io.weight", ""};
        return {
            false,
            fmt::format("io.weight is heeded by iocost, which is not enabled for {}", facts.disk),
            "write 'MAJOR:MINOR enable=1' to io.cost.qos of the root cgroup, or " + use_bfq()};
    }
    return {};
}

/// The least weight that libvirt documents (`virsh blkiotune --weight`), for kernels from 2.6.39
/// on; the file itself may take less.
inline constexpr std::uint32_t least_weight = 10;
inline constexpr std::uint32_t most_weight = 1000; ///< The most; the file may take more.

} // namespace kvmig::tuning
