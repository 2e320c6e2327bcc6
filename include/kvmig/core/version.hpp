// SPDX-License-Identifier: MIT
/// The version of kvmig, written here and nowhere else: CMake reads it from this file.
#pragma once

#include <string_view>

namespace kvmig {

inline constexpr int version_major = 0;
inline constexpr int version_minor = 1;
inline constexpr int version_patch = 0;
inline constexpr std::string_view version = "0.1.0";

} // namespace kvmig
