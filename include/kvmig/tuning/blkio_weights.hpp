// SPDX-License-Identifier: MIT
/// A domain's weights of block I/O, as a whole and on single disks (`virsh blkiotune`).
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/tuning/block_io.hpp>
#include <kvmig/tuning/plan.hpp>
#include <kvmig/tuning/value.hpp>

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::tuning {

/// A weight of 0 is none.
struct blkio_weights {
    std::uint32_t weight = 0; ///< of the whole guest, against the host's others
    std::map<std::string, std::uint32_t> devices = {}; ///< by the path of a disk of the host

    friend bool operator==(const blkio_weights &, const blkio_weights &) = default;
};

/// `/dev/sda,300,/dev/sdb,500`, as libvirt writes it.
[[nodiscard]] inline std::string to_text(const std::map<std::string, std::uint32_t> &devices) {
    std::string out;
    for (const auto &[path, weight] : devices) {
        out += fmt::format("{}{},{}", out.empty() ? "" : ",", path, weight);
    }
    return out;
}

/// Reads what `to_text` wrote; a weight of 0 is none, and kept. Fails with `invalid_argument`,
/// naming the text.
[[nodiscard]] inline expected<std::map<std::string, std::uint32_t>>
parse_device_weights(std::string_view text) {
    std::map<std::string, std::uint32_t> out;
    for (std::string_view rest = text; !rest.empty();) {
        const auto comma = rest.find(',');
        const std::string_view path = rest.substr(0, comma);
        std::string_view weight = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
        const auto end = weight.find(',');
        rest = end == std::string_view::npos ? "" : weight.substr(end + 1);
        weight = weight.substr(0, end);
        const auto value = number<std::uint32_t>(weight, path);
        const bool open = end != std::string_view::npos && rest.empty();
        if (!path.starts_with('/') || !value || open || out.contains(std::string(path))) {
            return fail(make_error(error_kind::invalid_argument,
                                   "'" + std::string(text) + "' names no weights of disks")
                            .advise("write PATH,WEIGHT and so on, each path once, as in "
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

/// A plan to set weights: a step for each that differs. `disks` are those of the host, or one entry
/// of a domain without a disk there; nothing: they are not known. Of what runs (`live`) libvirt
/// takes no weight of a disk away: a first one fails with `unsupported`, since it could not be put
/// back. Fails with `invalid_argument` for a weight out of range.
[[nodiscard]] inline expected<plan>
plan_blkio_weights(const std::string &domain, bool live, const blkio_weights &from,
                   const blkio_weights &to, const std::optional<std::vector<weight_facts>> &disks) {
    plan out;
    const auto in_range = [&](std::uint32_t weight, const std::string &of) -> expected<void> {
        if (weight == 0 || (weight >= least_weight && weight <= most_weight)) return {};
        return fail(make_error(error_kind::invalid_argument,
                               fmt::format("a weight of {} is out of range: {} to {}", weight,
                                           least_weight, most_weight))
                        .about(of));
    };
    const auto step = [&](std::string name, std::uint32_t was, std::uint32_t wanted) {
        change one;
        one.what = {target_kind::parameter, std::move(name), domain};
        one.from = std::to_string(was);
        one.to = std::to_string(wanted);
        one.why = "a share of the disk relative to the other domains, when they compete";
        one.source = "virsh blkiotune";
        if (wanted < was) {
            one.risk = "the domain waits longer for its disk whenever others want it";
        }
        out.changes.push_back(std::move(one));
    };
    if (from.weight != to.weight) {
        if (auto fits = in_range(to.weight, domain); !fits) return fail(std::move(fits).error());
        if (live && to.weight == 0) {
            return fail(
                make_error(error_kind::unsupported, "libvirt takes no weight away from what runs")
                    .about(domain)
                    .advise("set another: the kernel's own is 100"));
        }
        step("weight", from.weight, to.weight);
        if (disks) detail::note_effect(out, "the weight", *disks);
    }
    std::map<std::string, std::uint32_t> paths = from.devices;
    paths.insert(to.devices.begin(), to.devices.end());
    for (const auto &[path, any] : paths) {
        const auto weight_in = [&p = path](const blkio_weights &all) {
            const auto found = all.devices.find(p);
            return found == all.devices.end() ? 0U : found->second;
        };
        const std::uint32_t was = weight_in(from);
        const std::uint32_t wanted = weight_in(to);
        if (was == wanted) continue;
        const std::string whose = fmt::format("{} {}", domain, path);
        if (auto fits = in_range(wanted, whose); !fits) {
            return fail(std::move(fits).error());
        }
        if (live && (was == 0 || wanted == 0)) {
            return fail(make_error(error_kind::unsupported,
                                   "libvirt takes no weight of a disk away from what runs: one "
                                   "that is new there could not be put back")
                            .about(whose)
                            .advise("set it of the definition (--config), and start it anew"));
        }
        step("device_weight " + path, was, wanted);
        if (!disks) continue;
        const auto known = std::find_if(disks->begin(), disks->end(), [&p = path](const auto &d) {
            return "/dev/" + d.disk == p;
        });
        if (known != disks->end()) detail::note_effect(out, "the weight of " + path, {*known});
    }
    if (!out.empty() && !disks) {
        out.note("whether a weight has an effect could not be told: the schedulers of the host's "
                 "disks are not known");
    }
    return out;
}

} // namespace kvmig::tuning
