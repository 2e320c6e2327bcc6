// SPDX-License-Identifier: MIT
/// What the kernel says about this boot.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>

#include <chrono>
#include <ctime>
#include <fstream>
#include <string>

namespace kvmig::lab::guest {

/// Since the machine was started (CLOCK_BOOTTIME).
[[nodiscard]] inline std::chrono::nanoseconds uptime() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

/// The random id that the kernel chose at its start.
[[nodiscard]] inline expected<uuid> kernel_boot_id() {
    static constexpr const char *path = "/proc/sys/kernel/random/boot_id";
    std::ifstream file{path};
    std::string text;
    if (!(file >> text)) {
        return fail(make_error(error_kind::environment, "cannot read the kernel's boot id")
                        .about(path)
                        .advise("mount /proc"));
    }
    return uuid::parse(text);
}

} // namespace kvmig::lab::guest
