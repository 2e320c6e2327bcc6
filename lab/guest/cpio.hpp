// SPDX-License-Identifier: MIT
/// Writes a cpio archive of the kind the kernel unpacks as its first file system ("newc",
/// Documentation/driver-api/early-userspace/buffer-format.rst).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kvmig::lab::guest {

/// Entries in the order in which they were added; a folder goes before what is in it. Everything
/// belongs to root and carries no time, so that like input makes like bytes.
class cpio_writer {
public:
    /// Paths are relative, as in `bin/busybox`.
    void add_directory(std::string_view path, std::uint32_t permissions = 0755);
    void add_file(std::string_view path, std::string_view content, std::uint32_t permissions);
    void add_symlink(std::string_view path, std::string_view target);
    void add_character_device(std::string_view path, std::uint32_t major, std::uint32_t minor,
                              std::uint32_t permissions);

    /// Ends the archive and hands it out; the writer is empty again.
    [[nodiscard]] std::string finish();

private:
    void add(std::string_view path, std::uint32_t mode, std::uint32_t links,
             std::string_view content, std::uint32_t major = 0, std::uint32_t minor = 0);

    std::string archive_;
    std::uint32_t inode_ = 0;
};

} // namespace kvmig::lab::guest
