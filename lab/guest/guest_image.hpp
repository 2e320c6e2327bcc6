// SPDX-License-Identifier: MIT
/// Makes the guest's initramfs: the agent, busybox, and the kernel modules they need.
#pragma once

#include <kvmig/core/expected.hpp>

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace kvmig::lab::guest {

/// What a guest needs to reach its disk and network, be it by a card of the host's, and to feel its
/// power button.
[[nodiscard]] const std::vector<std::string> &default_modules();

/// What goes into the image.
struct guest_image_inputs {
    std::filesystem::path agent;                    ///< see `find_agent`
    std::filesystem::path busybox = "/bin/busybox"; ///< a static one
    /// A tree that holds `lib/modules/VERSION` or `usr/lib/modules/VERSION`, with modules.dep.
    std::filesystem::path modules_root;
    std::string kernel; ///< the VERSION; empty: the only one that is there
    std::vector<std::string> modules = default_modules();
};

/// The agent of `program`: beside it, where both are built, or in `libexec/kvmig` of the prefix
/// that it is installed in. Fails with `environment`, naming both places.
[[nodiscard]] expected<std::filesystem::path>
find_agent(const std::filesystem::path &program = "/proc/self/exe");

/// SHA-256 over everything that goes into the image and over its layout, as 64 hexadecimal digits:
/// equal digests make equal images.
[[nodiscard]] expected<std::string> guest_image_digest(const guest_image_inputs &inputs);

/// Writes the image (an uncompressed cpio archive) to `path`: under a temporary name, then renamed,
/// so that it is whole or not there. The same inputs give the same bytes.
///
/// Fails with `environment` when a program or module is missing or a program is not static, and
/// with `io`.
[[nodiscard]] expected<void> build_guest_image(const guest_image_inputs &inputs,
                                               const std::filesystem::path &path,
                                               std::stop_token stop = {});

} // namespace kvmig::lab::guest
