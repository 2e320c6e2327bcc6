// SPDX-License-Identifier: MIT
/// Files of the source tree that the program carries with it (see ci/cmake/kvmig_embed.cmake).
#pragma once

#include <span>
#include <string_view>

namespace kvmig::lab {

struct embedded_file {
    std::string_view path; ///< relative
    unsigned mode = 0644;
    std::string_view content;
};

/// What is laid over every machine's root before its packages are unpacked (lab/image/overlay).
[[nodiscard]] std::span<const embedded_file> root_overlay();

/// The parts of the page that tells a run (lab/report/page), and those of its charting library in
/// `uplot/`, without which there are none: see ci/cmake/kvmig_page.cmake.
[[nodiscard]] std::span<const embedded_file> page_parts();

} // namespace kvmig::lab
