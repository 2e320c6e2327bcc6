// SPDX-License-Identifier: MIT
/// What a guest of the lab's own hosts takes of its host's memory.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <lab/scenario/kib_line.hpp>
#include <lab/scenario/stage.hpp>

#include <stop_token>
#include <string>
#include <string_view>

namespace kvmig::lab {

/// Of one process.
struct held_memory {
    bytes resident; ///< `VmRSS`
    bytes swapped;  ///< `VmSwap`
};

/// Of the text of `/proc/PID/status`. Fails with `protocol` where it does not tell.
[[nodiscard]] inline expected<held_memory> parse_held_memory(std::string_view text) {
    const auto resident = kib_line(text, "VmRSS", "status");
    if (!resident) return fail(resident.error());
    const auto swapped = kib_line(text, "VmSwap", "status");
    if (!swapped) return fail(swapped.error());
    return held_memory{*resident, *swapped};
}

/// Of the guest's process, where it runs now.
[[nodiscard]] expected<held_memory> held_memory_of(const performer &who,
                                                   const std::stop_token &stop);

/// The size in `file` of the kernel's memory controller (cgroup v2), of what libvirt made for the
/// guest. Fails with `protocol` where it is `max`: no limit.
[[nodiscard]] expected<bytes> memory_controller_says(const performer &who, const std::string &file,
                                                     const std::stop_token &stop);

} // namespace kvmig::lab
