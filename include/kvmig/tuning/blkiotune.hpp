// SPDX-License-Identifier: MIT
/// A domain's share of the host's disks, and what it may take of single ones (`virsh blkiotune`).
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/tuning/block_io.hpp>
#include <kvmig/tuning/plan.hpp>
#include <kvmig/tuning/value.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::tuning {

/// A number for each of several disks of the host, by path; 0 is none.
using per_disk = std::map<std::string, std::uint64_t>;

/// All that a domain has of it, under libvirt's names; 0 is none.
struct blkiotune {
    std::uint32_t weight = 0;             ///< of the whole guest, against the host's others
    per_disk device_weight = {};          ///< the same on one disk
    per_disk device_read_iops_sec = {};   ///< most operations a second that it reads by
    per_disk device_write_iops_sec = {};  ///< the same of writing
    per_disk device_read_bytes_sec = {};  ///< most bytes a second that it reads
    per_disk device_write_bytes_sec = {}; ///< the same of writing

    friend bool operator==(const blkiotune &, const blkiotune &) = default;
};

/// What may be set of a single disk of the host.
struct blkio_device {
    const char *name;        ///< libvirt's
    per_disk blkiotune::*of; ///< its numbers
    std::uint64_t most;      ///< that libvirt can hold
};

/// All there are.
inline constexpr std::array<blkio_device, 5> blkio_devices = {{
    {"device_weight", &blkiotune::device_weight, most_weight},
    {"device_read_iops_sec", &blkiotune::device_read_iops_sec,
     std::numeric_limits<std::uint32_t>::max()},
    {"device_write_iops_sec", &blkiotune::device_write_iops_sec,
     std::numeric_limits<std::uint32_t>::max()},
    {"device_read_bytes_sec", &blkiotune::device_read_bytes_sec,
     std::numeric_limits<std::uint64_t>::max()},
    {"device_write_bytes_sec", &blkiotune::device_write_bytes_sec,
     std::numeric_limits<std::uint64_t>::max()},
}};

/// `/dev/sda,300,/dev/sdb,500`, as libvirt writes it.
[[nodiscard]] inline std::string to_text(const per_disk &disks) {
    std::string out;
    for (const auto &[path, value] : disks) {
        out += fmt::format("{}{},{}", out.empty() ? "" : ",", path, value);
    }
    return out;
}

/// Reads what `to_text` wrote; a 0 is kept. Fails with `invalid_argument`, naming the text.
[[nodiscard]] inline expected<per_disk> parse_per_disk(std::string_view text) {
    per_disk out;
    for (std::string_view rest = text; !rest.empty();) {
        const auto comma = rest.find(',');
        const std::string_view path = rest.substr(0, comma);
        std::string_view after = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
        const auto end = after.find(',');
        rest = end == std::string_view::npos ? "" : after.substr(end + 1);
        const auto value = number<std::uint64_t>(after.substr(0, end), path);
        const bool open = end != std::string_view::npos && rest.empty();
        if (!path.starts_with('/') || !value || open || out.contains(std::string(path))) {
            return fail(make_error(error_kind::invalid_argument,
                                   "'" + std::string(text) + "' names no disks of the host")
                            .advise("write PATH,NUMBER and so on, each path once, as in "
                                    "/dev/sda,300,/dev/sdb,500"));
        }
        out[std::string(path)] = *value;
    }
    return out;
}

/// What systemd makes of `IOWeight`, by which libvirt from 7.1 on sets a weight: bfq's range ends
/// at 1000, not at 10000 (systemd's cgroup-util.h, BFQ_WEIGHT, since 250).
[[nodiscard]] constexpr std::uint32_t bfq_weight_of(std::uint32_t io_weight) noexcept {
    return io_weight <= 100 ? io_weight : 100 + (io_weight - 100) * 900 / 9900;
}

/// What has to be set so that bfq's is `weight`.
[[nodiscard]] constexpr std::uint32_t io_weight_for_bfq(std::uint32_t weight) noexcept {
    return weight <= 100 ? weight : 100 + (weight - 100) * 11;
}

