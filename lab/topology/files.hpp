// SPDX-License-Identifier: MIT
/// Files that are whole or not there.
#pragma once

#include <kvmig/core/expected.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace kvmig::lab {

/// Writes `text` under a temporary name beside `path`, flushes it to the disk and renames it.
/// `mode` is the file's permission bits.
[[nodiscard]] expected<void> write_file(const std::filesystem::path &path, std::string_view text,
                                        unsigned mode = 0644);

/// The whole file, or all that a pipe has to say.
[[nodiscard]] expected<std::string> read_file(const std::filesystem::path &path);

/// Makes a directory and those above it; the last one private to this user.
[[nodiscard]] expected<void> make_directory(const std::filesystem::path &path);

/// Removes a file or a whole tree; nothing there is no error.
[[nodiscard]] expected<void> remove_tree(const std::filesystem::path &path);

/// Moves `from` to `to`, which is replaced if it is a file; both on one file system.
[[nodiscard]] expected<void> rename_durably(const std::filesystem::path &from,
                                            const std::filesystem::path &to);

/// Flushes a file's or a directory's content to the disk; no path is the current directory.
[[nodiscard]] expected<void> flush(const std::filesystem::path &path);

} // namespace kvmig::lab
