// SPDX-License-Identifier: MIT
/// A content-addressed cache of things that take long to make.
///
/// An entry is a directory whose name holds the digest of everything that went into it. It is made
/// under a temporary name and renamed when it is whole and on the disk, so that a killed build
/// leaves nothing that could be mistaken for an entry; the next build sweeps what it left.
#pragma once

#include <kvmig/core/expected.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::lab {

/// SHA-256 of these pieces, lengths included, as 64 hexadecimal digits.
[[nodiscard]] std::string digest_of(const std::vector<std::string> &pieces);

/// SHA-256 of a file's content.
[[nodiscard]] expected<std::string> digest_of_file(const std::filesystem::path &path);

/// Makes the content of an entry in the empty directory it is given.
using entry_builder = std::function<expected<void>(const std::filesystem::path &directory)>;

/// The directory of entry `kind`-`digest` below `cache`, made by `build` when it is missing or
/// damaged (its files' sizes and names are recorded and compared). Two processes that want the
/// same kind of entry wait for each other.
[[nodiscard]] expected<std::filesystem::path> cached(const std::filesystem::path &cache,
                                                     std::string_view kind, std::string_view digest,
                                                     const entry_builder &build,
                                                     const std::stop_token &stop);

/// Removes the entries of `kind` that are not in `keep` and are older than `age`: a younger one may
/// belong to a lab that is just being made.
[[nodiscard]] expected<void> prune(const std::filesystem::path &cache, std::string_view kind,
                                   const std::set<std::filesystem::path> &keep,
                                   std::chrono::seconds age);

/// True when the entry's directory is whole: every file that was recorded has its recorded size.
[[nodiscard]] bool is_whole(const std::filesystem::path &entry);

} // namespace kvmig::lab