namespace detail {

/// Says on which of the disks nobody heeds a weight: once where that is true of them all.
inline void note_effect(plan &out, const std::string &what,
                        const std::vector<weight_facts> &disks) {
    std::vector<std::string> heeded;
    std::vector<weight_effect> unheeded;
    for (const weight_facts &disk : disks) {
        weight_effect effect = effect_of_weight(disk);
        if (effect.effective)
            heeded.push_back(disk.disk);
        else
            unheeded.push_back(std::move(effect));
    }
    for (const weight_effect &effect : unheeded) {
        out.note(fmt::format("{} has no effect{}: {}; {}", what,
                             heeded.empty() ? std::string{}
                                            : fmt::format(" but on {}", fmt::join(heeded, ", ")),
                             effect.why, effect.remedy));
    }
}

/// A number that is to change.
struct blkio_difference {
    std::string what; ///< `a weight`, or libvirt's name of the limit
    std::string name; ///< libvirt's, with the path behind it
    std::string path; ///< of the disk; empty: the whole guest's
    std::uint64_t was = 0;
    std::uint64_t wanted = 0;
    std::uint64_t least = 1;
    std::uint64_t most = 0;
    bool weight = false;
};

[[nodiscard]] inline std::vector<blkio_difference> differences_of(const blkiotune &from,
                                                                  const blkiotune &to) {
    std::vector<blkio_difference> out;
    if (from.weight != to.weight) {
        out.push_back(
            {"a weight", "weight", "", from.weight, to.weight, least_weight, most_weight, true});
    }
    const auto number_of = [](const per_disk &in, const std::string &path) {
        const auto found = in.find(path);
        return found == in.end() ? std::uint64_t{0} : found->second;
    };
    for (const blkio_device &each : blkio_devices) {
        const bool weight = each.of == &blkiotune::device_weight;
        per_disk paths = from.*each.of;
        paths.insert((to.*each.of).begin(), (to.*each.of).end());
        for (const auto &[path, any] : paths) {
            const std::uint64_t was = number_of(from.*each.of, path);
            const std::uint64_t wanted = number_of(to.*each.of, path);
            if (was == wanted) continue;
            out.push_back({weight ? "a weight" : each.name, fmt::format("{} {}", each.name, path),
                           path, was, wanted, weight ? least_weight : 1, each.most, weight});
        }
    }
    return out;
}

/// Refuses a number that is out of range, and what could not be put back.
[[nodiscard]] inline expected<void> check_difference(const std::string &domain, bool live,
                                                     const blkio_difference &one) {
    const std::string whose = one.path.empty() ? domain : fmt::format("{} {}", domain, one.path);
    if (one.wanted != 0 && (one.wanted < one.least || one.wanted > one.most)) {
        return fail(make_error(error_kind::invalid_argument,
                               fmt::format("{} of {} is out of range: {} to {}", one.what,
                                           one.wanted, one.least, one.most))
                        .about(whose));
    }
    if (!live || !one.weight) return {};
    if (one.path.empty() && one.wanted == 0) {
        return fail(
            make_error(error_kind::unsupported, "libvirt takes no weight away from what runs")
                .about(whose)
                .advise("set another: the kernel's own is 100"));
    }
    if (!one.path.empty() && (one.was == 0 || one.wanted == 0)) {
        return fail(make_error(error_kind::unsupported,
                               "libvirt takes no weight of a disk away from what runs: one that is "
                               "new there could not be put back")
                        .about(whose)
                        .advise("set it of the definition (--config), and start it anew"));
    }
    return {};
}

[[nodiscard]] inline change step_of(const std::string &domain, const blkio_difference &one) {
    change out;
    out.what = {target_kind::parameter, one.name, domain};
    out.from = std::to_string(one.was);
    out.to = std::to_string(one.wanted);
    out.why = one.weight ? "a share of the disk relative to the other domains, when they compete"
                         : "what the domain may take of this disk, busy or not";
    out.source = "virsh blkiotune";
    const bool less = one.wanted < one.was;
    const bool limited = one.wanted != 0 && (one.was == 0 || less);
    if (one.weight ? less : limited) out.risk = "the domain waits longer for its disk";
    return out;
}

} // namespace detail

/// A plan to set them: a step for each number that differs. `disks` are those of the host, or one
/// entry of a domain without a disk there; nothing: they are not known. Of what runs (`live`)
/// libvirt takes no weight away: a first one of a disk fails with `unsupported`, since it could not
/// be put back. Fails with `invalid_argument` for a number out of range.
[[nodiscard]] inline expected<plan>
plan_blkiotune(const std::string &domain, bool live, const blkiotune &from, const blkiotune &to,
               const std::optional<std::vector<weight_facts>> &disks) {
    plan out;
    bool weighed = false;
    for (const detail::blkio_difference &each : detail::differences_of(from, to)) {
        if (auto can = detail::check_difference(domain, live, each); !can) {
            return fail(std::move(can).error());
        }
        out.changes.push_back(detail::step_of(domain, each));
        weighed = weighed || each.weight;
        if (!each.weight || !disks) continue;
        if (each.path.empty()) {
            detail::note_effect(out, "the weight", *disks);
            continue;
        }
        const auto known = std::find_if(disks->begin(), disks->end(), [&](const auto &disk) {
            return "/dev/" + disk.disk == each.path;
        });
        if (known != disks->end()) detail::note_effect(out, "the weight of " + each.path, {*known});
    }
    if (weighed && !disks) {
        out.note("whether a weight has an effect could not be told: the schedulers of the host's "
                 "disks are not known");
    }
    return out;
}

} // namespace kvmig::tuning
