// SPDX-License-Identifier: MIT
/// Kernel and initramfs of the guest that is moved, from the cache or made now.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/image/root_image.hpp>
#include <lab/image/seed.hpp>

#include <filesystem>
#include <stop_token>
#include <string>

namespace kvmig::lab {

/// The files, and what the initramfs was made from, as a digest.
struct made_guest {
    guest_files files;
    std::string digest;
};

/// With the kernel of `image`. Fails as `guest::build_guest_image`.
[[nodiscard]] expected<made_guest> ensure_guest(const std::filesystem::path &cache,
                                                const root_image &image, const progress &tell,
                                                const std::stop_token &stop);

} // namespace kvmig::lab
