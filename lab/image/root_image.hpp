// SPDX-License-Identifier: MIT
/// The root file system, kernel and initrd of the lab's machines: stock Debian.
#pragma once

#include <kvmig/core/expected.hpp>

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

namespace kvmig::lab {

/// Called with what is being done now, for people who wait.
using progress = std::function<void(std::string_view)>;

/// An image in the cache; `directory` holds the other files.
struct root_image {
    std::filesystem::path directory;
    std::string digest; ///< of everything that went into it

    /// ext4, read-only by convention: every machine writes to an overlay of its own.
    [[nodiscard]] std::filesystem::path root() const { return directory / "root.ext4"; }
    [[nodiscard]] std::filesystem::path kernel() const { return directory / "vmlinuz"; }
    [[nodiscard]] std::filesystem::path initrd() const { return directory / "initrd.img"; }
    /// Holds `lib/modules/VERSION` of the kernel.
    [[nodiscard]] std::filesystem::path modules_root() const { return directory; }
};

/// Fails with `invalid_argument`, naming the releases there are, for one that is not known.
[[nodiscard]] expected<void> require_release(std::string_view release);

/// The image of a Debian release (`bookworm`, `trixie`), from the cache below `cache` or made now.
///
/// Needs mmdebstrap and mke2fs, no mount, no loop device; mirrors are those of this machine's own
/// apt configuration. Other releases are refused with the list of those that are known.
[[nodiscard]] expected<root_image> ensure_root_image(const std::filesystem::path &cache,
                                                     std::string_view release, const progress &tell,
                                                     const std::stop_token &stop);

/// apt source lines for `release`, derived from what `apt-get indextargets` printed here: each line
/// `URI SUITE COMPONENT`, one an index. Suites of this machine's release are renamed to `release`.
[[nodiscard]] expected<std::string> sources_for(std::string_view index_targets,
                                                std::string_view release);

} // namespace kvmig::lab
