// SPDX-License-Identifier: MIT
/// The version of kvmig, written here and nowhere else: CMake reads it from this file.
#pragma once

#include <string_view>

namespace kvmig {

inline constexpr int version_major = 0; ///< The first number of the version (semver.org).
inline constexpr int version_minor = 1; ///< The second number of the version.
inline constexpr int version_patch = 0; ///< The third number of the version.
inline constexpr std::string_view version = "0.1.0"; ///< The three numbers, joined by dots.

} // namespace kvmig
