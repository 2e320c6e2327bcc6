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
    const auto in_range = [](const std::string &of, const std::string &what, std::uint64_t value,
                             std::uint64_t least, std::uint64_t most) -> expected<void> {
        if (value == 0 || (value >= least && value <= most)) return {};
        return fail(
            make_error(error_kind::invalid_argument,
                       fmt::format("{} of {} is out of range: {} to {}", what, value, least, most))
                .about(of));
    };
    const auto step = [&](std::string name, std::uint64_t was, std::uint64_t wanted,
                          const char *why, bool more_waiting) {
        change one;
        one.what = {target_kind::parameter, std::move(name), domain};
        one.from = std::to_string(was);
        one.to = std::to_string(wanted);
        one.why = why;
        one.source = "virsh blkiotune";
        if (more_waiting) one.risk = "the domain waits longer for its disk";
        out.changes.push_back(std::move(one));
    };
    constexpr const char *share =
        "a share of the disk relative to the other domains, when they compete";
    if (from.weight != to.weight) {
        if (auto fits = in_range(domain, "a weight", to.weight, least_weight, most_weight); !fits) {
            return fail(std::move(fits).error());
        }
        if (live && to.weight == 0) {
            return fail(
                make_error(error_kind::unsupported, "libvirt takes no weight away from what runs")
                    .about(domain)
                    .advise("set another: the kernel's own is 100"));
        }
        step("weight", from.weight, to.weight, share, to.weight < from.weight);
        weighed = true;
        if (disks) detail::note_effect(out, "the weight", *disks);
    }
    for (const blkio_device &each : blkio_devices) {
        const bool weight = each.of == &blkiotune::device_weight;
        per_disk paths = from.*each.of;
        paths.insert((to.*each.of).begin(), (to.*each.of).end());
        for (const auto &[path, any] : paths) {
            const auto number_in = [&of = each.of, &p = path](const blkiotune &all) {
                const auto found = (all.*of).find(p);
                return found == (all.*of).end() ? std::uint64_t{0} : found->second;
            };
            const std::uint64_t was = number_in(from);
            const std::uint64_t wanted = number_in(to);
            if (was == wanted) continue;
            const std::string whose = fmt::format("{} {}", domain, path);
            const std::string name = fmt::format("{} {}", each.name, path);
            if (auto fits = in_range(whose, weight ? "a weight" : each.name, wanted,
                                     weight ? least_weight : 1, each.most);
                !fits) {
                return fail(std::move(fits).error());
            }
            if (!weight) {
                step(name, was, wanted, "what the domain may take of this disk, busy or not",
                     wanted != 0 && (was == 0 || wanted < was));
                continue;
            }
            if (live && (was == 0 || wanted == 0)) {
                return fail(make_error(error_kind::unsupported,
                                       "libvirt takes no weight of a disk away from what runs: one "
                                       "that is new there could not be put back")
                                .about(whose)
                                .advise("set it of the definition (--config), and start it anew"));
            }
            step(name, was, wanted, share, wanted < was);
            weighed = true;
            if (!disks) continue;
            const auto known =
                std::find_if(disks->begin(), disks->end(),
                             [&p = path](const auto &d) { return "/dev/" + d.disk == p; });
            if (known != disks->end()) detail::note_effect(out, "the weight of " + path, {*known});
        }
    }
    if (weighed && !disks) {
        out.note("whether a weight has an effect could not be told: the schedulers of the host's "
                 "disks are not known");
    }
    return out;
}

} // namespace kvmig::tuning
