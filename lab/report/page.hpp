// SPDX-License-Identifier: MIT
/// A run as one HTML page: scenarios, proofs, and what happened in each migration over time.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/image/embedded.hpp>
#include <lab/scenario/runner.hpp>

#include <span>
#include <string>

namespace kvmig::lab {

/// A page that stands alone: it asks nothing of any network, and its policy (CSP) forbids it to.
/// The run lies in it as JSON, shown by the page's script as text. Fails with `environment` when
/// this program was built without the page's charting library (see kvmig_page.cmake).
[[nodiscard]] expected<std::string> page_of(const run_result &run);
/// The same of other parts than those that were built in.
[[nodiscard]] expected<std::string> page_of(const run_result &run,
                                            std::span<const embedded_file> parts);

} // namespace kvmig::lab
