// SPDX-License-Identifier: MIT
/// How the lab's hosts are run: by hardware, or emulated.
#pragma once

#include <kvmig/core/expected.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace kvmig::lab {

struct acceleration {
    bool kvm = false;   ///< nested hardware virtualization; else emulation with SVM
    std::string reason; ///< why, for people
    friend bool operator==(const acceleration &, const acceleration &) = default;
};

/// `"kvm"` or `"tcg"`, QEMU's own names.
[[nodiscard]] std::string_view name_of(const acceleration &accel) noexcept;

/// What this machine truly offers, read below `root` (`/`, or a recorded tree in tests).
///
/// `/dev/kvm` alone proves nothing: a machine without `vmx` or `svm` may have one that runs no
/// stock kernel, and without the module's `nested` parameter the hosts could not run guests.
[[nodiscard]] acceleration detect_acceleration(const std::filesystem::path &root = "/");

/// `--accel auto|kvm|tcg`; forcing `kvm` where it cannot work is refused with the reason.
[[nodiscard]] expected<acceleration> choose_acceleration(std::string_view wish,
                                                         const std::filesystem::path &root = "/");

} // namespace kvmig::lab
