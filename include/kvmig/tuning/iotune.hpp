// SPDX-License-Identifier: MIT
/// Limits of one disk (`virsh blkdeviotune`), with QEMU's own rules for them.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/tuning/plan.hpp>
#include <kvmig/tuning/value.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::tuning {

/// One limit. Zero is none.
struct io_bucket {
    std::uint64_t avg = 0;    ///< bytes or operations a second, for good
    std::uint64_t max = 0;    ///< the same while it bursts
    std::uint64_t length = 0; ///< seconds for which it may burst; 0 stands for QEMU's default, 1

    friend bool operator==(const io_bucket &, const io_bucket &) = default;
};

/// The limits, in this order everywhere.
enum class io_limit : std::uint8_t {
    total_bytes,
    read_bytes,
    write_bytes,
    total_iops,
    read_iops,
    write_iops,
};

/// libvirt's names: `total_bytes_sec`, `total_bytes_sec_max`, `total_bytes_sec_max_length`, ….
inline constexpr std::array<std::string_view, 6> io_limit_names = {
    "total_bytes_sec", "read_bytes_sec", "write_bytes_sec",
    "total_iops_sec",  "read_iops_sec",  "write_iops_sec"};

/// All limits of a disk.
struct iotune {
    /// In the order of `io_limit`.
    std::array<io_bucket, 6> limits = {};
    std::uint64_t size_iops_sec = 0; ///< bytes that count as one operation; 0: each is one
    std::string group_name = {};     ///< disks of one group share the limits; empty: alone

    [[nodiscard]] io_bucket &operator[](io_limit which) {
        return limits[static_cast<std::size_t>(which)];
    }
    [[nodiscard]] const io_bucket &operator[](io_limit which) const {
        return limits[static_cast<std::size_t>(which)];
    }

    friend bool operator==(const iotune &, const iotune &) = default;
};

/// QEMU's greatest value (THROTTLE_VALUE_MAX).
inline constexpr std::uint64_t most_io = 1'000'000'000'000'000;

/// Every value with its name, `size_iops_sec` and the group included: what has to be written, since
/// a member that is left out sets its siblings to zero.
[[nodiscard]] inline std::vector<std::pair<std::string, std::string>> parameters(const iotune &io) {
    std::vector<std::pair<std::string, std::string>> out;
    for (std::size_t i = 0; i < io.limits.size(); ++i) {
        const std::string name{io_limit_names[i]};
        out.emplace_back(name, std::to_string(io.limits[i].avg));
        out.emplace_back(name + "_max", std::to_string(io.limits[i].max));
        out.emplace_back(name + "_max_length", std::to_string(io.limits[i].length));
    }
    out.emplace_back("size_iops_sec", std::to_string(io.size_iops_sec));
    out.emplace_back("group_name", io.group_name);
    return out;
}

/// Sets one value by libvirt's name; fails with `invalid_argument` for an unknown name or no
/// number. Start from what the disk has, so that the whole is written.
[[nodiscard]] inline expected<void> set(iotune &io, std::string_view name, std::string_view text) {
    if (name == "group_name") {
        io.group_name = std::string(text);
        return {};
    }
    const auto value = number<std::uint64_t>(text, name);
    if (!value) {
        return fail(
            make_error(error_kind::invalid_argument, value.error().what).about(std::string(name)));
    }
    if (name == "size_iops_sec") {
        io.size_iops_sec = *value;
        return {};
    }
    for (std::size_t i = 0; i < io.limits.size(); ++i) {
        if (!name.starts_with(io_limit_names[i])) continue;
        const std::string_view rest = name.substr(io_limit_names[i].size());
        if (rest.empty())
            io.limits[i].avg = *value;
        else if (rest == "_max")
            io.limits[i].max = *value;
        else if (rest == "_max_length")
            io.limits[i].length = *value;
        else
            continue;
        return {};
    }
    return fail(make_error(error_kind::invalid_argument, "blkdeviotune has no limit of that name")
                    .about(std::string(name)));
}

/// Whether QEMU takes it (util/throttle.c, `throttle_is_valid`). Fails with `invalid_argument`; the
/// causes name every limit that is wrong.
[[nodiscard]] inline expected<void> check(const iotune &io, std::string_view object = {}) {
    std::vector<error> wrong;
    const auto say = [&](std::string name, std::string what) {
        wrong.push_back(
            make_error(error_kind::invalid_argument, std::move(what)).about(std::move(name)));
    };
    for (const std::size_t total : {std::size_t{0}, std::size_t{3}}) {
        for (const std::size_t part : {total + 1, total + 2}) {
            if (io.limits[total].avg != 0 && io.limits[part].avg != 0) {
                say(std::string(io_limit_names[part]),
                    fmt::format("cannot stand beside {}", io_limit_names[total]));
            }
            if (io.limits[total].max != 0 && io.limits[part].max != 0) {
                say(fmt::format("{}_max", io_limit_names[part]),
                    fmt::format("cannot stand beside {}_max", io_limit_names[total]));
            }
        }
    }
    for (std::size_t i = 0; i < io.limits.size(); ++i) {
        const io_bucket &b = io.limits[i];
        const std::string name{io_limit_names[i]};
        if (b.avg > most_io) say(name, fmt::format("{} is more than {}", b.avg, most_io));
        if (b.max > most_io) say(name + "_max", fmt::format("{} is more than {}", b.max, most_io));
        if (b.max != 0 && b.avg == 0) {
            say(name + "_max", fmt::format("a burst needs {} to return to", name));
        } else if (b.max != 0 && b.max < b.avg) {
            say(name + "_max", fmt::format("the burst {} is below {}, {}", b.max, name, b.avg));
        }
        if (b.length > std::numeric_limits<std::uint32_t>::max()) {
            say(name + "_max_length", fmt::format("{} s are too many", b.length));
        } else if (b.length > 1 && b.max == 0) {
            say(name + "_max_length", fmt::format("a length needs {}_max", name));
        } else if (b.max != 0 && b.length > most_io / b.max) {
            say(name + "_max_length",
                fmt::format("{} s of {} are more than {} in all", b.length, b.max, most_io));
        }
    }
    const bool any_iops = io[io_limit::total_iops].avg != 0 || io[io_limit::read_iops].avg != 0 ||
                          io[io_limit::write_iops].avg != 0;
    if (io.size_iops_sec != 0 && !any_iops) {
        say("size_iops_sec", "a size of operations needs a limit of operations");
    }
    if (wrong.empty()) return {};
    error err = make_error(error_kind::invalid_argument, "QEMU would refuse these limits")
                    .about(std::string(object));
    err.causes = std::move(wrong);
    return fail(std::move(err));
}

/// From the limits that a disk has to those wanted. The changes are the differences; what has to be
/// written is all of `parameters(to)`. `shared` are the other disks of the group, which get the
/// same limits. Fails as `check` does.
[[nodiscard]] inline expected<plan> plan_iotune(std::string_view domain, std::string_view device,
                                                const iotune &from, const iotune &to,
                                                const std::vector<std::string> &shared = {}) {
    const std::string object = fmt::format("{} {}", domain, device);
    if (auto valid = check(to, object); !valid) return fail(std::move(valid.error()));
    plan out;
    const auto before = parameters(from);
    const auto after = parameters(to);
    for (std::size_t i = 0; i < after.size(); ++i) {
        if (before[i] == after[i]) continue;
        change step;
        step.what = {target_kind::parameter, after[i].first, object};
        step.from = before[i].second;
        step.to = after[i].second;
        step.why = "the disk is held to its limits by QEMU, whatever lies below it";
        step.source = "virsh blkdeviotune; QEMU util/throttle.c";
        step.risk = "the guest's I/O waits when it reaches the limit; so does a mirror of the disk "
                    "in a migration";
        out.changes.push_back(std::move(step));
    }
    if (!out.empty() && !to.group_name.empty()) {
        for (const std::string &other : shared) {
            out.note(fmt::format("{} is in group {} too, and gets the same limits", other,
                                 to.group_name));
        }
    }
    return out;
}

} // namespace kvmig::tuning
